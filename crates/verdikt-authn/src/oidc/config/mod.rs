//! Whether an AuthenticationConfiguration makes sense, and its expressions compiled.
//!
//! Follows apiserver's `pkg/apis/apiserver/validation/validation.go`: the same findings in the same
//! order, with the same paths and words.

mod expressions;
mod field_error;
mod issuer;
mod mappings;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use verdikt_parser::Diagnostic;
use verdikt_parser::authentication_config::{
    AnonymousConfiguration, AuthenticationConfiguration, JwtAuthenticator,
};

pub use self::field_error::{FieldError, Value, index, json_string};
use crate::oidc::mapping::Expressions;

/// An entry whose expressions are ready to run.
#[derive(Debug)]
pub struct Validated {
    pub(in crate::oidc) config: JwtAuthenticator,
    pub(in crate::oidc) expressions: Expressions,
}

/// The entries of a configuration, ready to be used if nothing is wrong with any.
///
/// # Errors
/// All that is wrong. No issuer may be one of `disallowed`.
pub fn validate(
    configuration: &AuthenticationConfiguration,
    disallowed: &[String],
) -> Result<Vec<Validated>, Vec<FieldError>> {
    let entries = &configuration.jwt;
    if entries.len() > MOST_ENTRIES {
        return Err(vec![FieldError::too_many("jwt", entries.len(), MOST_ENTRIES)]);
    }
    let disallowed: BTreeSet<&str> = disallowed.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    let mut validated = Vec::new();
    let (mut urls, mut discovery_urls) = (BTreeSet::new(), BTreeSet::new());
    for (number, entry) in entries.iter().enumerate() {
        let path = index("jwt", number);
        let expressions = entry_errors(entry, &path, &disallowed, &mut found);
        validated.push(Validated { config: entry.clone(), expressions });
        let issuer = &entry.issuer;
        if !urls.insert(&issuer.url) {
            found.push(FieldError::duplicate(format!("{path}.issuer.url"), &issuer.url));
        }
        if !issuer.discovery_url.is_empty() && !discovery_urls.insert(&issuer.discovery_url) {
            let path = format!("{path}.issuer.discoveryURL");
            found.push(FieldError::duplicate(path, &issuer.discovery_url));
        }
    }
    found.extend(configuration.anonymous.as_ref().and_then(anonymous_error));
    if found.is_empty() { Ok(validated) } else { Err(found) }
}

/// What was found, at its place in the file.
pub fn diagnostics(
    found: &[FieldError],
    configuration: &AuthenticationConfiguration,
) -> Vec<Diagnostic> {
    found
        .iter()
        .map(|error| {
            let diagnostic = Diagnostic::error(error.id(), error.to_string()).help(error.help());
            configuration.places.mark(diagnostic, error.path())
        })
        .collect()
}

fn entry_errors(
    entry: &JwtAuthenticator,
    path: &str,
    disallowed: &BTreeSet<&str>,
    found: &mut Vec<FieldError>,
) -> Expressions {
    let mut expressions = Expressions::default();
    issuer::check(&entry.issuer, &format!("{path}.issuer"), disallowed, found);
    expressions.claim_rules = rules::claim_rules(
        &entry.claim_validation_rules,
        &format!("{path}.claimValidationRules"),
        found,
    );
    mappings::check(
        &entry.claim_mappings,
        &format!("{path}.claimMappings"),
        &mut expressions,
        found,
    );
    expressions.user_rules = rules::user_rules(
        &entry.user_validation_rules,
        &format!("{path}.userValidationRules"),
        found,
    );
    expressions
}

fn anonymous_error(anonymous: &AnonymousConfiguration) -> Option<FieldError> {
    if anonymous.enabled || anonymous.paths.is_empty() {
        return None;
    }
    let paths: Vec<String> =
        anonymous.paths.iter().map(|path| format!("{{\"Path\":{}}}", json_string(path))).collect();
    Some(FieldError::invalid(
        "anonymous.conditions",
        Value::Json(format!("[{}]", paths.join(","))),
        "enabled should be set to true when conditions are defined",
    ))
}

const MOST_ENTRIES: usize = 64;

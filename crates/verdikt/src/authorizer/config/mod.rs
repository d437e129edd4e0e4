//! Whether an AuthorizationConfiguration makes sense.
//!
//! Follows apiserver's `pkg/apis/apiserver/validation/validation.go` (the part about authorizers): the same
//! findings in the same order, with the same paths and words; and `LoadAndValidateData` of
//! `pkg/kubeapiserver/authorizer/config.go`.

mod server;
mod webhook;

use std::collections::BTreeSet;

use verdikt_authn::oidc::config::{FieldError, Value, index};
use verdikt_core::names;
use verdikt_parser::Diagnostic;
use verdikt_parser::authorization_config::{AuthorizationConfiguration, AuthorizerConfiguration};

pub(crate) use server::names_and_types;

/// All that is wrong with a configuration, wherever it is used.
pub fn validate(configuration: &AuthorizationConfiguration) -> Vec<FieldError> {
    let mut found = Vec::new();
    if configuration.authorizers.is_empty() {
        let detail = "at least one authorization mode must be defined";
        found.push(FieldError::required("authorizers", detail));
    }
    let (mut types, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (number, authorizer) in configuration.authorizers.iter().enumerate() {
        let path = index("authorizers", number);
        let wanted = authorizer.authorizer_type.as_str();
        let of_type = |path: &str| format!("{path}.type");
        if wanted.is_empty() {
            found.push(FieldError::required(of_type(&path), ""));
        } else if !KNOWN_TYPES.contains(&wanted) {
            let value = Value::Text(wanted.to_owned());
            found.push(FieldError::not_supported(of_type(&path), value, &KNOWN_TYPES));
        } else if !types.insert(wanted) && wanted != WEBHOOK {
            found.push(FieldError::duplicate(of_type(&path), wanted));
        } else {
            check_name(&authorizer.name, &path, &names, &mut found);
            names.insert(&authorizer.name);
            check_webhook(authorizer, &path, &mut found);
        }
    }
    found
}

/// What was found, at its place in the file.
pub(crate) fn diagnostics(
    found: &[FieldError],
    configuration: &AuthorizationConfiguration,
) -> Vec<Diagnostic> {
    let mark = |error: &FieldError| {
        let diagnostic = Diagnostic::error("authz-config/invalid", error.to_string());
        // Upstream's paths leave `webhook` out.
        let path = match error.path().split_once("].") {
            Some((entry, field)) if !matches!(field, "type" | "name" | "webhook") => {
                format!("{entry}].webhook.{field}")
            }
            _ => error.path().to_owned(),
        };
        configuration.places.mark(diagnostic, &path)
    };
    found.iter().map(mark).collect()
}

fn check_name(name: &str, path: &str, seen: &BTreeSet<&String>, found: &mut Vec<FieldError>) {
    let path = format!("{path}.name");
    if name.is_empty() {
        return found.push(FieldError::required(path, ""));
    }
    if seen.iter().any(|other| *other == name) {
        return found.push(FieldError::duplicate(path, name));
    }
    let problems = names::dns1123_subdomain(name);
    if !problems.is_empty() {
        let detail = format!("authorizer name is invalid: {}", problems.join(", "));
        found.push(FieldError::invalid_text(path, name, detail));
    }
}

fn check_webhook(authorizer: &AuthorizerConfiguration, path: &str, found: &mut Vec<FieldError>) {
    let is_webhook = authorizer.authorizer_type == WEBHOOK;
    match &authorizer.webhook {
        Some(webhook) if is_webhook => webhook::check(webhook, path, found),
        None if is_webhook => {
            let detail = "required when type=Webhook";
            found.push(FieldError::required(format!("{path}.webhook"), detail));
        }
        Some(_) => {
            let detail = "may only be specified when type=Webhook";
            found.push(FieldError::invalid_text(format!("{path}.webhook"), "non-null", detail));
        }
        None => {}
    }
}

/// The type of authorizer that may be there more than once.
pub(crate) const WEBHOOK: &str = "Webhook";
const KNOWN_TYPES: [&str; 6] = ["ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", WEBHOOK];

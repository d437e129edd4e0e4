//! What kube-apiserver asks of a configuration beyond its form: `LoadAndValidateData`, and what it says
//! when authorizers are made of it.

use std::collections::BTreeSet;

use verdikt_parser::Diagnostic;
use verdikt_parser::authorization_config::AuthorizationConfiguration;

use super::WEBHOOK;

/// Authorizers other than webhooks are called by their type in lower case. All of `required` must be
/// there; with `startup` given, nothing else may be, but for webhooks and those that need nothing.
pub(crate) fn names_and_types(
    configuration: &AuthorizationConfiguration,
    startup: Option<&BTreeSet<String>>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, authorizer) in configuration.authorizers.iter().enumerate() {
        let wanted = authorizer.authorizer_type.as_str();
        if wanted == WEBHOOK {
            continue;
        }
        seen.insert(wanted.to_owned());
        let expected = wanted.to_ascii_lowercase();
        if authorizer.name != expected {
            let message = format!(
                "expected name {expected} for authorizer {wanted} instead of {}",
                authorizer.name
            );
            let diagnostic = Diagnostic::error("authz-config/name", message);
            let path = format!("authorizers[{number}].name");
            found.push(configuration.places.mark(diagnostic, &path));
        }
    }
    let Some(startup) = startup else { return found };
    let missing: Vec<&str> = startup.difference(&seen).map(String::as_str).collect();
    if !missing.is_empty() {
        let message = format!("missing required types: [{}]", missing.join(" "));
        found.push(Diagnostic::error("authz-config/missing-types", message));
    }
    if found.is_empty() {
        let added = seen.difference(startup).find(|added| NEEDS_START.contains(&added.as_str()));
        found.extend(added.map(|added| {
            let message = format!(
                "authorizer type {added} is not allowed if it was not enabled at initial server \
                 startup"
            );
            Diagnostic::error("authz-config/added-type", message)
        }));
    }
    found
}

const NEEDS_START: [&str; 3] = ["Node", "ABAC", "RBAC"];

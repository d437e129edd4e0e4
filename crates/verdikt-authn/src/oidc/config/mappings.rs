//! How claims become a user.

use std::collections::BTreeSet;

use verdikt_cel::Program;
use verdikt_core::names::dns1123_subdomain;
use verdikt_parser::authentication_config::{
    ClaimMappings, ClaimOrExpression, ExtraMapping, PrefixedClaimOrExpression,
};

use super::expressions::{Purpose, compile};
use super::field_error::{FieldError, index};
use crate::oidc::mapping::{Expressions, Extra};

/// Compiles into `expressions`, in which the rules over claims are already.
pub(super) fn check(
    mappings: &ClaimMappings,
    path: &str,
    expressions: &mut Expressions,
    found: &mut Vec<FieldError>,
) {
    let username = &mappings.username;
    expressions.username = prefixed(username, &format!("{path}.username"), true, found);
    expressions.groups = prefixed(&mappings.groups, &format!("{path}.groups"), false, found);
    expressions.uid = uid(&mappings.uid, &format!("{path}.uid"), found);
    expressions.extra = extra(&mappings.extra, path, found);
    if selects_unverified_email(expressions) {
        found.push(FieldError::invalid_text(
            format!("{path}.username.expression"),
            &username.expression,
            "claims.email_verified must be used in claimMappings.username.expression or \
             claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when \
             claims.email is used in claimMappings.username.expression",
        ));
    }
}

/// Whether the name comes from an e-mail address while nothing asks whether it was verified.
fn selects_unverified_email(expressions: &Expressions) -> bool {
    let Some(username) = &expressions.username else { return false };
    let is_verified = |program: &Program| program.selects(&["claims", "email_verified"]);
    username.selects(&["claims", "email"])
        && !is_verified(username)
        && !expressions.extra.iter().any(|extra| is_verified(&extra.program))
        && !expressions.claim_rules.iter().any(|rule| is_verified(&rule.program))
}

fn prefixed(
    mapping: &PrefixedClaimOrExpression,
    path: &str,
    is_required: bool,
    found: &mut Vec<FieldError>,
) -> Option<Program> {
    match (mapping.claim.as_str(), mapping.expression.as_str()) {
        ("", "") if is_required => {
            found.push(FieldError::required(path, "claim or expression is required"));
            None
        }
        ("", "") => None,
        (_, "") => {
            if mapping.prefix.is_none() {
                found.push(FieldError::required(
                    format!("{path}.prefix"),
                    "prefix is required when claim is set. It can be set to an empty string to \
                     disable prefixing",
                ));
            }
            None
        }
        ("", expression) => {
            if let Some(prefix) = &mapping.prefix {
                let detail = "may not be specified when expression is set";
                found.push(FieldError::invalid_text(format!("{path}.prefix"), prefix, detail));
            }
            let program = compiled(expression, &format!("{path}.expression"), found);
            // With a prefix beside it, upstream does not look at what it selects.
            program.filter(|_| mapping.prefix.is_none())
        }
        _ => {
            found.push(FieldError::invalid_text(
                path,
                "",
                "claim and expression can't both be set",
            ));
            None
        }
    }
}

fn uid(mapping: &ClaimOrExpression, path: &str, found: &mut Vec<FieldError>) -> Option<Program> {
    match (mapping.claim.as_str(), mapping.expression.as_str()) {
        (_, "") => None,
        ("", expression) => compiled(expression, &format!("{path}.expression"), found),
        _ => {
            found.push(FieldError::invalid_text(
                path,
                "",
                "claim and expression can't both be set",
            ));
            None
        }
    }
}

fn extra(mappings: &[ExtraMapping], path: &str, found: &mut Vec<FieldError>) -> Vec<Extra> {
    let mut seen = BTreeSet::new();
    let mut compiled_extra = Vec::new();
    for (number, mapping) in mappings.iter().enumerate() {
        let path = index(&format!("{path}.extra"), number);
        let key = mapping.key.as_str();
        check_key(key, &format!("{path}.key"), found);
        if !seen.insert(key) {
            found.push(FieldError::duplicate(format!("{path}.key"), key));
            continue;
        }
        let path = format!("{path}.valueExpression");
        if mapping.value_expression.is_empty() {
            found.push(FieldError::required(path, ""));
            continue;
        }
        let program = compiled(&mapping.value_expression, &path, found);
        compiled_extra.extend(program.map(|program| Extra { key: key.to_owned(), program }));
    }
    compiled_extra
}

fn compiled(expression: &str, path: &str, found: &mut Vec<FieldError>) -> Option<Program> {
    compile(expression, path, Purpose::Mapping).map_err(|error| found.push(error)).ok()
}

fn check_key(key: &str, path: &str, found: &mut Vec<FieldError>) {
    check_domain_prefixed_path(key, path, found);
    if key != go_lowercase(key) {
        found.push(FieldError::invalid_text(path, key, "must be lowercase"));
    }
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_below = |parent: &str| {
        domain == parent
            || domain.strip_suffix(parent).is_some_and(|subdomain| subdomain.ends_with('.'))
    };
    if is_below("kubernetes.io") || is_below("k8s.io") {
        let detail = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
        found.push(FieldError::invalid_text(path, key, detail));
    }
}

/// As Go's `strings.ToLower`, which makes one character of each: of the one letter whose lower case
/// is two (`İ`), the first.
fn go_lowercase(text: &str) -> String {
    text.chars().filter_map(|c| c.to_lowercase().next()).collect()
}

/// Follows apimachinery's `IsDomainPrefixedPath`.
fn check_domain_prefixed_path(key: &str, path: &str, found: &mut Vec<FieldError>) {
    if key.is_empty() {
        return found.push(FieldError::required(path, ""));
    }
    let Some((host, rest)) =
        key.split_once('/').filter(|(host, rest)| !host.is_empty() && !rest.is_empty())
    else {
        let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        return found.push(FieldError::invalid_text(path, key, detail));
    };
    for problem in dns1123_subdomain(host) {
        // Upstream counts characters here, and bytes in its other message for the same rule.
        let problem = problem.replace(" bytes", " characters");
        found.push(FieldError::invalid_text(path, host, problem));
    }
    if !is_http_path(rest) {
        let detail = format!("Invalid path (regex used for validation is '{HTTP_PATH}')");
        found.push(FieldError::invalid_text(path, rest, detail));
    }
}

/// Whether the text matches [`HTTP_PATH`].
fn is_http_path(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

const HTTP_PATH: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";

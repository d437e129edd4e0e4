//! Who issues tokens: URLs, audiences, certificates.

use std::collections::BTreeSet;

use verdikt_core::Url;
use verdikt_parser::authentication_config::Issuer;

use super::field_error::{FieldError, Value, index, json_string};
use crate::oidc::certificates;

pub(super) fn check(
    issuer: &Issuer,
    path: &str,
    disallowed: &BTreeSet<&str>,
    found: &mut Vec<FieldError>,
) {
    if issuer.url.is_empty() {
        found.push(FieldError::required(format!("{path}.url"), ""));
    } else {
        check_url(&issuer.url, &format!("{path}.url"), disallowed, found);
    }
    check_discovery_url(issuer, &format!("{path}.discoveryURL"), found);
    check_audiences(issuer, path, found);
    if !issuer.certificate_authority.is_empty()
        && let Err(problem) = certificates::check(issuer.certificate_authority.as_bytes())
    {
        let path = format!("{path}.certificateAuthority");
        found.push(FieldError::invalid_text(path, "<omitted>", problem));
    }
    if !matches!(issuer.egress_selector_type.as_str(), "" | "controlplane" | "cluster") {
        found.push(FieldError::invalid(
            format!("{path}.egressSelectorType"),
            Value::Json(json_string(&issuer.egress_selector_type)),
            "egress selector must be either controlplane or cluster",
        ));
    }
}

fn check_discovery_url(issuer: &Issuer, path: &str, found: &mut Vec<FieldError>) {
    let (url, discovery_url) = (&issuer.url, &issuer.discovery_url);
    if discovery_url.is_empty() {
        return;
    }
    if !url.is_empty() && url.trim_end_matches('/') == discovery_url.trim_end_matches('/') {
        let detail = "discoveryURL must be different from URL";
        found.push(FieldError::invalid_text(path, discovery_url, detail));
    }
    check_url(discovery_url, path, &BTreeSet::new(), found);
}

fn check_url(url: &str, path: &str, disallowed: &BTreeSet<&str>, found: &mut Vec<FieldError>) {
    let mut invalid = |detail: String| found.push(FieldError::invalid_text(path, url, detail));
    if disallowed.contains(url) {
        let issuers: Vec<&str> = disallowed.iter().copied().collect();
        let issuers = issuers.join(" ");
        invalid(format!("URL must not overlap with disallowed issuers: [{issuers}]"));
    }
    let parsed = match Url::parse(url) {
        Ok(parsed) => parsed,
        Err(error) => return invalid(error.to_string()),
    };
    for (is_wrong, detail) in [
        (parsed.scheme != "https", "URL scheme must be https"),
        (parsed.has_user, "URL must not contain a username or password"),
        (!parsed.query.is_empty(), "URL must not contain a query"),
        (!parsed.fragment.is_empty(), "URL must not contain a fragment"),
    ] {
        if is_wrong {
            invalid(detail.to_owned());
        }
    }
}

fn check_audiences(issuer: &Issuer, issuer_path: &str, found: &mut Vec<FieldError>) {
    let path = format!("{issuer_path}.audiences");
    if issuer.audiences.is_empty() {
        let detail = format!("at least one {path} is required");
        return found.push(FieldError::required(path, detail));
    }
    let mut seen = BTreeSet::new();
    for (number, audience) in issuer.audiences.iter().enumerate() {
        let path = index(&path, number);
        if audience.is_empty() {
            found.push(FieldError::required(path.as_str(), ""));
        }
        if !seen.insert(audience) {
            found.push(FieldError::duplicate(path, audience));
        }
    }
    let policy = issuer.audience_match_policy.as_str();
    let detail = match (issuer.audiences.len(), policy) {
        (_, "MatchAny") | (1, "") => return,
        (1, _) => "audienceMatchPolicy must be empty or MatchAny for single audience",
        _ => "audienceMatchPolicy must be MatchAny for multiple audiences",
    };
    found.push(FieldError::invalid(
        format!("{issuer_path}.audienceMatchPolicy"),
        Value::Json(json_string(policy)),
        detail,
    ));
}

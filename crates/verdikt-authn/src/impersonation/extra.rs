//! What constrained impersonation takes as extra.
//!
//! Follows `validateExtra` of apiserver's `pkg/endpoints/filters/impersonation/mode.go` and
//! `IsDomainPrefixedPath` of apimachinery's `pkg/util/validation/validation.go`.

use std::collections::BTreeMap;

use verdikt_core::GoQuoted;
use verdikt_core::names::dns1123_subdomain;

/// What is wrong with the extra, in upstream's words. It goes through the keys in no fixed order;
/// here they are sorted.
pub(super) fn problem(extra: &BTreeMap<String, Vec<String>>) -> Option<String> {
    extra.iter().find_map(|(key, values)| {
        if key.is_empty() {
            return Some("impersonating the empty string key in extra is not allowed".to_owned());
        }
        if let Some(problem) = key_problem(key) {
            return Some(format!(
                "impersonating an invalid key in extra is not allowed: {problem}"
            ));
        }
        if *key != key.to_lowercase() {
            let key = GoQuoted(key);
            return Some(format!(
                "impersonating a non-lowercase key in extra is not allowed: {key}"
            ));
        }
        if values.is_empty() {
            return Some("impersonating empty values in extra is not allowed".to_owned());
        }
        values
            .iter()
            .any(String::is_empty)
            .then(|| "impersonating the empty string value in extra is not allowed".to_owned())
    })
}

/// What keeps a key from being a domain and a path, such as `acme.io/foo`.
fn key_problem(key: &str) -> Option<String> {
    let invalid = |value: &str, detail: &str| {
        format!("extra.key: Invalid value: {}: {detail}", GoQuoted(value))
    };
    let (domain, path) = match key.split_once('/') {
        Some((domain, path)) if !domain.is_empty() && !path.is_empty() => (domain, path),
        _ => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            return Some(invalid(key, detail));
        }
    };
    let mut problems: Vec<String> =
        dns1123_subdomain(domain).iter().map(|detail| invalid(domain, detail)).collect();
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/-._~%!$&'()*+,;=:".contains(c);
    if !path.chars().all(is_path) {
        problems.push(invalid(path, PATH_RULE));
    }
    match problems.as_slice() {
        [] => None,
        [problem] => Some(problem.clone()),
        problems => Some(format!("[{}]", problems.join(", "))),
    }
}

const PATH_RULE: &str =
    "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lower_case_paths_in_a_domain() {
        let check = |key: &str, expected: &str| {
            let extra = BTreeMap::from([(key.to_owned(), vec!["v".to_owned()])]);
            assert!(problem(&extra).unwrap_or_default().contains(expected), "{key}");
            assert_eq!(problem(&extra).is_none(), expected.is_empty(), "{key}");
        };
        check("acme.io/foo", "");
        check("acme.io/foo/bar%20", "");
        check("", "the empty string key");
        check("scopes", "must be a domain-prefixed path (such as \"acme.io/foo\")");
        check("/x", "must be a domain-prefixed path");
        check("a/", "must be a domain-prefixed path");
        check("a_b/x", "extra.key: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain");
        check("a/x y", "extra.key: Invalid value: \"x y\": Invalid path (regex");
        check("a_b/x y", "not allowed: [extra.key: Invalid value: \"a_b\"");
        check("a/X", "a non-lowercase key in extra is not allowed: \"a/X\"");
    }

    #[test]
    fn values_are_not_empty() {
        let check = |values: &[&str], expected: Option<&str>| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let extra = BTreeMap::from([("a.b/c".to_owned(), values)]);
            assert_eq!(problem(&extra).as_deref(), expected, "{extra:?}");
        };
        check(&["x"], None);
        check(&["x", ""], Some("impersonating the empty string value in extra is not allowed"));
        check(&[], Some("impersonating empty values in extra is not allowed"));
    }
}

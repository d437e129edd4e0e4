//! What kube-apiserver demands of the issuers and key set address it is told.
//!
//! Follows `pkg/kubeapiserver/options/authentication.go` (`Validate`) and as much of Go's `net/url` as
//! decides whether a text is a URL.

use std::collections::HashSet;

use verdikt_core::GoQuoted;

/// What is wrong with the issuers of service account tokens, in kube-apiserver's words.
pub fn check_issuers(issuers: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for issuer in issuers {
        let quoted = GoQuoted(issuer);
        match Url::parse(issuer) {
            Err(error) if issuer.contains(':') => found.push(format!(
                "service-account-issuer {quoted} contained a ':' but was not a valid URL: {error}"
            )),
            _ if issuer.is_empty() => {
                found.push("service-account-issuer should not be an empty string".to_owned());
            }
            _ if !seen.insert(issuer) => {
                found.push(format!("service-account-issuer {quoted} is already specified"));
            }
            _ => {}
        }
    }
    found
}

/// What is wrong with the address at which the key set is said to be, in kube-apiserver's words.
pub fn check_jwks_uri(uri: &str) -> Option<String> {
    match Url::parse(uri) {
        Err(error) => Some(format!("service-account-jwks-uri must be a valid URL: {error}")),
        Ok(url) if url.scheme != "https" => {
            Some(format!("service-account-jwks-uri requires https scheme, parsed as: {uri}"))
        }
        Ok(_) => None,
    }
}

/// The parts of a URL that matter here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Url<'u> {
    /// In lower case.
    pub(super) scheme: String,
    pub(super) query: &'u str,
    pub(super) fragment: &'u str,
}

impl<'u> Url<'u> {
    pub(super) fn parse(text: &'u str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("parse {}: {what}", GoQuoted(text)));
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return wrong("net/url: invalid control character in URL");
        }
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (scheme, rest) = match scheme_of(rest) {
            Ok(parts) => parts,
            Err(what) => return wrong(what),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let first_segment = rest.split('/').next().unwrap_or_default();
        if scheme.is_empty() && !rest.starts_with('/') && first_segment.contains(':') {
            return wrong("first path segment in URL cannot contain colon");
        }
        let is_opaque = !scheme.is_empty() && !rest.starts_with('/');
        let (host, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None if is_opaque => ("", ""),
            None => ("", rest),
        };
        match host_problem(host)
            .or_else(|| escape_problem(path))
            .or_else(|| escape_problem(fragment))
        {
            Some(what) => wrong(&what),
            None => Ok(Self { scheme: scheme.to_ascii_lowercase(), query, fragment }),
        }
    }
}

/// The scheme, which may be absent, and what comes behind its colon.
fn scheme_of(text: &str) -> Result<(&str, &str), &'static str> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme"),
            b':' => {
                let (scheme, rest) = text.split_at(at);
                return Ok((scheme, rest.strip_prefix(':').unwrap_or(rest)));
            }
            _ => break,
        }
    }
    Ok(("", text))
}

fn host_problem(authority: &str) -> Option<String> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.strip_prefix('[') {
        Some(address) => match address.rsplit_once(']') {
            Some((_, port)) => port,
            None => return Some("missing ']' in host".to_owned()),
        },
        None => host.find(':').and_then(|at| host.get(at..)).unwrap_or_default(),
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    if !is_port {
        return Some(format!("invalid port {} after host", GoQuoted(port)));
    }
    let is_bad = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !HOST.contains(c);
    match host.chars().find(|c| is_bad(*c)) {
        Some(c) => Some(format!("invalid character {} in host name", GoQuoted(&c.to_string()))),
        None => escape_problem(host),
    }
}

fn escape_problem(text: &str) -> Option<String> {
    text.match_indices('%').find_map(|(at, _)| {
        let escape = text.as_bytes().get(at..(at + 3).min(text.len())).unwrap_or_default();
        let is_good = escape.len() == 3 && escape.iter().skip(1).all(u8::is_ascii_hexdigit);
        let shown = String::from_utf8_lossy(escape);
        (!is_good).then(|| format!("invalid URL escape {}", GoQuoted(&shown)))
    })
}

/// What Go takes in the name of a host beside letters and digits.
const HOST: &str = "!$&'()*+,;=:[]<>\"-_.~%";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_checked_as_kube_apiserver_checks_them() {
        let check = |issuers: &[&str], expected: &[&str]| {
            let issuers: Vec<String> = issuers.iter().map(|&issuer| issuer.to_owned()).collect();
            let found = check_issuers(&issuers);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found}");
            }
        };
        check(&["https://a.example", "kubernetes/serviceaccount", "urn:a:b"], &[]);
        check(&["a", "a"], &[r#"service-account-issuer "a" is already specified"#]);
        check(&["", "x"], &["service-account-issuer should not be an empty string"]);
        check(
            &[":a"],
            &["contained a ':' but was not a valid URL: parse \":a\": missing protocol"],
        );
        check(&["https://a:b"], &["invalid port \":b\" after host"]);
        check(&["https://a b:1"], &["invalid character \" \" in host name"]);
        check(&["a b:c"], &["first path segment in URL cannot contain colon"]);
        check(&["https://a/%zz"], &["invalid URL escape \"%zz\""]);
    }

    #[test]
    fn key_sets_are_at_https() {
        assert_eq!(check_jwks_uri("https://a.example/jwks"), None);
        assert_eq!(check_jwks_uri("HTTPS://a.example/jwks"), None);
        let message = "service-account-jwks-uri requires https scheme, parsed as: http://a";
        assert_eq!(check_jwks_uri("http://a").as_deref(), Some(message));
        assert!(check_jwks_uri("https://[::1").unwrap().contains("missing ']' in host"));
    }
}

//! The request that a proxy holds and asks about: what it says of it, as if it had come here itself.
//!
//! What is judged must be what the next component gets, so whatever leaves two ways to read it is refused:
//! headers that disagree or occur twice, a path with `.` or `..` in it, and headers that name a user. The
//! connection is the proxy's: the certificate that it has shown is not the sender's.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri, header};
use verdikt::{Peer, RequestInfo};

use crate::identity_headers;

/// The request that the headers describe: `X-Original-Method` with `X-Original-URI` or `X-Original-URL`
/// (nginx), or `X-Forwarded-Method` with `X-Forwarded-Uri` (Traefik, Caddy). These are taken off it.
///
/// # Errors
/// Why it cannot be told what the request is, for status 400.
pub(crate) fn forwarded(parts: Parts) -> Result<Parts, String> {
    let mut parts = parts;
    let mut found: Option<(Method, PathAndQuery)> = None;
    for (method_header, uri_headers) in FAMILIES {
        let method = only(&parts.headers, method_header)?;
        for uri_header in uri_headers {
            let Some(uri) = only(&parts.headers, uri_header)? else { continue };
            let Some(method) = method else {
                return Err(format!("{uri_header} without {method_header}"));
            };
            let method = Method::from_bytes(method)
                .map_err(|_| format!("{method_header} is not a method"))?;
            let target = target(uri, *uri_header == ORIGINAL_URL)
                .ok_or_else(|| format!("{uri_header} is not the target of a request"))?;
            let one = (method, target);
            if found.as_ref().is_some_and(|other| *other != one) {
                return Err(format!("{method_header} and {uri_header} contradict other headers"));
            }
            found = Some(one);
        }
        if method.is_some() && !uri_headers.iter().any(|name| parts.headers.contains_key(*name)) {
            return Err(format!("{method_header} without {}", uri_headers.join(" or ")));
        }
    }
    let Some((method, target)) = found else {
        return Err(format!("neither {ORIGINAL_URI} nor {FORWARDED_URI} says what is asked for"));
    };
    for (method, uris) in FAMILIES {
        parts.headers.remove(method);
        uris.iter().for_each(|uri| drop(parts.headers.remove(*uri)));
    }
    parts.extensions.remove::<Arc<Peer>>();
    parts.method = method;
    parts.uri = Uri::from(target);
    check(&parts)?;
    if let Some(name) = parts.headers.keys().find(|name| identity_headers::is_one(name.as_str())) {
        return Err(format!("{name} may not be sent by a client"));
    }
    Ok(parts)
}

/// Refuses what the next component could read in another way than it is judged here.
///
/// # Errors
/// What that is, for status 400.
pub(crate) fn check(parts: &Parts) -> Result<(), String> {
    only(&parts.headers, header::AUTHORIZATION.as_str())?;
    // What is no URL is refused, in Kubernetes' words, by whoever judges it.
    let target = parts.uri.to_string();
    let path = RequestInfo::from_request("GET", &target).map(|info| info.path().to_owned());
    match path.as_deref().is_ok_and(is_ambiguous) {
        true => Err("the path has a part that others may resolve or cut".to_owned()),
        false => Ok(()),
    }
}

/// Whether a path, once decoded, leads elsewhere for those who resolve `.` and `..`: some take `\` for `/`,
/// some pass over what follows a `;`, and some end a text at NUL.
fn is_ambiguous(path: &str) -> bool {
    let is_dots = |part: &str| {
        let part = part.split(';').next().unwrap_or_default();
        matches!(part, "." | "..")
    };
    path.contains('\0') || path.split(['/', '\\']).any(is_dots)
}

/// The value of a header, if it is there.
///
/// # Errors
/// If it is there twice: others may read the other one.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, String> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(format!("{name} is there more than once")),
        (value, None) => Ok(value.map(|value| value.as_bytes())),
    }
}

/// Path and query, exactly as they are sent on; behind scheme and authority if it is a whole URL.
pub(crate) fn target(value: &[u8], is_url: bool) -> Option<PathAndQuery> {
    let text = std::str::from_utf8(value).ok()?;
    let text = match is_url {
        true => {
            let (scheme, rest) = text.split_once("://")?;
            if !matches!(scheme, "http" | "https") {
                return None;
            }
            let (authority, target) = rest.split_at_checked(rest.find('/')?)?;
            if authority.is_empty() || authority.contains(['?', '#', '\\']) {
                return None;
            }
            target
        }
        false => text,
    };
    let target = PathAndQuery::try_from(text).ok()?;
    // A fragment would have been cut off.
    (text.starts_with('/') && target.as_str() == text).then_some(target)
}

const ORIGINAL_METHOD: &str = "x-original-method";
const ORIGINAL_URI: &str = "x-original-uri";
const ORIGINAL_URL: &str = "x-original-url";
const FORWARDED_METHOD: &str = "x-forwarded-method";
const FORWARDED_URI: &str = "x-forwarded-uri";

/// The header for the method, and those for the target: all that a proxy overwrites together. One without
/// the other may be the client's own.
const FAMILIES: [(&str, &[&str]); 2] =
    [(ORIGINAL_METHOD, &[ORIGINAL_URI, ORIGINAL_URL]), (FORWARDED_METHOD, &[FORWARDED_URI])];

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Parts, String> {
        let mut request = Request::builder().uri("/v1/forward-auth");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Arc::new(Peer::new([vec![1_u8]])));
        forwarded(parts)
    }

    fn nginx<'a>(method: &'a str, uri: &'a str) -> [(&'static str, &'a str); 2] {
        [("X-Original-Method", method), ("X-Original-URI", uri)]
    }

    fn traefik<'a>(method: &'a str, uri: &'a str) -> [(&'static str, &'a str); 2] {
        [("X-Forwarded-Method", method), ("X-Forwarded-Uri", uri)]
    }

    #[test]
    fn what_a_proxy_says_is_the_request() {
        let check = |headers: &[(&str, &str)], method: &str, target: &str| {
            let parts = read(headers).unwrap();
            assert_eq!((parts.method.as_str(), parts.uri.to_string().as_str()), (method, target));
            assert!(parts.headers.is_empty(), "{:?}", parts.headers);
            assert!(
                parts.extensions.get::<Arc<Peer>>().is_none(),
                "the proxy's certificate counts"
            );
        };
        for target in
            ["/", "/a?b=%zz&c", "//a//b%2Fc", "/?x=/../y", "/a..b/...", "/%E2%82%AC", "/é"]
        {
            check(&nginx("PATCH", target), "PATCH", target);
            check(&traefik("get", target), "get", target);
            let url = format!("https://a.example:8443{target}");
            check(&[("X-Original-Method", "GET"), ("X-Original-URL", &url)], "GET", target);
        }
        let both = [nginx("GET", "/a"), traefik("GET", "/a")].concat();
        check(&both, "GET", "/a");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let check = |headers: &[(&str, &str)], expected: &str| {
            let error = read(headers).map(drop).unwrap_err();
            assert!(error.contains(expected), "{headers:?}: {error}");
        };
        check(&[], "says what is asked for");
        check(&nginx("GET", "/")[1..], "without x-original-method");
        check(&nginx("GET", "/")[..1], "without x-original-uri");
        check(&traefik("GET", "/")[1..], "without x-forwarded-method");
        check(&traefik("GET", "/")[..1], "without x-forwarded-uri");
        check(&[nginx("GET", "/a"), traefik("GET", "/b")].concat(), "contradict");
        check(&[nginx("GET", "/a"), traefik("DELETE", "/a")].concat(), "contradict");
        check(&[&nginx("GET", "/a")[..], &traefik("GET", "/a")[1..]].concat(), "without");
        check(
            &[&nginx("GET", "/a")[..], &[("x-original-url", "http://h/b")]].concat(),
            "contradict",
        );
        check(&[nginx("GET", "/a"), nginx("GET", "/a")].concat(), "more than once");
        let auth = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")];
        check(&[nginx("GET", "/a"), auth].concat(), "more than once");
        for name in ["X-Remote-User", "X-Remote-Groups", "X_Remote_Extra_a"] {
            check(&[&nginx("GET", "/a")[..], &[(name, "x")]].concat(), "may not be sent");
        }
        for method in ["", "GET /", "G\u{e9}T"] {
            check(&nginx(method, "/a"), "not a method");
        }
        for target in ["", "a", "*", "/a b", "/a#b", "http://h/a", "?x"] {
            check(&nginx("GET", target), "not the target");
        }
        for url in ["/a", "ftp://h/a", "http:///a", "http://h", "http://h?/a", "http://h\\/a"] {
            let headers = [("X-Original-Method", "GET"), ("X-Original-URL", url)];
            check(&headers, "not the target");
        }
        for path in ["/a/../b", "/..", "/a/.", "/a/%2e%2E/b", "/a%2f..%2fb", "/a\\..\\b", "/a%00"] {
            check(&nginx("GET", path), "the path has a part");
        }
        check(&traefik("GET", "/a/..;x/b?c"), "the path has a part");
    }
}

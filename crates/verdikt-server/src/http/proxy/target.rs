//! Targets that are handed on as they came: only those that leave one way to read them.

use axum::http::request::Parts;
use verdikt::RequestInfo;

use crate::original;

/// Refuses what the upstream could take for another path than the one that is authorized here: besides what
/// [`original::check`] refuses, slashes that are escaped (others take them for part of a name), and empty parts in the
/// path of a resource (others pass over them).
///
/// # Errors
/// Why, for status 400.
pub(super) fn check(parts: &Parts) -> Result<(), String> {
    let path = parts.uri.path();
    if !path.starts_with('/') {
        return Err("the target of the request is not a path".to_owned());
    }
    original::check(parts)?;
    let lower = path.to_ascii_lowercase();
    if ["%2f", "%5c"].iter().any(|escape| lower.contains(escape)) {
        return Err("the path has an escaped slash, which can be read in two ways".to_owned());
    }
    if path.contains("//") {
        let target = parts.uri.to_string();
        let info = RequestInfo::from_request("GET", &target);
        if info.is_ok_and(|info| info.is_resource_request()) {
            return Err("the path has an empty part, which others may pass over".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_what_can_be_read_in_one_way_goes_on() {
        let check = |target: &str| {
            let request = Request::builder().uri(target).body(()).unwrap();
            check(&request.into_parts().0).map_err(|problem| problem.replace("the path has ", ""))
        };
        for target in [
            "/",
            "/a//b",
            "/a?b=%2F..%2f",
            "/api/v1/namespaces/dev/pods/a%3Ab",
            "/a/...",
            "/%E2%82%AC",
            "http://elsewhere/a",
        ] {
            assert_eq!(check(target), Ok(()), "{target}");
        }
        for (target, expected) in [
            ("*", "not a path"),
            ("/a/../b", "resolve or cut"),
            ("/a/%2e%2e/b", "resolve or cut"),
            ("/a%00", "resolve or cut"),
            ("/a%2Fb", "escaped slash"),
            ("/a%5cb", "escaped slash"),
            ("/api/v1/namespaces//dev/pods", "empty part"),
            ("//api/v1/pods", "empty part"),
        ] {
            let problem = check(target).unwrap_err();
            assert!(problem.contains(expected), "{target}: {problem}");
        }
    }
}

//! The HTTP request that asks a question, for Envoy to ask about.

use verdikt::{Attributes, RequestInfo};

use super::asked::Asked;

/// Method, and path with query, that mean what is asked; none if no request means it.
pub(super) fn of(asked: &Asked) -> Option<(&'static str, String)> {
    let (method, target) = match asked.path.as_str() {
        "" => of_resource(asked)?,
        path => {
            let method = METHODS.into_iter().find(|method| method.to_lowercase() == asked.verb)?;
            (method, escaped(path))
        }
    };
    means(method, &target, asked).then_some((method, target))
}

fn of_resource(asked: &Asked) -> Option<(&'static str, String)> {
    let Asked { verb, api_group, resource, subresource, namespace, name, .. } = asked;
    let (method, is_about_many) = match verb.as_str() {
        "get" => ("GET", false),
        "list" | "watch" => ("GET", true),
        "create" => ("POST", false),
        "update" => ("PUT", false),
        "patch" => ("PATCH", false),
        "delete" => ("DELETE", false),
        "deletecollection" => ("DELETE", true),
        _ => return None,
    };
    let version = escaped(version(asked));
    let mut target = match api_group.as_str() {
        "" => format!("/api/{version}"),
        group => format!("/apis/{}/{version}", escaped(group)),
    };
    let one = if is_about_many { "" } else { name };
    for (before, part) in
        [("/namespaces/", namespace.as_str()), ("/", resource), ("/", one), ("/", subresource)]
    {
        if !part.is_empty() {
            target += &format!("{before}{}", escaped(part));
        }
    }
    // Of many, one is chosen by a selector.
    let mut fields = asked.field_selector.clone();
    if is_about_many && !name.is_empty() && fields.is_empty() {
        fields = format!("metadata.name={name}");
    }
    let watch = if verb == "watch" { "1" } else { "" };
    let mut separator = '?';
    for (key, value) in
        [("watch", watch), ("fieldSelector", &fields), ("labelSelector", &asked.label_selector)]
    {
        if !value.is_empty() {
            target += &format!("{separator}{key}={}", escaped(value));
            separator = '&';
        }
    }
    Some((method, target))
}

/// A URL always has a version. No authorizer but a webhook looks at it.
fn version(asked: &Asked) -> &str {
    if asked.api_version.is_empty() { "v1" } else { &asked.api_version }
}

/// Whether such a request is read as what is asked.
fn means(method: &str, target: &str, asked: &Asked) -> bool {
    let Ok(info) = RequestInfo::from_request(method, target) else { return false };
    let read = Attributes::from_request(None, &info);
    if !asked.path.is_empty() {
        return !read.resource_request && read.path == asked.path && read.verb == asked.verb;
    }
    let found = [read.verb, read.api_group, read.resource, read.subresource, read.namespace];
    let wanted =
        [&asked.verb, &asked.api_group, &asked.resource, &asked.subresource, &asked.namespace];
    read.resource_request && found == wanted.map(String::as_str) && read.name == asked.name
}

/// What is not plain as a URL has it, byte by byte; slashes stay.
fn escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' | b':' | b'*' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_means_what_is_asked() {
        let check = |line: &str, expected: Option<&str>| {
            let asked: Asked = serde_json::from_str(line).unwrap();
            let found = of(&asked).map(|(method, target)| format!("{method} {target}"));
            assert_eq!(found.as_deref(), expected, "{line}");
        };
        check(
            r#"{"verb":"get","resource":"pods","namespace":"shop","name":"web","subresource":"log"}"#,
            Some("GET /api/v1/namespaces/shop/pods/web/log"),
        );
        check(
            r#"{"verb":"list","apiGroup":"apps","resource":"deployments","namespace":"a","name":"b"}"#,
            Some("GET /apis/apps/v1/namespaces/a/deployments?fieldSelector=metadata.name%3Db"),
        );
        check(
            r#"{"verb":"watch","resource":"nodes","labelSelector":"a=b"}"#,
            Some("GET /api/v1/nodes?watch=1&labelSelector=a%3Db"),
        );
        check(
            r#"{"verb":"create","resource":"pods","namespace":"shop"}"#,
            Some("POST /api/v1/namespaces/shop/pods"),
        );
        check(r#"{"verb":"head","path":"/metrics"}"#, Some("HEAD /metrics"));
        // It would be a list.
        check(r#"{"verb":"get","resource":"pods","namespace":"shop"}"#, None);
        check(r#"{"verb":"use","resource":"podsecuritypolicies"}"#, None);
        check(r#"{"verb":"read","path":"/metrics"}"#, None);
    }
}

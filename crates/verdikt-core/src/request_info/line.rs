//! The way back: an HTTP request that means what is asked.

use crate::{Attributes, RequestInfo, Selectors, path_escaped};

/// Method and target of an HTTP request that [`RequestInfo`] reads as what is asked; none if no request
/// means it, such as a `get` that names nothing, or verbs that no method stands for.
///
/// `fields` and `labels` are selectors as they are written; those of `asked` are not looked at. One object
/// of many is chosen by a selector for its name. A resource without a version gets `v1`, since a URL has one.
///
/// ```
/// use verdikt_core::{Attributes, request_line};
///
/// let asked = Attributes {
///     verb: "list",
///     api_group: "apps",
///     resource: "deployments",
///     namespace: "dev",
///     resource_request: true,
///     ..Attributes::default()
/// };
/// let (method, target) = request_line(&asked, "", "app=web").unwrap();
/// assert_eq!((method, &*target), (
///     "GET",
///     "/apis/apps/v1/namespaces/dev/deployments?labelSelector=app%3Dweb"
/// ));
/// ```
pub fn request_line(
    asked: &Attributes<'_>,
    fields: &str,
    labels: &str,
) -> Option<(&'static str, String)> {
    let is_about_many = matches!(asked.verb, "list" | "watch" | "deletecollection");
    let named;
    let fields = if is_about_many && !asked.name.is_empty() && fields.is_empty() {
        named = format!("metadata.name={}", asked.name);
        &named
    } else {
        fields
    };
    let version = if asked.api_version.is_empty() { "v1" } else { asked.api_version };
    let asked = Attributes { api_version: version, ..*asked };
    let (method, target) = if asked.resource_request {
        let name = if is_about_many { "" } else { asked.name };
        (method(asked.verb)?, target(&asked, name, fields, labels))
    } else {
        let method = METHODS.into_iter().find(|method| method.to_lowercase() == asked.verb)?;
        (method, path_escaped(asked.path))
    };
    means(method, &target, &asked, fields, labels).then_some((method, target))
}

/// By which method something is done to a resource.
fn method(verb: &str) -> Option<&'static str> {
    Some(match verb {
        "get" | "list" | "watch" => "GET",
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" | "deletecollection" => "DELETE",
        _ => return None,
    })
}

fn target(asked: &Attributes<'_>, name: &str, fields: &str, labels: &str) -> String {
    let version = path_escaped(asked.api_version);
    let mut target = match asked.api_group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{}/{version}", path_escaped(group)),
    };
    let Attributes { namespace, resource, subresource, .. } = *asked;
    for (before, part) in
        [("/namespaces/", namespace), ("/", resource), ("/", name), ("/", subresource)]
    {
        if !part.is_empty() {
            target.push_str(before);
            target.push_str(&path_escaped(part));
        }
    }
    let watch = if asked.verb == "watch" { "1" } else { "" };
    let mut separator = '?';
    for (key, value) in [("watch", watch), ("fieldSelector", fields), ("labelSelector", labels)] {
        if !value.is_empty() {
            target.push(separator);
            target.push_str(key);
            target.push('=');
            target.push_str(&path_escaped(value));
            separator = '&';
        }
    }
    target
}

/// Whether such a request is read as what is asked.
fn means(method: &str, target: &str, asked: &Attributes<'_>, fields: &str, labels: &str) -> bool {
    let Ok(info) = RequestInfo::from_request(method, target) else { return false };
    let read = Attributes::from_request(None, &info);
    if !target.starts_with('/') || read.verb != asked.verb {
        return false;
    }
    if !asked.resource_request {
        return !read.resource_request && read.path == asked.path;
    }
    let object = |a: &Attributes<'_>| {
        [a.namespace, a.api_group, a.api_version, a.resource, a.subresource, a.name]
            .map(str::to_owned)
    };
    let selectors = Some(Selectors::parse(fields, labels)).filter(|it| !it.is_empty());
    read.resource_request && object(&read) == object(asked) && read.selectors == selectors.as_ref()
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Verb, group, namespace, resource with subresource, and name.
    fn line(asked: [&str; 5], fields: &str, labels: &str) -> Option<String> {
        let [verb, api_group, namespace, resource, name] = asked;
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let asked = Attributes {
            verb,
            api_group,
            namespace,
            resource,
            subresource,
            name,
            resource_request: true,
            ..Attributes::default()
        };
        request_line(&asked, fields, labels).map(|(method, target)| format!("{method} {target}"))
    }

    #[test]
    fn a_request_means_what_is_asked() {
        for (asked, fields, labels, expected) in [
            (
                ["get", "", "shop", "pods/log", "web"],
                "",
                "",
                Some("GET /api/v1/namespaces/shop/pods/web/log"),
            ),
            (
                ["list", "apps", "a", "deployments", "b"],
                "",
                "",
                Some("GET /apis/apps/v1/namespaces/a/deployments?fieldSelector=metadata.name%3Db"),
            ),
            (
                ["watch", "", "", "nodes", ""],
                "",
                "a=b",
                Some("GET /api/v1/nodes?watch=1&labelSelector=a%3Db"),
            ),
            (
                ["deletecollection", "", "shop", "pods", ""],
                "spec.nodeName=n1",
                "a",
                Some(
                    "DELETE /api/v1/namespaces/shop/pods?fieldSelector=spec.nodeName%3Dn1&labelSelector=a",
                ),
            ),
            (["create", "", "shop", "pods", ""], "", "", Some("POST /api/v1/namespaces/shop/pods")),
            // It would be a list.
            (["get", "", "shop", "pods", ""], "", "", None),
            // Selectors choose among many only.
            (["get", "", "shop", "pods", "web"], "", "a=b", None),
            (["use", "policy", "", "podsecuritypolicies", ""], "", "", None),
        ] {
            assert_eq!(line(asked, fields, labels).as_deref(), expected, "{asked:?}");
        }
    }

    #[test]
    fn so_does_a_path() {
        for (verb, path, expected) in [
            ("head", "/metrics", Some(("HEAD", "/metrics"))),
            ("get", "/a b/ä", Some(("GET", "/a%20b/%C3%A4"))),
            ("read", "/metrics", None),
            // It would be a resource.
            ("get", "/api/v1/pods", None),
            ("get", "metrics", None),
        ] {
            let asked = Attributes { verb, path, ..Attributes::default() };
            let found = request_line(&asked, "", "");
            let found = found.as_ref().map(|(method, target)| (*method, target.as_str()));
            assert_eq!(found, expected, "{verb} {path}");
        }
    }
}

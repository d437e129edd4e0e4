//! The HTTP request that asks a question.

use std::borrow::Cow;

use verdikt_core::{Attributes, RequestInfo};

use crate::wire::Request;

/// Method, and path with query, that mean what is asked; none if no request means it.
pub(super) fn of(request: &Request) -> Option<(&'static str, String)> {
    let (method, target) = match request.is_resource {
        true => of_resource(request)?,
        false => {
            let method =
                METHODS.into_iter().find(|method| method.to_lowercase() == request.verb)?;
            (method, escaped(&request.path))
        }
    };
    means(method, &target, request).then_some((method, target))
}

/// The question with the selector that chooses one of many.
pub(super) fn selected(request: &Request) -> Cow<'_, Request> {
    if !is_selected(request) || !request.field_selector.is_empty() {
        return Cow::Borrowed(request);
    }
    let field_selector = format!("metadata.name={}", request.name);
    Cow::Owned(Request { field_selector, ..request.clone() })
}

/// Whether others may take the path for another.
pub(super) fn is_ambiguous(request: &Request) -> bool {
    let Request { is_resource, path, namespace, resource, name, subresource, .. } = request;
    let parts = [namespace, resource, name, subresource];
    let parts: &[&String] = if *is_resource { &parts } else { &[path] };
    parts.iter().any(|path| is_ambiguous_path(path))
}

/// Whether others may take a path for another: they resolve `.` and `..`, also behind `\`, or cut what follows
/// `;` or NUL.
pub(super) fn is_ambiguous_path(path: &str) -> bool {
    let is_dots = |part: &str| matches!(part.split(';').next(), Some("." | ".."));
    path.contains('\0') || path.split(['/', '\\']).any(is_dots)
}

fn of_resource(request: &Request) -> Option<(&'static str, String)> {
    let Request { verb, group, resource, subresource, namespace, name, .. } = request;
    let method = match verb.as_str() {
        "get" | "list" | "watch" => "GET",
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" | "deletecollection" => "DELETE",
        _ => return None,
    };
    let version = version(request);
    let mut target = match group.as_str() {
        "" => format!("/api/{}", escaped(version)),
        group => format!("/apis/{}/{}", escaped(group), escaped(version)),
    };
    let name = if is_selected(request) { "" } else { name };
    let parts =
        [("/namespaces/", namespace.as_str()), ("/", resource), ("/", name), ("/", subresource)];
    for (before, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        target += &format!("{before}{}", escaped(part));
    }
    let mut query = Vec::new();
    if verb == "watch" {
        query.push("watch=1".to_owned());
    }
    let selector = &selected(request).field_selector;
    if !selector.is_empty() {
        query.push(format!("fieldSelector={}", escaped(selector)));
    }
    if !query.is_empty() {
        target += &format!("?{}", query.join("&"));
    }
    Some((method, target))
}

/// Of many, one is chosen by a selector.
fn is_selected(request: &Request) -> bool {
    let is_about_many = matches!(request.verb.as_str(), "list" | "watch" | "deletecollection");
    request.is_resource && is_about_many && !request.name.is_empty()
}

/// A URL always has a version. No authorizer but a webhook looks at it.
fn version(request: &Request) -> &str {
    if request.version.is_empty() { "v1" } else { &request.version }
}

/// Whether such a request is read as what is asked.
fn means(method: &str, target: &str, request: &Request) -> bool {
    let Ok(info) = RequestInfo::from_request(method, target) else { return false };
    let read = Attributes::from_request(None, &info);
    let selected = selected(request);
    let selectors = selected.selectors();
    let version = if request.is_resource { version(request) } else { "" };
    let asked =
        Attributes { api_version: version, selectors: selectors.as_ref(), ..selected.attributes() };
    let facts = |a: &Attributes<'_>| {
        let resource = [a.namespace, a.api_group, a.api_version, a.resource, a.subresource, a.name]
            .map(str::to_owned);
        let path = a.path.to_owned();
        let about =
            if a.resource_request { Ok((resource, a.selectors.cloned())) } else { Err(path) };
        (a.verb.to_owned(), about)
    };
    target.starts_with('/') && facts(&read) == facts(&asked)
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

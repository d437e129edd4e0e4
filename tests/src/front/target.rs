//! The HTTP request that asks a question.

use std::borrow::Cow;

use verdikt_core::request_line;

use crate::wire::Request;

/// Method, and path with query, that mean what is asked; none if no request means it.
pub(super) fn of(request: &Request) -> Option<(&'static str, String)> {
    request_line(&request.attributes(), &request.field_selector, "")
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

/// Of many, one is chosen by a selector.
fn is_selected(request: &Request) -> bool {
    let is_about_many = matches!(request.verb.as_str(), "list" | "watch" | "deletecollection");
    request.is_resource && is_about_many && !request.name.is_empty()
}

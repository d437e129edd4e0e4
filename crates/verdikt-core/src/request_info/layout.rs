//! Where the path of a request says what: the steps that do not look at the query.

use std::borrow::Cow;

/// A request as its method and path have it; the query may still change the verb and the name.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout<'a> {
    pub(super) verb: Cow<'a, str>,
    pub(super) is_resource_request: bool,
    pub(super) api_prefix: Span,
    pub(super) api_group: Span,
    pub(super) api_version: Span,
    pub(super) namespace: Span,
    pub(super) resource: Span,
    pub(super) name: Span,
    pub(super) subresource: Span,
    /// From the resource to the end.
    pub(super) rest: Span,
}

impl<'a> Layout<'a> {
    /// None when a verb in the path has nothing behind it.
    pub(super) fn of(method: &'a str, path: &str) -> Option<Self> {
        let mut layout = Self { verb: lower_case(method), ..Self::default() };
        let mut parts = Parts::of(path);
        if !parts.are_at_least(3) || !matches!(parts.first(), "api" | "apis") {
            return Some(layout);
        }
        let has_groups = parts.first() == "apis";
        layout.api_prefix = parts.take();
        if has_groups {
            if !parts.are_at_least(3) {
                return Some(layout);
            }
            layout.api_group = parts.take();
        }
        layout.is_resource_request = true;
        layout.api_version = parts.take();

        let verb_by_path = match parts.first() {
            "watch" => Some("watch"),
            "proxy" => Some("proxy"),
            _ => None,
        };
        if verb_by_path.is_some() {
            parts.take();
            if !parts.are_at_least(1) {
                return None;
            }
        }
        layout.verb = Cow::Borrowed(verb_by_path.unwrap_or_else(|| verb_of(method)));
        layout.namespace = take_namespace(&mut parts);
        layout.rest = parts.span();
        layout.resource = parts.take();
        layout.name = parts.take();
        if verb_by_path != Some("proxy") {
            layout.subresource = parts.take();
        }
        Some(layout)
    }
}

/// Takes `namespaces/NAME` and leaves what is inside of that namespace; a namespace itself, or a
/// subresource of it, is left whole. None of it need be there.
fn take_namespace(parts: &mut Parts<'_>) -> Span {
    if parts.first() != "namespaces" {
        return Span::default();
    }
    let mut inside = *parts;
    inside.take();
    let namespace = inside.take();
    if inside.are_at_least(1) && !matches!(inside.first(), "status" | "finalize") {
        *parts = inside;
    }
    namespace
}

/// The parts of a path that are not taken yet.
///
/// Invariant (last-part): outer slashes are trimmed, so the last part is not empty, and no text means
/// no parts.
#[derive(Clone, Copy)]
struct Parts<'p> {
    text: &'p str,
    /// Where `text` ends in the path.
    end: usize,
}

impl<'p> Parts<'p> {
    fn of(path: &'p str) -> Self {
        let trimmed = path.trim_end_matches('/');
        Self { text: trimmed.trim_start_matches('/'), end: trimmed.len() }
    }

    /// Does not look further than it must.
    fn are_at_least(&self, count: usize) -> bool {
        !self.text.is_empty() && self.text.split('/').take(count).count() == count
    }

    /// The next part; empty when there is none.
    fn first(&self) -> &'p str {
        self.text.split('/').next().unwrap_or_default()
    }

    /// Takes the next part; an empty one when there is none.
    fn take(&mut self) -> Span {
        let start = self.span().start;
        let (part, rest) = self.text.split_once('/').unwrap_or((self.text, ""));
        self.text = rest;
        Span { start, end: start + part.len() }
    }

    /// All parts, with the slashes between them.
    fn span(&self) -> Span {
        Span { start: self.end - self.text.len(), end: self.end }
    }
}

/// A piece of a path, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(super) fn of(self, path: &str) -> &str {
        path.get(self.start..self.end).unwrap_or_default()
    }
}

/// What a method means for a resource.
fn verb_of(method: &str) -> &'static str {
    match method {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

fn lower_case(method: &str) -> Cow<'_, str> {
    Cow::Borrowed(match method {
        "GET" => "get",
        "HEAD" => "head",
        "POST" => "post",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "OPTIONS" => "options",
        // Go lowers character by character; only `İ` has more than one character in lower case.
        _ => return method.chars().filter_map(|c| c.to_lowercase().next()).collect(),
    })
}

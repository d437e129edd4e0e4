//! The question put to the authorizers: a user and what they want to do, all borrowed.

use crate::{RequestInfo, Requester, field_selector, label_selector};

/// One request as the authorizers see it; Kubernetes' `authorizer.Attributes`.
///
/// Everything is borrowed from the front, so that asking costs no allocation. Strings are compared
/// exactly; an empty string means "not known" or, for `api_group`, the core group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    /// The user, or none when authentication is disabled altogether.
    pub user: Option<Requester<'a>>,
    /// `get`, `list`, `create` … for resources; the HTTP method in lower case for paths.
    pub verb: &'a str,
    /// Namespace of the request; empty for cluster-scoped resources and for all namespaces.
    pub namespace: &'a str,
    /// API group; empty for the core group.
    pub api_group: &'a str,
    /// API version; no authorizer but a webhook looks at it.
    pub api_version: &'a str,
    /// Resource in plural, such as `pods`.
    pub resource: &'a str,
    /// Subresource, such as `log`.
    pub subresource: &'a str,
    /// Name of the object; empty for create, list, watch and deletecollection.
    pub name: &'a str,
    /// Decoded URL path; what non-resource requests are judged by.
    pub path: &'a str,
    /// Whether `resource` and its companions are asked about, rather than `path`.
    pub resource_request: bool,
    /// Field and label selectors, when the request has any that require something or do not parse.
    pub selectors: Option<&'a Selectors>,
}

/// The selectors of a list, watch or deletecollection, parsed.
///
/// One that does not parse fails no request by itself: the authorizers that look at selectors decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selectors {
    /// Field requirements in sorted order; an error if the text could not be parsed.
    pub fields: Result<Vec<field_selector::Requirement>, field_selector::Error>,
    /// Label requirements sorted by key; an error if the text could not be parsed.
    pub labels: Result<Vec<label_selector::Requirement>, label_selector::Error>,
}

impl Selectors {
    /// Parses the text of both selectors; an empty one requires nothing.
    pub fn parse(fields: &str, labels: &str) -> Self {
        Self { fields: field_selector::parse(fields), labels: label_selector::parse(labels) }
    }

    /// Whether both parse, and neither requires anything.
    pub fn is_empty(&self) -> bool {
        matches!((&self.fields, &self.labels), (Ok(f), Ok(l)) if f.is_empty() && l.is_empty())
    }
}

/// Selectors that require nothing.
impl Default for Selectors {
    fn default() -> Self {
        Self { fields: Ok(Vec::new()), labels: Ok(Vec::new()) }
    }
}

impl<'a> Attributes<'a> {
    /// A question about a resource of the core group at cluster scope; set the other fields as needed.
    pub fn resource(user: impl Into<Requester<'a>>, verb: &'a str, resource: &'a str) -> Self {
        Self { user: Some(user.into()), verb, resource, resource_request: true, ..Self::default() }
    }

    /// A question about a path that is not a resource, such as `/metrics`; `verb` is lower case.
    pub fn non_resource(user: impl Into<Requester<'a>>, verb: &'a str, path: &'a str) -> Self {
        Self { user: Some(user.into()), verb, path, ..Self::default() }
    }

    /// The question an HTTP request asks, given what its method and URL mean.
    pub fn from_request(user: Option<Requester<'a>>, info: &'a RequestInfo<'_>) -> Self {
        Self {
            user,
            verb: info.verb(),
            namespace: info.namespace(),
            api_group: info.api_group(),
            api_version: info.api_version(),
            resource: info.resource(),
            subresource: info.subresource(),
            name: info.name(),
            path: info.path(),
            resource_request: info.is_resource_request(),
            selectors: info.selectors(),
        }
    }

    /// Whether the verb is exactly `get`, `list` or `watch`; says nothing about paths or resources.
    pub fn is_read_only(&self) -> bool {
        matches!(self.verb, "get" | "list" | "watch")
    }
}

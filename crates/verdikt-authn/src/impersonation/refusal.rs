//! Why a request is not answered as someone else.

use std::fmt;

use verdikt_core::{Attributes, Requester, User};

/// Impersonation that was refused, which ends the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The headers make no sense: a 400 with this message.
    BadRequest(String),
    /// Something that would have been needed is not allowed: a 403.
    Forbidden(Box<Forbidden>),
    /// The request says nothing about who sent it: a 500.
    NoUser,
}

/// A check that was refused: what was asked, which is not what the request itself asks, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    user: User,
    verb: String,
    namespace: String,
    api_group: String,
    api_version: String,
    resource: String,
    subresource: String,
    name: String,
    path: String,
    resource_request: bool,
    reason: String,
}

impl Forbidden {
    pub(super) fn new(request: &Attributes<'_>, reason: impl Into<String>) -> Self {
        Self {
            user: request.user.map(|user| user.user().clone()).unwrap_or_default(),
            verb: request.verb.to_owned(),
            namespace: request.namespace.to_owned(),
            api_group: request.api_group.to_owned(),
            api_version: request.api_version.to_owned(),
            resource: request.resource.to_owned(),
            subresource: request.subresource.to_owned(),
            name: request.name.to_owned(),
            path: request.path.to_owned(),
            resource_request: request.resource_request,
            reason: reason.into(),
        }
    }

    /// What was asked and refused, for the words of a 403.
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes {
            user: Some(Requester::from(&self.user)),
            verb: &self.verb,
            namespace: &self.namespace,
            api_group: &self.api_group,
            api_version: &self.api_version,
            resource: &self.resource,
            subresource: &self.subresource,
            name: &self.name,
            path: &self.path,
            resource_request: self.resource_request,
            selectors: None,
        }
    }

    /// Why, in Kubernetes' words; may be empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(message) => f.write_str(message),
            Self::Forbidden(forbidden) => write!(
                f,
                "user {:?} cannot {} {}: {}",
                forbidden.user.name, forbidden.verb, forbidden.resource, forbidden.reason
            ),
            Self::NoUser => f.write_str("no User found in the context"),
        }
    }
}

impl std::error::Error for Refusal {}

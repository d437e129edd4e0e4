//! One check after the other: may this user impersonate that name, group, uid or extra value?

use verdikt_core::{Attributes, Requester};

use super::{Forbidden, Gate};

/// What the authorizers made of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether the answer was Allow.
    pub allowed: bool,
    /// Why, in Kubernetes' words; only looked at where it was not allowed.
    pub reason: String,
    /// What went wrong on the way, in Kubernetes' words; there may be an Allow all the same.
    pub error: Option<String>,
}

impl Answer {
    /// An Allow; its reason is not looked at.
    pub fn allow() -> Self {
        Self { allowed: true, ..Self::default() }
    }

    /// A Deny, or no opinion at all.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }
}

/// Who asks whom, and with which verb: what all checks about one user have in common.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) authorize: &'a dyn Fn(&Attributes<'_>) -> Answer,
    pub(super) gate: Gate,
    pub(super) requestor: Requester<'a>,
    pub(super) verb: &'a str,
}

impl<'a> Ask<'a> {
    /// The question about something of a group and version of the API.
    pub(super) fn about(
        self,
        (api_group, api_version): (&'a str, &'a str),
        resource: &'a str,
        name: &'a str,
    ) -> Attributes<'a> {
        Attributes {
            user: Some(self.requestor),
            verb: self.verb,
            api_group,
            api_version,
            resource,
            name,
            resource_request: true,
            ..Attributes::default()
        }
    }

    /// Asks the authorizers. An Allow with an error counts, but not with the gate off, when the error
    /// is not told either.
    pub(super) fn allowed(self, question: &Attributes<'_>) -> Result<(), Forbidden> {
        let Answer { allowed, reason, error } = (self.authorize)(question);
        let reason = match (self.gate, error) {
            (_, None) | (Gate::Constrained, Some(_)) if allowed => return Ok(()),
            (Gate::Constrained, Some(error)) if reason.is_empty() => error,
            (Gate::Constrained, Some(error)) => format!("{error}: {reason}"),
            _ => reason,
        };
        Err(Forbidden::new(question, reason))
    }
}

/// Group and version of what is impersonated, but for users and groups of the plain verb.
pub(super) const AUTHENTICATION: (&str, &str) = ("authentication.k8s.io", "v1");

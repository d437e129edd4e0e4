//! Audit policies: which requests are recorded, and how much of each.
//!
//! Follows apiserver's `pkg/audit/policy/reader.go`: fields that nobody knows and keys that come twice
//! are passed over with a warning, everything else that is wrong refuses the policy. Errors are in
//! the words of `pkg/apis/audit/validation`.

mod decode;
mod header;
mod raw;
#[cfg(test)]
mod tests;
mod validate;

use crate::document::{self, Text};
use crate::{Diagnostic, Limits, Source};

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Who asked for what, when, and what came of it.
    Metadata,
    /// The object that was sent, too.
    Request,
    /// The object that was sent back, too.
    RequestResponse,
}

/// When in the life of a request something is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The request is there; nothing has been done about it yet.
    RequestReceived,
    /// The answer has begun; only of long-running requests, and of those that were refused before
    /// anyone knew who sent them.
    ResponseStarted,
    /// The answer has been given.
    ResponseComplete,
    /// The server failed while it was answering.
    Panic,
}

/// A set of stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages(u8);

/// An `audit.k8s.io/v1` Policy that can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditPolicy {
    /// The rules, at least one; the first that matches a request decides.
    pub rules: Vec<Rule>,
    /// Stages that are never recorded, whatever the rules say.
    pub omit_stages: Stages,
    /// Whether `metadata.managedFields` are left out of objects, where a rule does not say.
    pub omit_managed_fields: bool,
}

/// One rule. A list that is empty asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// How much is recorded.
    pub level: Level,
    /// Names of users.
    pub users: Vec<String>,
    /// Groups, of which the user must be in one.
    pub user_groups: Vec<String>,
    /// Verbs; `*` is no wildcard among them.
    pub verbs: Vec<String>,
    /// Resources.
    pub resources: Vec<GroupResources>,
    /// Namespaces; an empty one stands for what is in none.
    pub namespaces: Vec<String>,
    /// Paths, or beginnings of paths with a `*` behind.
    pub non_resource_urls: Vec<String>,
    /// Stages that are not recorded, besides those of the policy.
    pub omit_stages: Stages,
    /// Whether `metadata.managedFields` are left out of objects.
    pub omit_managed_fields: Option<bool>,
}

/// Resources of one API group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupResources {
    /// The group; empty for the core group, `*` for any.
    pub group: String,
    /// Resources such as `pods`, `pods/log`, `pods/*`, `*/status` or `*`; all of them if empty.
    pub resources: Vec<String>,
    /// Names of objects; all of them if empty.
    pub resource_names: Vec<String>,
}

/// Reads a policy. There is none if anything in it is an error.
pub fn parse(source: &Source<'_>, limits: &Limits) -> (Option<AuditPolicy>, Vec<Diagnostic>) {
    let (documents, found) = document::read(source, limits);
    let Ok(text) = Text::new(source, limits) else { return (None, found) };
    let mut found = header::readable(&text, &documents, found);
    if found.iter().any(Diagnostic::is_error) {
        return (None, found);
    }
    let Some(document) = header::policy(&text, &documents, &mut found) else {
        return (None, found);
    };
    let mut decoder = decode::Decoder::new(&text, &mut found);
    let raw = decoder.policy(document);
    if found.iter().any(Diagnostic::is_error) {
        return (None, found);
    }
    let policy = validate::policy(&text, raw, &mut found);
    let is_good = !found.iter().any(Diagnostic::is_error);
    (policy.filter(|_| is_good), found)
}

impl Level {
    /// The spelling of policies and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }

    /// All of them, in the order of upstream's messages.
    pub const ALL: [Self; 4] = [Self::None, Self::Metadata, Self::Request, Self::RequestResponse];
}

impl Stage {
    /// The spelling of policies and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestReceived => "RequestReceived",
            Self::ResponseStarted => "ResponseStarted",
            Self::ResponseComplete => "ResponseComplete",
            Self::Panic => "Panic",
        }
    }

    /// All of them, in the order of upstream's messages.
    pub const ALL: [Self; 4] =
        [Self::RequestReceived, Self::ResponseStarted, Self::ResponseComplete, Self::Panic];
}

impl Stages {
    /// Whether the stage is one of them.
    pub fn contain(self, stage: Stage) -> bool {
        self.0 & Self::bit(stage) != 0
    }

    /// Those of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn bit(stage: Stage) -> u8 {
        1 << stage as u8
    }
}

impl FromIterator<Stage> for Stages {
    fn from_iter<I: IntoIterator<Item = Stage>>(stages: I) -> Self {
        Self(stages.into_iter().fold(0, |bits, stage| bits | Self::bit(stage)))
    }
}

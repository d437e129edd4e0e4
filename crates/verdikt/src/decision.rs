//! An answer: the effect at hand, the reason when asked for.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use verdikt_authn::Authenticated;
use verdikt_core::{Attributes, Effect, Reason, Revision, User};

use crate::authorizer::Verdict;
use crate::snapshot::Snapshot;

/// What the engine makes of one request. Holds on to the snapshot that decided, so that the reason
/// can be put in words later; keep the parts you need rather than the whole for long.
pub struct Decision<'a> {
    pub(crate) snapshot: Held,
    pub(crate) request: &'a Attributes<'a>,
    pub(crate) authenticated: Option<Authenticated>,
    pub(crate) verdict: Verdict,
}

/// A snapshot that was loaded for one decision, or is shared by several.
pub(crate) enum Held {
    Loaded(arc_swap::Guard<Arc<Snapshot>>),
    Shared(Arc<Snapshot>),
}

impl Deref for Held {
    type Target = Snapshot;

    #[inline]
    fn deref(&self) -> &Snapshot {
        match self {
            Self::Loaded(snapshot) => snapshot,
            Self::Shared(snapshot) => snapshot,
        }
    }
}

impl Decision<'_> {
    /// Allow, Deny or NoOpinion; only Allow lets the request go on.
    #[inline]
    pub fn effect(&self) -> Effect {
        self.verdict.effect
    }

    /// Whether the request may go on.
    #[inline]
    pub fn is_allowed(&self) -> bool {
        self.verdict.effect.is_allowed()
    }

    /// Which policy decided.
    #[inline]
    pub fn revision(&self) -> Revision {
        self.snapshot.revision
    }

    /// Why, as ids into the snapshot.
    #[inline]
    pub fn reason(&self) -> Reason {
        self.verdict.reason
    }

    /// Why, in the words of Kubernetes' authorizer chain; empty where it gives none.
    pub fn reason_text(&self) -> String {
        self.snapshot.authorizers.reason_text(&self.verdict, &self.request())
    }

    /// What went wrong while it was decided, in Kubernetes' words. A request that is allowed goes on all the
    /// same; over HTTP, one that is not is answered with a 500 then.
    pub fn error(&self) -> Option<String> {
        self.verdict.error()
    }

    /// Whether [`Decision::error`] has anything to say.
    pub(crate) fn has_error(&self) -> bool {
        self.verdict.has_error()
    }

    /// Who asked: the user that was authenticated, or the one the request named.
    pub fn user(&self) -> Option<&User> {
        match &self.authenticated {
            Some(authenticated) => Some(authenticated.user()),
            None => self.request.user.map(|user| user.user()),
        }
    }

    /// Whether a header is taken off the request before it goes on; see [`Snapshot::removes_header`].
    pub fn removes_header(&self, name: &str) -> bool {
        self.snapshot.removes_header(name)
    }

    /// The question, with the user it was decided for.
    pub fn request(&self) -> Attributes<'_> {
        match &self.authenticated {
            Some(authenticated) => {
                Attributes { user: Some(authenticated.identity().into()), ..*self.request }
            }
            None => *self.request,
        }
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("effect", &self.effect())
            .field("reason", &self.reason())
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

/// A request whose credentials were refused, or that brought none where some are needed: a 401.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unauthenticated {
    /// What the authenticators said, for the log and never for the client; none if no credential
    /// was recognised.
    pub error: Option<verdikt_authn::Error>,
    /// Which policy refused.
    pub revision: Revision,
}

impl fmt::Display for Unauthenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => error.fmt(f),
            None => f.write_str("no credentials provided"),
        }
    }
}

impl std::error::Error for Unauthenticated {}

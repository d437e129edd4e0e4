//! What every authenticator of tokens has in common, and the rules for audiences.
//!
//! Follows apiserver's `pkg/authentication/authenticator` (`interfaces.go`, `audiences.go`,
//! `audagnostic.go`).

use std::fmt;

use verdikt_core::User;

use crate::time::Moment;
use crate::{Error, Method};

/// Asked for tokens that no cheaper authenticator knows; its answers are cached.
pub trait TokenAuthenticator: fmt::Debug + Send + Sync {
    /// Who this is, for logs and metrics.
    fn method(&self) -> Method;

    /// Whose token it is, for a server that goes by the `requested` audiences (any, if there are none);
    /// `None` if it is not a token of a kind that is known here.
    ///
    /// # Errors
    /// If it is of a kind that is known here, but no good, or could not be checked.
    fn authenticate(&self, token: &str, requested: &[String]) -> Verdict;
}

/// The answer of a [`TokenAuthenticator`].
pub type Verdict = Result<Option<Accepted>, Error>;

/// A token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whose it is, without the group of everyone who is authenticated.
    pub user: User,
    /// The requested audiences it is meant for.
    pub audiences: Vec<String>,
    /// The moment from which the answer may be another, if that is known.
    pub until: Option<Moment>,
}

/// Those of `targets` that are in `audiences`, in the order of `targets`.
pub(crate) fn intersect(audiences: &[String], targets: &[String]) -> Vec<String> {
    targets.iter().filter(|target| audiences.contains(target)).cloned().collect()
}

/// The audiences of a token that says none: those of the server, as far as they are requested. `None`
/// if there are none left, and the token is not to be looked at.
pub(crate) fn implied(server: &[String], requested: &[String]) -> Option<Vec<String>> {
    if requested.is_empty() {
        return Some(Vec::new());
    }
    Some(intersect(server, requested)).filter(|audiences| !audiences.is_empty())
}

//! What an authenticator, or the chain, makes of a request's credentials.

use std::fmt;
use std::sync::Arc;

use verdikt_core::{Identity, User};

/// The three answers an authenticator has.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is known who asks.
    Authenticated(Authenticated),
    /// No credential, or none of a kind this authenticator knows.
    NoOpinion,
    /// A credential that is bad, or could not be checked.
    Failed(Error),
}

/// Who asks, and who says so.
#[derive(Clone, Debug)]
pub struct Authenticated {
    identity: Arc<Identity>,
    method: Method,
}

/// The authenticator that accepted a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// The static token file.
    TokenFile,
    /// The basic-auth file.
    BasicFile,
    /// No credential was brought, and none is needed.
    Anonymous,
}

impl Method {
    /// Its name, for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenFile => "token-file",
            Self::BasicFile => "basic-file",
            Self::Anonymous => "anonymous",
        }
    }
}

impl Authenticated {
    pub(crate) fn new(identity: Arc<Identity>, method: Method) -> Self {
        Self { identity, method }
    }

    /// The user.
    pub fn user(&self) -> &User {
        self.identity.user()
    }

    /// The user with its subjects resolved.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who accepted the credential.
    pub fn method(&self) -> Method {
        self.method
    }
}

/// What the authenticators that failed have said. For the log; a client only ever learns that it is
/// not authorized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    causes: Vec<Cause>,
}

/// What one authenticator has said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// Name of the authenticator.
    pub authenticator: &'static str,
    /// In Kubernetes' words.
    pub message: &'static str,
}

impl Error {
    pub(crate) fn new(authenticator: &'static str, message: &'static str) -> Self {
        Self { causes: vec![Cause { authenticator, message }] }
    }

    /// This error and then another.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.causes.extend(other.causes);
        self
    }

    /// Who said what, in the order in which they were asked.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

/// As Kubernetes joins errors: one message bare, several as `[a, b]`, each text once.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut messages: Vec<&str> = Vec::new();
        for cause in &self.causes {
            if !messages.contains(&cause.message) {
                messages.push(cause.message);
            }
        }
        match messages.as_slice() {
            [message] => f.write_str(message),
            messages => write!(f, "[{}]", messages.join(", ")),
        }
    }
}

impl std::error::Error for Error {}

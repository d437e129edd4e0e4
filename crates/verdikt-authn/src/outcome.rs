//! What an authenticator, or the chain, makes of a request's credentials.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use verdikt_core::{Identity, User};

use crate::cache::TEXT;

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
    audiences: Option<Arc<[String]>>,
    web_socket_protocols: Option<Arc<[u8]>>,
}

/// The authenticator that accepted a credential. Those of tokens stand in the order in which they are
/// asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Method {
    /// An authenticating proxy, in headers.
    FrontProxy,
    /// The certificate of a TLS connection.
    ClientCertificate,
    /// The static token file.
    TokenFile,
    /// The basic-auth file.
    BasicFile,
    /// A service account's token that is kept in a Secret.
    LegacyServiceAccount,
    /// A service account's token that was made on request.
    ServiceAccount,
    /// A bootstrap token.
    BootstrapToken,
    /// A token of an issuer that is configured.
    Oidc,
    /// A token that a webhook knows.
    TokenWebhook,
    /// No credential was brought, and none is needed.
    Anonymous,
}

impl Method {
    /// Its name, for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::FrontProxy => "front-proxy",
            Self::ClientCertificate => "x509",
            Self::TokenFile => "token-file",
            Self::BasicFile => "basic-file",
            Self::LegacyServiceAccount => "legacy-service-account",
            Self::ServiceAccount => "service-account",
            Self::BootstrapToken => "bootstrap-token",
            Self::Oidc => "oidc",
            Self::TokenWebhook => "token-webhook",
            Self::Anonymous => "anonymous",
        }
    }
}

impl Authenticated {
    pub(crate) fn new(identity: Arc<Identity>, method: Method) -> Self {
        Self { identity, method, audiences: None, web_socket_protocols: None }
    }

    /// The same, for these audiences.
    pub(crate) fn with_audiences(self, audiences: Option<Arc<[String]>>) -> Self {
        Self { audiences, ..self }
    }

    /// The same, for a token that came among sub-protocols, of which these are left.
    pub(crate) fn with_web_socket_protocols(self, left: Vec<u8>) -> Self {
        Self { web_socket_protocols: Some(left.into()), ..self }
    }

    /// What is to stand in `Sec-WebSocket-Protocol` from here on, if the token came in that header.
    /// [`crate::Chain::removes_header`] tells which other headers have served their purpose.
    pub fn web_socket_protocols(&self) -> Option<&[u8]> {
        self.web_socket_protocols.as_deref()
    }

    /// The user.
    pub fn user(&self) -> &User {
        self.identity.user()
    }

    /// The user with its subjects resolved.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The requested audiences the credential is meant for; none if it is meant for no one in
    /// particular.
    pub fn audiences(&self) -> &[String] {
        self.audiences.as_deref().unwrap_or_default()
    }

    /// Roughly what it takes.
    pub(crate) fn bytes(&self) -> usize {
        let user = self.user();
        let texts = |texts: &[String]| -> usize { texts.iter().map(|t| TEXT + t.len()).sum() };
        let extra: usize =
            user.extra.iter().map(|(key, values)| 2 * TEXT + key.len() + texts(values)).sum();
        let hashes = user.groups.len() * size_of::<u64>();
        let names = user.name.len() + user.uid.len();
        size_of::<Identity>()
            + names
            + texts(&user.groups)
            + hashes
            + extra
            + texts(self.audiences())
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
    pub message: Cow<'static, str>,
}

impl Error {
    pub(crate) fn new(authenticator: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { causes: vec![Cause { authenticator, message: message.into() }] }
    }

    /// Roughly what it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.causes.iter().map(|cause| size_of::<Cause>() + cause.message.len()).sum()
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

    /// Who said what, as a line for the log.
    pub fn by_authenticator(&self) -> String {
        let said = self.causes.iter();
        let said = said.map(|cause| format!("{}: {}", cause.authenticator, cause.message));
        said.collect::<Vec<_>>().join("; ")
    }
}

/// As Kubernetes joins errors: one message bare, several as `[a, b]`, each text once.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut messages: Vec<&str> = Vec::new();
        for cause in &self.causes {
            if !messages.contains(&&*cause.message) {
                messages.push(&cause.message);
            }
        }
        match messages.as_slice() {
            [message] => f.write_str(message),
            messages => write!(f, "[{}]", messages.join(", ")),
        }
    }
}

impl std::error::Error for Error {}

/// A message with its control characters escaped: names in it come from clients, and must not begin lines
/// of their own in a log.
pub(crate) fn on_one_line(message: String) -> String {
    if !message.chars().any(char::is_control) {
        return message;
    }
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    message.chars().map(escape).collect()
}

//! An authenticating proxy: whoever it says a request comes from, as long as it is the proxy that says
//! so.
//!
//! Follows apiserver's `Verifier` (`pkg/authentication/request/x509`) around
//! `pkg/authentication/request/headerrequest`. A certificate that the proxy's authorities did not issue is
//! an error whether any of the headers is there or not.

mod header_names;
mod options;

use std::sync::Arc;

use verdikt_core::{Credentials, HashKey, Identity, Peer, User};

pub use header_names::HeaderNames;
pub use options::validate;

use crate::outcome::on_one_line;
use crate::x509::{Now, Trust, TrustError};
use crate::{Authenticated, Error, Method, Outcome};

/// Authenticates by the headers of a proxy that has shown its certificate.
#[derive(Debug)]
pub struct FrontProxy {
    trust: Trust,
    allowed_names: Vec<String>,
    headers: HeaderNames,
    key: HashKey,
    change: fn(User) -> User,
}

impl FrontProxy {
    /// Believes clients whose certificates `trust` leads to and whose common name is among
    /// `allowed_names`, if there are any. Users stay as the headers have them.
    pub fn new(
        trust: Trust,
        allowed_names: Vec<String>,
        headers: HeaderNames,
        key: &HashKey,
    ) -> Self {
        let trust = trust.owned_by(key);
        Self { trust, allowed_names, headers, key: key.clone(), change: |user| user }
    }

    /// The same, with something done to each user first.
    pub(crate) fn with_users(self, change: fn(User) -> User) -> Self {
        Self { change, ..self }
    }

    /// Whom the proxy speaks for. No opinion without a certificate, or without a user name.
    pub fn authenticate(&self, credentials: &Credentials<'_>, now: Now) -> Outcome {
        let Some(peer) = credentials.peer.filter(|peer| !peer.is_empty()) else {
            return Outcome::NoOpinion;
        };
        match self.name(peer, now) {
            Err(error) => failed(error.to_string()),
            Ok(ProxyName(name)) if !self.allows(&name) => {
                failed(format!("x509: subject with cn={name} is not in the allowed list"))
            }
            Ok(_) => match credentials.headers.map(|headers| self.headers.user(headers)) {
                None | Some(Ok(None)) => Outcome::NoOpinion,
                Some(Ok(Some(user))) => {
                    let identity = Arc::new(Identity::new((self.change)(user), &self.key));
                    Outcome::Authenticated(Authenticated::new(identity, Method::FrontProxy))
                }
                Some(Err(message)) => failed(message),
            },
        }
    }

    /// Whether an authority vouches for the certificate, whoever's it is.
    pub(crate) fn vouches_for(&self, peer: &Peer, now: Now) -> Result<(), TrustError> {
        self.name(peer, now).map(drop)
    }

    fn name(&self, peer: &Peer, now: Now) -> Result<ProxyName, TrustError> {
        self.trust.hold(peer, now, |chains| {
            let leaf = chains.first().and_then(|chain| chain.first());
            leaf.map(|leaf| ProxyName(leaf.name.common_name.as_str().into())).unwrap_or_default()
        })
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The headers that are read, and taken off before a request goes on.
    pub fn headers(&self) -> &HeaderNames {
        &self.headers
    }

    fn allows(&self, name: &str) -> bool {
        self.allowed_names.is_empty() || self.allowed_names.iter().any(|allowed| allowed == name)
    }
}

/// The common name of a proxy that was verified. A type of its own, so that a connection's memory keeps
/// it apart from what others remember.
#[derive(Clone, Default)]
struct ProxyName(Arc<str>);

fn failed(message: String) -> Outcome {
    Outcome::Failed(Error::new(Method::FrontProxy.name(), on_one_line(message)))
}

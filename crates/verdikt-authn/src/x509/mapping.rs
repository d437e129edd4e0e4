//! A client's certificate as a user.
//!
//! Follows apiserver's `pkg/authentication/request/x509/x509.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use verdikt_core::{HashKey, Identity, Peer, User};

use super::certificate::Certificate;
use super::time::Now;
use super::trust::{Trust, TrustError};
use crate::outcome::on_one_line;
use crate::{Authenticated, Error, Method, Outcome};

/// Authenticates by the certificate of the TLS connection.
#[derive(Debug)]
pub struct ClientCertificates {
    trust: Trust,
    key: HashKey,
    change: fn(User) -> User,
}

impl ClientCertificates {
    /// Accepts what `trust` leads to; users stay as their certificates have them.
    pub fn new(trust: Trust, key: &HashKey) -> Self {
        Self::with_users(trust, key, |user| user)
    }

    /// The same, with something done to each user first.
    pub(crate) fn with_users(trust: Trust, key: &HashKey, change: fn(User) -> User) -> Self {
        Self { trust: trust.owned_by(key), key: key.clone(), change }
    }

    /// Whose certificate this is. No opinion if there is none, or if it has no common name.
    pub fn authenticate(&self, peer: Option<&Peer>, now: Now) -> Outcome {
        let Some(peer) = peer.filter(|peer| !peer.is_empty()) else { return Outcome::NoOpinion };
        self.look_at(peer, now).unwrap_or_else(|error| failed(error.with_certificate()))
    }

    /// Whether an authority vouches for the certificate, whoever's it is.
    pub(crate) fn vouches_for(&self, peer: &Peer, now: Now) -> Result<(), TrustError> {
        self.look_at(peer, now).map(drop)
    }

    fn look_at(&self, peer: &Peer, now: Now) -> Result<Outcome, TrustError> {
        // All chains have the same certificate first, and that alone says who it is.
        let map = |chains: &[super::verify::Chain]| match chains.first().and_then(|c| c.first()) {
            Some(leaf) => self.user_of(leaf),
            None => Outcome::NoOpinion,
        };
        self.trust.hold(peer, now, map)
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    fn user_of(&self, certificate: &Certificate) -> Outcome {
        let name = &certificate.name;
        if name.common_name.is_empty() {
            return Outcome::NoOpinion;
        }
        let uid = match name.uids.as_slice() {
            [] => String::new(),
            [uid] if uid.is_empty() => return failed("UID cannot be an empty string".to_owned()),
            [uid] => uid.clone(),
            uids => {
                let uids = uids.join(" ");
                return failed(format!("expected 1 UID, but found multiple: [{uids}]"));
            }
        };
        let credential = format!("X509SHA256={:x}", Sha256::digest(certificate.der()));
        let user = User {
            name: name.common_name.clone(),
            uid,
            groups: name.organizations.clone(),
            extra: BTreeMap::from([(CREDENTIAL_ID.to_owned(), vec![credential])]),
        };
        let identity = Arc::new(Identity::new((self.change)(user), &self.key));
        Outcome::Authenticated(Authenticated::new(identity, Method::ClientCertificate))
    }
}

impl TrustError {
    /// In kube-apiserver's words for client certificates, with the certificate's numbers.
    fn with_certificate(&self) -> String {
        match self {
            Self::Verify { certificate, error } => {
                format!("verifying certificate {certificate} failed: {error}")
            }
            other => other.to_string(),
        }
    }
}

fn failed(message: String) -> Outcome {
    Outcome::Failed(Error::new(Method::ClientCertificate.name(), on_one_line(message)))
}

const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

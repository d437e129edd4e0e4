//! Whom to trust, and what is remembered of those who were.
//!
//! Upstream verifies a connection's certificate with every request. Here it is done once: whoever was
//! accepted is accepted until the connection ends, whatever becomes of the bundle; but not past the end
//! of a certificate's validity, and not once a revocation list says otherwise. A refusal is looked at
//! again when the bundle changes, or after a while.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use verdikt_core::{HashKey, Peer};

use super::certificate::{Certificate, ParseError};
use super::crl::{RevocationError, Revocations};
use super::pool::Pool;
use super::time::{Now, Time};
use super::verify::{Chain, Options, VerifyError, verify};

/// Certificates that are trusted, and revocation lists.
#[derive(Debug)]
pub struct Trust {
    id: u64,
    /// Whose it is: what one engine accepted says nothing to another.
    owner: Option<u64>,
    roots: Pool,
    revocations: Option<Arc<Revocations>>,
}

/// Why a client's certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustError {
    /// The client sent something that is no certificate.
    Parse(ParseError),
    /// No way leads from its certificate to one that is trusted.
    Verify {
        /// The certificate, as kube-apiserver's log names it.
        certificate: String,
        /// What is wrong.
        error: VerifyError,
    },
    /// A certificate on every way has been revoked, or that cannot be told.
    Revoked(RevocationError),
}

/// What was made of a connection's certificates, kept with them.
struct Held<T> {
    trust: u64,
    owner: Option<u64>,
    /// When it has to be looked at again.
    until: Now,
    result: Result<Accepted<T>, TrustError>,
}

#[derive(Clone)]
struct Accepted<T> {
    chains: Vec<Chain>,
    value: T,
}

impl Trust {
    /// Trusts the certificates of a bundle, and what they vouch for and have not revoked.
    pub fn new(roots: Vec<Arc<Certificate>>, revocations: Option<Arc<Revocations>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, owner: None, roots: Pool::new(roots), revocations }
    }

    /// The same for the engine with this key.
    pub(crate) fn owned_by(self, key: &HashKey) -> Self {
        Self { owner: Some(key.id()), ..self }
    }

    /// The subjects of all that is trusted, in DER.
    pub fn subjects(&self) -> impl Iterator<Item = &[u8]> {
        self.roots.iter().map(|certificate| certificate.subject_der())
    }

    /// What `make` says of the chains of a peer's certificate, from memory if it has been asked.
    pub(crate) fn hold<T: Clone + Send + Sync + 'static>(
        &self,
        peer: &Peer,
        now: Now,
        make: impl FnOnce(&[Chain]) -> T,
    ) -> Result<T, TrustError> {
        let before = peer.recall::<Held<T>>().filter(|held| held.owner == self.owner);
        let held = match before {
            Some(held) if held.trust == self.id && now < held.until => held,
            before => {
                let held = Arc::new(self.look_again(before.as_deref(), peer, now, make));
                peer.remember(Arc::clone(&held));
                held
            }
        };
        match &held.result {
            Ok(accepted) => Ok(accepted.value.clone()),
            Err(error) => Err(error.clone()),
        }
    }

    fn look_again<T: Clone>(
        &self,
        before: Option<&Held<T>>,
        peer: &Peer,
        now: Now,
        make: impl FnOnce(&[Chain]) -> T,
    ) -> Held<T> {
        let accepted = before.and_then(|held| held.result.as_ref().ok()).filter(|accepted| {
            let mut certificates = accepted.chains.iter().flatten();
            !certificates.any(|certificate| certificate.has_expired(now))
        });
        let result = match accepted {
            Some(accepted) => self
                .not_revoked(accepted.chains.clone(), now)
                .map(|(chains, until)| (Accepted { chains, value: accepted.value.clone() }, until))
                .map_err(TrustError::Revoked),
            None => self.verify(peer, now).map(|(chains, until)| {
                let value = make(&chains);
                (Accepted { chains, value }, until)
            }),
        };
        let (result, until) = match result {
            Ok((accepted, until)) => (Ok(accepted), Now::after(until)),
            Err(error) => (Err(error), now.plus_seconds(REFUSAL_SECONDS)),
        };
        Held { trust: self.id, owner: self.owner, until, result }
    }

    fn verify(&self, peer: &Peer, now: Now) -> Result<(Vec<Chain>, Option<Time>), TrustError> {
        let mut certificates = Vec::new();
        for der in peer.certificates() {
            certificates.push(Arc::new(Certificate::parse(der).map_err(TrustError::Parse)?));
        }
        let mut certificates = certificates.into_iter();
        let nothing = || TrustError::Parse(ParseError::from("no certificate"));
        let leaf = certificates.next().ok_or_else(nothing)?;
        let intermediates = Pool::new(certificates);
        let options = Options { roots: &self.roots, intermediates: &intermediates, now };
        let chains = verify(&leaf, &options)
            .map_err(|error| TrustError::Verify { certificate: leaf.identifier(), error })?;
        self.not_revoked(chains, now).map_err(TrustError::Revoked)
    }

    /// The chains on which nothing has been revoked, and until when that may be said of them.
    fn not_revoked(
        &self,
        chains: Vec<Chain>,
        now: Now,
    ) -> Result<(Vec<Chain>, Option<Time>), RevocationError> {
        let mut until: Option<Time> = None;
        let mut first_error = None;
        let mut left = Vec::with_capacity(chains.len());
        for chain in chains {
            match self.check_revocation(&chain, now) {
                Ok(end) => {
                    let ends = chain.iter().map(|certificate| certificate.not_after).chain(end);
                    until = ends.chain(until).min();
                    left.push(chain);
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if left.is_empty() => Err(error),
            _ => Ok((left, until)),
        }
    }

    fn check_revocation(&self, chain: &Chain, now: Now) -> Result<Option<Time>, RevocationError> {
        let Some(revocations) = &self.revocations else { return Ok(None) };
        let mut until: Option<Time> = None;
        for (index, certificate) in chain.iter().enumerate() {
            let (issuers, is_anchor) = match chain.get(index + 1) {
                Some(issuer) => (vec![Arc::clone(issuer)], false),
                None => (self.roots.issuers_of(certificate), true),
            };
            let end = revocations.check(certificate, &issuers, is_anchor, now)?;
            until = until.into_iter().chain(end).min();
        }
        Ok(until)
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Verify { error, .. } => error.fmt(f),
            Self::Revoked(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TrustError {}

/// How long a refusal is remembered: long enough that a client cannot have it worked out with every
/// request of a connection.
const REFUSAL_SECONDS: i64 = 10;

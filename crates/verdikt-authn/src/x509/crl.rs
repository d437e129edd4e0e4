//! Revocation lists: certificates that count no longer, though they are valid.
//!
//! Kubernetes has none of this. Reading follows Go's `ParseRevocationList`; a list is used as RFC 5280
//! has it, with what cannot be told taken for the worse: a list that has expired, or that its issuer did
//! not sign, refuses all certificates of that issuer. An issuer without a list in the file is not checked.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::certificate::{CRL_SIGN, Certificate, ParseError, read_extension, signature_algorithm};
use super::der::{GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME, constructed};
use super::key::SignatureAlgorithm;
use super::name;
use super::time::{self, Now, Time};

/// All lists of a file.
#[derive(Debug, Default)]
pub struct Revocations {
    pub(super) lists: Vec<RevocationList>,
}

/// A list, as one authority issued it.
#[derive(Debug)]
pub struct RevocationList {
    pub(super) issuer: Box<[u8]>,
    /// What the issuer is called, for messages.
    pub(super) called: String,
    from: Time,
    pub(super) until: Option<Time>,
    serials: HashSet<Box<[u8]>>,
    signed: Box<[u8]>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    /// Which keys did and did not sign the list: checking takes long for long lists.
    signers: Mutex<HashMap<Box<[u8]>, bool>>,
}

/// Why a chain that is otherwise good is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationError {
    /// Its issuer took it back.
    Revoked {
        /// The certificate, as the log names it.
        certificate: String,
        /// Who revoked it.
        issuer: String,
    },
    /// No list of the issuer is current.
    NotCurrent {
        /// Whose list it is.
        issuer: String,
        /// Until when the last one was.
        until: Option<Time>,
    },
    /// There are lists under the issuer's name, but none of them is signed by it.
    NotSigned {
        /// Whose list it is said to be.
        issuer: String,
    },
}

impl RevocationList {
    pub(super) fn parse(der: &[u8]) -> Result<Self, ParseError> {
        let mut input = Reader::new(der).read(SEQUENCE).ok_or("x509: malformed crl")?;
        let signed = input.element(SEQUENCE).ok_or("x509: malformed tbs crl")?;
        let mut body = Reader::new(signed).read(SEQUENCE).ok_or("x509: malformed tbs crl")?;
        if !body.is_next(INTEGER) || body.int64() != Some(1) {
            return Err("x509: unsupported crl version".into());
        }
        let algorithm = signature_algorithm(&mut body, &mut input)?;
        let signature = input.bits().ok_or("x509: malformed signature")?.to_bytes();
        let issuer = body.element(SEQUENCE).ok_or("x509: malformed issuer")?;
        let name = name::parse(issuer)?;
        let from = time::read(&mut body).ok_or("x509: malformed time")?;
        let has_end = body.is_next(UTC_TIME) || body.is_next(GENERALIZED_TIME);
        let until = match has_end {
            true => Some(time::read(&mut body).ok_or("x509: malformed time")?),
            false => None,
        };
        let serials = match body.is_next(SEQUENCE) {
            true => serials(&mut body)?,
            false => HashSet::new(),
        };
        if let Some(mut list) = body.optional(constructed(0)).ok_or("x509: malformed extensions")? {
            let list = list.read(SEQUENCE).ok_or("x509: malformed extensions")?;
            refuse_critical(list)?;
        }
        let called = match (name.common_name, name.organizations.into_iter().next()) {
            (name, None) => name,
            (name, Some(organization)) => {
                if name.is_empty() {
                    organization
                } else {
                    name
                }
            }
        };
        Ok(Self {
            issuer: issuer.into(),
            called,
            from,
            until,
            serials,
            signed: signed.into(),
            algorithm,
            signature,
            signers: Mutex::default(),
        })
    }

    /// Whether `issuer` signed this list and may sign lists.
    pub(super) fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&is_signed) = signers.get(issuer.key_der()) {
            return is_signed && issuer.check_may_sign(CRL_SIGN).is_ok();
        }
        let is_signed = issuer
            .key
            .as_ref()
            .is_some_and(|key| key.verify(self.algorithm, &self.signed, &self.signature).is_ok());
        if signers.len() < MOST_SIGNERS {
            signers.insert(issuer.key_der().into(), is_signed);
        }
        is_signed && issuer.check_may_sign(CRL_SIGN).is_ok()
    }

    pub(super) fn is_current(&self, now: Now) -> bool {
        !now.is_before(self.from) && self.until.is_none_or(|until| !now.is_after(until))
    }
}

/// The serial numbers of all entries. An entry that says more than a reason is refused: its certificate
/// may be of another issuer.
fn serials(body: &mut Reader<'_>) -> Result<HashSet<Box<[u8]>>, ParseError> {
    const MALFORMED: &str = "x509: malformed crl";
    let mut list = body.read(SEQUENCE).ok_or(MALFORMED)?;
    let mut serials = HashSet::new();
    while !list.is_empty() {
        let mut entry = list.read(SEQUENCE).ok_or(MALFORMED)?;
        let serial = entry.integer().ok_or("x509: malformed serial number")?;
        time::read(&mut entry).ok_or("x509: malformed time")?;
        if let Some(extensions) = entry.optional(SEQUENCE).ok_or("x509: malformed extensions")? {
            refuse_critical(extensions)?;
        }
        serials.insert(serial.into());
    }
    Ok(serials)
}

/// Critical extensions change what a list means: that it is only about some certificates, or only says
/// what has changed.
fn refuse_critical(mut list: Reader<'_>) -> Result<(), ParseError> {
    while !list.is_empty() {
        if read_extension(&mut list)?.is_critical {
            return Err("critical extensions of revocation lists are not supported".into());
        }
    }
    Ok(())
}

impl Revocations {
    /// Whether a certificate counts, as far as the lists under its issuer's name go; until when they do.
    /// One of `issuers` must have signed them. `is_anchor` says that it is trusted itself, so that lists
    /// nobody here signed are not about it.
    pub(super) fn check(
        &self,
        certificate: &Certificate,
        issuers: &[Arc<Certificate>],
        is_anchor: bool,
        now: Now,
    ) -> Result<Option<Time>, RevocationError> {
        let named: Vec<_> =
            self.lists.iter().filter(|list| list.issuer == certificate.issuer).collect();
        let Some(first) = named.first() else { return Ok(None) };
        let issuer = || first.called.clone();
        let signed: Vec<_> = named
            .iter()
            .filter(|list| issuers.iter().any(|issuer| list.is_signed_by(issuer)))
            .collect();
        if signed.is_empty() {
            return if is_anchor {
                Ok(None)
            } else {
                Err(RevocationError::NotSigned { issuer: issuer() })
            };
        }
        let current: Vec<_> = signed.iter().filter(|list| list.is_current(now)).collect();
        if current.is_empty() {
            let until = signed.iter().filter_map(|list| list.until).max();
            return Err(RevocationError::NotCurrent { issuer: issuer(), until });
        }
        if current.iter().any(|list| list.serials.contains(&certificate.serial)) {
            let certificate = certificate.identifier();
            return Err(RevocationError::Revoked { certificate, issuer: issuer() });
        }
        Ok(current.iter().filter_map(|list| list.until).min())
    }
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked { certificate, issuer } => {
                write!(f, "certificate {certificate} was revoked by {issuer:?}")
            }
            Self::NotCurrent { issuer, until: Some(until) } => write!(
                f,
                "the revocation list of {issuer:?} was current until {until}: all certificates of that \
                 issuer are refused until there is a newer one"
            ),
            Self::NotCurrent { issuer, until: None } => {
                write!(f, "the revocation list of {issuer:?} is not current yet")
            }
            Self::NotSigned { issuer } => write!(
                f,
                "the revocation list of {issuer:?} is not signed by the authority of that name: all its \
                 certificates are refused"
            ),
        }
    }
}

impl std::error::Error for RevocationError {}

/// Authorities come from the bundle, and from chains that lead to it; there are few.
const MOST_SIGNERS: usize = 64;

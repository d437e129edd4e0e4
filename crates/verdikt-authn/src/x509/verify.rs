//! Whether a certificate leads to a root that is trusted, and on which ways.
//!
//! Follows Go's `Certificate.Verify` (`crypto/x509/verify.go`) as kube-apiserver calls it for clients:
//! roots of its own, the other certificates the client sent as intermediates, extended key usage
//! clientAuth, no host name. The order in which errors overwrite each other is Go's as well.

use std::fmt;
use std::sync::Arc;

use super::certificate::Certificate;
use super::key::SignatureError;
use super::pool::Pool;
use super::time::{Now, Time};
use super::{constraints, policies};

/// A way from a certificate to a root: the certificate first.
pub(super) type Chain = Vec<Arc<Certificate>>;

/// Why there is no way to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// A critical extension nobody here understands.
    UnhandledCriticalExtension,
    /// The certificate, or one above it, is not valid yet.
    NotYetValid {
        /// When it was checked.
        now: Time,
        /// From when on it is valid.
        from: Time,
    },
    /// The certificate, or one above it, is valid no longer.
    Expired {
        /// When it was checked.
        now: Time,
        /// Until when it was valid.
        until: Time,
    },
    /// An issuer with another name.
    NameMismatch,
    /// An intermediate that is no authority.
    NotAuthorizedToSign,
    /// More certificates below an authority than it allows.
    TooManyIntermediates,
    /// Every way has a certificate that is for other uses than authenticating clients.
    IncompatibleUsage,
    /// A name that an authority must not certify.
    Name(String),
    /// No way on which the certificates' policies agree.
    Policies {
        /// Ways that fail for their policies.
        policies: usize,
        /// Ways that fail for their extended key usage.
        usages: usize,
    },
    /// So many possible issuers that it was given up.
    SignatureLimit,
    /// Nobody who is trusted issued it; perhaps because this issuer could not have.
    UnknownAuthority(Option<Box<Hint>>),
}

/// An issuer that was considered first, and why it was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    authority: String,
    error: HintError,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HintError {
    Signature(SignatureError),
    Invalid(VerifyError),
}

/// What is known beside the certificate.
pub(super) struct Options<'a> {
    pub(super) roots: &'a Pool,
    pub(super) intermediates: &'a Pool,
    pub(super) now: Now,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Leaf,
    Intermediate,
    Root,
}

/// All ways from `leaf` to a root.
pub(super) fn verify(
    leaf: &Arc<Certificate>,
    options: &Options<'_>,
) -> Result<Vec<Chain>, VerifyError> {
    check(leaf, Role::Leaf, &[], options.now)?;
    let candidates = if options.roots.contains(leaf) {
        vec![vec![Arc::clone(leaf)]]
    } else {
        Search { options, checks: 0 }.chains_above(&[Arc::clone(leaf)])?
    };
    let (mut policies, mut usages, mut name_error) = (0, 0, None);
    let mut chains = Vec::new();
    for chain in candidates {
        if !policies::are_valid(&chain) {
            policies += 1;
        } else if !is_for_clients(&chain) {
            usages += 1;
        } else if let Err(what) = constraints::check_chain(&chain) {
            name_error.get_or_insert(what);
        } else {
            chains.push(chain);
        }
    }
    if !chains.is_empty() {
        return Ok(chains);
    }
    Err(match name_error {
        Some(what) => VerifyError::Name(what),
        None if usages > 0 && policies == 0 => VerifyError::IncompatibleUsage,
        None => VerifyError::Policies { policies, usages },
    })
}

/// Whether a certificate may stand above `below`, as far as that can be told without its signature.
fn check(
    certificate: &Certificate,
    role: Role,
    below: &[Arc<Certificate>],
    now: Now,
) -> Result<(), VerifyError> {
    let extensions = &certificate.extensions;
    if extensions.has_unhandled_critical {
        return Err(VerifyError::UnhandledCriticalExtension);
    }
    if below.last().is_some_and(|child| child.issuer != certificate.subject) {
        return Err(VerifyError::NameMismatch);
    }
    if now.is_before(certificate.not_before) {
        return Err(VerifyError::NotYetValid { now: now.seconds(), from: certificate.not_before });
    }
    if certificate.has_expired(now) {
        return Err(VerifyError::Expired { now: now.seconds(), until: certificate.not_after });
    }
    let basic = extensions.basic_constraints;
    if role == Role::Intermediate && !basic.is_some_and(|basic| basic.is_authority) {
        return Err(VerifyError::NotAuthorizedToSign);
    }
    let intermediates = i64::try_from(below.len()).unwrap_or(i64::MAX) - 1;
    match basic.and_then(|basic| basic.max_path_length) {
        Some(most) if intermediates > most => Err(VerifyError::TooManyIntermediates),
        _ => Ok(()),
    }
}

/// One search for chains, which may check so many signatures and no more.
struct Search<'a> {
    options: &'a Options<'a>,
    checks: usize,
}

impl Search<'_> {
    /// All ways from the last certificate of `chain` to a root, each with `chain` before it.
    fn chains_above(&mut self, chain: &[Arc<Certificate>]) -> Result<Vec<Chain>, VerifyError> {
        let Some(child) = chain.last() else { return Ok(Vec::new()) };
        let mut chains = Vec::new();
        let mut hint = None;
        // What the last candidate that was looked at is wrong with, if anything.
        let mut last_error = None;
        let roots = self.options.roots.issuers_of(child).into_iter().map(|c| (Role::Root, c));
        let intermediates = self.options.intermediates.issuers_of(child);
        let intermediates = intermediates.into_iter().map(|c| (Role::Intermediate, c));
        for (role, candidate) in roots.chain(intermediates) {
            self.checks += 1;
            if self.checks > MOST_CHECKS {
                last_error = Some(VerifyError::SignatureLimit);
                break;
            }
            if candidate.key.is_none() || is_in(&candidate, chain) {
                continue;
            }
            if let Err(error) = child.check_signature_from(&candidate) {
                hint.get_or_insert_with(|| Hint::new(&candidate, HintError::Signature(error)));
                continue;
            }
            if let Err(error) = check(&candidate, role, chain, self.options.now) {
                let of = || Hint::new(&candidate, HintError::Invalid(error.clone()));
                hint.get_or_insert_with(of);
                last_error = Some(error);
                continue;
            }
            last_error = None;
            let longer = [chain, &[candidate]].concat();
            if role == Role::Root {
                chains.push(longer);
                continue;
            }
            match self.chains_above(&longer) {
                Ok(found) => chains.extend(found),
                Err(error) => last_error = Some(error),
            }
            if last_error == Some(VerifyError::SignatureLimit) {
                break;
            }
        }
        if !chains.is_empty() {
            return Ok(chains);
        }
        Err(last_error.unwrap_or(VerifyError::UnknownAuthority(hint)))
    }
}

/// Whether a chain holds this authority already, perhaps in another certificate: the same subject, key
/// and alternative names. Otherwise authorities that certify each other would be followed in circles.
fn is_in(candidate: &Certificate, chain: &[Arc<Certificate>]) -> bool {
    for certificate in chain {
        if candidate.subject != certificate.subject || candidate.key_info != certificate.key_info {
            continue;
        }
        match (&candidate.extensions.san_value, &certificate.extensions.san_value) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other => return true,
            (Some(_), Some(_)) => {}
            _ => return false,
        }
    }
    false
}

/// Whether every certificate is for authenticating clients, or for anything.
fn is_for_clients(chain: &[Arc<Certificate>]) -> bool {
    chain.iter().all(|certificate| {
        let usages = &certificate.extensions.extended_key_usage;
        usages.is_empty() || usages.iter().any(|usage| **usage == *ANY || **usage == *CLIENT_AUTH)
    })
}

impl Hint {
    fn new(authority: &Certificate, error: HintError) -> Box<Self> {
        Box::new(Self { authority: authority.called(), error })
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnhandledCriticalExtension => f.write_str("x509: unhandled critical extension"),
            Self::NotYetValid { now, from } => write!(
                f,
                "x509: certificate has expired or is not yet valid: current time {now} is before {from}"
            ),
            Self::Expired { now, until } => write!(
                f,
                "x509: certificate has expired or is not yet valid: current time {now} is after {until}"
            ),
            Self::NameMismatch => {
                f.write_str("x509: issuer name does not match subject from issuing certificate")
            }
            Self::NotAuthorizedToSign => {
                f.write_str("x509: certificate is not authorized to sign other certificates")
            }
            Self::TooManyIntermediates => {
                f.write_str("x509: too many intermediates for path length constraint")
            }
            Self::IncompatibleUsage => {
                f.write_str("x509: certificate specifies an incompatible key usage")
            }
            Self::Name(what) => write!(
                f,
                "x509: a root or intermediate certificate is not authorized to sign for this name: \
                 {what}"
            ),
            Self::Policies { policies, usages: 0 } => write!(
                f,
                "x509: no valid chains built: {policies} candidate chains with invalid policies"
            ),
            Self::Policies { policies, usages } => write!(
                f,
                "x509: no valid chains built: {usages} candidate chains with incompatible key usage, \
                 {policies} candidate chains with invalid policies"
            ),
            Self::SignatureLimit => f.write_str(
                "x509: signature check attempts limit reached while verifying certificate chain",
            ),
            Self::UnknownAuthority(None) => {
                f.write_str("x509: certificate signed by unknown authority")
            }
            Self::UnknownAuthority(Some(hint)) => {
                let error = match &hint.error {
                    HintError::Signature(error) => error.to_string(),
                    HintError::Invalid(error) => error.to_string(),
                };
                write!(
                    f,
                    "x509: certificate signed by unknown authority (possibly because of {} while \
                     trying to verify candidate authority certificate {})",
                    verdikt_core::GoQuoted(&error),
                    verdikt_core::GoQuoted(&hint.authority)
                )
            }
        }
    }
}

impl std::error::Error for VerifyError {}

/// As Go's `maxChainSignatureChecks`.
const MOST_CHECKS: usize = 100;

/// 2.5.29.37.0
const ANY: &[u8] = &[0x55, 0x1d, 0x25, 0];
/// 1.3.6.1.5.5.7.3.2
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

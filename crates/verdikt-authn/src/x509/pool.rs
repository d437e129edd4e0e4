//! A set of certificates, found by their subjects.
//!
//! Follows Go's `crypto/x509/cert_pool.go`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::certificate::Certificate;

/// Certificates, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    certificates: Vec<Arc<Certificate>>,
    by_subject: HashMap<Box<[u8]>, Vec<usize>>,
    present: HashSet<Box<[u8]>>,
}

impl Pool {
    pub(super) fn new(certificates: impl IntoIterator<Item = Arc<Certificate>>) -> Self {
        let mut pool = Self::default();
        for certificate in certificates {
            if pool.present.insert(certificate.raw.clone()) {
                let index = pool.certificates.len();
                pool.by_subject.entry(certificate.subject.clone()).or_default().push(index);
                pool.certificates.push(certificate);
            }
        }
        pool
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.certificates.iter()
    }

    /// Whether this very certificate is among them, byte for byte.
    pub(super) fn contains(&self, certificate: &Certificate) -> bool {
        self.present.contains(&certificate.raw)
    }

    /// Those that may have issued `certificate`: whose key it names first, then those of which that
    /// cannot be told, then the others.
    pub(super) fn issuers_of(&self, certificate: &Certificate) -> Vec<Arc<Certificate>> {
        let indexes = self.by_subject.get(&certificate.issuer).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<_> =
            indexes.iter().filter_map(|&index| self.certificates.get(index)).collect();
        // Stable: those of one rank stay in order.
        found.sort_by_key(|issuer| rank(certificate, issuer));
        found.into_iter().map(Arc::clone).collect()
    }
}

fn rank(certificate: &Certificate, issuer: &Certificate) -> u8 {
    let named = &certificate.extensions.authority_key_id;
    let own = &issuer.extensions.subject_key_id;
    if named == own {
        0
    } else if named.is_empty() || own.is_empty() {
        1
    } else {
        2
    }
}

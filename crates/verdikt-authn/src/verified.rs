//! Remembers which secrets have been verified against a costly hash, without remembering the secrets.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use verdikt_core::Identity;

/// Secrets found good, by HMAC-SHA256 under a random key. It belongs to one reading of a file, and goes
/// with it: what is removed from the file is refused at once.
pub(crate) struct Verified {
    key: Option<[u8; 32]>,
    known: Mutex<HashMap<[u8; 32], Arc<Identity>>>,
}

impl Verified {
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        // Without randomness nothing is remembered, and everything checked again.
        let key = getrandom::fill(&mut key).is_ok().then_some(key);
        Self { key, known: Mutex::default() }
    }

    /// Whose secret this is, if it was verified before. `scope` keeps users of one password apart.
    pub(crate) fn get(&self, scope: &[u8], secret: &[u8]) -> Option<Arc<Identity>> {
        let digest = self.digest(scope, secret)?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()
    }

    pub(crate) fn insert(&self, scope: &[u8], secret: &[u8], identity: &Arc<Identity>) {
        let Some(digest) = self.digest(scope, secret) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Only good secrets come here, so clients cannot fill it; files might.
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest, Arc::clone(identity));
    }

    fn digest(&self, scope: &[u8], secret: &[u8]) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key?).ok()?;
        mac.update(&(scope.len() as u64).to_le_bytes());
        mac.update(scope);
        mac.update(secret);
        Some(mac.finalize().into_bytes().into())
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verified")
    }
}

const MOST: usize = 65_536;

//! What a client presented when its TLS connection began.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The certificates of a client, its own first, as they came: nobody has verified them, but the client
/// has shown that it holds the key of the first.
///
/// One of these belongs to one connection, and keeps what authenticators made of it, so that they need
/// not do it again with every request.
#[derive(Default)]
pub struct Peer {
    certificates: Box<[Box<[u8]>]>,
    memory: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
}

impl Peer {
    /// A client that presented these certificates, in DER.
    pub fn new<C: Into<Box<[u8]>>>(certificates: impl IntoIterator<Item = C>) -> Self {
        let certificates = certificates.into_iter().map(Into::into).collect();
        Self { certificates, memory: Mutex::default() }
    }

    /// The certificates, the client's own first.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(|certificate| &**certificate)
    }

    /// Whether it presented none.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Whether any authenticator has looked at it yet; the first look takes longest.
    pub fn is_known(&self) -> bool {
        !self.memory().is_empty()
    }

    /// What was remembered of this type.
    pub fn recall<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let memory = self.memory();
        let found = memory.iter().find(|kept| kept.as_ref().is::<T>()).map(Arc::clone);
        drop(memory);
        found.and_then(|kept| kept.downcast().ok())
    }

    /// Remembers a value, in place of any other of its type.
    pub fn remember<T: Any + Send + Sync>(&self, value: Arc<T>) {
        let mut memory = self.memory();
        memory.retain(|kept| !kept.as_ref().is::<T>());
        memory.push(value);
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Vec<Arc<dyn Any + Send + Sync>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({} certificates)", self.certificates.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_of_a_type_is_remembered() {
        let peer = Peer::new([vec![1_u8]]);
        assert!(!peer.is_known() && peer.recall::<u8>().is_none());
        for value in [1_u8, 2] {
            peer.remember(Arc::new(value));
        }
        peer.remember(Arc::new("text"));
        assert_eq!(peer.recall::<u8>().as_deref(), Some(&2));
        assert_eq!(peer.recall::<&str>().as_deref(), Some(&"text"));
        assert!(peer.is_known() && peer.recall::<u16>().is_none());
    }
}

//! Requests that bring no credential at all.

use std::sync::Arc;

use verdikt_core::{HashKey, Identity, User};

use crate::{Authenticated, Method};

/// Says of everyone that they are `system:anonymous`.
#[derive(Debug)]
pub(crate) struct Anonymous(Authenticated);

impl Anonymous {
    pub(crate) fn new(key: &HashKey) -> Self {
        let identity = Arc::new(Identity::new(User::anonymous(), key));
        Self(Authenticated::new(identity, Method::Anonymous))
    }

    pub(crate) fn authenticate(&self) -> Authenticated {
        self.0.clone()
    }
}

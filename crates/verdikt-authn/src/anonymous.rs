//! Requests that bring no credential at all.

use std::sync::Arc;

use verdikt_core::{HashKey, Identity, User};

use crate::{Authenticated, Method};

/// Says of everyone that they are `system:anonymous`, or of those who ask for certain paths.
#[derive(Debug)]
pub(crate) struct Anonymous {
    who: Authenticated,
    /// On these alone, compared exactly; on all if there are none.
    paths: Vec<String>,
}

impl Anonymous {
    pub(crate) fn new(key: &HashKey, paths: Vec<String>) -> Self {
        let identity = Arc::new(Identity::new(User::anonymous(), key));
        Self { who: Authenticated::new(identity, Method::Anonymous), paths }
    }

    /// Who asks for `path`, which is decoded.
    pub(crate) fn authenticate(&self, path: &str) -> Option<Authenticated> {
        let is_open = self.paths.is_empty() || self.paths.iter().any(|open| open == path);
        is_open.then(|| self.who.clone())
    }
}

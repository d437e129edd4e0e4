//! Policy that is looked at, and does not serve.

use std::fmt;
use std::sync::Arc;

use verdikt_compiler::lint;
use verdikt_core::HashKey;
use verdikt_parser::{Diagnostic, Limits, PolicySet, Source};

use crate::reload::first_look;
use crate::source::Text;
use crate::{Builder, Counts, LoadError, Loaded};

/// A policy that an engine would serve, and what can be said of it.
pub struct Validation {
    loaded: Loaded,
    policy: Arc<PolicySet>,
    pub(crate) manifests: Vec<Text>,
    pub(crate) limits: Limits,
}

impl Builder {
    /// Reads and compiles the policy as [`Builder::build`] does, but starts nothing.
    ///
    /// # Errors
    /// If options contradict each other, or anything is wrong with any source.
    pub fn validate(self) -> Result<Validation, LoadError> {
        let mut sources = self.sources()?;
        let (snapshot, policy, manifests) = first_look(&mut sources, &HashKey::random())?;
        let loaded = Loaded::clone(&snapshot.loaded);
        Ok(Validation { loaded, policy, manifests, limits: sources.limits })
    }
}

impl Validation {
    /// How much was read.
    pub fn counts(&self) -> &Counts {
        &self.loaded.counts
    }

    /// What was found that does not keep the policy from serving.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.loaded.warnings
    }

    /// The same, and what a security engineer would say about roles and bindings besides.
    pub fn lint(&self, choice: &lint::Choice) -> lint::Report {
        let sources: Vec<Source<'_>> = self.manifests.iter().map(Text::source).collect();
        let loaded = self.loaded.warnings.clone();
        lint::check(&self.policy, &sources, loaded, choice, &self.limits)
    }
}

impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation").field("loaded", &self.loaded).finish_non_exhaustive()
    }
}

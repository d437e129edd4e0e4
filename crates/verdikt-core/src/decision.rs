//! What is answered: an effect, and the state of the policy it was answered from.

use std::fmt;

/// What one authorizer, or the whole chain, makes of a request.
///
/// Exhaustive on purpose: a new outcome must break every caller's build (Kubernetes' KEP-5681 will
/// add conditional ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The request may go on.
    Allow,
    /// The request is refused, and no later authorizer is asked.
    Deny,
    /// This authorizer has nothing to say; if none has, the request is refused.
    NoOpinion,
}

impl Effect {
    /// True for [`Effect::Allow`] alone.
    pub fn is_allowed(self) -> bool {
        self == Self::Allow
    }
}

/// Kubernetes' own spelling: `Allow`, `Deny`, `NoOpinion`.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::NoOpinion => "NoOpinion",
        })
    }
}

/// Which policy answered: 1 for the first one an engine loads, one more for every later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

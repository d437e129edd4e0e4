//! What is known of a rule before it is broken.

use verdikt_parser::Severity;

/// Something to look for in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Stable identifier, such as `lint/read-secrets`.
    pub id: &'static str,
    /// How bad it is at its worst; a finding may weigh less, such as one that is confined to a namespace.
    pub severity: Severity,
    /// Why it matters, in a sentence.
    pub why: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// Where Kubernetes' documentation says more.
    pub reference: &'static str,
}

impl Rule {
    /// The identifier without its group: what comments and flags say.
    pub fn name(&self) -> &'static str {
        self.id.rsplit('/').next().unwrap_or(self.id)
    }

    pub(super) const fn new(
        id: &'static str,
        severity: Severity,
        why: &'static str,
        advice: &'static str,
    ) -> Self {
        Self { id, severity, why, advice, reference: REFERENCE }
    }

    pub(super) const fn see(self, reference: &'static str) -> Self {
        Self { reference, ..self }
    }
}

/// Kubernetes' page on RBAC.
pub(super) const REFERENCE: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/";

/// A chapter of Kubernetes' page on good practices.
macro_rules! practice {
    ($chapter:literal) => {
        concat!("https://kubernetes.io/docs/concepts/security/rbac-good-practices/#", $chapter)
    };
}
pub(super) use practice;

//! Which tokens of service accounts are used.
//!
//! Follows `pkg/serviceaccount/metrics.go`. Whether the Secret of a legacy token was made by hand is not counted: that
//! stands in the `secrets` of its ServiceAccount, which are not looked at here.

use std::sync::Arc;

use verdikt_core::metrics::{Counter, Family, Metrics};

use super::claims::{BoundClaims, PublicClaims};
use crate::time::Moment;

/// Of tokens of either kind.
pub(super) struct TokenMetrics {
    legacy: Arc<Counter>,
    stale: Arc<Counter>,
    valid: Arc<Counter>,
    invalid: Arc<Counter>,
}

impl TokenMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let of = |family| metrics.counter(family, &[]);
        Self { legacy: of(&LEGACY), stale: of(&STALE), valid: of(&VALID), invalid: of(&INVALID) }
    }

    /// A key has signed the token; what has no audience is of the old kind, whoever made it.
    pub(super) fn signed(&self, claims: &PublicClaims) {
        if claims.audience.is_empty() {
            self.legacy.add(1);
        }
    }

    /// A token that was made on request is good; some say when it should have been replaced.
    pub(super) fn accepted(&self, claims: &BoundClaims, now: Moment) {
        match claims.warn_after {
            None | Some(0) => {}
            Some(after) if now > Moment::from_unix(after) => self.stale.add(1),
            Some(_) => self.valid.add(1),
        }
    }

    /// The Secret of a token is labelled as no longer valid.
    pub(super) fn invalidated(&self) {
        self.invalid.add(1);
    }
}

const LEGACY: Family = Family::counter(
    "serviceaccount_legacy_tokens_total",
    "[BETA] Cumulative legacy service account tokens used",
);
const STALE: Family = Family::counter(
    "serviceaccount_stale_tokens_total",
    "[BETA] Cumulative stale projected service account tokens used",
);
const VALID: Family = Family::counter(
    "serviceaccount_valid_tokens_total",
    "[BETA] Cumulative valid projected service account tokens used",
);
const INVALID: Family = Family::counter(
    "serviceaccount_invalid_legacy_auto_token_uses_total",
    "[ALPHA] Cumulative invalid auto-generated legacy tokens used",
);

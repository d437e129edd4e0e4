//! What is counted of one issuer.
//!
//! Follows apiserver's `plugin/pkg/authenticator/token/oidc/metrics.go`. Issuers are told by a hash of their URL.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use verdikt_core::metrics::{Family, Histogram, Metrics};

/// Asked for once for each issuer.
#[derive(Debug)]
pub(super) struct IssuerMetrics {
    good: Arc<Histogram>,
    bad: Arc<Histogram>,
}

impl IssuerMetrics {
    pub(super) fn new(metrics: &Metrics, url: &str) -> Self {
        let hash = hash(url);
        let of =
            |result| metrics.histogram(&LATENCY, &[("result", result), ("jwt_issuer_hash", &hash)]);
        Self { good: of("success"), bad: of("failure") }
    }

    /// A token of this issuer was accepted or refused.
    pub(super) fn judged(&self, is_good: bool, took: Duration) {
        if is_good { self.good.observe(took) } else { self.bad.observe(took) }
    }
}

fn hash(url: &str) -> String {
    digest(&SHA256, url.as_bytes()).as_ref().iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const LATENCY: Family = Family::histogram(
    "apiserver_authentication_jwt_authenticator_latency_seconds",
    "[ALPHA] Latency of jwt authentication operations in seconds. This is the time spent authenticating a token for cache miss only (i.e. when the token is not found in the cache).",
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_told_by_the_hash_of_its_url() {
        let expected = "sha256:ffb55acfff1cbc1b78adb75565bb3ff6e96ee5b7830905fe7feadc7d97736da8";
        assert_eq!(hash("https://issuer.example"), expected);
    }
}

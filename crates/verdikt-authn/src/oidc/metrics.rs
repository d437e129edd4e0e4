//! What is counted of one issuer.
//!
//! Follows apiserver's `plugin/pkg/authenticator/token/oidc/metrics.go`. Issuers are told by a hash of their URL.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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

/// How a text stands in a label.
fn hash(text: impl AsRef<[u8]>) -> String {
    digest(&SHA256, text.as_ref()).as_ref().iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What became of asking an issuer for its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetFetches {
    /// `sha256:` and the hash of the issuer's URL.
    pub issuer_hash: String,
    /// When its keys were last got.
    pub last_success: Option<SystemTime>,
    /// When they were last not to be had.
    pub last_failure: Option<SystemTime>,
    /// The hash of what it published last, likewise.
    pub key_set_hash: Option<String>,
}

impl KeySetFetches {
    pub(super) fn new(
        url: &str,
        [last_success, last_failure]: [Option<SystemTime>; 2],
        published: &[u8],
    ) -> Self {
        let key_set_hash = last_success.map(|_| hash(published));
        Self { issuer_hash: hash(url), last_success, last_failure, key_set_hash }
    }
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

//! What relying parties read to verify service account tokens on their own: OpenID Connect's discovery
//! document and the key set.
//!
//! Follows `pkg/serviceaccount/openidmetadata.go`.

use std::collections::BTreeSet;
use std::fmt;

use super::issuers::Url;
use crate::go_json;
use crate::jwt::{KeySet, PublicKey};

/// The two documents, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// What is at [`Discovery::CONFIGURATION_PATH`].
    pub configuration: String,
    /// What is at [`Discovery::JWKS_PATH`].
    pub jwks: String,
}

/// Why the documents are not served; kube-apiserver goes on without them too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryError(String);

impl Discovery {
    /// Path of the discovery document.
    pub const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";
    /// Path of the key set.
    pub const JWKS_PATH: &str = "/openid/v1/jwks";
    /// Seconds for which both may be kept by whoever reads them.
    pub const MAX_AGE: u32 = 3600;

    /// The documents of `issuer`. The key set is at `jwks_uri`, or else at its usual path at
    /// `external_address` (host and port).
    ///
    /// # Errors
    /// If the issuer is none that OpenID Connect knows, or a key is not one that signs tokens.
    pub fn new(
        issuer: &str,
        jwks_uri: Option<&str>,
        external_address: &str,
        keys: &KeySet,
    ) -> Result<Self, DiscoveryError> {
        check_issuer(issuer)?;
        let jwks_uri = match jwks_uri {
            Some(uri) => uri.to_owned(),
            None => format!("https://{external_address}{}", Self::JWKS_PATH),
        };
        if keys.is_empty() {
            return Err(DiscoveryError("no keys provided for validating keyset".to_owned()));
        }
        let jwks = keys.to_jwks().map_err(|error| DiscoveryError(error.to_string()))?;
        let algorithm = |(_, key): (_, &PublicKey)| key.signing_algorithm();
        let algorithms: BTreeSet<&str> =
            keys.iter().filter_map(algorithm).map(|algorithm| algorithm.name()).collect();
        let configuration = format!(
            r#"{{"issuer":{},"jwks_uri":{},"response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":{}}}"#,
            go_json::text(issuer),
            go_json::text(&jwks_uri),
            go_json::texts(algorithms),
        );
        Ok(Self { configuration, jwks })
    }
}

fn check_issuer(issuer: &str) -> Result<(), DiscoveryError> {
    if issuer.is_empty() {
        return Err(DiscoveryError("empty issuer URL".to_owned()));
    }
    let url = Url::parse(issuer).map_err(DiscoveryError)?;
    let wrong = if url.scheme != "https" {
        "must use https scheme"
    } else if !url.query.is_empty() {
        "may not include a query"
    } else if !url.fragment.is_empty() {
        "may not include a fragment"
    } else {
        return Ok(());
    };
    Err(DiscoveryError(format!("issuer URL {wrong}, got: {issuer}")))
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DiscoveryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_that_openid_does_not_know_have_no_documents() {
        for (issuer, expected) in [
            ("", "empty issuer URL"),
            ("http://a", "issuer URL must use https scheme, got: http://a"),
            ("api", "issuer URL must use https scheme, got: api"),
            ("https://a?b", "issuer URL may not include a query, got: https://a?b"),
            ("https://a#b", "issuer URL may not include a fragment, got: https://a#b"),
            ("https://a", "no keys provided for validating keyset"),
        ] {
            let error = Discovery::new(issuer, None, "h:1", &KeySet::default()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{issuer}");
        }
    }
}

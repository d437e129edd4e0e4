//! Signed tokens: taken apart, verified, and the keys for it.
//!
//! Follows go-jose v2, which Kubernetes uses for service account tokens and for OpenID Connect alike.
//! What claims a token must have, and which JSON decoder reads them, differs between the two and is
//! the business of the authenticators. No token has costs beyond its first [`MAX_TOKEN_BYTES`].

mod algorithm;
pub(crate) mod base64url;
pub(crate) mod decode;
mod der;
mod error;
pub mod json;
mod jwk;
mod jws;
mod key;
mod key_set;
mod pem;
mod signing;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use error::JwtError;
pub use jws::{Header, Jws, MAX_TOKEN_BYTES};
pub use key::PublicKey;
pub use key_set::KeySet;
pub use signing::SigningKey;

/// A P-256 key from its point.
#[cfg(test)]
pub(crate) fn test_key(point: &[u8]) -> PublicKey {
    pem::from_point(key::Curve::P256, point).expect("it is on the curve")
}

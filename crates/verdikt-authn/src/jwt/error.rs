//! What can be wrong with a token before its claims are looked at, in go-jose's words.

use std::fmt;

/// Why a token or a key set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwtError {
    /// Longer than [`super::MAX_TOKEN_BYTES`]; nothing of it was looked at.
    TooLong,
    /// Not of three parts.
    Parts,
    /// A part is no base64url; the byte at which that shows.
    Base64(usize),
    /// JSON that cannot be used; what Go's decoder would say.
    Json(String),
    /// A key that cannot be used.
    Key(String),
    /// The signature does not belong to this key, or the header forbids finding out.
    Signature,
}

impl fmt::Display for JwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => {
                write!(f, "the token is longer than {} bytes", super::MAX_TOKEN_BYTES)
            }
            Self::Parts => f.write_str("go-jose/go-jose: compact JWS format must have three parts"),
            Self::Base64(byte) => write!(f, "illegal base64 data at input byte {byte}"),
            Self::Json(message) | Self::Key(message) => f.write_str(message),
            Self::Signature => f.write_str("go-jose/go-jose: error in cryptographic primitive"),
        }
    }
}

impl std::error::Error for JwtError {}

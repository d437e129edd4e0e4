//! The certificates of issuers' authorities.
//!
//! Follows client-go's `util/cert/pem.go` (`ParseCertsPEM`).

use crate::pem::blocks;
use crate::x509::Certificate;

/// Whether a PEM text holds certificates, and nothing that only looks like one.
///
/// # Errors
/// In upstream's words.
pub(super) fn check(text: &[u8]) -> Result<(), String> {
    let mut found = 0;
    for block in blocks(text).filter(|block| block.label == b"CERTIFICATE" && !block.has_headers) {
        Certificate::parse(&block.bytes).map_err(|error| error.to_string())?;
        found += 1;
    }
    match found {
        0 => Err("data does not contain any valid RSA or ECDSA certificates".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_text_needs_a_certificate_and_must_not_hold_a_broken_one() {
        let none = "data does not contain any valid RSA or ECDSA certificates";
        for (text, expected) in [
            ("", none),
            ("x", none),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", none),
            ("-----BEGIN CERTIFICATE-----\nx: y\n\nAAAA\n-----END CERTIFICATE-----\n", none),
            ("-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n", none),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "x509: malformed certificate",
            ),
        ] {
            assert_eq!(check(text.as_bytes()), Err(expected.to_owned()), "{text}");
        }
    }
}

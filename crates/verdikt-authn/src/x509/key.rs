//! Public keys and signatures.
//!
//! Follows Go's `crypto/x509`: `parsePublicKey`, `getSignatureAlgorithmFromAI` and `checkSignature`.
//! Narrower than Go where the cryptographic library is: signatures by P-224 keys, by RSA keys of fewer
//! than 2048 bits unless PKCS #1 with SHA-256 or SHA-512, or of more than 8192 bits, are not accepted.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, EcdsaVerificationAlgorithm, ParsedPublicKey,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::certificate::ParseError;
use super::der::{NULL, Reader, SEQUENCE, constructed};
use crate::p224;

/// A key of a kind that Go knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    Rsa {
        modulus: Box<[u8]>,
        exponent: Box<[u8]>,
    },
    Ecdsa {
        curve: Curve,
        point: Box<[u8]>,
    },
    Ed25519(Box<[u8]>),
    /// Known, and no longer used to verify anything.
    Dsa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

/// How a certificate says it was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureAlgorithm {
    RsaPkcs1(Hash),
    RsaPss(Hash),
    Ecdsa(Hash),
    Ed25519,
    Dsa,
    /// By a hash that can be forged; as Go names it.
    Insecure(&'static str),
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// Why a certificate is not signed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// The other is no authority, or its key is not for signing certificates.
    NotAnAuthority,
    /// An algorithm that is not known.
    Unsupported,
    /// MD5 or SHA-1.
    Insecure(&'static str),
    /// The other has a key of another kind.
    WrongKind,
    /// The other's key did not make the signature.
    Mismatch,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAuthority => f.write_str(
                "x509: invalid signature: parent certificate cannot sign this kind of certificate",
            ),
            Self::Unsupported => {
                f.write_str("x509: cannot verify signature: algorithm unimplemented")
            }
            Self::Insecure(name) => {
                write!(f, "x509: cannot verify signature: insecure algorithm {name}")
            }
            Self::WrongKind => {
                f.write_str("x509: signature algorithm specifies another kind of public key")
            }
            Self::Mismatch => f.write_str("x509: signature verification failure"),
        }
    }
}

/// An algorithm with its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct AlgorithmIdentifier<'a> {
    pub(super) oid: &'a [u8],
    /// All of the element behind the identifier; none if there is nothing.
    pub(super) parameters: Option<&'a [u8]>,
}

impl<'a> AlgorithmIdentifier<'a> {
    pub(super) fn parse(mut content: Reader<'a>) -> Result<Self, ParseError> {
        let oid = content.oid().ok_or_else(|| ParseError::new("x509: malformed OID"))?;
        if content.is_empty() {
            return Ok(Self { oid, parameters: None });
        }
        let malformed = || ParseError::new("x509: malformed parameters");
        let (_, element, _) = content.any().ok_or_else(malformed)?;
        Ok(Self { oid, parameters: Some(element) })
    }

    fn has_null_or_nothing(&self) -> bool {
        self.parameters.is_none_or(|parameters| parameters == NULL)
    }
}

impl PublicKey {
    /// The key of a certificate; none if it is of a kind that Go does not know. A key of a known kind
    /// that is malformed makes its certificate unreadable.
    pub(super) fn parse(
        algorithm: &AlgorithmIdentifier<'_>,
        key: &[u8],
    ) -> Result<Option<Self>, ParseError> {
        let key = match algorithm.oid {
            OID_RSA => rsa(algorithm, key)?,
            OID_ECDSA => ecdsa(algorithm, key)?,
            OID_ED25519 => {
                if algorithm.parameters.is_some() {
                    return Err("x509: Ed25519 key encoded with illegal parameters".into());
                }
                if key.len() != 32 {
                    return Err("x509: wrong Ed25519 public key size".into());
                }
                Self::Ed25519(key.into())
            }
            OID_DSA => {
                check_dsa(algorithm, key)?;
                Self::Dsa
            }
            _ => return Ok(None),
        };
        Ok(Some(key))
    }

    /// Whether the owner of this key signed `signed`.
    pub(super) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let verified = match (algorithm, self) {
            (SignatureAlgorithm::Unknown, _) => return Err(SignatureError::Unsupported),
            (SignatureAlgorithm::Insecure(name), _) => return Err(SignatureError::Insecure(name)),
            (_, Self::Dsa) => return Err(SignatureError::Unsupported),
            (SignatureAlgorithm::RsaPkcs1(hash), Self::Rsa { modulus, exponent }) => {
                verify_rsa(pkcs1(hash), modulus, exponent, signed, signature)
            }
            (SignatureAlgorithm::RsaPss(hash), Self::Rsa { modulus, exponent }) => {
                verify_rsa(pss(hash), modulus, exponent, signed, signature)
            }
            (SignatureAlgorithm::Ecdsa(hash), Self::Ecdsa { curve, point }) => {
                let algorithm = curve.with(hash).ok_or(SignatureError::Unsupported)?;
                UnparsedPublicKey::new(algorithm, point).verify(signed, signature).is_ok()
            }
            (SignatureAlgorithm::Ed25519, Self::Ed25519(key)) => {
                UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok()
            }
            _ => return Err(SignatureError::WrongKind),
        };
        if verified { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn rsa(algorithm: &AlgorithmIdentifier<'_>, key: &[u8]) -> Result<PublicKey, ParseError> {
    if algorithm.parameters != Some(NULL) {
        return Err("x509: RSA key missing NULL parameters".into());
    }
    let mut key = Reader::new(key)
        .read(SEQUENCE)
        .ok_or_else(|| ParseError::new("x509: invalid RSA public key"))?;
    let modulus = key.integer().ok_or_else(|| ParseError::new("x509: invalid RSA modulus"))?;
    let mut rest = key;
    let number = rest.int64();
    let exponent =
        key.integer().ok_or_else(|| ParseError::new("x509: invalid RSA public exponent"))?;
    let number = number.ok_or_else(|| ParseError::new("x509: invalid RSA public exponent"))?;
    let modulus = positive(modulus)
        .ok_or_else(|| ParseError::new("x509: RSA modulus is not a positive number"))?;
    if number <= 0 {
        return Err("x509: RSA public exponent is not a positive number".into());
    }
    let exponent = positive(exponent).unwrap_or_default();
    Ok(PublicKey::Rsa { modulus: modulus.into(), exponent: exponent.into() })
}

/// The bytes of a number above zero, without zeros in front.
fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0] => None,
        [0, rest @ ..] => Some(rest),
        [first, ..] if first & 0x80 == 0 => Some(integer),
        _ => None,
    }
}

fn verify_rsa(
    parameters: &'static RsaParameters,
    modulus: &[u8],
    exponent: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> bool {
    // Go's bounds on exponents: odd, above 1, below 2³¹.
    let number = exponent.iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    let is_sound = exponent.len() <= 4 && number > 1 && number % 2 == 1 && number < 1 << 31;
    let key = RsaPublicKeyComponents { n: modulus, e: exponent };
    is_sound && key.verify(parameters, signed, signature).is_ok()
}

fn ecdsa(algorithm: &AlgorithmIdentifier<'_>, key: &[u8]) -> Result<PublicKey, ParseError> {
    let curve = algorithm.parameters.and_then(|parameters| Reader::new(parameters).oid());
    let curve = match curve.ok_or_else(|| ParseError::new("x509: invalid ECDSA parameters"))? {
        OID_P224 => Curve::P224,
        OID_P256 => Curve::P256,
        OID_P384 => Curve::P384,
        OID_P521 => Curve::P521,
        _ => return Err("x509: unsupported elliptic curve".into()),
    };
    let is_uncompressed = key.first() == Some(&4) && key.len() == 1 + 2 * curve.bytes();
    let is_point = is_uncompressed
        && match curve.with(Hash::Sha256) {
            Some(algorithm) => ParsedPublicKey::new(algorithm, key).is_ok(),
            None => key
                .get(1..)
                .and_then(|point| point.split_at_checked(curve.bytes()))
                .is_some_and(|(x, y)| p224::is_on_curve(x, y)),
        };
    if !is_point {
        return Err("x509: invalid elliptic curve public key".into());
    }
    Ok(PublicKey::Ecdsa { curve, point: key.into() })
}

impl Curve {
    fn bytes(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Go takes any curve with any hash.
    fn with(self, hash: Hash) -> Option<&'static EcdsaVerificationAlgorithm> {
        Some(match (self, hash) {
            (Self::P224, _) => return None,
            (Self::P256, Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
            (Self::P256, Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
            (Self::P256, Hash::Sha512) => &ECDSA_P256_SHA512_ASN1,
            (Self::P384, Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
            (Self::P384, Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
            (Self::P384, Hash::Sha512) => &ECDSA_P384_SHA512_ASN1,
            (Self::P521, Hash::Sha256) => &ECDSA_P521_SHA256_ASN1,
            (Self::P521, Hash::Sha384) => &ECDSA_P521_SHA384_ASN1,
            (Self::P521, Hash::Sha512) => &ECDSA_P521_SHA512_ASN1,
        })
    }
}

fn pkcs1(hash: Hash) -> &'static RsaParameters {
    match hash {
        Hash::Sha256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    }
}

fn pss(hash: Hash) -> &'static RsaParameters {
    match hash {
        Hash::Sha256 => &RSA_PSS_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PSS_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PSS_2048_8192_SHA512,
    }
}

fn check_dsa(algorithm: &AlgorithmIdentifier<'_>, key: &[u8]) -> Result<(), ParseError> {
    let invalid = || ParseError::new("x509: invalid DSA parameters");
    let y = Reader::new(key).integer();
    let y = y.ok_or_else(|| ParseError::new("x509: invalid DSA public key"))?;
    let parameters = algorithm.parameters.unwrap_or_default();
    let mut parameters = Reader::new(parameters).read(SEQUENCE).ok_or_else(invalid)?;
    let mut all_positive = positive(y).is_some();
    for _ in 0..3 {
        all_positive &= positive(parameters.integer().ok_or_else(invalid)?).is_some();
    }
    if all_positive { Ok(()) } else { Err("x509: zero or negative DSA parameter".into()) }
}

impl SignatureAlgorithm {
    pub(super) fn of(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        match algorithm.oid {
            OID_MD5_RSA => Self::Insecure("MD5-RSA"),
            OID_SHA1_RSA | OID_ISO_SHA1_RSA => Self::Insecure("SHA1-RSA"),
            OID_SHA1_DSA => Self::Insecure("DSA-SHA1"),
            OID_SHA1_ECDSA => Self::Insecure("ECDSA-SHA1"),
            OID_SHA256_RSA => Self::RsaPkcs1(Hash::Sha256),
            OID_SHA384_RSA => Self::RsaPkcs1(Hash::Sha384),
            OID_SHA512_RSA => Self::RsaPkcs1(Hash::Sha512),
            OID_SHA256_ECDSA => Self::Ecdsa(Hash::Sha256),
            OID_SHA384_ECDSA => Self::Ecdsa(Hash::Sha384),
            OID_SHA512_ECDSA => Self::Ecdsa(Hash::Sha512),
            OID_SHA256_DSA => Self::Dsa,
            OID_ED25519 if algorithm.parameters.is_none() => Self::Ed25519,
            OID_RSA_PSS => pss_hash(algorithm.parameters).map_or(Self::Unknown, Self::RsaPss),
            _ => Self::Unknown,
        }
    }
}

/// The hash of PSS parameters, if they are of the one form Go takes: one hash for everything, a salt of
/// its length, and the usual trailer.
fn pss_hash(parameters: Option<&[u8]>) -> Option<Hash> {
    let mut fields = Reader::new(parameters?).read(SEQUENCE)?;
    let mut algorithm = |number| {
        let content = fields.read(constructed(number))?.read(SEQUENCE)?;
        AlgorithmIdentifier::parse(content).ok()
    };
    let (hash, mask) = (algorithm(0)?, algorithm(1)?);
    let salt = fields.read(constructed(2))?.int64()?;
    let trailer = match fields.optional(constructed(3))? {
        Some(mut trailer) => trailer.int64()?,
        None => 1,
    };
    let mask_hash = Reader::new(mask.parameters?).read(SEQUENCE)?;
    let mask_hash = AlgorithmIdentifier::parse(mask_hash).ok()?;
    let is_usual = hash.has_null_or_nothing()
        && mask.oid == OID_MGF1
        && mask_hash.oid == hash.oid
        && mask_hash.has_null_or_nothing()
        && trailer == 1;
    match (hash.oid, salt) {
        (OID_SHA256, 32) if is_usual => Some(Hash::Sha256),
        (OID_SHA384, 48) if is_usual => Some(Hash::Sha384),
        (OID_SHA512, 64) if is_usual => Some(Hash::Sha512),
        _ => None,
    }
}

const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const OID_MD5_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4];
const OID_SHA1_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
const OID_MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const OID_RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const OID_SHA256_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const OID_SHA384_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
const OID_SHA512_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
const OID_ISO_SHA1_RSA: &[u8] = &[0x2b, 0x0e, 3, 2, 29];
const OID_DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const OID_SHA1_DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3];
const OID_SHA256_DSA: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2];
const OID_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const OID_SHA1_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];
const OID_SHA256_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const OID_SHA384_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const OID_SHA512_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_P224: &[u8] = &[0x2b, 0x81, 0x04, 0, 33];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 34];
const OID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0, 35];
const OID_SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const OID_SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
const OID_SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];

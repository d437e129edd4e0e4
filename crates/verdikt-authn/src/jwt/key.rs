//! Public keys that verify signatures, and the id that names each.
//!
//! Follows go-jose v2 `asymmetric.go` (which algorithms a key takes) and `pkg/serviceaccount/jwt.go`
//! (`keyIDFromPublicKey`). A key decides what kind of signature it can have made; the token only
//! chooses among those, so a public key is never a shared secret.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, VerificationAlgorithm,
};

use super::der::{self, BIT_STRING, NULL, OBJECT_ID, SEQUENCE};
use super::{Algorithm, base64url};
use crate::p224;

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    material: Material,
    id: String,
    /// Ready for each algorithm the key takes.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

/// What a key consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Rsa {
        /// Without leading zeros.
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

/// A curve Go knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

impl Curve {
    pub(super) const ALL: [Self; 4] = [Self::P224, Self::P256, Self::P384, Self::P521];

    /// The name in `crv`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P224 => "P-224",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The content of its object identifier.
    pub(super) fn object_id(self) -> &'static [u8] {
        match self {
            Self::P224 => &[0x2b, 0x81, 0x04, 0x00, 0x21],
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        }
    }

    /// Bytes of a coordinate.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn verifier(self, algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match (self, algorithm) {
            (Self::P256, Algorithm::ES256) => &ECDSA_P256_SHA256_ASN1,
            (Self::P256, Algorithm::ES384) => &ECDSA_P256_SHA384_ASN1,
            (Self::P256, Algorithm::ES512) => &ECDSA_P256_SHA512_ASN1,
            (Self::P384, Algorithm::ES256) => &ECDSA_P384_SHA256_ASN1,
            (Self::P384, Algorithm::ES384) => &ECDSA_P384_SHA384_ASN1,
            (Self::P384, Algorithm::ES512) => &ECDSA_P384_SHA512_ASN1,
            (Self::P521, Algorithm::ES256) => &ECDSA_P521_SHA256_ASN1,
            (Self::P521, Algorithm::ES384) => &ECDSA_P521_SHA384_ASN1,
            (Self::P521, Algorithm::ES512) => &ECDSA_P521_SHA512_ASN1,
            // Go has P-224; nothing that was ever signed with it is lost by not having it.
            _ => return None,
        })
    }
}

impl PublicKey {
    /// An RSA key. `None` if a part is zero.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let [modulus, exponent] = [modulus, exponent].map(without_zeros);
        (!modulus.is_empty() && !exponent.is_empty())
            .then(|| Self::new(Material::Rsa { modulus, exponent }))
    }

    /// A key on a curve, from coordinates of full length. `None` if it is not on the curve.
    pub(super) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != curve.bytes() || y.len() != curve.bytes() {
            return None;
        }
        let key = Self::new(Material::Ec { curve, x: x.to_vec(), y: y.to_vec() });
        let is_on_curve = match curve {
            Curve::P224 => p224::is_on_curve(x, y),
            // The library has checked the point.
            _ => !key.verifiers.is_empty(),
        };
        is_on_curve.then_some(key)
    }

    pub(super) fn ed25519(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 32).then(|| Self::new(Material::Ed25519(bytes.to_vec())))
    }

    fn new(material: Material) -> Self {
        let id = base64url::encode(digest(&SHA256, &material.to_spki()).as_ref());
        let verifiers = material.verifiers();
        Self { material, id, verifiers }
    }

    /// The id Kubernetes derives from a key: SHA-256 over its PKIX form, in base64url.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm in which Kubernetes signs with such a key: RS256, or that of the curve. None for
    /// keys it does not sign with.
    pub fn signing_algorithm(&self) -> Option<Algorithm> {
        match &self.material {
            Material::Rsa { .. } => Some(Algorithm::RS256),
            Material::Ec { curve, .. } => match curve {
                Curve::P224 => None,
                Curve::P256 => Some(Algorithm::ES256),
                Curve::P384 => Some(Algorithm::ES384),
                Curve::P521 => Some(Algorithm::ES512),
            },
            Material::Ed25519(_) => None,
        }
    }

    /// Whether the key signed `message` this way. A key never did with an algorithm of another kind.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let mut verifiers = self.verifiers.iter();
        let Some((_, verifier)) = verifiers.find(|(of, _)| *of == algorithm) else { return false };
        let coordinate = match algorithm {
            Algorithm::ES256 => 32,
            Algorithm::ES384 => 48,
            Algorithm::ES512 => 66,
            _ => return verifier.verify_sig(message, signature).is_ok(),
        };
        // The length is the algorithm's, whatever the curve.
        if signature.len() != 2 * coordinate {
            return false;
        }
        let (r, s) = signature.split_at(coordinate);
        let signature = der::element(SEQUENCE, &[&der::integer(r), &der::integer(s)]);
        verifier.verify_sig(message, &signature).is_ok()
    }

    pub(super) fn is_rsa(&self) -> bool {
        matches!(self.material, Material::Rsa { .. })
    }

    pub(super) fn is_ec(&self) -> bool {
        matches!(self.material, Material::Ec { .. })
    }

    pub(super) fn material(&self) -> &Material {
        &self.material
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

impl Eq for PublicKey {}

/// Shows the id.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.id).finish()
    }
}

impl Material {
    /// The key as PKIX has it.
    fn to_spki(&self) -> Vec<u8> {
        let (kind, parameters, key) = match self {
            Self::Rsa { modulus, exponent } => {
                (RSA, der::element(NULL, &[]), rsa_der(modulus, exponent))
            }
            Self::Ec { curve, x, y } => {
                (EC, der::element(OBJECT_ID, &[curve.object_id()]), point(x, y))
            }
            Self::Ed25519(bytes) => (ED, Vec::new(), bytes.clone()),
        };
        let kind = der::element(SEQUENCE, &[&der::element(OBJECT_ID, &[kind]), &parameters]);
        der::element(SEQUENCE, &[&kind, &der::element(BIT_STRING, &[&[0], &key])])
    }

    fn verifiers(&self) -> Vec<(Algorithm, ParsedPublicKey)> {
        let bytes = match self {
            Self::Rsa { modulus, exponent } => rsa_der(modulus, exponent),
            Self::Ec { x, y, .. } => point(x, y),
            Self::Ed25519(bytes) => bytes.clone(),
        };
        let verifier = |algorithm: Algorithm| {
            let of_kind = match self {
                Self::Rsa { .. } => rsa_verifier(algorithm),
                Self::Ec { curve, .. } => curve.verifier(algorithm),
                Self::Ed25519(_) => ed_verifier(algorithm),
            };
            Some((algorithm, ParsedPublicKey::new(of_kind?, &bytes).ok()?))
        };
        Algorithm::ALL.into_iter().filter_map(verifier).collect()
    }
}

/// Keys of 1,024 bits are good for Go, and so for tokens that a cluster accepts. The library has them
/// for two algorithms only; the others need 2,048.
fn rsa_verifier(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::RS256 => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn ed_verifier(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    (algorithm == Algorithm::EdDSA).then_some(&ED25519 as &dyn VerificationAlgorithm)
}

fn rsa_der(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    der::element(SEQUENCE, &[&der::integer(modulus), &der::integer(exponent)])
}

fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// Contents of object identifiers: rsaEncryption, id-ecPublicKey, id-Ed25519.
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const ED: &[u8] = &[0x2b, 0x65, 0x70];

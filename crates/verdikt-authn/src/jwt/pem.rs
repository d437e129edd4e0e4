//! Public keys out of PEM files, whatever the blocks in them are called.
//!
//! Follows client-go `util/keyutil/key.go` (`ParsePublicKeysPEM`): private
//! keys give their public half, certificates are not checked, and blocks without a usable key are
//! passed over.

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};

use super::der::{Der, INTEGER, NULL, OBJECT_ID, OCTET_STRING, SEQUENCE};
use super::key::{Curve, EC, ED, PublicKey, RSA};
use crate::pem::blocks;

/// The keys of a file, in order.
pub(super) fn public_keys(text: &[u8]) -> Vec<PublicKey> {
    blocks(text).filter_map(|block| public_key(&block.bytes)).collect()
}

fn public_key(der: &[u8]) -> Option<PublicKey> {
    let spki = |is_wanted: fn(&PublicKey) -> bool| {
        let key = match pkix(der) {
            Ok(key) => key,
            Err(()) => certificate_key(der)?,
        };
        key.filter(is_wanted)
    };
    rsa_private(der)
        .or_else(|| spki(PublicKey::is_rsa))
        .or_else(|| ec_private(der))
        .or_else(|| spki(PublicKey::is_ec))
}

/// An RSA private key as PKCS #1, or else PKCS #8, has it.
fn rsa_private(der: &[u8]) -> Option<PublicKey> {
    pkcs1(der).or_else(|| {
        let mut rest = Der::new(der);
        let mut key = rest.sequence()?;
        key.take(INTEGER)?;
        let mut kind = key.sequence()?;
        (kind.take(OBJECT_ID)? == RSA).then_some(())?;
        pkcs1(key.take(OCTET_STRING)?)
    })
}

fn pkcs1(der: &[u8]) -> Option<PublicKey> {
    let mut rest = Der::new(der);
    let mut key = rest.sequence()?;
    // Go reads two primes, and more of them as a later version.
    let version = key.take(INTEGER)?;
    if !rest.is_empty() || !matches!(version, [0] | [1]) {
        return None;
    }
    let (modulus, exponent) = (key.positive()?, key.positive()?);
    for _ in 0..6 {
        key.positive()?;
    }
    // The library checks that the parts belong together, for the lengths it has.
    let bits = modulus.len() * 8;
    if (2048..=8192).contains(&bits) && RsaKeyPair::from_der(der).is_err() {
        return None;
    }
    PublicKey::rsa(modulus, exponent)
}

/// An RSA public key as PKCS #1 has it.
pub(super) fn pkcs1_public(der: &[u8]) -> Option<PublicKey> {
    let mut rest = Der::new(der);
    let mut numbers = rest.sequence()?;
    let (modulus, exponent) = (numbers.positive()?, numbers.positive()?);
    // Go keeps the exponent in a machine word.
    let is_whole = rest.is_empty() && exponent.len() <= 8;
    PublicKey::rsa(modulus, exponent).filter(|_| is_whole)
}

/// An EC private key as SEC 1 has it, with its curve named inside.
fn ec_private(der: &[u8]) -> Option<PublicKey> {
    let mut rest = Der::new(der);
    let mut key = rest.sequence()?;
    if key.take(INTEGER)? != [1] {
        return None;
    }
    key.take(OCTET_STRING)?;
    let curve = curve(Der::new(key.take(CONTEXT_0)?).take(OBJECT_ID)?)?;
    let algorithm = signing(curve)?;
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
    from_point(curve, pair.public_key().as_ref())
}

pub(super) fn signing(curve: Curve) -> Option<&'static EcdsaSigningAlgorithm> {
    Some(match curve {
        Curve::P224 => return None,
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    })
}

/// The key of a certificate: none inside if its kind is not known here, none at all if it is no
/// certificate.
pub(super) fn certificate_key(der: &[u8]) -> Option<Option<PublicKey>> {
    let mut rest = Der::new(der);
    let mut certificate = rest.sequence()?;
    let mut signed = certificate.sequence()?;
    certificate.sequence()?;
    certificate.bits()?;
    if !rest.is_empty() || !certificate.is_empty() {
        return None;
    }
    if signed.peek() == Some(CONTEXT_0) {
        signed.take(CONTEXT_0)?;
    }
    signed.take(INTEGER)?;
    // Signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        signed.take(SEQUENCE)?;
    }
    pkix(signed.whole(SEQUENCE)?).ok()
}

/// A public key as PKIX has it; none inside if its kind is not known here.
fn pkix(der: &[u8]) -> Result<Option<PublicKey>, ()> {
    let mut rest = Der::new(der);
    let mut outer = rest.sequence().ok_or(())?;
    let mut kind = outer.sequence().ok_or(())?;
    let object_id = kind.take(OBJECT_ID).ok_or(())?;
    let key = outer.bits().ok_or(())?;
    if !rest.is_empty() || !outer.is_empty() {
        return Err(());
    }
    match object_id {
        RSA => {
            if kind.take(NULL) != Some(&[]) {
                return Err(());
            }
            pkcs1_public(key).ok_or(()).map(Some)
        }
        EC => {
            let curve = kind.take(OBJECT_ID).and_then(curve).ok_or(())?;
            from_point(curve, key).ok_or(()).map(Some)
        }
        ED => PublicKey::ed25519(key).ok_or(()).map(Some),
        _ => Ok(None),
    }
}

fn curve(object_id: &[u8]) -> Option<Curve> {
    Curve::ALL.into_iter().find(|curve| curve.object_id() == object_id)
}

pub(super) fn from_point(curve: Curve, point: &[u8]) -> Option<PublicKey> {
    let (4, coordinates) = point.split_first().map(|(form, rest)| (*form, rest))? else {
        return None;
    };
    let (x, y) = coordinates.split_at_checked(curve.bytes())?;
    PublicKey::ec(curve, x, y)
}

const CONTEXT_0: u8 = 0xa0;

//! Private keys that sign tokens.
//!
//! Follows client-go `util/keyutil/key.go` (`ParsePrivateKeyPEM`) and `pkg/serviceaccount/jwt.go`: RSA
//! keys sign RS256, keys on a curve the algorithm of their curve, and the header has `alg` and `kid`.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};

use super::key::Curve;
use super::pem::{self, from_point};
use super::{Algorithm, JwtError, PublicKey, base64url};
use crate::go_json;
use crate::pem::blocks;

/// A private key, and the public key to it.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    algorithm: Algorithm,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
}

impl SigningKey {
    /// The first private key of a PEM file.
    ///
    /// # Errors
    /// If there is none that can sign, in the words of client-go's `keyutil`.
    pub fn from_pem(text: &[u8]) -> Result<Self, JwtError> {
        let key = blocks(text).find_map(|block| {
            let der = block.bytes.as_slice();
            match block.label {
                b"RSA PRIVATE KEY" => Self::rsa(RsaKeyPair::from_der(der).ok()?),
                b"EC PRIVATE KEY" => {
                    Self::ec(|algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der).ok())
                }
                b"PRIVATE KEY" => match RsaKeyPair::from_pkcs8(der) {
                    Ok(pair) => Self::rsa(pair),
                    Err(_) => Self::ec(|algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der).ok()),
                },
                _ => None,
            }
        });
        let missing = "data does not contain a valid RSA or ECDSA private key";
        key.ok_or_else(|| JwtError::Key(missing.to_owned()))
    }

    fn rsa(pair: RsaKeyPair) -> Option<Self> {
        let public = pem::pkcs1_public(pair.public_key().as_ref())?;
        Some(Self { pair: Pair::Rsa(Box::new(pair)), public, algorithm: Algorithm::RS256 })
    }

    fn ec(
        read: impl Fn(&'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair>,
    ) -> Option<Self> {
        let of_curve = |curve| Some((curve, read(pem::signing(curve)?)?));
        let (curve, pair) = Curve::ALL.into_iter().find_map(of_curve)?;
        let public = from_point(curve, pair.public_key().as_ref())?;
        let algorithm = public.signing_algorithm()?;
        Some(Self { pair: Pair::Ec(pair), public, algorithm })
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A token with these claims, which are JSON.
    ///
    /// # Errors
    /// If the key cannot sign.
    pub fn sign(&self, claims: &str) -> Result<String, JwtError> {
        let id = go_json::text(self.public.id());
        let header = format!(r#"{{"alg":"{}","kid":{id}}}"#, self.algorithm);
        let [header, claims] = [&*header, claims].map(|part| base64url::encode(part.as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = self.signature(signed.as_bytes()).ok_or(JwtError::Signature)?;
        Ok(format!("{signed}.{}", base64url::encode(&signature)))
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Ec(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
        }
    }
}

/// Shows which key it is, and nothing else of it.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public.id()).finish()
    }
}

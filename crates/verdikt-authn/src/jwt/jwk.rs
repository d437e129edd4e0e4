//! Public keys and sets of them as JSON.
//!
//! Follows go-jose v2 `jwk.go`: letter case counts, coordinates have their full length, a certificate
//! must belong to its key. In a set, one malformed key spoils all; keys that can verify nothing,
//! private and shared ones, are passed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::base64url;
use super::decode::Keys;
use super::json::{Json, Kind, Value, cannot_decode};
use super::key::{Curve, Material, PublicKey};
use super::pem::certificate_key;
use crate::go_json;

/// A key of a set.
#[derive(Clone, Debug)]
pub(super) struct Jwk {
    /// `kid`; may be empty.
    pub(super) id: String,
    /// None if it is private or shared.
    pub(super) key: Option<PublicKey>,
}

/// The fields of a key that matter here.
#[derive(Default)]
struct Raw {
    kind: String,
    id: String,
    curve: String,
    x: Option<Vec<u8>>,
    y: Option<Vec<u8>>,
    n: Option<Vec<u8>>,
    e: Option<Vec<u8>>,
    is_private: bool,
    certificates: Vec<Option<PublicKey>>,
}

/// The keys of a JWK set.
pub(super) fn parse_set(text: &[u8]) -> Result<Vec<Jwk>, String> {
    let json = Json::parse(text, MAX_DEPTH)?;
    let root = json.root();
    match root.kind() {
        Kind::Object => {}
        Kind::Null => return Ok(Vec::new()),
        kind => return Err(cannot_decode(kind.name(), "jose.JSONWebKeySet")),
    }
    // The set itself is read by Go's own decoder: any letter case, the last one counts.
    let keys = root.members().filter(|(name, _)| name.eq_ignore_ascii_case("keys")).last();
    let Some((_, keys)) = keys else { return Ok(Vec::new()) };
    match keys.kind() {
        Kind::Array => keys.items().map(Jwk::read).collect(),
        Kind::Null => Ok(Vec::new()),
        kind => Err(cannot_decode(kind.name(), "[]jose.JSONWebKey")),
    }
}

/// The `jwk` of a header: a public key, or the header is none.
pub(super) fn check_embedded(value: Value<'_>) -> Result<(), String> {
    match Jwk::read(value)?.key {
        Some(_) => Ok(()),
        None => Err("go-jose/go-jose: invalid embedded jwk, must be public key".to_owned()),
    }
}

/// The `x5c` of a header: certificates, or the header is none.
pub(super) fn check_certificates(value: Value<'_>) -> Result<(), String> {
    certificates(value).map(drop)
}

impl Jwk {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let raw = Raw::read(value)?;
        let key = raw.key()?;
        if let (Some(key), Some(certified)) = (&key, raw.certificates.first())
            && certified.as_ref() != Some(key)
        {
            return Err(mismatch());
        }
        Ok(Self { id: raw.id, key })
    }
}

impl Raw {
    fn read(value: Value<'_>) -> Result<Self, String> {
        let mut raw = Self::default();
        match value.kind() {
            Kind::Object => {}
            // A null key has no kind, which is an error of its own.
            Kind::Null => return Ok(raw),
            kind => return Err(cannot_decode(kind.name(), "jose.rawJSONWebKey")),
        }
        let mut seen = Keys::default();
        for (name, value) in value.members() {
            seen.add(name.clone())?;
            if value.kind() != Kind::Null {
                raw.set(&name, value)?;
            }
        }
        Ok(raw)
    }

    fn set(&mut self, name: &str, value: Value<'_>) -> Result<(), String> {
        match name {
            "kty" => self.kind = text(value)?,
            "kid" => self.id = text(value)?,
            "crv" => self.curve = text(value)?,
            "use" | "alg" => drop(text(value)?),
            "x5t" => check_thumbprint(&text(value)?, "x5t", 20)?,
            "x5t#S256" => check_thumbprint(&text(value)?, "x5t#S256", 32)?,
            "x" => self.x = Some(bytes(value)?),
            "y" => self.y = Some(bytes(value)?),
            "n" => self.n = Some(bytes(value)?),
            "e" => self.e = Some(bytes(value)?),
            "d" => {
                bytes(value)?;
                self.is_private = true;
            }
            "k" | "p" | "q" | "dp" | "dq" | "qi" => drop(bytes(value)?),
            "x5c" => self.certificates = certificates(value)?,
            "x5u" if value.kind() != Kind::Object => {
                return Err(cannot_decode(value.kind().name(), "url.URL"));
            }
            _ => {}
        }
        Ok(())
    }

    fn key(&self) -> Result<Option<PublicKey>, String> {
        let is_private = self.is_private;
        match self.kind.as_str() {
            "EC" | "RSA" if is_private => Ok(None),
            "EC" => self.ec().map(Some),
            "RSA" => self.rsa().map(Some),
            "oct" if !self.certificates.is_empty() => {
                Err("go-jose/go-jose: invalid JWK, found 'oct' (symmetric) key with cert chain"
                    .to_owned())
            }
            "oct" => Ok(None),
            "OKP" if self.curve == "Ed25519" && self.x.is_some() => match is_private {
                true => Ok(None),
                false => {
                    let x = self.x.as_deref().unwrap_or_default();
                    let wrong = || "go-jose/go-jose: invalid Ed key, wrong length for x".to_owned();
                    PublicKey::ed25519(x).ok_or_else(wrong).map(Some)
                }
            },
            "OKP" => Err(format!("go-jose/go-jose: unknown curve {}'", self.curve)),
            kind => Err(format!("go-jose/go-jose: unknown json web key type '{kind}'")),
        }
    }

    fn rsa(&self) -> Result<PublicKey, String> {
        let (Some(n), Some(e)) = (&self.n, &self.e) else {
            return Err("go-jose/go-jose: invalid RSA key, missing n/e values".to_owned());
        };
        let wrong = || "go-jose/go-jose: invalid RSA key, n/e values are zero".to_owned();
        PublicKey::rsa(n, e).ok_or_else(wrong)
    }

    fn ec(&self) -> Result<PublicKey, String> {
        let mut curves = Curve::ALL.into_iter();
        let curve =
            curves.find(|curve| curve.name() == self.curve && *curve != Curve::P224).ok_or_else(
                || format!("go-jose/go-jose: unsupported elliptic curve '{}'", self.curve),
            )?;
        let (Some(x), Some(y)) = (&self.x, &self.y) else {
            return Err("go-jose/go-jose: invalid EC key, missing x/y values".to_owned());
        };
        for (name, coordinate) in [("x", x), ("y", y)] {
            if coordinate.len() != curve.bytes() {
                return Err(format!(
                    "go-jose/go-jose: invalid EC public key, wrong length for {name}"
                ));
            }
        }
        PublicKey::ec(curve, x, y).ok_or_else(|| {
            "go-jose/go-jose: invalid EC key, X/Y are not on declared curve".to_owned()
        })
    }
}

fn mismatch() -> String {
    "go-jose/go-jose: invalid JWK, public keys in key and x5c fields to not match".to_owned()
}

fn text(value: Value<'_>) -> Result<String, String> {
    let text = value.as_text().map(std::borrow::Cow::into_owned);
    text.ok_or_else(|| cannot_decode(value.kind().name(), "string"))
}

fn bytes(value: Value<'_>) -> Result<Vec<u8>, String> {
    let text = text(value)?;
    base64url::decode(text.as_bytes()).map_err(illegal_base64)
}

fn illegal_base64(byte: usize) -> String {
    format!("illegal base64 data at input byte {byte}")
}

/// Thumbprints are base64url, of the digest or of its digits in hex.
fn check_thumbprint(text: &str, name: &str, length: usize) -> Result<(), String> {
    let bytes = base64url::decode(text.as_bytes())
        .map_err(|_| format!("go-jose/go-jose: invalid JWK, {name} header has invalid encoding"))?;
    let is_hex = bytes.len() == 2 * length && bytes.iter().all(u8::is_ascii_hexdigit);
    match bytes.len() == length || bytes.is_empty() || is_hex {
        true => Ok(()),
        false => Err(format!("go-jose/go-jose: invalid JWK, {name} header is of incorrect size")),
    }
}

/// The keys of certificates; none for a key of a kind that is not known here.
fn certificates(value: Value<'_>) -> Result<Vec<Option<PublicKey>>, String> {
    if value.kind() != Kind::Array {
        return Err(cannot_decode(value.kind().name(), "[]string"));
    }
    let certificate = |item: Value<'_>| {
        let text = match item.kind() {
            Kind::Null => String::new(),
            _ => text(item)?,
        };
        let plain: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        let der = STANDARD.decode(plain).map_err(|_| illegal_base64(0))?;
        certificate_key(&der).ok_or_else(|| "x509: malformed certificate".to_owned())
    };
    value.items().map(certificate).collect()
}

/// A key in the members in which go-jose prints it, `use`, `kid` and `alg` included.
pub(super) fn print(id: &str, key: &PublicKey) -> Option<String> {
    let algorithm = key.signing_algorithm()?;
    let encode = |bytes: &[u8]| base64url::encode(bytes);
    let id = match id {
        "" => String::new(),
        id => format!(r#""kid":{},"#, go_json::text(id)),
    };
    Some(match key.material() {
        Material::Rsa { modulus, exponent } => format!(
            r#"{{"use":"sig","kty":"RSA",{id}"alg":"{algorithm}","n":"{}","e":"{}"}}"#,
            encode(modulus),
            encode(exponent),
        ),
        Material::Ec { curve, x, y } => format!(
            r#"{{"use":"sig","kty":"EC",{id}"crv":"{}","alg":"{algorithm}","x":"{}","y":"{}"}}"#,
            curve.name(),
            encode(x),
            encode(y),
        ),
        Material::Ed25519(_) => return None,
    })
}

const MAX_DEPTH: usize = 10_000;

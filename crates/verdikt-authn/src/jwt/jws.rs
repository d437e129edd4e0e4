//! A signed token in its three parts, with go-jose's idea of what is one.
//!
//! Follows go-jose v2 `jws.go` (`ParseSigned`, `computeAuthData`) and `shared.go`
//! (`rawHeader.sanitized`): white space anywhere is no part of the token, the header is decoded with
//! letter case and without duplicate keys, and what has been signed is the canonical encoding of the
//! parts. The form that is a JSON object is refused: no caller of upstream's lets it through.

use std::borrow::Cow;

use super::base64url;
use super::decode::{Keys, Saved, strings};
use super::json::{Json, Kind, Value, cannot_decode};
use super::{Algorithm, JwtError, PublicKey, jwk};

/// Longest token that is looked at. kube-apiserver refuses longer headers of any kind at 1 MiB; tokens
/// with hundreds of groups stay far below this.
pub const MAX_TOKEN_BYTES: usize = 128 << 10;

/// A token whose signature has not been verified yet.
#[derive(Debug)]
pub struct Jws<'t> {
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
    signed: Cow<'t, [u8]>,
}

/// What the first part of a token says. Nothing of it can be trusted.
#[derive(Clone, Debug, Default)]
pub struct Header {
    algorithm: String,
    key_id: String,
    critical: Critical,
    base64: bool,
}

/// What the `crit` parameter asks for.
#[derive(Clone, Debug, Default)]
enum Critical {
    /// Nothing, or what is understood.
    #[default]
    Known,
    Unknown,
    /// It is no list of names; what Go's decoder says about it.
    Malformed(String),
}

impl Header {
    /// `alg` as it stands there; empty if it is absent.
    pub fn algorithm_name(&self) -> &str {
        &self.algorithm
    }

    /// `alg`, if it is one that can be verified.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm.parse().ok()
    }

    /// `kid`, if it is there and not empty.
    pub fn key_id(&self) -> Option<&str> {
        Some(self.key_id.as_str()).filter(|id| !id.is_empty())
    }
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// If it is too long, not of three parts of base64url, or its header is none.
    pub fn parse(token: &'t str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLong);
        }
        let token = without_space(token);
        let (header, payload, signature) = parts(&token)?;
        let [raw, payload_bytes, signature] = [header, payload, signature]
            .map(|part| base64url::decode(part.as_bytes()).map_err(JwtError::Base64));
        let (raw, payload_bytes) = (raw?, payload_bytes?);
        let read = Header::read(&raw).map_err(JwtError::Json)?;
        let is_canonical = read.base64
            && base64url::is_canonical(header.as_bytes())
            && base64url::is_canonical(payload.as_bytes());
        let signed_length = header.len() + 1 + payload.len();
        let signed = match token {
            Cow::Borrowed(token) if is_canonical => {
                Cow::Borrowed(token.as_bytes().get(..signed_length).unwrap_or_default())
            }
            _ => Cow::Owned(encode(&raw, &payload_bytes, read.base64)),
        };
        Ok(Self { header: read, payload: payload_bytes, signature: signature?, signed })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, which anybody may have made.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether `key` made the signature, with the token's algorithm; a key of another kind never did.
    ///
    /// # Errors
    /// If it did not, or the header has a `crit` that is not understood.
    pub fn verify(&self, key: &PublicKey) -> Result<(), JwtError> {
        match &self.header.critical {
            Critical::Known => {}
            Critical::Unknown => return Err(JwtError::Signature),
            Critical::Malformed(message) => return Err(JwtError::Json(message.clone())),
        }
        let algorithm = self.header.algorithm().ok_or(JwtError::Signature)?;
        match key.verify(algorithm, &self.signed, &self.signature) {
            true => Ok(()),
            false => Err(JwtError::Signature),
        }
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut header = Self { base64: true, ..Self::default() };
        if bytes.is_empty() {
            // Parses, and verifies under no key: there is no algorithm.
            return Ok(header);
        }
        let json = Json::parse(bytes, usize::MAX)?;
        let root = json.root();
        match root.kind() {
            Kind::Object => {}
            Kind::Null => return Ok(header),
            kind => return Err(cannot_decode(kind.name(), "jose.rawHeader")),
        }
        let mut seen = Keys::default();
        for (name, value) in root.members() {
            seen.add(name.clone())?;
            // `null` is as good as absent, whatever the name.
            if value.kind() != Kind::Null {
                header.set(&name, value)?;
            }
        }
        Ok(header)
    }

    fn set(&mut self, name: &str, value: Value<'_>) -> Result<(), String> {
        match name {
            "alg" => self.algorithm = text(value)?,
            "kid" => self.key_id = text(value)?,
            "nonce" => drop(text(value)?),
            "jwk" => jwk::check_embedded(value)?,
            "x5c" => jwk::check_certificates(value)?,
            "crit" => {
                value.check_any()?;
                self.critical = Critical::read(value);
            }
            "b64" => self.base64 = value.as_bool().unwrap_or(true),
            _ => value.check_any()?,
        }
        Ok(())
    }
}

impl Critical {
    fn read(value: Value<'_>) -> Self {
        let mut saved = Saved::default();
        let names = strings(value, "[]string", &mut saved);
        match names.and_then(|names| saved.finish().map(|()| names)) {
            Err(message) => Self::Malformed(message),
            Ok(names) if names.iter().all(|name| name == "b64") => Self::Known,
            Ok(_) => Self::Unknown,
        }
    }
}

fn text(value: Value<'_>) -> Result<String, String> {
    let text = value.as_text().map(Cow::into_owned);
    text.ok_or_else(|| cannot_decode(value.kind().name(), "string"))
}

fn parts(token: &str) -> Result<(&str, &str, &str), JwtError> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok((header, payload, signature)),
        _ => Err(JwtError::Parts),
    }
}

fn without_space(token: &str) -> Cow<'_, str> {
    match token.contains(char::is_whitespace) {
        true => Cow::Owned(token.split_whitespace().collect()),
        false => Cow::Borrowed(token),
    }
}

/// What is signed, if it is not the token as it came.
fn encode(header: &[u8], payload: &[u8], base64: bool) -> Vec<u8> {
    let mut signed = base64url::encode(header).into_bytes();
    signed.push(b'.');
    match base64 {
        true => signed.extend(base64url::encode(payload).into_bytes()),
        false => signed.extend_from_slice(payload),
    }
    signed
}

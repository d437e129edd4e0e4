//! A certificate, read as Go reads it.
//!
//! Follows Go's `crypto/x509/parser.go` (`parseCertificate`). What that cannot read is refused as a whole.

use std::borrow::Cow;
use std::fmt;

use super::der::{OCTET_STRING, Reader, SEQUENCE, constructed, context};
use super::extensions::{Extension, Extensions};
use super::key::{AlgorithmIdentifier, PublicKey, SignatureAlgorithm, SignatureError};
use super::name::{self, Name};
use super::time::{self, Now, Time};

/// A certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) raw: Box<[u8]>,
    signed: Box<[u8]>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    version: i64,
    /// As it stands in the DER: never negative.
    pub(super) serial: Box<[u8]>,
    /// The names in DER, tag and length included; they are compared byte by byte.
    pub(super) issuer: Box<[u8]>,
    pub(super) subject: Box<[u8]>,
    pub(crate) name: Name,
    pub(super) not_before: Time,
    pub(crate) not_after: Time,
    pub(super) key_info: Box<[u8]>,
    pub(super) key: Option<PublicKey>,
    pub(super) extensions: Extensions,
}

/// Why something is no certificate, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(Cow<'static, str>);

impl ParseError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

impl From<&'static str> for ParseError {
    fn from(message: &'static str) -> Self {
        Self::new(message)
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

impl Certificate {
    /// Reads one certificate and nothing behind it.
    ///
    /// # Errors
    /// If Go would not read it.
    pub fn parse(der: &[u8]) -> Result<Self, ParseError> {
        let mut input = Reader::new(der);
        let raw = input.element(SEQUENCE).ok_or("x509: malformed certificate")?;
        let certificate = Self::read(raw)?;
        if !input.is_empty() {
            return Err("x509: trailing data".into());
        }
        Ok(certificate)
    }

    fn read(raw: &[u8]) -> Result<Self, ParseError> {
        let mut input = Reader::new(raw).read(SEQUENCE).ok_or("x509: malformed certificate")?;
        let signed = input.element(SEQUENCE).ok_or("x509: malformed tbs certificate")?;
        let mut body =
            Reader::new(signed).read(SEQUENCE).ok_or("x509: malformed tbs certificate")?;

        let version = version(&mut body)?;
        let serial = body.integer().ok_or("x509: malformed serial number")?;
        if serial.first().is_some_and(|first| first & 0x80 != 0) {
            return Err("x509: negative serial number".into());
        }
        let algorithm = signature_algorithm(&mut body, &mut input)?;
        let issuer = body.element(SEQUENCE).ok_or("x509: malformed issuer")?;
        name::parse(issuer)?;
        let mut validity = body.read(SEQUENCE).ok_or("x509: malformed validity")?;
        let not_before = time::read(&mut validity).ok_or("x509: malformed time")?;
        let not_after = time::read(&mut validity).ok_or("x509: malformed time")?;
        let subject = body.element(SEQUENCE).ok_or("x509: malformed issuer")?;
        let name = name::parse(subject)?;
        let key_info = body.element(SEQUENCE).ok_or("x509: malformed spki")?;
        let key = public_key(key_info)?;
        let extensions = Extensions::of(&extensions(&mut body, version)?)?;
        let signature = input.bits().ok_or("x509: malformed signature")?.to_bytes();
        Ok(Self {
            raw: raw.into(),
            signed: signed.into(),
            algorithm,
            signature,
            version,
            serial: serial.into(),
            issuer: issuer.into(),
            subject: subject.into(),
            name,
            not_before,
            not_after,
            key_info: key_info.into(),
            key,
            extensions,
        })
    }

    /// The whole certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.raw
    }

    /// The subject in DER, as a server lists the authorities it knows.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// The key in DER, with its algorithm.
    pub fn key_der(&self) -> &[u8] {
        &self.key_info
    }

    /// The key's algorithm, as the content of its element, and the key itself.
    pub fn key_parts(&self) -> Option<(&[u8], Vec<u8>)> {
        let mut info = Reader::new(&self.key_info).read(SEQUENCE)?;
        let algorithm = info.read(SEQUENCE)?.rest();
        Some((algorithm, info.bits()?.to_bytes()))
    }

    /// Whether `parent`, which must be an authority, signed this certificate.
    pub(super) fn check_signature_from(&self, parent: &Self) -> Result<(), SignatureError> {
        parent.check_may_sign(CERTIFICATE_SIGN)?;
        let key = parent.key.as_ref().ok_or(SignatureError::Unsupported)?;
        key.verify(self.algorithm, &self.signed, &self.signature)
    }

    /// Whether this is an authority whose key is for the use of bit `usage`. Certificates before
    /// version 3 cannot say that they are one, and need not.
    pub(super) fn check_may_sign(&self, usage: u16) -> Result<(), SignatureError> {
        let is_authority = match &self.extensions.basic_constraints {
            Some(basic) => basic.is_authority,
            None => self.version != 3,
        };
        let key_usage = self.extensions.key_usage;
        if !is_authority || (key_usage != 0 && key_usage & usage == 0) {
            return Err(SignatureError::NotAnAuthority);
        }
        Ok(())
    }

    /// What messages call this authority.
    pub(super) fn called(&self) -> String {
        if !self.name.common_name.is_empty() {
            return self.name.common_name.clone();
        }
        match self.name.organizations.first() {
            Some(organization) => organization.clone(),
            None => format!("serial:{}", decimal(&self.serial)),
        }
    }

    /// `SN=…, SKID=…, AKID=…`, as kube-apiserver names certificates in its log.
    pub(crate) fn identifier(&self) -> String {
        format!(
            "SN={}, SKID={}, AKID={}",
            decimal(&self.serial),
            hex_with_colons(&self.extensions.subject_key_id),
            hex_with_colons(&self.extensions.authority_key_id)
        )
    }

    /// Whether it is past the last moment for which it was issued.
    pub(super) fn has_expired(&self, now: Now) -> bool {
        now.is_after(self.not_after)
    }
}

/// 1 to 3.
fn version(body: &mut Reader<'_>) -> Result<i64, ParseError> {
    let explicit = body.optional(constructed(0)).ok_or("x509: malformed version")?;
    let number = match explicit {
        Some(mut content) => {
            content.int64().filter(|_| content.is_empty()).ok_or("x509: malformed version")?
        }
        None => 0,
    };
    match number {
        0..=2 => Ok(number + 1),
        ..0 => Err("x509: malformed version".into()),
        _ => Err("x509: invalid version".into()),
    }
}

/// The algorithm, which is written inside what is signed and once more behind it.
pub(super) fn signature_algorithm(
    body: &mut Reader<'_>,
    outside: &mut Reader<'_>,
) -> Result<SignatureAlgorithm, ParseError> {
    let inner = body.read(SEQUENCE).ok_or("x509: malformed signature algorithm identifier")?;
    let outer = outside.read(SEQUENCE).ok_or("x509: malformed algorithm identifier")?;
    if inner.rest() != outer.rest() {
        return Err("x509: inner and outer signature algorithm identifiers don't match".into());
    }
    Ok(SignatureAlgorithm::of(&AlgorithmIdentifier::parse(inner)?))
}

fn public_key(key_info: &[u8]) -> Result<Option<PublicKey>, ParseError> {
    let mut info = Reader::new(key_info).read(SEQUENCE).ok_or("x509: malformed spki")?;
    let algorithm = info.read(SEQUENCE).ok_or("x509: malformed public key algorithm identifier")?;
    let algorithm = AlgorithmIdentifier::parse(algorithm)?;
    let key = info.bits().ok_or("x509: malformed subjectPublicKey")?;
    PublicKey::parse(&algorithm, &key.to_bytes())
}

/// The extensions of a certificate of version 3, each of which may stand there once.
fn extensions<'a>(body: &mut Reader<'a>, version: i64) -> Result<Vec<Extension<'a>>, ParseError> {
    if version > 1 {
        body.optional(context(1)).ok_or("x509: malformed issuerUniqueID")?;
        body.optional(context(2)).ok_or("x509: malformed subjectUniqueID")?;
    }
    if version < 3 {
        return Ok(Vec::new());
    }
    let explicit = body.optional(constructed(3)).ok_or("x509: malformed extensions")?;
    let Some(mut explicit) = explicit else { return Ok(Vec::new()) };
    let mut list = explicit.read(SEQUENCE).ok_or("x509: malformed extensions")?;
    let mut found: Vec<Extension<'a>> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    while !list.is_empty() {
        let extension = read_extension(&mut list)?;
        if !seen.insert(extension.oid) {
            return Err("x509: certificate contains duplicate extensions".into());
        }
        found.push(extension);
    }
    Ok(found)
}

pub(super) fn read_extension<'a>(list: &mut Reader<'a>) -> Result<Extension<'a>, ParseError> {
    let mut content = list.read(SEQUENCE).ok_or("x509: malformed extension")?;
    let oid = content.oid().ok_or("x509: malformed extension OID field")?;
    let is_critical = content.is_next(super::der::BOOLEAN)
        && content.boolean().ok_or("x509: malformed extension critical field")?;
    let value = content.read(OCTET_STRING).ok_or("x509: malformed extension value field")?;
    Ok(Extension { oid, is_critical, value: value.rest() })
}

/// A number in decimal; in hexadecimal if it is longer than serial numbers may be, since writing it in
/// decimal takes time that grows with the square of its length.
fn decimal(number: &[u8]) -> String {
    if number.len() > 32 {
        return number.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    }
    let mut digits = vec![0_u32];
    for &byte in number {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            let value = *digit * 256 + carry;
            (*digit, carry) = (value % 10, value / 10);
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits.iter().rev().filter_map(|&digit| char::from_digit(digit, 10)).collect()
}

fn hex_with_colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// Bit 5 of the key usage.
pub(super) const CERTIFICATE_SIGN: u16 = 1 << 5;
/// Bit 6 of the key usage.
pub(super) const CRL_SIGN: u16 = 1 << 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_decimal() {
        for (number, expected) in [
            (&[0][..], "0"),
            (&[0, 0xff], "255"),
            (&[1, 0, 0], "65536"),
            (&[0xff; 9], "4722366482869645213695"),
            (&[1; 33], "0x010101010101010101010101010101010101010101010101010101010101010101"),
        ] {
            assert_eq!(decimal(number), expected);
        }
        assert_eq!(hex_with_colons(&[0xab, 1]), "AB:01");
        assert_eq!(hex_with_colons(&[]), "");
    }
}

//! Distinguished names: the attributes of a subject, as text.
//!
//! Follows Go's `crypto/x509/parser.go` (`parseName`, `parseASN1String`) and `pkix.Name`.

use std::borrow::Cow;

use super::certificate::ParseError;
use super::der::{Reader, SEQUENCE, SET};

/// What authenticators look at in a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    /// The last common name.
    pub(crate) common_name: String,
    /// All organizations, in the order in which they stand.
    pub(crate) organizations: Vec<String>,
    /// All values of Kubernetes' attribute for the uid of a user.
    pub(crate) uids: Vec<String>,
}

/// Reads a name, tag and length included. Every attribute must be a text, those nobody looks at too.
pub(super) fn parse(der: &[u8]) -> Result<Name, ParseError> {
    let malformed = || ParseError::new("x509: invalid RDNSequence");
    let mut sets = Reader::new(der).read(SEQUENCE).ok_or_else(malformed)?;
    let mut name = Name::default();
    while !sets.is_empty() {
        let mut set = sets.read(SET).ok_or_else(malformed)?;
        while !set.is_empty() {
            attribute(&mut set, &mut name)
                .map_err(|what| ParseError::new(format!("x509: invalid RDNSequence: {what}")))?;
        }
    }
    Ok(name)
}

fn attribute(set: &mut Reader<'_>, name: &mut Name) -> Result<(), Cow<'static, str>> {
    let mut attribute = set.read(SEQUENCE).ok_or("invalid attribute")?;
    let oid = attribute.oid().ok_or("invalid attribute type")?;
    let (tag, _, value) = attribute.any().ok_or("invalid attribute value")?;
    let text =
        text(tag, value.rest()).map_err(|what| format!("invalid attribute value: {what}"))?;
    match oid {
        COMMON_NAME => name.common_name = text,
        ORGANIZATION => name.organizations.push(text),
        UID => name.uids.push(text),
        _ => {}
    }
    Ok(())
}

/// The text of a string of any kind that Go knows.
fn text(tag: u8, value: &[u8]) -> Result<String, Cow<'static, str>> {
    let ascii = |is_valid: fn(u8) -> bool, what: &'static str| {
        let text = value.iter().all(|&byte| is_valid(byte)).then(|| latin1(value));
        text.ok_or(Cow::Borrowed(what))
    };
    match tag {
        NUMERIC => ascii(|byte| byte.is_ascii_digit() || byte == b' ', "invalid NumericString"),
        PRINTABLE => ascii(is_printable, "invalid PrintableString"),
        IA5 => ascii(|byte| byte.is_ascii(), "invalid IA5String"),
        UTF8 => match std::str::from_utf8(value) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err("invalid UTF-8 string".into()),
        },
        T61 => Ok(latin1(value)),
        BMP => bmp(value).ok_or_else(|| "invalid BMPString".into()),
        _ => Err(format!("unsupported string type: {tag}").into()),
    }
}

fn latin1(value: &[u8]) -> String {
    value.iter().map(|&byte| char::from(byte)).collect()
}

/// Not all of this is printable by the standard, but all of it is found in certificates.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

/// Two bytes a character, with a zero at the end or without; nothing outside the basic plane.
fn bmp(value: &[u8]) -> Option<String> {
    if !value.len().is_multiple_of(2) {
        return None;
    }
    let value = value.strip_suffix(&[0, 0]).unwrap_or(value);
    let character = |pair: &[u8]| {
        let &[high, low] = pair else { return None };
        let code = u16::from_be_bytes([high, low]);
        let is_reserved = matches!(code, 0xfffe | 0xffff | 0xfdd0..=0xfdef);
        // Halves of surrogate pairs are no characters.
        char::from_u32(code.into()).filter(|_| !is_reserved)
    };
    value.chunks(2).map(character).collect()
}

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
/// 1.3.6.1.4.1.57683.2
const UID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xc2, 0x53, 0x02];

const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
const PRINTABLE: u8 = 0x13;
const T61: u8 = 0x14;
const IA5: u8 = 0x16;
const BMP: u8 = 0x1e;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_by_their_kind() {
        let check = |tag: u8, value: &[u8], expected: Option<&str>| {
            assert_eq!(text(tag, value).ok().as_deref(), expected, "{tag:x} {value:x?}");
        };
        check(UTF8, "ü".as_bytes(), Some("ü"));
        check(UTF8, &[0xff], None);
        check(PRINTABLE, b"a*&'", Some("a*&'"));
        check(PRINTABLE, b"a@b", None);
        check(IA5, b"a@b", Some("a@b"));
        check(IA5, &[0x80], None);
        check(T61, &[0xfc], Some("ü"));
        check(NUMERIC, b"1 2", Some("1 2"));
        check(NUMERIC, b"a", None);
        check(BMP, &[0, 0x61, 0, 0xfc, 0, 0], Some("aü"));
        check(BMP, &[0, 0x61, 0], None);
        check(BMP, &[0xd8, 0], None);
        check(BMP, &[0xff, 0xfe], None);
        check(0x02, &[1], None);
    }
}

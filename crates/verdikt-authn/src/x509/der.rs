//! Reads DER, element after element.
//!
//! Follows `golang.org/x/crypto/cryptobyte`, which Go's certificate parser is built on: what that reads
//! is read here, and what it refuses is refused.

/// What is left of some DER. Reading takes elements off its front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

/// A string of bits; those of the last byte that do not count are zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    unused: u8,
}

impl<'a> Reader<'a> {
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left, as it stands.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether the next element has this tag.
    pub(super) fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next element: its tag, all of it, and its content.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8], Self)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        // Tags of several bytes are not read by Go either.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (header, length) = if first & 0x80 == 0 {
            (2, usize::from(first))
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let bytes = rest.get(..count)?;
            let length = bytes.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
            // As few bytes as can be, says DER.
            if length < 128 || bytes.first() == Some(&0) {
                return None;
            }
            (2 + count, length)
        };
        let (element, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some((tag, element, Self(element.get(header..)?)))
    }

    /// All of the next element, which must have this tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, element, _) = self.any()?;
        (found == tag).then_some(element)
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<Self> {
        let (found, _, content) = self.any()?;
        (found == tag).then_some(content)
    }

    /// The content of the next element if it has this tag; nothing is read otherwise.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<Self>> {
        if self.is_next(tag) { self.read(tag).map(Some) } else { Some(None) }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The bytes of an integer, two's complement, no more of them than needed.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        checked_integer(self.read(INTEGER)?.0)
    }

    pub(super) fn int64(&mut self) -> Option<i64> {
        self.int64_with(INTEGER)
    }

    pub(super) fn int64_with(&mut self, tag: u8) -> Option<i64> {
        let bytes = checked_integer(self.read(tag)?.0)?;
        if bytes.len() > 8 {
            return None;
        }
        let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
        Some(bytes.iter().fold(sign, |sum: i64, &byte| sum << 8 | i64::from(byte)))
    }

    /// The content of an object identifier.
    pub(super) fn oid(&mut self) -> Option<&'a [u8]> {
        let bytes = self.read(OID)?.0;
        is_oid(bytes).then_some(bytes)
    }

    pub(super) fn bits(&mut self) -> Option<Bits<'a>> {
        let (&unused, bytes) = self.read(BIT_STRING)?.0.split_first()?;
        let last = match bytes.last() {
            Some(&last) => last,
            None if unused == 0 => 0,
            None => return None,
        };
        let is_padded = unused <= 7 && last & ((1_u8 << unused).wrapping_sub(1)) == 0;
        is_padded.then_some(Bits { bytes, unused })
    }
}

impl Bits<'_> {
    /// The bit at this place, counted from the most significant; zero beyond the end.
    pub(super) fn at(&self, index: usize) -> bool {
        let length = self.bytes.len() * 8 - usize::from(self.unused);
        index < length
            && self.bytes.get(index / 8).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
    }

    /// The bits as bytes, moved to the right so that the last byte is whole.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        if self.unused == 0 {
            return self.bytes.to_vec();
        }
        let mut carry = 0;
        let shift = |&byte: &u8| {
            let shifted = byte >> self.unused | carry;
            carry = byte << (8 - self.unused);
            shifted
        };
        self.bytes.iter().map(shift).collect()
    }
}

fn checked_integer(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [] => None,
        [0, second, ..] if second & 0x80 == 0 => None,
        [0xff, second, ..] if second & 0x80 != 0 => None,
        _ => Some(bytes),
    }
}

/// Whether these are the numbers of an object identifier, each in as few bytes as can be and below 2³¹.
fn is_oid(bytes: &[u8]) -> bool {
    let mut number: u32 = 0;
    let mut length = 0;
    for &byte in bytes {
        if (length == 0 && byte == 0x80) || length == 5 || number >= 1 << (31 - 7) {
            return false;
        }
        number = number << 7 | u32::from(byte & 0x7f);
        length += 1;
        if byte & 0x80 == 0 {
            (number, length) = (0, 0);
        }
    }
    !bytes.is_empty() && length == 0
}

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: &[u8] = &[0x05, 0x00];
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag `[number]`.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag `[number]` around other elements.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_can_be() {
        let check = |der: &[u8], expected: Option<usize>| {
            let found = Reader::new(der).read(OCTET_STRING).map(|content| content.rest().len());
            assert_eq!(found, expected, "{der:x?}");
        };
        check(&[4, 1, 9], Some(1));
        check(&[4, 0], Some(0));
        check(&[4, 2, 9], None);
        check(&[4, 0x80, 0, 0], None);
        check(&[4, 0x81, 1, 9], None);
        let long = [&[4, 0x81, 128][..], &[0; 128]].concat();
        check(&long, Some(128));
        check(&[&[4, 0x82, 0, 128][..], &[0; 128]].concat(), None);
        check(&[4, 0x85, 0, 0, 0, 0, 1, 9], None);
        check(&[4, 0x84, 0xff, 0xff, 0xff, 0xff, 9], None);
        check(&[5, 0], None);
        check(&[4], None);
    }

    #[test]
    fn integers_are_minimal_and_signed() {
        let check = |content: &[u8], expected: Option<i64>| {
            let der = [&[INTEGER, u8::try_from(content.len()).unwrap()], content].concat();
            assert_eq!(Reader::new(&der).int64(), expected, "{content:x?}");
        };
        check(&[0], Some(0));
        check(&[0x7f], Some(127));
        check(&[0x80], Some(-128));
        check(&[0xff], Some(-1));
        check(&[0, 0x80], Some(128));
        check(&[], None);
        check(&[0, 1], None);
        check(&[0xff, 0x80], None);
        check(&[1, 0, 0, 0, 0, 0, 0, 0], Some(1 << 56));
        check(&[1, 0, 0, 0, 0, 0, 0, 0, 0], None);
    }

    #[test]
    fn identifiers_are_minimal_and_not_too_large() {
        let check =
            |content: &[u8], expected: bool| assert_eq!(is_oid(content), expected, "{content:x?}");
        check(&[0x55, 4, 3], true);
        check(&[0x2a, 0x86, 0x48], true);
        check(&[], false);
        check(&[0x55, 0x80, 1], false);
        check(&[0x55, 0x81], false);
        check(&[0x55, 0x87, 0xff, 0xff, 0xff, 0x7f], true);
        check(&[0x55, 0x88, 0x80, 0x80, 0x80, 0x00], false);
    }

    #[test]
    fn bits_beyond_the_end_are_zero() {
        let read = |der: &[u8]| {
            Reader::new(der).bits().map(|bits| (bits.at(0), bits.at(5), bits.to_bytes()))
        };
        assert_eq!(read(&[3, 2, 2, 0x84]), Some((true, true, vec![0x21])));
        assert_eq!(read(&[3, 2, 5, 0xa0]), Some((true, false, vec![5])));
        assert_eq!(read(&[3, 1, 0]), Some((false, false, vec![])));
        assert_eq!(read(&[3, 1, 1]), None);
        assert_eq!(read(&[3, 2, 8, 0]), None);
        assert_eq!(read(&[3, 2, 2, 0x86]), None);
    }
}

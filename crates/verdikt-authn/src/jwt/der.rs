//! As much of DER as keys need: a reader of nested elements, and a writer for those that are hashed.

/// Reads one element after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'d>(&'d [u8]);

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

impl<'d> Der<'d> {
    pub(super) fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element.
    pub(super) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, if it has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (content, _) = self.element(tag)?;
        Some(content)
    }

    /// The next element with its head, if it has this tag.
    pub(super) fn whole(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (_, whole) = self.element(tag)?;
        Some(whole)
    }

    /// The inside of the next element, if it is a sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// The next element, if it is a whole number above zero; its bytes without leading zeros.
    pub(super) fn positive(&mut self) -> Option<&'d [u8]> {
        let bytes = self.take(INTEGER)?;
        match bytes {
            [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Some(rest),
            [first, ..] if (0x01..0x80).contains(first) => Some(bytes),
            _ => None,
        }
    }

    /// The next element, if it is a bit string of whole bytes.
    pub(super) fn bits(&mut self) -> Option<&'d [u8]> {
        match self.take(BIT_STRING)? {
            [0, bytes @ ..] => Some(bytes),
            _ => None,
        }
    }

    fn element(&mut self, tag: u8) -> Option<(&'d [u8], &'d [u8])> {
        let bytes = self.0;
        let (&found, rest) = bytes.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, head) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let digits = rest.get(..count)?;
                let length = digits.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
                let least = if count == 1 { 0x80 } else { 1 << (8 * (count - 1)) };
                (Some(length).filter(|length| *length >= least)?, 2 + count)
            }
            _ => return None,
        };
        if found != tag {
            return None;
        }
        let end = head.checked_add(length)?;
        let (whole, content) = (bytes.get(..end)?, bytes.get(head..end)?);
        self.0 = bytes.get(end..)?;
        Some((content, whole))
    }
}

/// An element made of parts.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length + 6);
    bytes.push(tag);
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => bytes.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let from = digits.iter().take_while(|byte| **byte == 0).count();
            bytes.push(0x80 | (digits.len() - from) as u8);
            bytes.extend(digits.iter().skip(from));
        }
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A whole number from its bytes, leading zeros or not.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    match digits.first() {
        None => element(INTEGER, &[&[0]]),
        Some(0x80..) => element(INTEGER, &[&[0], digits]),
        Some(_) => element(INTEGER, &[digits]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_the_shortest_that_do() {
        for (bytes, expected) in [
            (&[0x30, 1, 7][..], Some(&[7][..])),
            (&[0x30, 0x81, 1, 7], None),
            (&[0x30, 0x80, 7], None),
            (&[0x30, 2, 7], None),
            (&[0x31, 1, 7], None),
            (&[], None),
            (&[0x30], None),
        ] {
            assert_eq!(Der::new(bytes).take(SEQUENCE), expected, "{bytes:?}");
        }
        let long = element(SEQUENCE, &[&[7; 300]]);
        assert_eq!(long[..4], [0x30, 0x82, 1, 44]);
        assert_eq!(Der::new(&long).take(SEQUENCE), Some(&[7; 300][..]));
    }

    #[test]
    fn integers_have_no_sign() {
        for (bytes, expected) in
            [(&[0, 0, 5][..], &[2, 1, 5][..]), (&[0x80], &[2, 2, 0, 0x80]), (&[], &[2, 1, 0])]
        {
            assert_eq!(integer(bytes), expected);
        }
        assert_eq!(Der::new(&[2, 2, 0, 0x80]).positive(), Some(&[0x80][..]));
        assert_eq!(Der::new(&[2, 1, 0]).positive(), None);
        assert_eq!(Der::new(&[2, 1, 0x80]).positive(), None);
    }
}

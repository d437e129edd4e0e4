//! A CheckBatchRequest, borrowed from the bytes in which it came.

use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::grpc::proto::v1;

/// What the message says.
#[derive(Debug, Default, PartialEq)]
pub(in crate::grpc) struct Message<'m> {
    pub(super) strings: Vec<&'m str>,
    pub(super) users: Vec<v1::User>,
    pub(super) questions: Vec<v1::BatchQuestion>,
    pub(super) with_reasons: bool,
    pub(super) numbered_users: Vec<v1::BatchUser>,
    pub(super) groups: Vec<u32>,
}

impl<'m> Message<'m> {
    /// What a message says.
    pub(in crate::grpc) fn of(message: &'m v1::CheckBatchRequest) -> Self {
        Self {
            strings: message.strings.iter().map(String::as_str).collect(),
            users: message.users.clone(),
            questions: message.questions.clone(),
            with_reasons: message.with_reasons,
            numbered_users: message.numbered_users.clone(),
            groups: message.groups.clone(),
        }
    }

    /// The same, read where it lies. None if there is anything unusual about it, which is left to the library.
    pub(in crate::grpc) fn plain(mut rest: &'m [u8]) -> Option<Self> {
        let mut message = Self::default();
        while !rest.is_empty() {
            match decode_key(&mut rest).ok()? {
                (1, WireType::LengthDelimited) => {
                    message.strings.push(str::from_utf8(part(&mut rest)?).ok()?);
                }
                (2, WireType::LengthDelimited) => {
                    message.users.push(v1::User::decode(part(&mut rest)?).ok()?);
                }
                (3, WireType::LengthDelimited) => {
                    message.questions.push(v1::BatchQuestion::decode(part(&mut rest)?).ok()?);
                }
                (4, WireType::Varint) => message.with_reasons = decode_varint(&mut rest).ok()? != 0,
                // It has been waited for.
                (5, WireType::Varint) => _ = decode_varint(&mut rest).ok()?,
                (6, WireType::LengthDelimited) => {
                    message.numbered_users.push(v1::BatchUser::decode(part(&mut rest)?).ok()?);
                }
                (7, WireType::LengthDelimited) => {
                    let mut packed = part(&mut rest)?;
                    while !packed.is_empty() {
                        // What does not fit is cut off by the library.
                        message.groups.push(u32::try_from(decode_varint(&mut packed).ok()?).ok()?);
                    }
                }
                _ => return None,
            }
        }
        Some(message)
    }
}

fn part<'m>(rest: &mut &'m [u8]) -> Option<&'m [u8]> {
    let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
    let (part, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a message is read where it lies, and if so as the library reads it.
    fn check(bytes: &[u8], is_plain: bool) {
        let plain = Message::plain(bytes);
        assert_eq!(plain.is_some(), is_plain, "{bytes:?}");
        if let Some(plain) = plain {
            assert_eq!(plain, Message::of(&v1::CheckBatchRequest::decode(bytes).unwrap()));
        }
    }

    fn message() -> v1::CheckBatchRequest {
        let question = v1::BatchQuestion {
            user: 1,
            verb: 300,
            namespace: 3,
            group: 4,
            version: 5,
            resource: 6,
            subresource: 7,
            name: u32::MAX,
            field_selector: 9,
            label_selector: 10,
            path: 11,
            method: 12,
        };
        let extra = [("a".to_owned(), v1::ExtraValues { values: vec!["b".to_owned()] })].into();
        v1::CheckBatchRequest {
            strings: ["a", "", "é"].map(str::to_owned).into(),
            users: vec![v1::User { name: "jane".to_owned(), extra, ..Default::default() }],
            questions: vec![question, v1::BatchQuestion::default()],
            with_reasons: true,
            at_least_revision: u64::MAX,
            numbered_users: vec![
                v1::BatchUser { name: 1, uid: 2, groups: 3 },
                v1::BatchUser::default(),
            ],
            groups: vec![1, 0, 500],
        }
    }

    #[test]
    fn what_is_read_where_it_lies_is_what_the_library_reads() {
        check(&[], true);
        let bytes = message().encode_to_vec();
        check(&bytes, true);
        check(&[bytes.clone(), bytes].concat(), true);
        // Parts are the library's own: what it does not know in one, and what does not fit.
        check(&[0x1a, 2, 0x70, 1], true);
        check(&[0x1a, 6, 0x08, 0xff, 0xff, 0xff, 0xff, 0x7f], true);
    }

    #[test]
    fn what_is_unusual_is_left_to_the_library() {
        let bytes = message().encode_to_vec();
        for end in 1..bytes.len() {
            check(&bytes[..end], v1::CheckBatchRequest::decode(&bytes[..end]).is_ok());
        }
        for unusual in [
            // A field that nobody knows; a number that does not fit; groups one by one; bytes that are no text.
            &[0x40, 1][..],
            &[0x1a, 2, 0x00, 1],
            &[0x3a, 5, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0x38, 1],
            &[0x0a, 1, 0xff],
            &[0x08, 1],
            &[0x1a, 3, 0x0a, 1, 1],
        ] {
            check(unusual, false);
        }
    }
}

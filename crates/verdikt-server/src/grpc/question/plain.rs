//! Questions as nearly all clients send them, read where they lie. Whatever is unusual about a message is left to the
//! library that reads all others: extra, credentials, fields that come twice or are not known, bytes that are no text.

use prost::encoding::{WireType, decode_key, decode_varint};

use super::{Named, Question, Resource, Wanted};

impl<'m> Question<'m> {
    /// What a message says, if there is nothing unusual about it.
    pub(in crate::grpc) fn plain(message: &'m [u8]) -> Option<Self> {
        let mut question = Self::default();
        fields(message, |number, value| {
            match (number, value) {
                (1, Value::Bytes(user)) => question.user = Some(Named::plain(user)?),
                (3, Value::Bytes(asked)) if question.wanted.is_none() => {
                    question.wanted = Some(Wanted::Resource(Resource::plain(asked)?));
                }
                (4, Value::Bytes(asked)) if question.wanted.is_none() => {
                    let [verb, path] = texts(asked)?;
                    question.wanted = Some(Wanted::NonResource { verb, path });
                }
                (5, Value::Bytes(asked)) if question.wanted.is_none() => {
                    let [method, path] = texts(asked)?;
                    question.wanted = Some(Wanted::Http { method, path });
                }
                (6, Value::Number(revision)) => question.at_least_revision = revision,
                _ => return None,
            }
            Some(())
        })?;
        Some(question)
    }
}

impl<'m> Named<'m> {
    fn plain(message: &'m [u8]) -> Option<Self> {
        let mut user = Self::default();
        // Groups are all that may come more than once.
        let (mut rest, mut last) = (message, 0);
        while !rest.is_empty() {
            let (number, value) = field(&mut rest)?;
            let Value::Bytes(text) = value else { return None };
            let text = str::from_utf8(text).ok()?;
            match number {
                1 if last < 1 => user.name = text,
                2 if last < 2 => user.uid = text,
                3 if last <= 3 => user.groups.push(text),
                _ => return None,
            }
            last = number;
        }
        Some(user)
    }
}

impl<'m> Resource<'m> {
    fn plain(message: &'m [u8]) -> Option<Self> {
        let [
            verb,
            namespace,
            group,
            version,
            resource,
            subresource,
            name,
            field_selector,
            label_selector,
        ] = texts(message)?;
        Some(Self {
            verb,
            namespace,
            group,
            version,
            resource,
            subresource,
            name,
            field_selector,
            label_selector,
        })
    }
}

/// A message all of whose fields are texts, numbered from 1 on.
fn texts<const N: usize>(message: &[u8]) -> Option<[&str; N]> {
    let mut texts = [""; N];
    fields(message, |number, value| {
        let Value::Bytes(text) = value else { return None };
        *texts.get_mut(number.checked_sub(1)? as usize)? = str::from_utf8(text).ok()?;
        Some(())
    })?;
    Some(texts)
}

enum Value<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

/// Hands all fields over, if their numbers grow, as those of all libraries do.
fn fields<'m>(
    mut message: &'m [u8],
    mut take: impl FnMut(u32, Value<'m>) -> Option<()>,
) -> Option<()> {
    let mut last = 0;
    while !message.is_empty() {
        let (number, value) = field(&mut message)?;
        if number <= last {
            return None;
        }
        last = number;
        take(number, value)?;
    }
    Some(())
}

#[inline]
fn field<'m>(rest: &mut &'m [u8]) -> Option<(u32, Value<'m>)> {
    let (number, kind) = decode_key(rest).ok()?;
    let number_or_length = match kind {
        WireType::Varint | WireType::LengthDelimited => decode_varint(rest).ok()?,
        _ => return None,
    };
    if kind == WireType::Varint {
        return Some((number, Value::Number(number_or_length)));
    }
    let (bytes, behind) = rest.split_at_checked(usize::try_from(number_or_length).ok()?)?;
    *rest = behind;
    Some((number, Value::Bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::grpc::proto::v1;
    use crate::grpc::proto::v1::check_request::Request;

    /// Whether a message is read where it lies, and if so as the library reads it.
    fn check(bytes: &[u8], is_plain: bool) {
        let plain = Question::plain(bytes);
        assert_eq!(plain.is_some(), is_plain, "{bytes:?}");
        let Some(plain) = plain else { return };
        let message = v1::CheckRequest::decode(bytes).unwrap();
        assert_eq!(format!("{plain:?}"), format!("{:?}", Question::of(&message)));
    }

    fn user() -> v1::User {
        let groups = ["dev", "", "ops"].map(str::to_owned).into();
        v1::User { name: "jane".to_owned(), uid: "u".to_owned(), groups, ..Default::default() }
    }

    fn resource() -> Request {
        let text = str::to_owned;
        Request::Resource(v1::ResourceAttributes {
            verb: text("get"),
            namespace: text("web"),
            group: text("apps"),
            version: text("v1"),
            resource: text("pods"),
            subresource: text("log"),
            name: text("web-0"),
            field_selector: text("a=b"),
            label_selector: text("c=d"),
        })
    }

    #[test]
    fn what_is_read_where_it_lies_is_what_the_library_reads() {
        let (verb, path) = ("get".to_owned(), "/é".to_owned());
        let http = v1::HttpRequest { method: verb.clone(), path: path.clone() };
        for request in [
            None,
            Some(resource()),
            Some(Request::Resource(v1::ResourceAttributes::default())),
            Some(Request::NonResource(v1::NonResourceAttributes { verb, path })),
            Some(Request::Http(http)),
        ] {
            for user in [None, Some(user()), Some(v1::User::default())] {
                let message = v1::CheckRequest {
                    user,
                    request: request.clone(),
                    at_least_revision: 7,
                    ..Default::default()
                };
                check(&message.encode_to_vec(), true);
            }
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_library() {
        let plain = v1::CheckRequest {
            user: Some(user()),
            request: Some(resource()),
            ..Default::default()
        };
        let bytes = plain.encode_to_vec();
        check(&bytes, true);
        for end in 1..bytes.len() {
            // Where a field ends, the rest is a message, too.
            let is_message = v1::CheckRequest::decode(&bytes[..end]).is_ok();
            check(&bytes[..end], is_message);
        }
        check(&[bytes.clone(), bytes].concat(), false);
        let credential = Some(v1::Credential::default());
        check(&v1::CheckRequest { credential, ..plain.clone() }.encode_to_vec(), false);
        let extra = [("a".to_owned(), v1::ExtraValues::default())].into();
        let user = Some(v1::User { extra, ..user() });
        check(&v1::CheckRequest { user, ..plain }.encode_to_vec(), false);
        for unusual in [
            // A field that nobody knows; a number where a text should be; bytes that are no text; the wrong order.
            &[0x38, 1][..],
            &[0x08, 1],
            &[0x0a, 2, 0x08, 1],
            &[0x0a, 3, 0x0a, 1, 0xff],
            &[0x1a, 3, 0x0a, 1, 0xff],
            &[0x30, 1, 0x0a, 0],
            &[0x35, 0, 0, 0, 0],
            &[0x0a, 6, 0x1a, 1, b'a', 0x0a, 1, b'b'],
            &[0x1a, 6, 0x12, 1, b'a', 0x0a, 1, b'b'],
            &[0x1a, 3, 0x52, 1, b'a'],
            &[0x1a, 200],
        ] {
            check(unusual, false);
        }
    }
}

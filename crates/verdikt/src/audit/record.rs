//! An event as a request leaves it behind: facts one behind the other, copied as they are. Whoever writes the log puts
//! them into words, so that no request waits for that.
//!
//! A record is a [`Header`] and what is known at the arrival ([`arrival`]), then what was learned since ([`object`],
//! [`person`] and a text if somebody was impersonated) and what came of it ([`annotations`], and the texts that the
//! header says are there). Texts stand behind their length. Records never leave the process.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use verdikt_core::User;

use super::render::short;
use super::trail::ObjectMeta;
use super::{Arrival, Level, Stage};

/// What each event of a request has of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) stage: Stage,
    pub(super) level: Level,
    pub(super) received: SystemTime,
    pub(super) at: SystemTime,
    /// The status of the answer, if there is one.
    pub(super) code: Option<u16>,
    pub(super) has: Parts,
}

/// Which parts a record has that not each of them has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) meta: bool,
    pub(super) impersonated: bool,
    pub(super) status: bool,
    pub(super) request_object: bool,
    pub(super) response_object: bool,
}

impl Header {
    pub(super) const BYTES: usize = 24;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let Parts { meta, impersonated, status, request_object, response_object } = self.has;
        let flags =
            [self.code.is_some(), meta, impersonated, status, request_object, response_object];
        let flags = (0..).zip(flags).fold(0_u8, |all, (bit, flag)| all | u8::from(flag) << bit);
        let mut bytes = [0; Self::BYTES];
        let code = self.code.unwrap_or_default().to_le_bytes();
        let (received, at) = (nanos(self.received).to_le_bytes(), nanos(self.at).to_le_bytes());
        let head = [self.stage as u8, self.level as u8, flags, 0];
        let parts = head.iter().chain(&code).chain(&[0, 0]).chain(&received).chain(&at);
        for (slot, byte) in bytes.iter_mut().zip(parts) {
            *slot = *byte;
        }
        bytes
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let [stage, level, flags, _] = reader.array();
        let code = u16::from_le_bytes(reader.array());
        let _: [u8; 2] = reader.array();
        let mut time = || {
            UNIX_EPOCH
                .checked_add(Duration::from_nanos(u64::from_le_bytes(reader.array())))
                .unwrap_or(UNIX_EPOCH)
        };
        let has = |bit: u8| flags >> bit & 1 == 1;
        Self {
            stage: STAGES.into_iter().find(|known| *known as u8 == stage).unwrap_or(Stage::Panic),
            level: LEVELS.into_iter().find(|known| *known as u8 == level).unwrap_or_default(),
            received: time(),
            at: time(),
            code: has(0).then_some(code),
            has: Parts {
                meta: has(1),
                impersonated: has(2),
                status: has(3),
                request_object: has(4),
                response_object: has(5),
            },
        }
    }
}

/// Until 2554, which is long enough.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What is known when a request arrives. The id comes first.
pub(super) fn arrival(arrival: &Arrival<'_>, into: &mut Vec<u8>) {
    let Arrival { audit_id, uri, source_ips, user_agent, user, request, .. } = *arrival;
    // Enough for most, so that it grows once at most.
    into.reserve(512);
    text(audit_id, into);
    text(uri, into);
    text(&short(user_agent), into);
    for part in [
        request.verb,
        request.resource,
        request.subresource,
        request.namespace,
        request.name,
        request.api_group,
        request.api_version,
    ] {
        text(part, into);
    }
    into.push(u8::from(request.resource_request));
    number(source_ips.len(), into);
    for address in source_ips {
        match address {
            IpAddr::V4(address) => {
                into.push(4);
                into.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                into.push(6);
                into.extend_from_slice(&address.octets());
            }
        }
    }
    into.push(u8::from(user.is_some()));
    if let Some(user) = user {
        person(user, into);
    }
}

/// The id of a request, of what is known at its arrival.
pub(super) fn audit_id(arrival: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(Reader(arrival).text())
}

/// What an object that was sent says about itself.
pub(super) fn object(meta: ObjectMeta<'_>, into: &mut Vec<u8>) {
    let ObjectMeta { namespace, name, uid, resource_version } = meta;
    [namespace, name, uid, resource_version].into_iter().for_each(|part| text(part, into));
}

/// A user.
pub(super) fn person(user: &User, into: &mut Vec<u8>) {
    text(&user.name, into);
    text(&user.uid, into);
    texts(&user.groups, into);
    number(user.extra.len(), into);
    for (key, values) in &user.extra {
        text(key, into);
        texts(values, into);
    }
}

/// What was said of a request, by key.
pub(super) fn annotations<'a>(
    said: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    into: &mut Vec<u8>,
) {
    number(said.len(), into);
    for (key, value) in said {
        text(key, into);
        text(value, into);
    }
}

pub(super) fn text(text: &str, into: &mut Vec<u8>) {
    number(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

fn texts(list: &[String], into: &mut Vec<u8>) {
    number(list.len(), into);
    list.iter().for_each(|part| text(part, into));
}

/// Requests are a lot smaller than what does not fit here, and so are the queues for them.
fn number(number: usize, into: &mut Vec<u8>) {
    into.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

/// A record that is read. Texts are not looked at again: each was UTF-8 when it was written.
#[derive(Clone, Debug)]
pub(super) struct Event<'a> {
    pub(super) header: Header,
    pub(super) audit_id: &'a [u8],
    pub(super) uri: &'a [u8],
    pub(super) user_agent: &'a [u8],
    pub(super) verb: &'a [u8],
    pub(super) resource: &'a [u8],
    pub(super) subresource: &'a [u8],
    pub(super) namespace: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) api_group: &'a [u8],
    pub(super) api_version: &'a [u8],
    pub(super) resource_request: bool,
    pub(super) source_ips: Addresses<'a>,
    pub(super) user: Option<Person<'a>>,
    pub(super) meta: Meta<'a>,
    /// Who the request is answered as, and the constraint of the impersonation.
    pub(super) impersonated: Option<(Person<'a>, &'a [u8])>,
    pub(super) annotations: Pairs<'a>,
    pub(super) status: Option<&'a [u8]>,
    pub(super) request_object: Option<&'a [u8]>,
    pub(super) response_object: Option<&'a [u8]>,
}

/// An [`ObjectMeta`] in a record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meta<'a> {
    pub(super) namespace: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) uid: &'a [u8],
    pub(super) resource_version: &'a [u8],
}

/// A user in a record.
#[derive(Clone, Debug)]
pub(super) struct Person<'a> {
    pub(super) name: &'a [u8],
    pub(super) uid: &'a [u8],
    pub(super) groups: Texts<'a>,
    pub(super) extra: Extra<'a>,
}

impl<'a> Event<'a> {
    /// Reads a record. One that is cut off, which none is, has empty texts at its end.
    pub(super) fn read(record: &'a [u8]) -> Self {
        let reader = &mut Reader(record);
        let header = Header::read(reader);
        let has = header.has;
        let [audit_id, uri, user_agent, verb, resource] = reader.texts();
        let [subresource, namespace, name, api_group, api_version] = reader.texts();
        let resource_request = reader.flag();
        let source_ips = Addresses::read(reader);
        let user = reader.flag().then(|| Person::read(reader));
        let mut meta = Meta::default();
        if has.meta {
            let [namespace, name, uid, resource_version] = reader.texts();
            meta = Meta { namespace, name, uid, resource_version };
        }
        let impersonated = has.impersonated.then(|| (Person::read(reader), reader.text()));
        let annotations = Pairs::read(reader);
        let mut optional = |is_there: bool| is_there.then(|| reader.text());
        Self {
            header,
            audit_id,
            uri,
            user_agent,
            verb,
            resource,
            subresource,
            namespace,
            name,
            api_group,
            api_version,
            resource_request,
            source_ips,
            user,
            meta,
            impersonated,
            annotations,
            status: optional(has.status),
            request_object: optional(has.request_object),
            response_object: optional(has.response_object),
        }
    }
}

impl<'a> Person<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let [name, uid] = reader.texts();
        Self { name, uid, groups: Texts::read(reader), extra: Extra::read(reader) }
    }
}

/// What has not been read yet.
#[derive(Clone, Copy, Debug)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(bytes).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    fn array<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        self.take(SIZE).try_into().unwrap_or([0; SIZE])
    }

    fn flag(&mut self) -> bool {
        self.array() == [1]
    }

    fn number(&mut self) -> usize {
        u32::from_le_bytes(self.array()) as usize
    }

    fn text(&mut self) -> &'a [u8] {
        let length = self.number();
        self.take(length)
    }

    fn texts<const COUNT: usize>(&mut self) -> [&'a [u8]; COUNT] {
        std::array::from_fn(|_| self.text())
    }
}

/// Declares a list in a record: so many items, one behind the other.
macro_rules! list {
    ($(#[$meta:meta])* $name:ident of $item:ty, $read:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(super) struct $name<'a> {
            left: usize,
            reader: Reader<'a>,
        }

        impl<'a> $name<'a> {
            fn read(reader: &mut Reader<'a>) -> Self {
                let left = reader.number();
                let mut list = Self { left, reader: *reader };
                let all = list.clone();
                // What comes behind the list is where its last item ends.
                while list.next().is_some() {}
                *reader = list.reader;
                all
            }

            pub(super) fn is_empty(&self) -> bool {
                self.left == 0
            }
        }

        impl<'a> Iterator for $name<'a> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                self.left = self.left.checked_sub(1)?;
                // A record that ends early ends its lists, whatever they say.
                (!self.reader.0.is_empty()).then(|| $read(&mut self.reader))
            }
        }
    };
}

list!(/** Texts. */ Texts of &'a [u8], Reader::text);
list!(/** Keys and values. */ Pairs of (&'a [u8], &'a [u8]), |reader: &mut Reader<'a>| {
    let [key, value] = reader.texts();
    (key, value)
});
list!(/** Keys, each with its values. */ Extra of (&'a [u8], Texts<'a>), |reader: &mut Reader<'a>| {
    (reader.text(), Texts::read(reader))
});
list!(/** Addresses. */ Addresses of IpAddr, |reader: &mut Reader<'a>| match reader.array() {
    [4] => IpAddr::V4(Ipv4Addr::from(reader.array::<4>())),
    _ => IpAddr::V6(Ipv6Addr::from(reader.array::<16>())),
});

const STAGES: [Stage; 4] =
    [Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete, Stage::Panic];
const LEVELS: [Level; 4] = [Level::None, Level::Metadata, Level::Request, Level::RequestResponse];

//! An event in words: one line of the log.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::IpAddr;

use super::arrival::{CUT_OFF, USER_AGENT_BYTES};
use super::record::{Event, Person};
use super::{Format, Level, LogOptions, Stage, json, legacy, time};

/// How events are put into words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renderer {
    format: Format,
    /// Bytes of a line, if there is a bound.
    most: Option<u64>,
}

/// A line that is too long even without its objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooLarge {
    pub(super) bytes: usize,
}

impl Renderer {
    pub(super) fn new(options: &LogOptions) -> Self {
        let most = options.truncate.map(|truncate| truncate.max_event_size);
        Self { format: options.format, most }
    }

    /// Writes the line of a record behind what is there. An event that is too large is written without its objects.
    ///
    /// # Errors
    /// If that is still too large; nothing is written then.
    pub(super) fn line(self, record: &[u8], into: &mut Vec<u8>) -> Result<(), TooLarge> {
        let event = Event::read(record);
        let start = into.len();
        let fits =
            |into: &Vec<u8>| self.most.is_none_or(|most| (into.len() - start) as u64 <= most);
        self.event(&event, false, into);
        if !fits(into) && event.header.level >= Level::Request {
            into.truncate(start);
            self.event(&event, true, into);
        }
        if fits(into) {
            return Ok(());
        }
        let bytes = into.len() - start;
        into.truncate(start);
        Err(TooLarge { bytes })
    }

    fn event(self, event: &Event<'_>, truncated: bool, into: &mut Vec<u8>) {
        into.reserve(1024);
        match self.format {
            Format::Json => json_line(event, truncated, into),
            Format::Legacy => legacy::line(event, into),
        }
    }
}

fn json_line(event: &Event<'_>, truncated: bool, text: &mut Vec<u8>) {
    let header = &event.header;
    text.extend_from_slice(b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"");
    text.extend_from_slice(header.level.as_str().as_bytes());
    text.extend_from_slice(b"\",\"auditID\":");
    json::string(event.audit_id, text);
    text.extend_from_slice(b",\"stage\":\"");
    text.extend_from_slice(header.stage.as_str().as_bytes());
    text.extend_from_slice(b"\",\"requestURI\":");
    json::string(event.uri, text);
    text.extend_from_slice(b",\"verb\":");
    json::string(event.verb, text);
    text.extend_from_slice(b",\"user\":");
    match &event.user {
        Some(user) => person(user, text),
        None => text.extend_from_slice(b"{}"),
    }
    if let Some((user, constraint)) = &event.impersonated {
        json::field("impersonatedUser", text);
        person(user, text);
        if !constraint.is_empty() {
            text.extend_from_slice(b",\"authenticationMetadata\":{\"impersonationConstraint\":");
            json::string(constraint, text);
            text.push(b'}');
        }
    }
    if !event.source_ips.is_empty() {
        text.extend_from_slice(b",\"sourceIPs\":[");
        for (index, address) in event.source_ips.clone().enumerate() {
            let quote: &[u8] = if index == 0 { b"\"" } else { b",\"" };
            text.extend_from_slice(quote);
            self::address(address, text);
            text.push(b'"');
        }
        text.push(b']');
    }
    json::member("userAgent", event.user_agent, text);
    if event.resource_request {
        object_reference(event, text);
    }
    if let Some(code) = header.code {
        json::field("responseStatus", text);
        match event.status {
            Some(status) => json::escaped(words(status), text),
            None => {
                text.extend_from_slice(b"{\"metadata\":{},\"code\":");
                json::number(code, text);
                text.push(b'}');
            }
        }
    }
    if !truncated {
        for (name, object) in
            [("requestObject", event.request_object), ("responseObject", event.response_object)]
        {
            if let Some(object) = object {
                json::field(name, text);
                json::escaped(words(object), text);
            }
        }
    }
    json::field("requestReceivedTimestamp", text);
    text.push(b'"');
    time::micros(header.received, text);
    text.extend_from_slice(b"\",\"stageTimestamp\":\"");
    match header.stage {
        Stage::RequestReceived => time::micros(header.received, text),
        _ => time::micros(header.at, text),
    }
    text.push(b'"');
    annotations(event, truncated, text);
    text.extend_from_slice(b"}\n");
}

fn object_reference(event: &Event<'_>, text: &mut Vec<u8>) {
    json::field("objectRef", text);
    text.push(b'{');
    json::member("resource", event.resource, text);
    json::member("namespace", said(event.namespace, event.meta.namespace), text);
    json::member("name", said(event.name, event.meta.name), text);
    json::member("uid", event.meta.uid, text);
    json::member("apiGroup", event.api_group, text);
    json::member("apiVersion", event.api_version, text);
    json::member("resourceVersion", event.meta.resource_version, text);
    json::member("subresource", event.subresource, text);
    text.push(b'}');
}

fn annotations(event: &Event<'_>, truncated: bool, text: &mut Vec<u8>) {
    if event.annotations.is_empty() && !truncated {
        return;
    }
    json::field("annotations", text);
    text.push(b'{');
    let more = truncated.then_some((b"audit.k8s.io/truncated".as_slice(), b"true".as_slice()));
    let before = |(key, _): &(&[u8], &[u8])| more.is_some_and(|(more, _)| *key < more);
    let said = || event.annotations.clone();
    let first = said().take_while(before);
    for (key, value) in first.chain(more).chain(said().skip_while(before)) {
        json::key(key, text);
        json::string(value, text);
    }
    text.push(b'}');
}

/// What the address says, or else the object.
fn said<'a>(address: &'a [u8], object: &'a [u8]) -> &'a [u8] {
    if address.is_empty() { object } else { address }
}

/// JSON that somebody else wrote.
fn words(object: &[u8]) -> &str {
    std::str::from_utf8(object).unwrap_or("null")
}

/// `{"username":…,"uid":…,"groups":…,"extra":…}`, without what is empty.
fn person(person: &Person<'_>, text: &mut Vec<u8>) {
    text.push(b'{');
    json::member("username", person.name, text);
    json::member("uid", person.uid, text);
    if !person.groups.is_empty() {
        json::field("groups", text);
        json::strings(person.groups.clone(), text);
    }
    if !person.extra.is_empty() {
        json::field("extra", text);
        text.push(b'{');
        for (key, values) in person.extra.clone() {
            json::key(key, text);
            json::strings(values, text);
        }
        text.push(b'}');
    }
    text.push(b'}');
}

/// An address in words. Those of IPv4 are written digit by digit, which is a lot faster than formatting.
fn address(address: IpAddr, text: &mut Vec<u8>) {
    let IpAddr::V4(address) = address else {
        // Writing to a Vec does not fail.
        let _ = write!(text, "{address}");
        return;
    };
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            text.push(b'.');
        }
        json::number(octet, text);
    }
}

/// The user agent, cut off where it is too long. Upstream cuts in the middle of a character; what is
/// left of one is left out here.
pub(super) fn short(user_agent: &str) -> Cow<'_, str> {
    if user_agent.len() <= USER_AGENT_BYTES {
        return user_agent.into();
    }
    let end = (0..=USER_AGENT_BYTES).rev().find(|&end| user_agent.is_char_boundary(end));
    let kept = user_agent.get(..end.unwrap_or_default()).unwrap_or_default();
    format!("{kept}{CUT_OFF}").into()
}

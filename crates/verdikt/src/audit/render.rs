//! An event as far as it is known when a request arrives, in words: most of it never changes, and is
//! written once for all stages.

use std::io::Write as _;
use std::net::IpAddr;

use verdikt_core::{Attributes, User};

use super::arrival::{Arrival, CUT_OFF, USER_AGENT_BYTES};
use super::trail::ObjectMeta;
use super::{Format, Level, json, legacy, time};

/// The parts of an event that are the same at every stage, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// When the request was there, as events in JSON say it near their end.
    received: [u8; 27],
    text: Vec<u8>,
    /// Where the id is, with its quotes.
    id: std::ops::Range<usize>,
    /// Where the stage belongs.
    stage: usize,
    /// Where the impersonated user belongs.
    impersonated: usize,
    /// Where what is asked about begins; it ends the head.
    object: usize,
}

impl Head {
    pub(super) fn new(format: Format, level: Level, arrival: &Arrival<'_>) -> Self {
        // Enough for most events; what is longer is copied once.
        let mut head = Self { text: Vec::with_capacity(768), ..Self::default() };
        match format {
            Format::Json => head.json(level, arrival),
            Format::Legacy => head.legacy(arrival),
        }
        head
    }

    fn json(&mut self, level: Level, arrival: &Arrival<'_>) {
        let text = &mut self.text;
        time::micros(arrival.received, text);
        if let Some(received) = text.first_chunk() {
            self.received = *received;
        }
        text.clear();
        text.extend_from_slice(
            b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"",
        );
        text.extend_from_slice(level.as_str().as_bytes());
        text.extend_from_slice(b"\",\"auditID\":");
        let start = text.len();
        json::string(arrival.audit_id, text);
        self.id = start..text.len();
        text.extend_from_slice(b",\"stage\":\"");
        self.stage = text.len();
        text.extend_from_slice(b"\",\"requestURI\":");
        json::string(arrival.uri, text);
        text.extend_from_slice(b",\"verb\":");
        json::string(arrival.request.verb, text);
        text.extend_from_slice(b",\"user\":{");
        if let Some(user) = arrival.user {
            members_of_user(user, text);
        }
        text.push(b'}');
        self.impersonated = text.len();
        if !arrival.source_ips.is_empty() {
            text.extend_from_slice(b",\"sourceIPs\":[");
            for (index, address) in arrival.source_ips.iter().enumerate() {
                let quote: &[u8] = if index == 0 { b"\"" } else { b",\"" };
                text.extend_from_slice(quote);
                self::address(*address, text);
                text.push(b'"');
            }
            text.push(b']');
        }
        json::member("userAgent", &short(arrival.user_agent), text);
        self.object = text.len();
        self.object(Format::Json, arrival.request, arrival.uri, ObjectMeta::default());
    }

    fn legacy(&mut self, arrival: &Arrival<'_>) {
        let text = &mut self.text;
        legacy::before_stage(arrival, text);
        self.stage = text.len();
        legacy::after_stage(arrival, text);
        self.impersonated = text.len();
        legacy::after_impersonated(&short(arrival.user_agent), text);
        self.object = text.len();
        self.object(Format::Legacy, arrival.request, arrival.uri, ObjectMeta::default());
    }

    /// Says what is asked about, with what the object that was sent adds to that.
    pub(super) fn object(
        &mut self,
        format: Format,
        request: &Attributes<'_>,
        uri: &str,
        meta: ObjectMeta<'_>,
    ) {
        let text = &mut self.text;
        text.truncate(self.object);
        let or = |first, second| if str::is_empty(first) { second } else { first };
        let namespace = or(request.namespace, meta.namespace);
        if format == Format::Legacy {
            return legacy::object(request.resource_request.then_some(namespace), uri, text);
        }
        if request.resource_request {
            json::field("objectRef", text);
            text.push(b'{');
            json::member("resource", request.resource, text);
            json::member("namespace", namespace, text);
            json::member("name", or(request.name, meta.name), text);
            json::member("uid", meta.uid, text);
            json::member("apiGroup", request.api_group, text);
            json::member("apiVersion", request.api_version, text);
            json::member("resourceVersion", meta.resource_version, text);
            json::member("subresource", request.subresource, text);
            text.push(b'}');
        }
    }

    /// The id of the request, in quotes.
    pub(super) fn id(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.text.get(self.id.clone()).unwrap_or_default())
    }

    /// When the request was there, up to the time of the stage.
    pub(super) fn received(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(RECEIVED);
        into.extend_from_slice(&self.received);
        into.extend_from_slice(STAGE);
    }

    /// That time alone.
    pub(super) fn received_at(&self) -> &[u8] {
        &self.received
    }

    /// The event at a stage, up to what has come of it.
    pub(super) fn at(&self, stage: &str, impersonated: &[u8], into: &mut Vec<u8>) {
        let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        into.reserve(self.text.len() + impersonated.len() + 512);
        into.extend_from_slice(part(0, self.stage));
        into.extend_from_slice(stage.as_bytes());
        into.extend_from_slice(part(self.stage, self.impersonated));
        into.extend_from_slice(impersonated);
        into.extend_from_slice(part(self.impersonated, self.text.len()));
    }
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

const RECEIVED: &[u8] = b",\"requestReceivedTimestamp\":\"";
const STAGE: &[u8] = b"\",\"stageTimestamp\":\"";

/// `"username":…,"uid":…,"groups":…,"extra":…`, without what is empty.
pub(super) fn members_of_user(user: &User, text: &mut Vec<u8>) {
    json::member("username", &user.name, text);
    json::member("uid", &user.uid, text);
    if !user.groups.is_empty() {
        json::field("groups", text);
        json::strings(user.groups.iter().map(String::as_str), text);
    }
    if !user.extra.is_empty() {
        json::field("extra", text);
        text.push(b'{');
        for (key, values) in &user.extra {
            json::key(key, text);
            json::strings(values.iter().map(String::as_str), text);
        }
        text.push(b'}');
    }
}

/// The user agent, cut off where it is too long. Upstream cuts in the middle of a character; what is
/// left of one is left out here.
fn short(user_agent: &str) -> std::borrow::Cow<'_, str> {
    if user_agent.len() <= USER_AGENT_BYTES {
        return user_agent.into();
    }
    let end = (0..=USER_AGENT_BYTES).rev().find(|&end| user_agent.is_char_boundary(end));
    let kept = user_agent.get(..end.unwrap_or_default()).unwrap_or_default();
    format!("{kept}{CUT_OFF}").into()
}

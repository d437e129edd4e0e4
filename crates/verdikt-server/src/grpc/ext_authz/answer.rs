//! What came of a request, for Envoy: it goes on with other headers, or is answered.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde::Serialize as _;
use tonic::Code;
use verdikt::{Summary, is_impersonation_header};

use crate::grpc::proto::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use crate::grpc::proto::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use crate::grpc::proto::envoy::service::auth::v3::check_response::HttpResponse;
use crate::grpc::proto::envoy::service::auth::v3::{
    CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use crate::grpc::proto::envoy::r#type::v3::HttpStatus;
use crate::grpc::proto::google::rpc::Status;
use crate::identity_headers;
use crate::kubernetes::status;
use crate::wire;

/// What is taken off a request that goes on.
pub(super) struct Removed<'a> {
    /// The headers it has: those that name a user, and those of impersonation, which has taken place.
    pub(super) asked: &'a HeaderMap,
    /// Whether its credentials go as well.
    pub(super) credentials: bool,
}

/// It goes on with the headers of the answer that name its user, and without others of that kind.
pub(super) fn allowed(
    answer: &Parts,
    removed: &Removed<'_>,
    summary: Option<&Summary>,
    revision: u64,
) -> CheckResponse {
    let names: BTreeSet<&str> = answer
        .headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| identity_headers::is_one(name))
        .collect();
    let headers = names.iter().map(|name| {
        let values = answer.headers.get_all(*name).iter();
        option(name, &joined(&values.map(axum::http::HeaderValue::as_bytes).collect::<Vec<_>>()))
    });
    let headers = headers.collect();
    let is_removed = |name: &HeaderName| {
        let is_identity = identity_headers::is_one(name.as_str()) && !names.contains(name.as_str());
        is_identity
            || is_impersonation_header(name.as_str())
            || (removed.credentials && *name == header::AUTHORIZATION)
    };
    let gone = removed.asked.keys().filter(|name| is_removed(name));
    let headers_to_remove = gone.map(|name| name.as_str().to_owned()).collect();
    CheckResponse {
        status: Some(Status { code: Code::Ok.into(), message: String::new() }),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
            headers,
            headers_to_remove,
        })),
        dynamic_metadata: Some(metadata(summary, "", revision)),
    }
}

/// It is answered so.
pub(super) fn denied(
    answer: &Parts,
    body: String,
    summary: Option<&Summary>,
    revision: u64,
) -> CheckResponse {
    let (code, text) = match answer.status.as_u16() {
        401 => (Code::Unauthenticated, "Unauthorized"),
        403 => (Code::PermissionDenied, "Forbidden"),
        400 => (Code::InvalidArgument, "Bad Request"),
        _ => (Code::Internal, "Internal Server Error"),
    };
    let headers = answer.headers.iter();
    let headers = headers
        .map(|(name, value)| option(name.as_str(), &String::from_utf8_lossy(value.as_bytes())))
        .collect();
    CheckResponse {
        status: Some(Status { code: code.into(), message: text.to_owned() }),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: answer.status.as_u16().into() }),
            headers,
            body,
        })),
        dynamic_metadata: Some(metadata(summary, text, revision)),
    }
}

/// It makes no sense, and its client hears so.
pub(super) fn malformed(problem: &str, revision: u64) -> CheckResponse {
    let body = wire::to_text(&status::Status::bad_request(problem), false);
    let headers = vec![option(header::CONTENT_TYPE.as_str(), "application/json")];
    CheckResponse {
        status: Some(Status { code: Code::InvalidArgument.into(), message: problem.to_owned() }),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: 400 }),
            headers,
            body,
        })),
        dynamic_metadata: Some(metadata(None, problem, revision)),
    }
}

/// Several values as one: Envoy would join them so, and what is joined must come apart as it was. So commas in
/// a value are escaped then, and with them the mark of escapes.
fn joined(values: &[&[u8]]) -> String {
    let texts: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
    match texts.as_slice() {
        [text] => text.clone().into_owned(),
        texts => {
            let escaped = texts.iter().map(|text| text.replace('%', "%25").replace(',', "%2C"));
            escaped.collect::<Vec<_>>().join(",")
        }
    }
}

/// A header that takes the place of whatever there is of its name.
fn option(name: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value: value.to_owned(),
            raw_value: Vec::new(),
        }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

/// User, groups, decision, reason and revision; of a request that was not decided, only the last three.
fn metadata(summary: Option<&Summary>, reason: &str, revision: u64) -> Struct {
    let text = |text: &str| Kind::StringValue(text.to_owned());
    // Numbers of these messages are floating, and exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "a policy has not changed so often")]
    let number = |number: u64| Kind::NumberValue(number as f64);
    let mut fields: BTreeMap<String, Kind> = BTreeMap::new();
    fields.insert("revision".to_owned(), number(summary.map_or(revision, |found| found.revision)));
    fields.insert("reason".to_owned(), text(summary.map_or(reason, |found| &found.reason)));
    let decision =
        summary.and_then(|found| found.decision.serialize(serde_json::value::Serializer).ok());
    let decision = decision.as_ref().and_then(|decision| decision.as_str());
    fields.insert("decision".to_owned(), text(decision.unwrap_or("NoOpinion")));
    if let Some(user) = summary.and_then(|found| found.user.as_ref()) {
        fields.insert("user".to_owned(), text(&user.name));
        let groups = user.groups.iter().map(|group| Value { kind: Some(text(group)) }).collect();
        fields.insert("groups".to_owned(), Kind::ListValue(ListValue { values: groups }));
    }
    let fields = fields.into_iter().map(|(name, kind)| (name, Value { kind: Some(kind) }));
    Struct { fields: fields.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_one_of_several_values_makes_no_further_value() {
        let check = |values: &[&[u8]], expected: &str| assert_eq!(joined(values), expected);
        check(&[b"a,b"], "a,b");
        check(&[b"dev", b"ops"], "dev,ops");
        check(&[b"a,system:masters", b"100%"], "a%2Csystem:masters,100%25");
    }
}

//! `Status` (meta/v1): how Kubernetes says that a request failed, byte for byte.
//!
//! Follows `endpoints/handlers/responsewriters/errors.go` of apiserver and `api/errors/errors.go` of
//! apimachinery.

use serde::{Deserialize, Serialize};
use verdikt::{Attributes, GoQuoted};

use super::validation::FieldError;

/// The body of an answer that is not the one that was hoped for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    metadata: Metadata,
    status: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    code: u16,
    /// The `WWW-Authenticate` header, which is no part of the object.
    #[serde(skip)]
    challenge: Option<&'static str>,
}

/// Always empty here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {}

/// What the failure is about. `kind` is the resource in a 403.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Details {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<Cause>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cause {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    field: String,
}

impl Status {
    fn failure(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind: "Status".to_owned(),
            api_version: "v1".to_owned(),
            metadata: Metadata {},
            status: "Failure".to_owned(),
            message: message.into(),
            reason: reason.to_owned(),
            details: None,
            code,
            challenge: None,
        }
    }

    /// 401, whatever the cause: the client learns nothing more.
    pub fn unauthorized() -> Self {
        Self::failure(401, "Unauthorized", "Unauthorized")
    }

    /// The same with a `WWW-Authenticate` header.
    pub(crate) fn challenging(self, challenge: Option<&'static str>) -> Self {
        Self { challenge, ..self }
    }

    pub(crate) fn challenge(&self) -> Option<&'static str> {
        self.challenge
    }

    /// 500: something that should not be.
    pub(crate) fn internal_error(message: &str) -> Self {
        let details = Details {
            causes: vec![Cause {
                reason: String::new(),
                message: message.to_owned(),
                field: String::new(),
            }],
            ..Details::default()
        };
        let message = format!("Internal error occurred: {message}");
        Self { details: Some(details), ..Self::failure(500, "InternalError", message) }
    }

    /// 403: the request was understood, and its user may not do that.
    pub fn forbidden(request: &Attributes<'_>, reason: &str) -> Self {
        let (group, resource, name) = (request.api_group, request.resource, request.name);
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let message =
            format!("{}: {}{reason}", what_is_forbidden(request), html_escaped(&cannot(request)));
        let details = Details {
            name: name.to_owned(),
            group: group.to_owned(),
            kind: resource.to_owned(),
            causes: Vec::new(),
        };
        Self { details: Some(details), ..Self::failure(403, "Forbidden", message) }
    }

    /// 400: the request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::failure(400, "BadRequest", message)
    }

    /// 405: the address is there, for another method.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self {
            details: Some(Details::default()),
            ..Self::failure(405, "MethodNotAllowed", message)
        }
    }

    /// 408: the body did not arrive in time.
    pub(crate) fn timeout() -> Self {
        Self::failure(408, "Timeout", "request body did not arrive in time")
    }

    /// 502: the component behind the proxy gave no answer.
    pub(crate) fn bad_gateway(message: &str) -> Self {
        Self::failure(502, "BadGateway", message)
    }

    /// 503: the request can be tried again later.
    pub(crate) fn unavailable(message: &str) -> Self {
        Self::failure(503, "ServiceUnavailable", message)
    }

    /// 504: the component behind the proxy does not answer.
    pub(crate) fn gateway_timeout(message: &str) -> Self {
        Self::failure(504, "Timeout", message)
    }

    /// 413: the body is larger than `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}, and the body is larger");
        Self::failure(413, "RequestEntityTooLarge", message)
    }

    /// 406: the client takes none of the media types that the router knows.
    pub(crate) fn no_representation(accepted: &str) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {accepted}");
        Self { details: Some(Details::default()), ..Self::failure(406, "NotAcceptable", message) }
    }

    /// 406: the client takes none of the media types in the form in which they are there.
    pub(crate) fn not_acceptable(accepted: &str) -> Self {
        let message = format!("only the following media types are accepted: {accepted}");
        Self::failure(406, "NotAcceptable", message)
    }

    /// 415: the body is in a format that is not read here.
    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::failure(415, "UnsupportedMediaType", message)
    }

    /// 422: parameters of the query that cannot be as they are.
    pub(crate) fn invalid_options(errors: &[FieldError]) -> Self {
        let status = Self::invalid("meta.k8s.io", errors);
        let details =
            status.details.map(|details| Details { kind: "CreateOptions".to_owned(), ..details });
        Self { message: format!("CreateOptions{}", status.message), details, ..status }
    }

    /// 422: an object of `group` whose fields contradict each other. The kind is empty in the answers
    /// of Kubernetes, too.
    pub(crate) fn invalid(group: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors.iter().map(FieldError::to_string).collect();
        let text = match texts.as_slice() {
            [text] => text.clone(),
            texts => format!("[{}]", texts.join(", ")),
        };
        let cause = |error: &FieldError| Cause {
            reason: error.reason().to_owned(),
            message: error.body(),
            field: error.field.clone(),
        };
        let details = Details {
            group: group.to_owned(),
            causes: errors.iter().map(cause).collect(),
            ..Details::default()
        };
        let message = format!(".{group} \"\" is invalid: {text}");
        Self { details: Some(details), ..Self::failure(422, "Invalid", message) }
    }

    /// 200 where a request is allowed and there is no component to hand it to.
    pub(crate) fn allowed(reason: &str) -> Self {
        let status = Self::failure(200, "", reason);
        Self { status: "Success".to_owned(), ..status }
    }

    /// What went wrong, for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status.
    pub fn code(&self) -> u16 {
        self.code
    }
}

fn what_is_forbidden(request: &Attributes<'_>) -> String {
    let (group, resource, name) = (request.api_group, request.resource, request.name);
    if group.is_empty() && resource.is_empty() {
        return "forbidden".to_owned();
    }
    let dot = if group.is_empty() { "" } else { "." };
    let name = if name.is_empty() { String::new() } else { format!(" {}", GoQuoted(name)) };
    format!("{resource}{dot}{group}{name} is forbidden")
}

fn cannot(request: &Attributes<'_>) -> String {
    let user = GoQuoted(request.user.as_ref().map_or("", |user| &user.user().name));
    let verb = request.verb;
    if !request.resource_request {
        return format!("User {user} cannot {verb} path {}", GoQuoted(request.path));
    }
    let slash = if request.subresource.is_empty() { "" } else { "/" };
    let resource = format!("{}{slash}{}", request.resource, request.subresource);
    let (resource, group) = (GoQuoted(&resource), GoQuoted(request.api_group));
    let place = match request.namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {}", GoQuoted(namespace)),
    };
    format!("User {user} cannot {verb} resource {resource} in API group {group} {place}")
}

/// As upstream does for what may end up in a browser.
pub(crate) fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

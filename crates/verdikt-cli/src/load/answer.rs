//! What servers answer, and what else may become of a call.

use std::fmt;

use hyper::StatusCode;
use prost_types::value::Kind as Field;
use serde::Deserialize;
use tonic::{Code, Status};
use verdikt_server::proto::envoy::service::auth::v3 as envoy;
use verdikt_server::proto::envoy::service::auth::v3::check_response::HttpResponse;
use verdikt_server::proto::v1;

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    Denied,
    NoOpinion,
    Unauthenticated,
}

/// Why a call has no answer.
#[derive(Clone, Debug)]
pub(super) struct CallError {
    pub(super) kind: ErrorKind,
    /// In the server's words, or the system's.
    pub(super) text: String,
}

/// Kinds of that, of which there are only so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// There is no connection, or it broke.
    Connection,
    /// It took too long.
    Timeout,
    /// The answer makes no sense.
    Unreadable,
    Grpc(Code),
    Http(StatusCode),
}

impl Decision {
    pub(super) fn of_check(answer: &v1::CheckResponse) -> Result<Self, CallError> {
        Self::of(answer.decision)
    }

    /// One of `verdikt.v1`.
    pub(super) fn of(decision: i32) -> Result<Self, CallError> {
        match v1::Decision::try_from(decision) {
            Ok(v1::Decision::Allow) => Ok(Self::Allowed),
            Ok(v1::Decision::Deny) => Ok(Self::Denied),
            Ok(v1::Decision::NoOpinion) => Ok(Self::NoOpinion),
            Ok(v1::Decision::Unauthenticated) => Ok(Self::Unauthenticated),
            Ok(v1::Decision::Unspecified) | Err(_) => {
                Err(CallError::unreadable("an answer without a decision"))
            }
        }
    }

    /// The status of a SubjectAccessReview.
    pub(super) fn of_review(json: &[u8]) -> Result<Self, CallError> {
        #[derive(Deserialize)]
        struct Review {
            status: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            allowed: bool,
            #[serde(default)]
            denied: bool,
        }
        match serde_json::from_slice(json) {
            Ok(Review { status: Status { allowed: true, .. } }) => Ok(Self::Allowed),
            Ok(Review { status: Status { denied: true, .. } }) => Ok(Self::Denied),
            Ok(_) => Ok(Self::NoOpinion),
            Err(error) => Err(CallError::unreadable(&format!("no SubjectAccessReview: {error}"))),
        }
    }

    /// What Envoy is told. The metadata says which authorizer had a say; other servers have none.
    pub(super) fn of_ext_authz(answer: &envoy::CheckResponse) -> Result<Self, CallError> {
        let Some(HttpResponse::DeniedResponse(denied)) = &answer.http_response else {
            return match answer.status.as_ref().map(|status| status.code) {
                Some(0) => Ok(Self::Allowed),
                _ => Ok(Self::Denied),
            };
        };
        let metadata = answer.dynamic_metadata.as_ref();
        let decision = metadata.and_then(|metadata| metadata.fields.get("decision"));
        let decision = decision.and_then(|decision| decision.kind.as_ref());
        let code = denied.status.as_ref().and_then(|status| u16::try_from(status.code).ok());
        match code.and_then(|code| StatusCode::from_u16(code).ok()) {
            Some(StatusCode::UNAUTHORIZED) => Ok(Self::Unauthenticated),
            None | Some(StatusCode::FORBIDDEN) => Ok(match decision {
                Some(Field::StringValue(decision)) if decision == "NoOpinion" => Self::NoOpinion,
                _ => Self::Denied,
            }),
            Some(code) => Err(CallError { kind: ErrorKind::Http(code), text: denied.body.clone() }),
        }
    }
}

impl CallError {
    pub(super) fn unreadable(text: &str) -> Self {
        Self { kind: ErrorKind::Unreadable, text: text.to_owned() }
    }

    /// With all that led to it.
    pub(super) fn connection(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        // The outermost says that a connection failed, which the kind says as well.
        let text = causes.last().map(ToString::to_string).unwrap_or_default();
        Self { kind: ErrorKind::Connection, text }
    }

    /// What is wrong with the whole of it, and what may help.
    pub(super) fn advice(&self) -> &'static str {
        match self.kind {
            ErrorKind::Connection => "is `verdikt serve` running there?",
            ErrorKind::Timeout => "does something else listen there?",
            ErrorKind::Grpc(Code::Unauthenticated | Code::PermissionDenied)
            | ErrorKind::Http(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                "whoever asks about others needs `create subjectaccessreviews`: name them with --token"
            }
            ErrorKind::Grpc(Code::Unimplemented | Code::Unknown | Code::Internal) => {
                "gRPC is answered where --grpc-address of `verdikt serve` says, or at its Unix socket"
            }
            ErrorKind::Grpc(_) | ErrorKind::Http(_) | ErrorKind::Unreadable => "",
        }
    }
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        use std::error::Error as _;
        match status.source() {
            Some(error) if error.is::<tonic::transport::Error>() => Self::connection(error),
            _ => {
                let kind = ErrorKind::Grpc(status.code());
                Self { kind, text: status.message().to_owned() }
            }
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.as_str() {
            "" => self.kind.fmt(f),
            text => write!(f, "{}: {text}", self.kind),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection"),
            Self::Timeout => f.write_str("timeout"),
            Self::Unreadable => f.write_str("unreadable"),
            Self::Grpc(code) => {
                // `PermissionDenied` is PERMISSION_DENIED where codes are written.
                for (place, letter) in format!("{code:?}").char_indices() {
                    if place > 0 && letter.is_ascii_uppercase() {
                        f.write_str("_")?;
                    }
                    write!(f, "{}", letter.to_ascii_uppercase())?;
                }
                Ok(())
            }
            Self::Http(status) => write!(f, "HTTP {}", status.as_u16()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_everywhere() {
        let check = |kind: ErrorKind, expected: &str| assert_eq!(kind.to_string(), expected);
        check(ErrorKind::Grpc(Code::PermissionDenied), "PERMISSION_DENIED");
        check(ErrorKind::Grpc(Code::Unavailable), "UNAVAILABLE");
        check(ErrorKind::Http(StatusCode::TOO_MANY_REQUESTS), "HTTP 429");
    }

    #[test]
    fn a_review_without_a_say_has_no_opinion() {
        let check = |status: &str, expected: Decision| {
            let json = format!(r#"{{"kind":"SubjectAccessReview","status":{status}}}"#);
            assert_eq!(Decision::of_review(json.as_bytes()).unwrap(), expected, "{status}");
        };
        check(r#"{"allowed":true,"reason":"x"}"#, Decision::Allowed);
        check(r#"{"allowed":false,"denied":true}"#, Decision::Denied);
        check(r#"{"allowed":false}"#, Decision::NoOpinion);
        assert!(Decision::of_review(b"{}").is_err());
    }
}

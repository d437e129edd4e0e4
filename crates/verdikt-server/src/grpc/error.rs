//! What is wrong with a call, as a status of gRPC with details that programs can read.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use verdikt::{Attributes, Refusal, Revision};

use crate::kubernetes::status::Status as Kubernetes;

/// A field that makes no sense.
pub(super) fn bad_field(field: &str, problem: impl Into<String>) -> Status {
    let problem = problem.into();
    let message = format!("{field}: {problem}");
    let details = ErrorDetails::with_bad_request_violation(field, problem);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// The caller may not do what `request` says.
pub(super) fn forbidden(request: &Attributes<'_>, reason: &str) -> Status {
    let target = match request.resource_request {
        true => ("resource", full_resource(request)),
        false => ("path", request.path.to_owned()),
    };
    let facts = [("verb", request.verb.to_owned()), target];
    let message = Kubernetes::forbidden(request, reason).message().to_owned();
    with_info(Code::PermissionDenied, message, "FORBIDDEN", facts)
}

/// The policy that is asked for does not serve yet.
pub(super) fn revision_not_served(asked: Revision, serving: Revision) -> Status {
    let message = format!("revision {asked} is asked for, and {serving} serves");
    let facts = [("revision", serving.0.to_string()), ("at_least_revision", asked.0.to_string())];
    with_info(Code::FailedPrecondition, message, "REVISION_NOT_SERVED", facts)
}

/// The caller is not who it would like to be.
pub(super) fn not_impersonated(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::BadRequest(message) => Status::invalid_argument(message),
        Refusal::Forbidden(check) => forbidden(&check.attributes(), check.reason()),
        other => Status::internal(other.to_string()),
    }
}

/// What Kubernetes says.
pub(super) fn of(status: &Kubernetes) -> Status {
    let code = match status.code() {
        400 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        _ => Code::Internal,
    };
    Status::new(code, status.message())
}

fn with_info<const N: usize>(
    code: Code,
    message: String,
    reason: &str,
    facts: [(&str, String); N],
) -> Status {
    let facts: HashMap<String, String> =
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let details = ErrorDetails::with_error_info(reason, "verdikt", facts);
    Status::with_error_details(code, message, details)
}

fn full_resource(request: &Attributes<'_>) -> String {
    let mut text = request.resource.to_owned();
    for (before, part) in [('/', request.subresource), ('.', request.api_group)] {
        if !part.is_empty() {
            text.push(before);
            text.push_str(part);
        }
    }
    text
}

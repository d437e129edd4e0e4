//! Refusals as clients of gRPC read them: they look for a status of their own, and take a page for a broken answer.
//!
//! Follows `doc/http-grpc-status-mapping.md` of gRPC, as Envoy's own answers do.

use axum::body::{Body, to_bytes};
use axum::http::{Response, StatusCode};
use tonic::Code;

use crate::http::audit::AUDIT_ID;
use crate::kubernetes::status::Status;

/// The same refusal as the end of a call.
pub(super) async fn refusal(refused: Response<Body>) -> Response<Body> {
    let (parts, body) = refused.into_parts();
    let code = match parts.status {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    };
    let bytes = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let message = match serde_json::from_slice::<Status>(&bytes) {
        Ok(status) => status.message().to_owned(),
        Err(_) => String::from_utf8_lossy(&bytes).trim().to_owned(),
    };
    let mut response = tonic::Status::new(code, message).into_http::<Body>();
    let id = parts.headers.get(AUDIT_ID).cloned();
    response.headers_mut().extend(id.map(|id| (AUDIT_ID, id)));
    response
}

const MOST_BYTES: usize = 64 << 10;

//! What relying parties read to verify service account tokens: the OpenID Connect discovery document and
//! the key set, for whom the policy lets read them.
//!
//! Follows `pkg/routes/openidmetadata.go`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use verdikt::authn::service_account::Discovery;

use super::{App, answer, request};
use crate::kubernetes::status::Status;

/// `/.well-known/openid-configuration`.
pub(super) async fn configuration(app: State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    document(&app, request, "application/json", |discovery| &discovery.configuration)
}

/// `/openid/v1/jwks`.
pub(super) async fn jwks(app: State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    document(&app, request, "application/jwk-set+json", |discovery| &discovery.jwks)
}

fn document(
    app: &App,
    request: Request<Body>,
    content_type: &'static str,
    of: fn(&Discovery) -> &String,
) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let reason = match request::admit(app, &parts) {
        Ok(reason) => reason,
        Err(refused) => return refused,
    };
    // Where no issuer is published the address is one like any other.
    let snapshot = app.engine.snapshot();
    let Some(discovery) = snapshot.discovery() else {
        return answer::status(&parts, &Status::allowed(&reason));
    };
    let mut response = answer::with_type(StatusCode::OK, content_type, of(discovery).clone());
    let age = format!("public, max-age={}", Discovery::MAX_AGE);
    if let Ok(age) = HeaderValue::try_from(age) {
        response.headers_mut().insert(header::CACHE_CONTROL, age);
    }
    response
}

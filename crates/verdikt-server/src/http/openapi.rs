//! `/openapi/v2` and `/openapi/v3`: for whoever may read that path.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, Response, StatusCode};

use super::{App, answer, request};
use crate::kubernetes::media_type;
use crate::kubernetes::openapi::{self, Document};

/// Version 2, in JSON or in gnostic's protobuf.
pub(super) async fn v2(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let types = [JSON, V2_PROTOBUF, V2_PROTOBUF_OLD];
    serve(&app, request, &types, |media_type| match media_type {
        JSON => Some((&openapi::V2, JSON)),
        _ => Some((&openapi::V2_PROTOBUF, V2_PROTOBUF)),
    })
}

/// Where the documents of version 3 are.
pub(super) async fn v3(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    serve(&app, request, &[JSON], |_| Some((&openapi::V3, JSON)))
}

/// The document of one group in one version.
pub(super) async fn v3_of(
    State(app): State<Arc<App>>,
    Path((group, version)): Path<(String, String)>,
    request: Request<Body>,
) -> Response<Body> {
    serve(&app, request, &[JSON], |_| Some((openapi::v3_of(&group, &version)?, JSON)))
}

fn serve(
    app: &App,
    request: Request<Body>,
    types: &[&'static str],
    find: impl FnOnce(&str) -> Option<(&'static Document, &'static str)>,
) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    if let Err(refused) = request::admit(app, &parts) {
        return refused;
    }
    let Some(media_type) = media_type::preferred(&parts.headers, types) else {
        return answer::with_type(StatusCode::NOT_ACCEPTABLE, JSON, Body::empty());
    };
    match find(media_type) {
        Some((document, written)) => {
            let body = Body::from(document.body.as_slice());
            answer::tagged(&parts, &document.hash, written, body)
        }
        None => answer::text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

const JSON: &str = "application/json";
const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// What kubectl calls it; it cannot stand in a header by the letter of the standard.
const V2_PROTOBUF_OLD: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

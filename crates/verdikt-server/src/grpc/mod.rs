//! gRPC: package `verdikt.v1`, and the standard services for health and reflection.

mod authenticate;
mod batch;
mod call;
mod calls;
mod check;
mod codec;
mod deadline;
mod error;
mod explain;
pub(crate) mod ext_authz;
pub(crate) mod fuzz;
mod meters;
pub mod proto;
mod question;
mod rules;
mod service;
mod status;
mod stream;
mod user;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use tokio::sync::watch;
use tonic_reflection::server::Builder as Reflection;
use verdikt::Engine;

pub(crate) use self::calls::Calls;
use self::ext_authz::ExtAuthz;
use self::proto::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use self::proto::serving::verdikt_server::VerdiktServer;
use self::service::Service;
use crate::listener::Options;

/// What the service is called.
const SERVICE: &str = "verdikt.v1.Verdikt";
/// What Envoy's is.
const ENVOY: &str = "envoy.service.auth.v3.Authorization";

/// All services, until `stopping` is true: then streams that would go on for ever end. What is none of them is
/// for the caller of this to answer. What is asked most stands beside the router of everything else.
pub(crate) async fn routes(
    engine: Engine,
    options: &Options,
    mut stopping: watch::Receiver<bool>,
) -> (Calls, Router) {
    let Options { access, limits, ext_authz_removes_credentials: removes_credentials, .. } =
        *options;
    let envoy =
        ExtAuthz::new(engine.clone(), access, limits, removes_credentials, stopping.clone());
    let envoy = AuthorizationServer::new(envoy).max_decoding_message_size(limits.body_bytes);
    let verdikt = VerdiktServer::new(Service::new(engine, options, stopping.clone()))
        .max_decoding_message_size(limits.body_bytes)
        .max_encoding_message_size(limits.body_bytes);
    let (mut reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<VerdiktServer<Service>>().await;
    tokio::spawn(async move {
        // An error means that there is no server any more.
        drop(stopping.wait_for(|&stopping| stopping).await);
        // Whoever watches the health sees the end of it.
        for service in ["", SERVICE] {
            reporter.clear_service_status(service).await;
        }
    });
    let router = Router::new().route_service("/grpc.health.v1.Health/{method}", health);
    let router = match (reflection().build_v1(), reflection().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => router
            .route_service("/grpc.reflection.v1.ServerReflection/{method}", v1)
            .route_service("/grpc.reflection.v1alpha.ServerReflection/{method}", v1alpha),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!("there is no reflection: {error}");
            router
        }
    };
    (Calls { verdikt, envoy }, router)
}

/// Answers calls of methods that nobody has.
pub(crate) async fn unimplemented() -> impl IntoResponse {
    tonic::Status::unimplemented("there is no such method").into_http::<axum::body::Body>()
}

/// Describes all services, for clients that do not know them.
fn reflection() -> Reflection<'static> {
    Reflection::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Whether a request is a call of gRPC.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        let rest = value.as_bytes().strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_their_media_type() {
        let check = |content_type: &str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            assert_eq!(is_call(&headers), expected, "{content_type}");
        };
        check("application/grpc", true);
        check("application/grpc+proto", true);
        check("application/grpc; charset=utf-8", true);
        check("application/grpc-web", false);
        check("application/json", false);
        assert!(!is_call(&HeaderMap::new()));
    }
}

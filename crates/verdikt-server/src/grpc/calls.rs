//! Calls of the services that are asked most, which are known by their paths.

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use tonic::codegen::Service as _;

use super::ext_authz::ExtAuthz;
use super::proto::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use super::proto::serving::verdikt_server::VerdiktServer;
use super::service::Service;

/// The services.
pub(crate) struct Calls {
    pub(super) verdikt: VerdiktServer<Service>,
    pub(super) envoy: AuthorizationServer<ExtAuthz>,
}

/// A service that is called.
pub(crate) enum Called<'a> {
    Verdikt(&'a VerdiktServer<Service>),
    Envoy(&'a AuthorizationServer<ExtAuthz>),
}

impl Calls {
    /// The service that has the method at this path, or would have it.
    pub(crate) fn called(&self, path: &str) -> Option<Called<'_>> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        if method.is_empty() || method.contains('/') {
            return None;
        }
        match service {
            super::SERVICE => Some(Called::Verdikt(&self.verdikt)),
            super::ENVOY => Some(Called::Envoy(&self.envoy)),
            _ => None,
        }
    }
}

impl Called<'_> {
    /// The answer to a call of it.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let Ok(response) = match self {
            Self::Verdikt(service) => service.clone().call(request).await,
            Self::Envoy(service) => service.clone().call(request).await,
        };
        response.map(Body::new)
    }
}

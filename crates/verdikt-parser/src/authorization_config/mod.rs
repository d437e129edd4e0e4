//! `--authorization-config`: AuthorizationConfiguration of `apiserver.config.k8s.io`.
//!
//! Follows apiserver's `pkg/apis/apiserver/{v1alpha1,v1beta1,v1}/{types,defaults}.go` and
//! `pkg/apis/apiserver/load`; the three versions have the same fields and defaults. Whether what is said
//! makes sense is not looked at here.

mod read;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use read::CONFIGURATION;
pub use read::read;
pub use types::{
    AuthorizationConfiguration, AuthorizerConfiguration, ConnectionInfo, WebhookConfiguration,
};

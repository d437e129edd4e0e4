//! `--authentication-config`: AuthenticationConfiguration of `apiserver.config.k8s.io`.
//!
//! Follows apiserver's `pkg/apis/apiserver/{v1alpha1,v1beta1,v1}/types.go`; the three versions have the
//! same fields, and none of them has a default. Whether what is said makes sense is not looked at here.

mod read;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use read::CONFIGURATION;
pub use read::read;
pub use types::{
    AnonymousConfiguration, AuthenticationConfiguration, ClaimMappings, ClaimOrExpression,
    ClaimValidationRule, ExtraMapping, Issuer, JwtAuthenticator, PrefixedClaimOrExpression,
    UserValidationRule,
};

//! JSON Web Tokens of issuers that a configuration names: OpenID Connect and structured authentication.
//!
//! Follows apiserver's `plugin/pkg/authenticator/token/oidc/oidc.go` and go-oidc v2. A token goes from
//! `peek` (whose is it), through `verify` (is it good), to `mapping` (who is it). Keys come from
//! a `provider`, which is the only part that waits for a network, and only for keys it has never seen.

mod authenticator;
mod certificates;
mod claims;
pub mod config;
mod discovery;
mod distributed;
mod flags;
mod go_time;
mod id_token;
mod issuers;
mod mapping;
mod metrics;
mod peek;
mod provider;
mod verify;

pub use flags::{Flags, signing_algorithms};
pub use issuers::{Issuers, Keys, Tokens};
pub use metrics::KeySetFetches;

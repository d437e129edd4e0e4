//! Text to policy objects, with the place of everything and all mistakes at once.
//!
//! Nothing here fails as a whole: every function returns what it could read together with
//! [`Diagnostic`]s, and the caller decides what an error among them means. No file is opened here;
//! the caller brings the bytes.

pub mod abac;
pub mod audit_policy;
pub mod authentication_config;
pub mod authorization_config;
pub mod basic_file;
mod credential_file;
mod csv;
mod diagnostic;
pub mod document;
pub mod go_duration;
pub mod kubeconfig;
mod limits;
mod manifest;
pub mod node;
mod place;
mod policy_set;
pub mod rbac;
mod strict;
pub mod token_file;
pub mod tracing_configuration;

pub use diagnostic::{Diagnostic, Label, Severity};
pub use limits::Limits;
pub use manifest::{
    ClusterNode, Manifest, Options, Secret, ServiceAccount, nearest, parse_manifest,
};
pub use place::{Origin, Place, Source};
pub use policy_set::PolicySet;
pub use strict::Places;

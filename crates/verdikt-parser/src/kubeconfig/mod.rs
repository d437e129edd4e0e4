//! The kubeconfig format, as far as it says where a webhook is and how to talk to it.
//!
//! Follows client-go's `tools/clientcmd/{validation,client_config,loader}.go` and
//! `tools/clientcmd/api/v1/types.go`: the current context counts, unknown fields are ignored, and paths
//! are relative to the file. Programs (`exec`, `auth-provider`), proxies and impersonation are refused,
//! because silence would send requests as somebody else or another way. No file is opened here.

mod read;
mod select;
mod types;

#[cfg(test)]
mod tests;

pub use read::read;
pub use types::{Kubeconfig, Login, Material};

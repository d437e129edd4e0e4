//! Client certificates: read, verified and mapped to users as Kubernetes does, that is, as Go does.
//!
//! A peer's certificates go through `certificate.rs` (with `extensions.rs`, `name.rs`, `san.rs` and
//! `key.rs` over `der.rs`) to `verify.rs`, which finds the chains and asks `policies.rs` and
//! `constraints.rs` about each; `trust.rs` remembers the result for the connection, with `crl.rs`
//! asked what has been revoked; `mapping.rs` makes a user of it.

mod bundle;
mod certificate;
mod constraints;
mod crl;
mod der;
mod extensions;
mod key;
mod mapping;
mod name;
mod policies;
mod pool;
mod san;
mod time;
mod trust;
mod verify;

pub use bundle::{read_bundle, read_revocations};
pub use certificate::{Certificate, ParseError};
pub use crl::{RevocationError, RevocationList, Revocations};
pub use key::SignatureError;
pub use mapping::ClientCertificates;
pub use time::{Now, Time};
pub use trust::{Trust, TrustError};
pub use verify::{Hint, VerifyError};

//! Thin fronts over the engine: each translates a protocol, asks, and translates the answer.
//!
//! A connection comes in at `listener.rs`, and its requests go through `front.rs` to `http/` and `grpc/`, which have one
//! module for each kind of question. What a request brings is taken out in `credentials.rs`, and who asks is found in
//! `caller.rs` for both. Nothing is decided here.

mod caller;
mod credentials;
mod folder;
mod front;
#[doc(hidden)]
pub mod fuzz;
mod grpc;
mod http;
mod identity_headers;
mod inflight;
mod kubernetes;
mod listener;
mod original;
mod prometheus;
mod tls;
mod traces;
mod wire;

pub use grpc::proto;
pub use http::proxy::{UpstreamError, UpstreamOptions};
pub use inflight::Inflight;
pub use kubernetes::status::Status;
pub use listener::{
    Access, Address, AddressError, BindError, Configuration, Limits, Options, Server,
};
pub use tls::{ClientAuth, SelfSigned, SniCertificate, TlsError, TlsOptions, TlsVersion};
pub use traces::{CollectorError, Traces};

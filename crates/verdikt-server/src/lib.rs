//! Thin fronts over the engine: each translates a protocol, asks, and translates the answer.
//!
//! A connection comes in at `listener.rs`, what it brings is taken out in `credentials.rs`, and
//! `http/` has one module for each kind of question. Nothing is decided here.

mod credentials;
#[doc(hidden)]
pub mod fuzz;
mod http;
mod identity_headers;
mod kubernetes;
mod listener;
mod original;
mod prometheus;
mod tls;
mod wire;

pub use kubernetes::status::Status;
pub use listener::{Access, BindError, Limits, Options, Server};
pub use tls::{TlsError, TlsOptions, TlsVersion};

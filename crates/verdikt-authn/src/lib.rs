//! Credentials to users: the chain of authenticators and its members.
//!
//! Each authenticator answers with an [`Outcome`]: this is who it is, I have no opinion, or the
//! credential was mine but is bad. [`Chain`] asks them in Kubernetes' order. Users are made when files
//! are read, their groups complete and their subjects hashed; authenticating hands out what is there.

mod anonymous;
pub mod basic_file;
mod bearer;
pub mod bootstrap_token;
mod cache;
mod cache_metrics;
mod chain;
pub mod front_proxy;
mod gate;
mod go_json;
mod group_adder;
pub mod impersonation;
pub mod jwt;
pub mod oidc;
mod outcome;
mod p224;
pub mod password;
mod pem;
pub mod remote;
pub mod service_account;
mod ticks;
mod time;
mod token;
mod token_digest;
pub mod token_file;
pub mod token_review;
mod token_stack;
mod verified;
pub mod web_socket;
pub mod x509;

pub use cache::CacheOptions;
pub use chain::{Chain, ChainBuilder};
pub use outcome::{Authenticated, Cause, Error, Method, Outcome};
pub use time::{Clock, Moment};
pub use token::{Accepted, TokenAuthenticator, Verdict};

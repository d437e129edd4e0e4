//! The vocabulary of verdikt: what a request brings, what is asked, and what is answered.
//!
//! No I/O, no async, and nothing of verdikt's own below it: a custom authenticator or authorizer
//! needs this crate alone. Follow a request: [`Credentials`] → [`User`] → [`RequestInfo`] →
//! [`Attributes`] → [`Effect`] with a [`Reason`] and a [`Revision`].

mod attributes;
mod credentials;
mod decision;
mod escape;
pub mod field_selector;
mod hash;
mod headers;
mod identity;
mod identity_buffer;
pub mod label_selector;
pub mod metrics;
pub mod names;
mod numbered_users;
mod peer;
mod printable;
mod query;
mod quote;
mod reason;
mod request_info;
pub mod resource_types;
mod secret;
mod url;
mod user;

pub use attributes::{Attributes, Selectors};
pub use credentials::Credentials;
pub use decision::{Effect, Revision};
pub use escape::{path_escaped, path_unescaped};
pub use hash::{HashKey, same, words};
pub use headers::{Headers, extra_key, is_same_header};
pub use identity::{Identity, Requester, Subjects};
pub use identity_buffer::IdentityBuffer;
pub use numbered_users::NumberedUsers;
pub use peer::Peer;
pub use quote::GoQuoted;
pub use reason::Reason;
pub use request_info::{RequestInfo, RequestInfoError, request_line};
pub use secret::Secret;
pub use url::{Url, UrlError, url_host};
pub use user::{User, groups, users};

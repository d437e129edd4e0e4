//! What the tests of the whole project share: the corpus of vectors and the reference.

pub mod authzen;
pub mod binary;
pub mod cluster;
pub mod collector;
pub mod component;
pub mod corpus;
pub mod exposition;
pub mod front;
pub mod grpc;
pub mod http;
pub mod issuer;
pub mod policy;
pub mod proxy;
pub mod reference;
pub mod report;
pub mod schema;
pub mod second;
pub mod tls;
pub mod upstream;
pub mod webhook;
pub mod wire;
pub mod yaml;

//! Kubernetes' own objects on the wire.

pub(crate) mod create_options;
pub(crate) mod discovery;
pub(crate) mod media_type;
pub(crate) mod metadata;
pub(crate) mod openapi;
pub(crate) mod protobuf;
pub(crate) mod review;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod strict;
pub(crate) mod validation;
pub(crate) mod yaml;

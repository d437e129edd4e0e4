//! Kubernetes' own objects on the wire.

pub(crate) mod discovery;
pub(crate) mod metadata;
pub(crate) mod protobuf;
pub(crate) mod review;
pub(crate) mod status;
pub(crate) mod validation;

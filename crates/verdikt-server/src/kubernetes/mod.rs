//! Kubernetes' own objects on the wire.

pub(crate) mod review;
pub(crate) mod status;
pub(crate) mod validation;

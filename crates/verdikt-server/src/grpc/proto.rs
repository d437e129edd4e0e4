//! The messages and services of `proto/`, as they are compiled when this crate is built.

/// Package `verdikt.v1`.
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::large_types_passed_by_value,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod v1 {
    tonic::include_proto!("verdikt.v1");
}

/// The descriptors of all of it, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("verdikt.v1");

/// Says which kind of credential it is, never what it is.
impl std::fmt::Debug for v1::Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("kind", &self.kind)
            .field("audiences", &self.audiences)
            .finish()
    }
}

impl std::fmt::Debug for v1::credential::Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BearerToken(_) => "BearerToken",
            Self::Authorization(_) => "Authorization",
        })
    }
}

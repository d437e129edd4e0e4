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

/// The service of that package, with messages that are read where they lie.
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::large_types_passed_by_value,
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    reason = "generated"
)]
pub(super) mod serving {
    include!(concat!(env!("OUT_DIR"), "/serving/verdikt.v1.rs"));
}

/// What Envoy asks, `envoy.…`, and what that is made of.
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::large_types_passed_by_value,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod envoy {
    pub mod config {
        pub mod core {
            pub mod v3 {
                tonic::include_proto!("envoy.config.core.v3");
            }
        }
    }
    pub mod service {
        pub mod auth {
            pub mod v3 {
                tonic::include_proto!("envoy.service.auth.v3");
            }
        }
    }
    pub mod r#type {
        pub mod v3 {
            tonic::include_proto!("envoy.r#type.v3");
        }
    }
}

/// `google.…`, as far as Envoy's messages are made of it.
#[allow(missing_docs, unused_qualifications, reason = "generated")]
pub mod google {
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
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

/// Says what is asked for, never with which credentials.
impl std::fmt::Debug for envoy::service::auth::v3::attribute_context::HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

//! The kinds of calls there are, each with where it goes.

use clap::ValueEnum;
use serde::Serialize;

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// SubjectAccessReviews over HTTP
    Review,
    /// Check of verdikt.v1 over gRPC
    Check,
    /// CheckBatch of verdikt.v1
    Batch,
    /// CheckStream of verdikt.v1, one stream on each connection
    Stream,
    /// Check of envoy.service.auth.v3, as Envoy's filter ext_authz asks
    ExtAuthz,
}

impl Kind {
    /// The path of its calls.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Review => "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            Self::Check => "/verdikt.v1.Verdikt/Check",
            Self::Batch => "/verdikt.v1.Verdikt/CheckBatch",
            Self::Stream => "/verdikt.v1.Verdikt/CheckStream",
            Self::ExtAuthz => "/envoy.service.auth.v3.Authorization/Check",
        }
    }

    /// What one call is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Review => "SubjectAccessReview",
            Self::Check => "Check",
            Self::Batch => "CheckBatch",
            Self::Stream => "CheckStream",
            Self::ExtAuthz => "ext_authz",
        }
    }
}

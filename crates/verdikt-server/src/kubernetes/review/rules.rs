//! SelfSubjectRulesReview: all that I may do in a namespace.
//!
//! Follows `pkg/registry/authorization/selfsubjectrulesreview` of kubernetes.

use serde::{Deserialize, Serialize};
use verdikt::Rules;

use super::{Kind, Review, or_null};
use crate::kubernetes::metadata::ObjectMeta;
use crate::kubernetes::status::Status;
use crate::wire::Object;

/// About whoever asks.
pub(crate) const KIND: Kind =
    Kind { name: "SelfSubjectRulesReview", api_versions: &["authorization.k8s.io/v1"] };

/// In which namespace. The answer does not repeat it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Spec {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    namespace: String,
}

impl super::Spec for Spec {}

/// The question with its answer.
pub(crate) type SelfSubjectRulesReview = Review<Spec, Rules>;

impl SelfSubjectRulesReview {
    /// The namespace that is asked about.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn asked(&self) -> Result<&str, Status> {
        match self.spec.0.namespace.as_str() {
            "" => Err(Status::bad_request("no namespace on request")),
            namespace => Ok(namespace),
        }
    }

    /// An object of the same kind that holds the answer alone, as upstream makes one.
    pub(crate) fn listing(self, rules: Rules) -> Self {
        let (metadata, spec) = (Object(ObjectMeta::default()), Object(Spec::default()));
        Self { metadata, spec, status: rules, ..self }
    }
}

//! Reviews: objects that are posted with a question, and come back with the answer in their status.
//!
//! Follows `pkg/registry/authorization/` and `pkg/registry/authentication/` of kubernetes.

pub(crate) mod access;
mod attributes;
pub(crate) mod rules;
mod selectors;
pub(crate) mod subject;
pub(crate) mod token;

use serde::{Deserialize, Deserializer, Serialize};

use super::metadata::ObjectMeta;
use super::status::Status;
use crate::wire::{BodyError, Object};

/// A kind of review, and the versions in which it is read. It is answered in the version in which it came.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Such as `TokenReview`.
    pub(crate) name: &'static str,
    /// Group and version, the preferred one first.
    pub(crate) api_versions: &'static [&'static str],
}

/// A question `S` with its answer `T`. Fields are in the order in which Go prints them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(bound(
    deserialize = "S: Deserialize<'de> + Default, T: Default",
    serialize = "S: Serialize, T: Serialize"
))]
pub(crate) struct Review<S, T> {
    #[serde(default, deserialize_with = "or_null")]
    kind: String,
    #[serde(default, rename = "apiVersion", deserialize_with = "or_null")]
    api_version: String,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) metadata: Object<ObjectMeta>,
    #[serde(default, deserialize_with = "or_null", skip_serializing_if = "is_nothing")]
    pub(crate) spec: Object<S>,
    #[serde(default, skip_deserializing)]
    pub(crate) status: T,
}

/// Whether a kind of review has no spec, so that none is recorded of it.
fn is_nothing<S>(_: &Object<S>) -> bool {
    size_of::<S>() == 0
}

impl<S, T> Review<S, T> {
    /// Whether it is of the kind it was posted as, for an address in `namespace`. An object without a type
    /// is of the kind that is expected.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(crate) fn check_type(&mut self, kind: &Kind, namespace: &str) -> Result<(), Status> {
        let expected = kind.api_versions.first().copied().unwrap_or_default();
        if self.kind.is_empty() {
            kind.name.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            expected.clone_into(&mut self.api_version);
        }
        if self.kind != kind.name {
            return Err(Status::bad_request(format!(
                "the kind in the data ({}) does not match the expected kind ({})",
                self.kind, kind.name
            )));
        }
        if !kind.api_versions.contains(&self.api_version.as_str()) {
            return Err(Status::bad_request(format!(
                "the API version in the data ({}) does not match the expected API version \
                 ({expected})",
                self.api_version
            )));
        }
        self.settle_namespace(namespace)
    }

    /// Follows `EnsureObjectNamespaceMatchesRequestNamespace`.
    fn settle_namespace(&mut self, namespace: &str) -> Result<(), Status> {
        let said = &mut self.metadata.0.namespace;
        if !said.is_empty() && !namespace.is_empty() && said != namespace {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the \
                 request",
            ));
        }
        namespace.clone_into(said);
        Ok(())
    }

    /// Whether it came as v1beta1, which spells some fields in another way.
    pub(crate) fn is_beta(&self) -> bool {
        self.api_version.ends_with("/v1beta1")
    }

    /// The same review with its answer.
    pub(crate) fn answered(self, status: T) -> Self {
        Self { status, ..self }
    }
}

/// The answer to a body that is no review at all: in kube-apiserver's words as far as they go; the place
/// is ours.
pub(crate) fn unreadable(error: &BodyError, kind: &Kind) -> Status {
    let name = kind.name;
    Status::bad_request(match error {
        BodyError::Syntax(error) => format!(
            "the object provided is unrecognized (must be of type {name}): couldn't get \
             version/kind; json parse error: {error}"
        ),
        BodyError::Shape(error) => {
            let expected = kind.api_versions.first().copied().unwrap_or_default();
            let version = expected.rsplit('/').next().unwrap_or_default();
            format!("{name} in version \"{version}\" cannot be handled as a {name}: json: {error}")
        }
    })
}

/// `null` counts as absent wherever Go has no pointer.
pub(crate) fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

fn is_false(value: &bool) -> bool {
    !*value
}

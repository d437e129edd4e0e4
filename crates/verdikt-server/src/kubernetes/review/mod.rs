//! Reviews: objects that are posted with a question, and come back with the answer in their status.
//!
//! Follows `pkg/registry/authorization/` and `pkg/registry/authentication/` of kubernetes.

pub(crate) mod access;
mod attributes;
mod plain;
pub(crate) mod rules;
mod selectors;
pub(crate) mod subject;
pub(crate) mod token;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::create_options::FieldValidation;
use super::media_type::MediaType;
use super::metadata::ObjectMeta;
use super::status::Status;
use super::{protobuf, schema, strict, yaml};
pub(crate) use plain::Spec;

use crate::wire::{self, BodyError, Object};

/// A kind of review, and the versions in which it is read. It is answered in the version in which it came.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Such as `TokenReview`.
    pub(crate) name: &'static str,
    /// Group and version, the preferred one first.
    pub(crate) api_versions: &'static [&'static str],
}

impl Kind {
    /// Group and version that are meant if none is said.
    fn api_version(&self) -> &'static str {
        self.api_versions.first().copied().unwrap_or_default()
    }

    /// The version alone.
    fn version(&self) -> &'static str {
        self.api_version().rsplit('/').next().unwrap_or_default()
    }
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
        let expected = kind.api_version();
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

/// The review in a body of `media_type`, and what is to be told of it though it is answered.
///
/// # Errors
/// The answer to give instead.
pub(crate) fn read<S, T>(
    body: &[u8],
    media_type: MediaType,
    validation: FieldValidation,
    kind: &Kind,
) -> Result<(Review<S, T>, Vec<String>), Status>
where
    S: Spec,
    T: Default,
{
    let plain = (media_type == MediaType::Json).then(|| plain::read(body, kind)).flatten();
    match plain {
        Some(review) => Ok((review, Vec::new())),
        None => read_thoroughly(body, media_type, validation, kind),
    }
}

/// The same, with everything that there is to say about it.
///
/// # Errors
/// The answer to give instead.
fn read_thoroughly<S, T>(
    body: &[u8],
    media_type: MediaType,
    validation: FieldValidation,
    kind: &Kind,
) -> Result<(Review<S, T>, Vec<String>), Status>
where
    S: DeserializeOwned + Default,
    T: Default,
{
    let value = value(body, media_type, kind)?;
    // There is no telling in protobuf: fields have no names there.
    let warnings = match (media_type, validation) {
        (MediaType::Protobuf, _) | (_, FieldValidation::Ignore) => Vec::new(),
        (_, FieldValidation::Warn) => told(unknown_fields(&value, kind)),
        (_, FieldValidation::Strict) => {
            let unknown = unknown_fields(&value, kind);
            if !unknown.is_empty() {
                return Err(strictly_refused(&unknown, kind));
            }
            Vec::new()
        }
    };
    let review = wire::from_value(value).map_err(|error| unreadable(&error, kind))?;
    Ok((review, warnings))
}

fn value(body: &[u8], media_type: MediaType, kind: &Kind) -> Result<Value, Status> {
    let name = kind.name;
    match media_type {
        MediaType::Json => wire::value(body).map_err(|error| unreadable(&error, kind)),
        MediaType::Yaml => match yaml::parse(body) {
            // Nothing at all is an object of which nothing is said.
            Ok(Value::Null) => Ok(Value::Object(Map::new())),
            Ok(value) => Ok(value),
            Err(error) => Err(Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {name}): yaml: {error}"
            ))),
        },
        MediaType::Protobuf => {
            protobuf::parse(body, (kind.api_version(), name)).map_err(Status::bad_request)
        }
    }
}

/// What is said of fields that the object does not have; nothing if it is of a kind that is refused anyway.
fn unknown_fields(value: &Value, kind: &Kind) -> Vec<String> {
    let said = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let api_version = match said("apiVersion") {
        "" => kind.api_version(),
        said => said,
    };
    let of = schema::message(api_version, kind.name);
    of.map(|of| strict::unknown_fields(value, of)).unwrap_or_default()
}

fn strictly_refused(unknown: &[String], kind: &Kind) -> Status {
    let (name, version) = (kind.name, kind.version());
    let unknown = unknown.join(", ");
    Status::bad_request(format!(
        "{name} in version \"{version}\" cannot be handled as a {name}: strict decoding error: {unknown}"
    ))
}

/// As many warnings as there may be in one answer.
fn told(mut warnings: Vec<String>) -> Vec<String> {
    let mut left = WARNING_BYTES;
    warnings.retain(|warning| {
        let fits = warning.len() <= left;
        left = left.saturating_sub(warning.len());
        fits
    });
    warnings
}

/// As upstream.
const WARNING_BYTES: usize = 4096;

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
            let version = kind.version();
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

//! What the objects look like that go over the wire: names, types and numbers of their fields.
//!
//! One table serves protobuf, strict decoding and OpenAPI, so that they cannot disagree. Names and numbers
//! are those of the `generated.proto` files of `k8s.io/api` and apimachinery.

mod authentication;
mod authorization;
mod discovery;
mod meta;

/// A structure.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its name among the definitions of OpenAPI.
    pub(crate) name: &'static str,
    /// What it is, in a sentence.
    pub(crate) about: &'static str,
    pub(crate) fields: &'static [Field],
}

/// A field of a structure.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its number in protobuf.
    pub(crate) number: u32,
    /// Its name in JSON.
    pub(crate) name: &'static str,
    pub(crate) of: Type,
    /// Whether Kubernetes' description requires it.
    pub(crate) required: bool,
    /// What it says.
    pub(crate) about: &'static str,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    Text,
    Bool,
    Number,
    /// A point in time: a text in JSON, a message of seconds in protobuf.
    Time,
    Texts,
    /// Texts that are a message of their own in protobuf.
    Items,
    Message(&'static Message),
    Messages(&'static Message),
    /// A map of texts to texts.
    TextMap,
    /// A map of texts to lists of texts.
    ListMap,
    /// Anything; not carried in protobuf.
    Any,
}

/// An object as a whole.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) api_version: &'static str,
    pub(crate) name: &'static str,
    pub(crate) message: &'static Message,
}

/// All objects that are read or written.
pub(crate) static KINDS: &[Kind] = &[
    kind("authentication.k8s.io/v1", "SelfSubjectReview", &authentication::SELF_SUBJECT_REVIEW),
    kind("authentication.k8s.io/v1", "TokenReview", &authentication::TOKEN_REVIEW),
    kind(
        "authentication.k8s.io/v1beta1",
        "SelfSubjectReview",
        &authentication::SELF_SUBJECT_REVIEW,
    ),
    kind("authentication.k8s.io/v1beta1", "TokenReview", &authentication::TOKEN_REVIEW),
    kind("authorization.k8s.io/v1", "LocalSubjectAccessReview", &authorization::LOCAL),
    kind("authorization.k8s.io/v1", "SelfSubjectAccessReview", &authorization::SELF),
    kind("authorization.k8s.io/v1", "SelfSubjectRulesReview", &authorization::RULES),
    kind("authorization.k8s.io/v1", "SubjectAccessReview", &authorization::SUBJECT),
    kind("authorization.k8s.io/v1beta1", "SubjectAccessReview", &authorization::BETA),
    kind("v1", "Status", &meta::STATUS),
    // It says no version of itself.
    kind("", "APIVersions", &discovery::VERSIONS),
    kind("v1", "APIGroupList", &discovery::GROUPS),
    kind("v1", "APIGroup", &discovery::GROUP),
    kind("v1", "APIResourceList", &discovery::RESOURCES),
    kind("apidiscovery.k8s.io/v2", "APIGroupDiscoveryList", &discovery::AGGREGATED),
];

/// The structure of a kind; none if it is none of these.
pub(crate) fn message(api_version: &str, name: &str) -> Option<&'static Message> {
    let known = KINDS.iter().find(|kind| kind.name == name && kind.api_version == api_version);
    known.map(|kind| kind.message)
}

impl Message {
    /// The field of this name in JSON.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

const fn kind(api_version: &'static str, name: &'static str, message: &'static Message) -> Kind {
    Kind { api_version, name, message }
}

/// A field that may be left out.
const fn field(number: u32, name: &'static str, of: Type, about: &'static str) -> Field {
    Field { number, name, of, required: false, about }
}

/// A field that may not.
const fn required(number: u32, name: &'static str, of: Type, about: &'static str) -> Field {
    Field { number, name, of, required: true, about }
}

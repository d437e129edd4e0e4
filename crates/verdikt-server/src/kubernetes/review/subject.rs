//! SelfSubjectReview: who am I?
//!
//! Follows `pkg/registry/authentication/selfsubjectreview` of kubernetes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use verdikt::User;

use super::{Kind, Review};
use crate::kubernetes::metadata::ObjectMeta;

/// About whoever asks.
pub(crate) const KIND: Kind = Kind {
    name: "SelfSubjectReview",
    api_versions: &["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"],
};

/// The question, which is its kind alone.
pub(crate) type SelfSubjectReview = Review<Nothing, Answer>;

/// There is nothing to be said.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Nothing {}

/// The user.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    user_info: UserInfo,
}

impl super::Spec for Nothing {}

/// A user as authentication.k8s.io writes it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct UserInfo {
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<String, Vec<String>>,
}

/// The object as it is answered: it has no spec.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answered {
    kind: String,
    api_version: String,
    metadata: ObjectMeta,
    status: Answer,
}

impl SelfSubjectReview {
    /// An object of the same kind that holds the answer alone, as upstream makes one.
    pub(crate) fn about(self, user: User, now: String) -> Answered {
        let Self { kind, api_version, .. } = self;
        let metadata = ObjectMeta::created(now);
        Answered { kind, api_version, metadata, status: Answer { user_info: user.into() } }
    }
}

impl From<User> for UserInfo {
    fn from(user: User) -> Self {
        let User { name, uid, groups, extra } = user;
        Self { username: name, uid, groups, extra }
    }
}

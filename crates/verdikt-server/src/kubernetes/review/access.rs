//! The access reviews of authorization.k8s.io: may this user do that, and may I?
//!
//! Follows `pkg/registry/authorization/{subjectaccessreview,localsubjectaccessreview,
//! selfsubjectaccessreview}` and `pkg/apis/authorization/validation` of kubernetes.

use std::collections::BTreeMap;
use std::mem::take;

use serde::{Deserialize, Deserializer, Serialize};
use verdikt::{Attributes, Decision, Effect, User};

use super::attributes::{NonResourceAttributes, ResourceAttributes, Subject};
use super::plain::Json;
use super::{Kind, Review, is_false, or_null};
use crate::kubernetes::status::Status;
use crate::kubernetes::validation::FieldError;
use crate::wire::Object;

pub(crate) use super::attributes::Question;

/// The API group of these reviews.
pub(crate) const GROUP: &str = "authorization.k8s.io";

/// Webhook clients of version v1beta1 are answered, too; Kubernetes no longer serves it itself.
pub(crate) const SUBJECT: Kind = Kind {
    name: "SubjectAccessReview",
    api_versions: &["authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"],
};
/// About a user in one namespace.
pub(crate) const LOCAL: Kind =
    Kind { name: "LocalSubjectAccessReview", api_versions: &["authorization.k8s.io/v1"] };
/// About whoever asks.
pub(crate) const SELF: Kind =
    Kind { name: "SelfSubjectAccessReview", api_versions: &["authorization.k8s.io/v1"] };

/// A question about anyone.
pub(crate) type SubjectAccessReview = Review<Spec, Answer>;
/// A question about whoever asks.
pub(crate) type SelfSubjectAccessReview = Review<SelfSpec, Answer>;

/// Who, and what.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Spec {
    #[serde(rename = "resourceAttributes", skip_serializing_if = "Option::is_none")]
    resource: Option<Object<ResourceAttributes>>,
    #[serde(rename = "nonResourceAttributes", skip_serializing_if = "Option::is_none")]
    non_resource: Option<Object<NonResourceAttributes>>,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    /// The groups, as v1beta1 spells it; none if they are not there.
    #[serde(deserialize_with = "present", skip_serializing_if = "is_without")]
    group: Option<Vec<String>>,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<String, Vec<String>>,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    uid: String,
}

impl super::Spec for Spec {
    const FIELDS: &'static [&'static str] =
        &["resourceAttributes", "nonResourceAttributes", "user", "groups", "extra", "uid"];

    fn take(&mut self, field: &str, json: &mut Json<'_>) -> Option<()> {
        match field {
            "resourceAttributes" => self.resource = ResourceAttributes::plain(json)?,
            "nonResourceAttributes" => self.non_resource = NonResourceAttributes::plain(json)?,
            "user" => self.user = json.text()?,
            "groups" => self.groups = json.texts()?,
            "extra" => self.extra = json.texts_by_name()?,
            _ => self.uid = json.text()?,
        }
        Some(())
    }
}

impl super::Spec for SelfSpec {
    const FIELDS: &'static [&'static str] = &["resourceAttributes", "nonResourceAttributes"];

    fn take(&mut self, field: &str, json: &mut Json<'_>) -> Option<()> {
        match field {
            "resourceAttributes" => self.resource = ResourceAttributes::plain(json)?,
            _ => self.non_resource = NonResourceAttributes::plain(json)?,
        }
        Some(())
    }
}

/// A list that is there, even if it is null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    or_null(deserializer).map(Some)
}

fn is_without(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

/// What, about whoever asks.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct SelfSpec {
    #[serde(rename = "resourceAttributes", skip_serializing_if = "Option::is_none")]
    resource: Option<Object<ResourceAttributes>>,
    #[serde(rename = "nonResourceAttributes", skip_serializing_if = "Option::is_none")]
    non_resource: Option<Object<NonResourceAttributes>>,
}

/// The decision, as the status of a review.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    allowed: bool,
    #[serde(skip_serializing_if = "is_false")]
    denied: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    evaluation_error: String,
}

impl Answer {
    /// What was decided, and what of the question could not be used for it.
    pub(crate) fn new(decision: &Decision<'_>, question: &Question) -> Self {
        let effect = decision.effect();
        Self {
            allowed: effect == Effect::Allow,
            denied: effect == Effect::Deny,
            reason: decision.reason_text(),
            evaluation_error: question.evaluation_error(decision.error()),
        }
    }
}

impl SubjectAccessReview {
    /// Takes for the groups what this version calls so; the other name is an unknown field in it.
    pub(crate) fn settle_groups(&mut self) {
        let is_beta = self.is_beta();
        let Spec { groups, group, .. } = &mut self.spec.0;
        if is_beta { groups.clear() } else { *group = None }
    }

    /// Whether its fields make sense together.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(crate) fn validate(&self) -> Result<(), Status> {
        let mut errors = self.spec_errors();
        if !self.metadata.0.is_empty() {
            let metadata = &self.metadata.0;
            errors.push(FieldError::invalid_object("metadata", metadata, "must be empty"));
        }
        valid(&errors)
    }

    /// As [`SubjectAccessReview::validate`], for a LocalSubjectAccessReview.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(crate) fn validate_local(&self) -> Result<(), Status> {
        let mut errors = self.spec_errors();
        let metadata = &self.metadata.0;
        if !metadata.is_namespace_alone() {
            let detail = "must be empty except for namespace";
            errors.push(FieldError::invalid_object("metadata", metadata, detail));
        }
        if let Some(Object(resource)) = &self.spec.0.resource
            && resource.namespace != metadata.namespace
        {
            errors.push(FieldError::invalid(
                "spec.resourceAttributes.namespace",
                &resource.namespace,
                "must match metadata.namespace",
            ));
        }
        if let Some(Object(non_resource)) = &self.spec.0.non_resource {
            errors.push(FieldError::invalid_object(
                "spec.nonResourceAttributes",
                &non_resource.as_go(),
                "disallowed on this kind of request",
            ));
        }
        valid(&errors)
    }

    fn spec_errors(&self) -> Vec<FieldError> {
        let spec = &self.spec.0;
        let names_nobody =
            spec.user.is_empty() && spec.groups.is_empty() && is_without(&spec.group);
        let detail = "at least one of user or group must be specified";
        self.subject().validate(names_nobody.then(|| FieldError::invalid("spec.user", "", detail)))
    }

    fn subject(&self) -> Subject<'_> {
        subject(self.spec.0.resource.as_ref(), self.spec.0.non_resource.as_ref())
    }

    /// Takes out who is asked about, until [`SubjectAccessReview::give_back`]: nothing of it need be copied.
    pub(crate) fn take_user(&mut self) -> User {
        let Spec { user, groups, group, extra, uid, .. } = &mut self.spec.0;
        let groups = group.as_mut().unwrap_or(groups);
        User { name: take(user), uid: take(uid), groups: take(groups), extra: take(extra) }
    }

    /// Puts back who was asked about, for the answer.
    pub(crate) fn give_back(&mut self, taken: User) {
        let Spec { user, groups, group, extra, uid, .. } = &mut self.spec.0;
        let in_groups = group.as_mut().unwrap_or(groups);
        User { name: *user, uid: *uid, groups: *in_groups, extra: *extra } = taken;
    }

    /// Takes the question out; ask it with [`SubjectAccessReview::attributes`].
    pub(crate) fn question(&self) -> Question {
        self.subject().question()
    }

    /// What is asked.
    pub(crate) fn attributes<'a>(
        &'a self,
        user: &'a User,
        question: &'a Question,
    ) -> Attributes<'a> {
        self.subject().attributes(Some(user.into()), question)
    }
}

impl SelfSubjectAccessReview {
    /// Whether its fields make sense together.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(crate) fn validate_self(&self) -> Result<(), Status> {
        let mut errors = self.subject().validate(None);
        if !self.metadata.0.is_empty() {
            let metadata = &self.metadata.0;
            errors.push(FieldError::invalid_object("metadata", metadata, "must be empty"));
        }
        valid(&errors)
    }

    fn subject(&self) -> Subject<'_> {
        subject(self.spec.0.resource.as_ref(), self.spec.0.non_resource.as_ref())
    }

    /// Takes the question out.
    pub(crate) fn question(&self) -> Question {
        self.subject().question()
    }

    /// What is asked, about `user`.
    pub(crate) fn attributes<'a>(
        &'a self,
        user: &'a User,
        question: &'a Question,
    ) -> Attributes<'a> {
        self.subject().attributes(Some(user.into()), question)
    }
}

fn subject<'a>(
    resource: Option<&'a Object<ResourceAttributes>>,
    non_resource: Option<&'a Object<NonResourceAttributes>>,
) -> Subject<'a> {
    Subject {
        resource: resource.map(|Object(resource)| resource),
        non_resource: non_resource.map(|Object(non_resource)| non_resource),
    }
}

fn valid(errors: &[FieldError]) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(GROUP, errors)) }
}

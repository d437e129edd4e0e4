//! `metadata` of an object that a client sent, as far as Kubernetes reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::review::or_null;

/// Fields in the order in which Go prints them. What the server fills in itself (uid, timestamps,
/// managed fields, and the self link) is not taken from a client, as in `WipeObjectMetaSystemFields`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ObjectMeta {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    generate_name: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    pub(crate) namespace: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    resource_version: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "is_zero")]
    generation: i64,
    #[serde(skip_deserializing, skip_serializing_if = "String::is_empty")]
    creation_timestamp: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    owner_references: Vec<Value>,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    finalizers: Vec<String>,
}

impl ObjectMeta {
    /// Of an object that was made `now`.
    pub(crate) fn created(now: String) -> Self {
        Self { creation_timestamp: now, ..Self::default() }
    }

    /// Whether nothing is said in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_namespace_alone() && self.namespace.is_empty()
    }

    /// Whether nothing but the namespace is.
    pub(crate) fn is_namespace_alone(&self) -> bool {
        let Self {
            name,
            generate_name,
            namespace: _,
            resource_version,
            generation,
            creation_timestamp,
            labels,
            annotations,
            owner_references,
            finalizers,
        } = self;
        [name, generate_name, resource_version, creation_timestamp]
            .iter()
            .all(|text| text.is_empty())
            && *generation == 0
            && labels.is_empty()
            && annotations.is_empty()
            && owner_references.is_empty()
            && finalizers.is_empty()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

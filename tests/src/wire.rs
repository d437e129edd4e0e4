//! Users and requests as the vectors write them.

use std::collections::BTreeMap;

use serde::Deserialize;
use verdikt_core::{Attributes, Selectors, User};

/// A question for an authorizer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Who asks.
    #[serde(with = "WireUser")]
    pub user: User,
    /// The verb.
    pub verb: String,
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Resource.
    pub resource: String,
    /// Subresource.
    pub subresource: String,
    /// Namespace.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Path of a request that is about no resource.
    pub path: String,
    /// Whether it is about a resource.
    pub is_resource: bool,
    /// Which fields the objects of a list have.
    pub field_selector: String,
}

impl Request {
    /// The request as authorizers take it, without its selectors.
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes {
            user: Some((&self.user).into()),
            verb: &self.verb,
            namespace: &self.namespace,
            api_group: &self.group,
            api_version: &self.version,
            resource: &self.resource,
            subresource: &self.subresource,
            name: &self.name,
            path: &self.path,
            resource_request: self.is_resource,
            ..Attributes::default()
        }
    }

    /// Its selectors, if there are any.
    pub fn selectors(&self) -> Option<Selectors> {
        let selectors = Selectors::parse(&self.field_selector, "");
        Some(selectors).filter(|selectors| !selectors.is_empty())
    }
}

/// A question for `rules_for`.
#[derive(Debug, Deserialize)]
pub struct RulesQuestion {
    /// Whose rules.
    #[serde(with = "WireUser")]
    pub user: User,
    /// In which namespace; empty for the whole cluster.
    pub namespace: String,
}

/// How [`User`] is written; absent fields are empty.
#[derive(Deserialize)]
#[serde(remote = "User")]
struct WireUser {
    #[serde(default)]
    name: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

//! RBAC objects as they stand in manifests: rbac.authorization.k8s.io/v1 and v1beta1.

use std::collections::BTreeMap;

use crate::Origin;

/// One rule of a role: all four lists must match for a resource, the last one for a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyRule {
    /// Verbs; `*` is any.
    pub verbs: Vec<String>,
    /// API groups; `*` is any, the empty string is the core group.
    pub api_groups: Vec<String>,
    /// Resources; `*` is any, `*/sub` a subresource of any.
    pub resources: Vec<String>,
    /// Names of objects; empty means any.
    pub resource_names: Vec<String>,
    /// Paths; a final `*` makes a prefix.
    pub non_resource_urls: Vec<String>,
}

/// A Role: rules for one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// What it permits.
    pub rules: Vec<PolicyRule>,
    /// Where it was read.
    pub origin: Origin,
}

/// A ClusterRole: rules for the whole cluster, or for a namespace when a RoleBinding refers to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterRole {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels`, by which aggregated roles select.
    pub labels: BTreeMap<String, String>,
    /// What it permits; replaced by aggregation if `aggregation` is there.
    pub rules: Vec<PolicyRule>,
    /// `aggregationRule.clusterRoleSelectors`, if there is an `aggregationRule` at all.
    pub aggregation: Option<Vec<LabelSelector>>,
    /// Where it was read.
    pub origin: Origin,
}

/// A selector of ClusterRoles by label; all its parts must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Labels that must have these values.
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions.
    pub match_expressions: Vec<LabelExpression>,
}

/// One condition of a [`LabelSelector`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelExpression {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`; anything else makes the selector invalid.
    pub operator: String,
    /// Values, for `In` and `NotIn`.
    pub values: Vec<String>,
}

/// A RoleBinding, or a ClusterRoleBinding if it has no namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`; empty for a ClusterRoleBinding.
    pub namespace: String,
    /// Who gets the role.
    pub subjects: Vec<Subject>,
    /// The role they get.
    pub role_ref: RoleRef,
    /// Where it was read.
    pub origin: Origin,
}

/// Someone a binding names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`; any other kind matches nobody.
    pub kind: String,
    /// Not looked at when deciding.
    pub api_group: String,
    /// Name of the user, group or service account.
    pub name: String,
    /// Namespace of a service account; the binding's own if empty.
    pub namespace: String,
}

/// The role a binding refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoleRef {
    /// Not looked at when deciding.
    pub api_group: String,
    /// `Role` or `ClusterRole`.
    pub kind: String,
    /// Name of the role.
    pub name: String,
}

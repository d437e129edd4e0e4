//! Kinds of rbac.authorization.k8s.io: roles and bindings.

use std::collections::BTreeMap;

use super::Reader;
use super::decode::Field;
use crate::Origin;
use crate::document::{At, Node};
use crate::rbac::{
    Binding, ClusterRole, LabelExpression, LabelSelector, PolicyRule, Role, RoleRef, Subject,
};

/// The part of `metadata` that matters here.
#[derive(Default)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) deletion_timestamp: Option<String>,
    /// Of the name, for messages.
    pub(super) at: Option<At>,
}

/// Fields that every object has, and some more.
macro_rules! with_known {
    ($($name:literal),*) => { &["apiVersion", "kind", "metadata", $($name),*] };
}
pub(super) use with_known;

impl Reader<'_> {
    pub(super) fn meta(&mut self, node: &Node) -> Meta {
        let mut meta = Meta { at: Some(node.at), ..Meta::default() };
        let of = "ObjectMeta";
        for (key, value) in self.decoder.entries(node, Field { of, path: "metadata" }) {
            let mut text = |path| self.decoder.string(value, Field { of, path });
            match key.name.as_str() {
                "name" => {
                    meta.name = text("metadata.name");
                    meta.at = Some(value.at);
                }
                "namespace" => meta.namespace = text("metadata.namespace"),
                "uid" => meta.uid = text("metadata.uid"),
                "labels" => {
                    let field = Field { of, path: "metadata.labels" };
                    meta.labels = self.decoder.string_map(value, field);
                }
                "annotations" => {
                    let field = Field { of, path: "metadata.annotations" };
                    meta.annotations = self.decoder.string_map(value, field);
                }
                "deletionTimestamp" => {
                    let time = text("metadata.deletionTimestamp");
                    meta.deletion_timestamp = (!time.is_empty()).then_some(time);
                }
                name if METADATA.contains(&name) => {}
                _ => self.decoder.unknown(key, &format!("metadata.{}", key.name), METADATA),
            }
        }
        meta
    }

    /// The namespace of an object that needs one.
    pub(super) fn namespace(&mut self, meta: &Meta, at: At) -> String {
        if self.options.validate {
            self.check_name(meta, at);
        }
        if !meta.namespace.is_empty() {
            return meta.namespace.clone();
        }
        let default = self.options.default_namespace.clone().unwrap_or_default();
        if default.is_empty() && self.options.validate {
            self.required("metadata.namespace", meta.at.unwrap_or(at));
        }
        default
    }

    pub(super) fn role(&mut self, node: &Node, origin: Origin) {
        let (mut meta, mut rules) = (Meta::default(), Vec::new());
        for (key, value) in self.decoder.entries(node, Field { of: "Role", path: "" }) {
            match key.name.as_str() {
                "metadata" => meta = self.meta(value),
                "rules" => rules = self.rules(value, true),
                "apiVersion" | "kind" => {}
                _ => self.decoder.unknown(key, &key.name, ROLE),
            }
        }
        let namespace = self.namespace(&meta, node.at);
        self.manifest.roles.push(Role { name: meta.name, namespace, rules, origin });
    }

    pub(super) fn cluster_role(&mut self, node: &Node, origin: Origin) {
        let (mut meta, mut rules, mut aggregation) = (Meta::default(), Vec::new(), None);
        for (key, value) in self.decoder.entries(node, Field { of: "ClusterRole", path: "" }) {
            match key.name.as_str() {
                "metadata" => meta = self.meta(value),
                "rules" => rules = self.rules(value, false),
                "aggregationRule" => aggregation = self.aggregation(value),
                "apiVersion" | "kind" => {}
                _ => self.decoder.unknown(key, &key.name, CLUSTER_ROLE),
            }
        }
        self.check_cluster_scoped(&meta, node.at);
        let Meta { name, labels, .. } = meta;
        self.manifest.cluster_roles.push(ClusterRole { name, labels, rules, aggregation, origin });
    }

    fn rules(&mut self, node: &Node, namespaced: bool) -> Vec<PolicyRule> {
        let items = self.decoder.items(node, Field { of: "PolicyRule", path: "rules" });
        items.iter().enumerate().map(|(index, item)| self.rule(item, index, namespaced)).collect()
    }

    fn rule(&mut self, node: &Node, index: usize, namespaced: bool) -> PolicyRule {
        let of = "PolicyRule";
        let mut rule = PolicyRule::default();
        let mut urls_at = node.at;
        for (key, value) in self.decoder.entries(node, Field { of, path: "rules" }) {
            let (list, path) = match key.name.as_str() {
                "verbs" => (&mut rule.verbs, "rules.verbs"),
                "apiGroups" => (&mut rule.api_groups, "rules.apiGroups"),
                "resources" => (&mut rule.resources, "rules.resources"),
                "resourceNames" => (&mut rule.resource_names, "rules.resourceNames"),
                "nonResourceURLs" => {
                    urls_at = key.at;
                    (&mut rule.non_resource_urls, "rules.nonResourceURLs")
                }
                _ => {
                    self.decoder.unknown(key, &format!("rules[{index}].{}", key.name), RULE);
                    continue;
                }
            };
            *list = self.decoder.strings(value, Field { of, path });
        }
        if self.options.validate {
            self.check_rule(&rule, index, namespaced, node.at, urls_at);
        }
        rule
    }

    fn aggregation(&mut self, node: &Node) -> Option<Vec<LabelSelector>> {
        if node.value == crate::document::Value::Null {
            return None;
        }
        let of = "AggregationRule";
        let mut selectors = Vec::new();
        for (key, value) in self.decoder.entries(node, Field { of, path: "aggregationRule" }) {
            if key.name == "clusterRoleSelectors" {
                let path = "aggregationRule.clusterRoleSelectors";
                let items = self.decoder.items(value, Field { of, path });
                selectors = items.iter().map(|item| self.selector(item)).collect();
            } else {
                let path = format!("aggregationRule.{}", key.name);
                self.decoder.unknown(key, &path, &["clusterRoleSelectors"]);
            }
        }
        if selectors.is_empty() && self.options.validate {
            let path = "aggregationRule.clusterRoleSelectors";
            let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
            self.required_because(path, detail, node.at);
        }
        Some(selectors)
    }

    fn selector(&mut self, node: &Node) -> LabelSelector {
        let of = "LabelSelector";
        let base = "aggregationRule.clusterRoleSelectors";
        let mut selector = LabelSelector::default();
        for (key, value) in self.decoder.entries(node, Field { of, path: base }) {
            match key.name.as_str() {
                "matchLabels" => {
                    let path = "aggregationRule.clusterRoleSelectors.matchLabels";
                    selector.match_labels = self.decoder.string_map(value, Field { of, path });
                }
                "matchExpressions" => {
                    let path = "aggregationRule.clusterRoleSelectors.matchExpressions";
                    let items = self.decoder.items(value, Field { of, path });
                    selector.match_expressions =
                        items.iter().map(|item| self.expression(item)).collect();
                }
                name => {
                    let path = format!("{base}[].{name}");
                    self.decoder.unknown(key, &path, &["matchLabels", "matchExpressions"]);
                }
            }
        }
        selector
    }

    fn expression(&mut self, node: &Node) -> LabelExpression {
        let of = "LabelSelectorRequirement";
        let path = "aggregationRule.clusterRoleSelectors.matchExpressions";
        let field = Field { of, path };
        let mut expression = LabelExpression::default();
        for (key, value) in self.decoder.entries(node, field) {
            match key.name.as_str() {
                "key" => expression.key = self.decoder.string(value, field),
                "operator" => expression.operator = self.decoder.string(value, field),
                "values" => expression.values = self.decoder.strings(value, field),
                name => {
                    let path = format!("{path}[].{name}");
                    self.decoder.unknown(key, &path, &["key", "operator", "values"]);
                }
            }
        }
        expression
    }

    pub(super) fn binding(&mut self, node: &Node, origin: Origin, namespaced: bool) {
        let of = if namespaced { "RoleBinding" } else { "ClusterRoleBinding" };
        let (mut meta, mut subjects, mut role_ref) = (Meta::default(), Vec::new(), None);
        let mut subjects_at = Vec::new();
        for (key, value) in self.decoder.entries(node, Field { of, path: "" }) {
            match key.name.as_str() {
                "metadata" => meta = self.meta(value),
                "subjects" => {
                    let items =
                        self.decoder.items(value, Field { of: "Subject", path: "subjects" });
                    subjects_at = items.iter().map(|item| item.at).collect();
                    subjects = self.subjects(items);
                }
                "roleRef" => role_ref = Some((self.role_ref(value), value.at)),
                "apiVersion" | "kind" => {}
                _ => self.decoder.unknown(key, &key.name, BINDING),
            }
        }
        let namespace = if namespaced {
            self.namespace(&meta, node.at)
        } else {
            self.check_cluster_scoped(&meta, node.at);
            String::new()
        };
        let (role_ref, role_ref_at) = role_ref.unwrap_or_else(|| (RoleRef::default(), node.at));
        let mut binding = Binding { name: meta.name, namespace, subjects, role_ref, origin };
        if self.options.validate {
            default(&mut binding);
            self.check_binding(&binding, namespaced, role_ref_at, &subjects_at);
        }
        if namespaced {
            self.manifest.role_bindings.push(binding);
        } else {
            self.manifest.cluster_role_bindings.push(binding);
        }
    }

    fn subjects(&mut self, items: &[Node]) -> Vec<Subject> {
        let of = "Subject";
        let mut subjects = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let mut subject = Subject::default();
            for (key, value) in self.decoder.entries(item, Field { of, path: "subjects" }) {
                let (text, path) = match key.name.as_str() {
                    "kind" => (&mut subject.kind, "subjects.kind"),
                    "apiGroup" => (&mut subject.api_group, "subjects.apiGroup"),
                    "name" => (&mut subject.name, "subjects.name"),
                    "namespace" => (&mut subject.namespace, "subjects.namespace"),
                    name => {
                        let path = format!("subjects[{index}].{name}");
                        self.decoder.unknown(key, &path, SUBJECT);
                        continue;
                    }
                };
                *text = self.decoder.string(value, Field { of, path });
            }
            subjects.push(subject);
        }
        subjects
    }

    fn role_ref(&mut self, node: &Node) -> RoleRef {
        let of = "RoleRef";
        let mut role_ref = RoleRef::default();
        for (key, value) in self.decoder.entries(node, Field { of, path: "roleRef" }) {
            let (text, path) = match key.name.as_str() {
                "apiGroup" => (&mut role_ref.api_group, "roleRef.apiGroup"),
                "kind" => (&mut role_ref.kind, "roleRef.kind"),
                "name" => (&mut role_ref.name, "roleRef.name"),
                name => {
                    let path = format!("roleRef.{name}");
                    self.decoder.unknown(key, &path, &["apiGroup", "kind", "name"]);
                    continue;
                }
            };
            *text = self.decoder.string(value, Field { of, path });
        }
        role_ref
    }
}

/// What the API server fills in before it stores a binding.
fn default(binding: &mut Binding) {
    if binding.role_ref.api_group.is_empty() {
        GROUP.clone_into(&mut binding.role_ref.api_group);
    }
    for subject in &mut binding.subjects {
        if subject.api_group.is_empty() && matches!(subject.kind.as_str(), "User" | "Group") {
            GROUP.clone_into(&mut subject.api_group);
        }
    }
}

/// The API group of roles and bindings.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

const ROLE: &[&str] = with_known!["rules"];
const CLUSTER_ROLE: &[&str] = with_known!["rules", "aggregationRule"];
const BINDING: &[&str] = with_known!["subjects", "roleRef"];
const RULE: &[&str] = &["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];
const SUBJECT: &[&str] = &["kind", "apiGroup", "name", "namespace"];
const METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
    "clusterName",
];

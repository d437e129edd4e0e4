//! The rules of the API server for roles and bindings, in its words (`pkg/apis/rbac/validation`).

use verdikt_core::names::dns1123_subdomain;

use super::Reader;
use super::rbac::{GROUP, Meta};
use crate::document::At;
use crate::rbac::{Binding, PolicyRule, Subject};

impl Reader<'_> {
    pub(super) fn check_name(&mut self, meta: &Meta, at: At) {
        let (name, at) = (&meta.name, meta.at.unwrap_or(at));
        if name.is_empty() {
            self.required_because("metadata.name", "name or generateName is required", at);
        } else if let Some(detail) = path_segment_error(name) {
            self.invalid("metadata.name", &quoted(name), detail, at);
        }
    }

    pub(super) fn check_cluster_scoped(&mut self, meta: &Meta, at: At) {
        if !self.options.validate {
            return;
        }
        self.check_name(meta, at);
        if !meta.namespace.is_empty() {
            let message = "metadata.namespace: Forbidden: not allowed on this type".to_owned();
            let help = "remove the namespace, or use the namespaced kind";
            self.decoder.error("rbac/invalid", message, help, meta.at.unwrap_or(at));
        }
    }

    pub(super) fn check_rule(
        &mut self,
        rule: &PolicyRule,
        index: usize,
        namespaced: bool,
        at: At,
        urls_at: At,
    ) {
        let field = |name: &str| format!("rules[{index}].{name}");
        if rule.verbs.is_empty() {
            self.required_because(&field("verbs"), "verbs must contain at least one value", at);
        }
        if !rule.non_resource_urls.is_empty() {
            let value = list(&rule.non_resource_urls);
            let urls = field("nonResourceURLs");
            if namespaced {
                let detail = "namespaced rules cannot apply to non-resource URLs";
                self.invalid(&urls, &value, detail, urls_at);
            }
            let others = [&rule.api_groups, &rule.resources, &rule.resource_names];
            if others.iter().any(|list| !list.is_empty()) {
                let detail = "rules cannot apply to both regular resources and non-resource URLs";
                self.invalid(&urls, &value, detail, urls_at);
            }
            return;
        }
        if rule.api_groups.is_empty() {
            let detail = "resource rules must supply at least one api group";
            self.required_because(&field("apiGroups"), detail, at);
        }
        if rule.resources.is_empty() {
            let detail = "resource rules must supply at least one resource";
            self.required_because(&field("resources"), detail, at);
        }
    }

    pub(super) fn check_binding(
        &mut self,
        binding: &Binding,
        namespaced: bool,
        role_ref_at: At,
        subjects_at: &[At],
    ) {
        let role_ref = &binding.role_ref;
        if role_ref.api_group != GROUP {
            self.unsupported("roleRef.apiGroup", &role_ref.api_group, &[GROUP], role_ref_at);
        }
        let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
        if !kinds.contains(&role_ref.kind.as_str()) {
            self.unsupported("roleRef.kind", &role_ref.kind, kinds, role_ref_at);
        }
        if role_ref.name.is_empty() {
            self.required("roleRef.name", role_ref_at);
        } else if let Some(detail) = path_segment_error(&role_ref.name) {
            self.invalid("roleRef.name", &quoted(&role_ref.name), detail, role_ref_at);
        }
        for (index, (subject, &at)) in binding.subjects.iter().zip(subjects_at).enumerate() {
            self.check_subject(subject, index, namespaced, at);
        }
    }

    fn check_subject(&mut self, subject: &Subject, index: usize, namespaced: bool, at: At) {
        let field = |name: &str| format!("subjects[{index}].{name}");
        if subject.name.is_empty() {
            self.required(&field("name"), at);
        }
        match subject.kind.as_str() {
            "ServiceAccount" => {
                let problems = dns1123_subdomain(&subject.name);
                if !subject.name.is_empty() && !problems.is_empty() {
                    let detail = problems.join(", ");
                    self.invalid(&field("name"), &quoted(&subject.name), &detail, at);
                }
                if !subject.api_group.is_empty() {
                    self.unsupported(&field("apiGroup"), &subject.api_group, &[""], at);
                }
                if subject.namespace.is_empty() && !namespaced {
                    self.required(&field("namespace"), at);
                }
            }
            "User" | "Group" => {
                if subject.api_group != GROUP {
                    self.unsupported(&field("apiGroup"), &subject.api_group, &[GROUP], at);
                }
            }
            kind => {
                self.unsupported(&field("kind"), kind, &["ServiceAccount", "User", "Group"], at);
            }
        }
    }

    pub(super) fn required(&mut self, field: &str, at: At) {
        self.decoder.error("rbac/invalid", format!("{field}: Required value"), "add it", at);
    }

    pub(super) fn required_because(&mut self, field: &str, detail: &str, at: At) {
        let message = format!("{field}: Required value: {detail}");
        self.decoder.error("rbac/invalid", message, "add it", at);
    }

    fn invalid(&mut self, field: &str, value: &str, detail: &str, at: At) {
        let message = format!("{field}: Invalid value: {value}: {detail}");
        self.decoder.error("rbac/invalid", message, "an API server would refuse this object", at);
    }

    fn unsupported(&mut self, field: &str, value: &str, supported: &[&str], at: At) {
        let known: Vec<String> = supported.iter().map(|value| quoted(value)).collect();
        let known = known.join(", ");
        let message =
            format!("{field}: Unsupported value: {}: supported values: {known}", quoted(value));
        let help = format!("write one of {known}");
        self.decoder.error("rbac/invalid", message, &help, at);
    }
}

/// What keeps a name from being a segment of a URL (`path.ValidatePathSegmentName`).
fn path_segment_error(name: &str) -> Option<&'static str> {
    match name {
        "." => Some("may not be '.'"),
        ".." => Some("may not be '..'"),
        _ if name.contains('/') => Some("may not contain '/'"),
        _ if name.contains('%') => Some("may not contain '%'"),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    verdikt_core::GoQuoted(text).to_string()
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(","))
}

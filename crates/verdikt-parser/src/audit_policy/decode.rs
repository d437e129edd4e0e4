//! Nodes to a policy as it is written. A value of another type is an error in the words of Go's JSON
//! decoder; a field that nobody knows is a warning.

use super::raw::{Policy, Resources, Rule, Word};
use crate::Diagnostic;
use crate::document::{At, Key, Node, Text, Value};

/// Reads fields out of nodes, and collects what is wrong with them.
pub(super) struct Decoder<'a, 't> {
    text: &'a Text<'t>,
    found: &'a mut Vec<Diagnostic>,
}

/// Where a value is: the Go struct it belongs to, and the path of its field.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) of: &'a str,
    pub(super) path: &'a str,
}

impl<'a, 't> Decoder<'a, 't> {
    pub(super) fn new(text: &'a Text<'t>, found: &'a mut Vec<Diagnostic>) -> Self {
        Self { text, found }
    }

    pub(super) fn policy(&mut self, node: &Node) -> Policy {
        let mut policy = Policy { at: node.at, ..Policy::default() };
        for (key, value) in self.entries(node, Field { of: "Policy", path: "" }, "v1.Policy") {
            let field = Field { of: "Policy", path: &key.name };
            match key.name.as_str() {
                "apiVersion" | "kind" => {}
                "metadata" => self.metadata(value),
                "rules" => {
                    policy.at = value.at;
                    let items = self.items(value, field, "[]v1.PolicyRule");
                    policy.rules =
                        items.iter().enumerate().map(|(i, item)| self.rule(item, i)).collect();
                }
                "omitStages" => policy.omit_stages = self.words(value, field, "v1.Stage"),
                "omitManagedFields" => {
                    policy.omit_managed_fields = self.bool(value, field).unwrap_or_default();
                }
                _ => self.unknown(key, &key.name),
            }
        }
        policy
    }

    fn rule(&mut self, node: &Node, index: usize) -> Rule {
        let mut rule = Rule { at: node.at, level: (String::new(), node.at), ..Rule::default() };
        for (key, value) in
            self.entries(node, Field { of: "Policy", path: "rules" }, "v1.PolicyRule")
        {
            let path = format!("rules.{}", key.name);
            let field = Field { of: "PolicyRule", path: &path };
            match key.name.as_str() {
                "level" => rule.level = self.typed_word(value, field, "v1.Level"),
                "users" => rule.users = self.strings(value, field),
                "userGroups" => rule.user_groups = self.strings(value, field),
                "verbs" => rule.verbs = self.strings(value, field),
                "resources" => {
                    let items = self.items(value, field, "[]v1.GroupResources");
                    let resources = items.iter().enumerate();
                    rule.resources =
                        resources.map(|(i, item)| self.resources(item, (index, i))).collect();
                }
                "namespaces" => rule.namespaces = self.strings(value, field),
                "nonResourceURLs" => {
                    rule.urls_at = value.at;
                    rule.non_resource_urls = self.words(value, field, "string");
                }
                "omitStages" => rule.omit_stages = self.words(value, field, "v1.Stage"),
                "omitManagedFields" => rule.omit_managed_fields = self.bool(value, field),
                _ => self.unknown(key, &format!("rules[{index}].{}", key.name)),
            }
        }
        rule
    }

    fn resources(&mut self, node: &Node, (rule, index): (usize, usize)) -> Resources {
        let mut resources = Resources::default();
        let field = Field { of: "PolicyRule", path: "rules.resources" };
        for (key, value) in self.entries(node, field, "v1.GroupResources") {
            let path = format!("rules.resources.{}", key.name);
            let field = Field { of: "GroupResources", path: &path };
            match key.name.as_str() {
                "group" => resources.group = self.word(value, field),
                "resources" => resources.resources = self.strings(value, field),
                "resourceNames" => {
                    resources.names_at = value.at;
                    resources.resource_names = self.strings(value, field);
                }
                name => self.unknown(key, &format!("rules[{rule}].resources[{index}].{name}")),
            }
        }
        resources
    }

    /// Nothing in it counts, but a value of another type is refused all the same.
    fn metadata(&mut self, node: &Node) {
        for (key, value) in
            self.entries(node, Field { of: "Policy", path: "metadata" }, "v1.ObjectMeta")
        {
            let path = format!("metadata.{}", key.name);
            let field = Field { of: "ObjectMeta", path: &path };
            match key.name.as_str() {
                "name" | "generateName" | "namespace" | "selfLink" | "uid" | "resourceVersion"
                | "creationTimestamp" | "deletionTimestamp" => drop(self.word(value, field)),
                "finalizers" => drop(self.strings(value, field)),
                "labels" | "annotations" => {
                    for (_, value) in self.entries(value, field, "map[string]string") {
                        self.word(value, field);
                    }
                }
                "generation" | "deletionGracePeriodSeconds" => {
                    if !matches!(value.value, Value::Number(_) | Value::Null) {
                        self.wrong_type(value, field, "int64");
                    }
                }
                "ownerReferences" => drop(self.items(value, field, "[]v1.OwnerReference")),
                "managedFields" => drop(self.items(value, field, "[]v1.ManagedFieldsEntry")),
                _ => self.unknown(key, &path),
            }
        }
    }

    /// The entries of a map, of which the last of a name counts; none for null, and an error for
    /// anything else.
    fn entries<'n>(
        &mut self,
        node: &'n Node,
        field: Field<'_>,
        wanted: &str,
    ) -> Vec<&'n (Key, Node)> {
        match &node.value {
            Value::Mapping(entries) => {
                let mut seen = std::collections::HashSet::new();
                let last = entries.iter().rev().filter(|(key, _)| seen.insert(key.name.as_str()));
                let mut last: Vec<_> = last.collect();
                last.reverse();
                last
            }
            Value::Null => Vec::new(),
            _ => {
                self.wrong_type(node, field, wanted);
                Vec::new()
            }
        }
    }

    /// The value of a key, the last one if there are several.
    pub(super) fn last<'n>(&self, node: &'n Node, name: &str) -> Option<&'n Node> {
        match &node.value {
            Value::Mapping(entries) => {
                entries.iter().rev().find(|(key, _)| key.name == name).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    fn items<'n>(&mut self, node: &'n Node, field: Field<'_>, wanted: &str) -> &'n [Node] {
        match &node.value {
            Value::Sequence(items) => items,
            Value::Null => &[],
            _ => {
                self.wrong_type(node, field, wanted);
                &[]
            }
        }
    }

    /// A text; empty for null, and an error for anything else.
    pub(super) fn word(&mut self, node: &Node, field: Field<'_>) -> Word {
        self.typed_word(node, field, "string")
    }

    fn typed_word(&mut self, node: &Node, field: Field<'_>, wanted: &str) -> Word {
        match &node.value {
            Value::String(word) => return (word.clone(), node.at),
            Value::Null => {}
            _ => self.wrong_type(node, field, wanted),
        }
        (String::new(), node.at)
    }

    fn words(&mut self, node: &Node, field: Field<'_>, wanted: &str) -> Vec<Word> {
        let items = self.items(node, field, &format!("[]{wanted}"));
        items.iter().map(|item| self.typed_word(item, field, wanted)).collect()
    }

    fn strings(&mut self, node: &Node, field: Field<'_>) -> Vec<String> {
        self.words(node, field, "string").into_iter().map(|(word, _)| word).collect()
    }

    fn bool(&mut self, node: &Node, field: Field<'_>) -> Option<bool> {
        match node.value {
            Value::Bool(value) => return Some(value),
            Value::Null => {}
            _ => self.wrong_type(node, field, "bool"),
        }
        None
    }

    fn wrong_type(&mut self, node: &Node, Field { of, path }: Field<'_>, wanted: &str) {
        let kind = node.kind();
        let start =
            if of.is_empty() { "couldn't get version/kind; json parse error: " } else { "" };
        let message = format!(
            "failed decoding: {start}json: cannot unmarshal {kind} into Go struct field {of}.{path} \
             of type {wanted}"
        );
        let is_list = wanted.starts_with("[]");
        let help = match (&node.value, wanted) {
            (Value::String(word), _) if is_list => format!("write it as a list: [{word}]"),
            (Value::Bool(_) | Value::Number(_), "string" | "v1.Level" | "v1.Stage") => {
                "put it in quotes".to_owned()
            }
            _ if is_list => "a list is needed here".to_owned(),
            (_, "string" | "v1.Level" | "v1.Stage") => "a text is needed here".to_owned(),
            (_, "bool") => "write true or false, without quotes".to_owned(),
            (_, "int64") => "a number is needed here".to_owned(),
            _ => "a map is needed here".to_owned(),
        };
        self.error("audit/decoding", message, &help, node.at);
    }

    fn unknown(&mut self, key: &Key, path: &str) {
        let label = self.text.label(key.at, "");
        let found = Diagnostic::warning("parse/unknown-field", format!("unknown field \"{path}\""));
        self.found.push(found.help("the field is ignored; case counts").at(label));
    }

    pub(super) fn error(&mut self, id: &'static str, message: String, help: &str, at: At) {
        let label = self.text.label(at, "");
        self.found.push(Diagnostic::error(id, message).help(help).at(label));
    }

    pub(super) fn has_error(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }
}

//! What upstream demands of a policy, in its words (`pkg/apis/audit/validation/validation.go`).

use verdikt_core::GoQuoted;
use verdikt_core::names::dns1123_subdomain;

use super::raw::{self, Resources, Word};
use super::{AuditPolicy, GroupResources, Level, Rule, Stage, Stages};
use crate::Diagnostic;
use crate::document::{At, Text};

/// The policy, if there are rules in it; each thing that is wrong is an error of its own.
pub(super) fn policy(
    text: &Text<'_>,
    raw: raw::Policy,
    found: &mut Vec<Diagnostic>,
) -> Option<AuditPolicy> {
    let mut check = Check { text, found };
    let omit_stages = check.stages("omitStages", &raw.omit_stages);
    let at = raw.at;
    let rules: Vec<Rule> =
        raw.rules.into_iter().enumerate().map(|(i, rule)| check.rule(rule, i)).collect();
    if rules.is_empty() && check.found.iter().all(|found| !found.is_error()) {
        let message = "loaded illegal policy with 0 rules".to_owned();
        check.error(message, "add a rule: `rules: [{level: Metadata}]` records everything", at);
    }
    let omit_managed_fields = raw.omit_managed_fields;
    (!rules.is_empty()).then_some(AuditPolicy { rules, omit_stages, omit_managed_fields })
}

struct Check<'a, 't> {
    text: &'a Text<'t>,
    found: &'a mut Vec<Diagnostic>,
}

impl Check<'_, '_> {
    fn rule(&mut self, raw: raw::Rule, index: usize) -> Rule {
        let field = |name: &str| format!("rules[{index}].{name}");
        let level = self.level(&field("level"), &raw.level, raw.at);
        self.urls(&field("nonResourceURLs"), &raw.non_resource_urls);
        for resources in &raw.resources {
            self.resources(&field("resources"), resources);
        }
        let omit_stages = self.stages(&field("omitStages"), &raw.omit_stages);
        let non_resource_urls = texts(raw.non_resource_urls);
        if !non_resource_urls.is_empty()
            && (!raw.resources.is_empty() || !raw.namespaces.is_empty())
        {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            let field = field("nonResourceURLs");
            self.invalid(&field, &list(&non_resource_urls), detail, "make two of it", raw.urls_at);
        }
        let resources = raw.resources.into_iter().map(|resources| GroupResources {
            group: resources.group.0,
            resources: resources.resources,
            resource_names: resources.resource_names,
        });
        Rule {
            level,
            users: raw.users,
            user_groups: raw.user_groups,
            verbs: raw.verbs,
            resources: resources.collect(),
            namespaces: raw.namespaces,
            non_resource_urls,
            omit_stages,
            omit_managed_fields: raw.omit_managed_fields,
        }
    }

    fn level(&mut self, field: &str, (word, at): &Word, rule_at: At) -> Level {
        let known = Level::ALL.into_iter().find(|level| level.as_str() == word);
        if let Some(level) = known {
            return level;
        }
        let names = Level::ALL.map(|level| GoQuoted(level.as_str()).to_string()).join(", ");
        let help = format!("write one of {names}");
        if word.is_empty() {
            self.error(format!("{field}: Required value"), &help, rule_at);
        } else {
            let word = GoQuoted(word);
            let message = format!("{field}: Unsupported value: {word}: supported values: {names}");
            self.error(message, &help, *at);
        }
        Level::None
    }

    fn urls(&mut self, field: &str, urls: &[Word]) {
        for (index, (url, at)) in urls.iter().enumerate().filter(|(_, (url, _))| url != "*") {
            let (field, value) = (format!("{field}[{index}]"), GoQuoted(url).to_string());
            if !url.starts_with('/') {
                let detail = "non-resource URL rules must begin with a '/' character";
                self.invalid(&field, &value, detail, "begin it with `/`, or write `*` alone", *at);
            }
            // Upstream leaves out the last byte, whatever it belongs to; a `*` is one of its own.
            let is_inside = url.find('*').is_some_and(|star| star + 1 < url.len());
            if is_inside {
                let detail =
                    "non-resource URL wildcards '*' must be the final character of the rule";
                self.invalid(&field, &value, detail, "end it with the `*`", *at);
            }
        }
    }

    fn resources(&mut self, field: &str, resources: &Resources) {
        let (group, at) = &resources.group;
        if !group.is_empty() && group != "*" {
            let problems = dns1123_subdomain(group);
            if !problems.is_empty() {
                let value = GoQuoted(group).to_string();
                let help = "write the group without its version, in lower case";
                self.invalid(&format!("{field}.group"), &value, &problems.join(","), help, *at);
            }
        }
        let names = &resources.resource_names;
        if !names.is_empty() && resources.resources.is_empty() {
            let field = format!("{field}.resourceNames");
            let detail = "using resourceNames requires at least one resource";
            self.invalid(&field, &list(names), detail, "add `resources`", resources.names_at);
        }
    }

    fn stages(&mut self, field: &str, words: &[Word]) -> Stages {
        let mut stages = Vec::new();
        for (index, (word, at)) in words.iter().enumerate() {
            match Stage::ALL.into_iter().find(|stage| stage.as_str() == word) {
                Some(stage) => stages.push(stage),
                None => {
                    let names = Stage::ALL.map(Stage::as_str).join(",");
                    let (field, value) = (format!("{field}[{index}]"), GoQuoted(word).to_string());
                    let detail = format!("allowed stages are {names}");
                    self.invalid(&field, &value, &detail, "remove it, or correct it", *at);
                }
            }
        }
        stages.into_iter().collect()
    }

    fn invalid(&mut self, field: &str, value: &str, detail: &str, help: &str, at: At) {
        self.error(format!("{field}: Invalid value: {value}: {detail}"), help, at);
    }

    fn error(&mut self, message: String, help: &str, at: At) {
        let label = self.text.label(at, "");
        self.found.push(Diagnostic::error("audit/invalid", message).help(help).at(label));
    }
}

fn texts(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|(word, _)| word).collect()
}

/// A list as Kubernetes prints it: as JSON, with what HTML would take for its own escaped.
fn list(items: &[String]) -> String {
    let mut text = String::new();
    for c in serde_json::json!(items).to_string().chars() {
        match c {
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}

//! ClusterRole aggregation: the rules a ClusterRole has once the controller finds nothing to change.

use std::ptr;

use verdikt_parser::rbac::{ClusterRole, LabelExpression, LabelSelector, PolicyRule};

/// The rules of `role`, which is one of `all`: its own, or if it selects others, theirs.
///
/// ClusterRoles that select each other, directly or by way of others, all end up with the rules of
/// those that the circle selects from outside. Where there are none to take over, what was written
/// stays, as it does for a role that selects nobody or whose selectors are invalid.
pub fn rules_of(role: &ClusterRole, all: &[ClusterRole]) -> Vec<PolicyRule> {
    let below = reachable(role, all);
    let circle: Vec<&ClusterRole> = by_name(all)
        .into_iter()
        .filter(|other| {
            ptr::eq(*other, role) || (holds(&below, other) && holds(&reachable(other, all), role))
        })
        .collect();

    let mut union = Vec::new();
    for source in circle.iter().flat_map(|member| selected(member, all)) {
        if holds(&circle, source) {
            continue;
        }
        for rule in rules_of(source, all) {
            if !union.contains(&rule) {
                union.push(rule);
            }
        }
    }
    if union.is_empty() { role.rules.clone() } else { union }
}

/// The ClusterRoles that `role` selects: selector by selector, by name, without itself. None if one of
/// its selectors is invalid.
fn selected<'p>(role: &ClusterRole, all: &'p [ClusterRole]) -> Vec<&'p ClusterRole> {
    let selectors = role.aggregation.as_deref().unwrap_or_default();
    if !selectors.iter().all(is_valid) {
        return Vec::new();
    }
    let mut selected = Vec::new();
    for selector in selectors {
        let others = by_name(all).into_iter().filter(|other| other.name != role.name);
        selected.extend(others.filter(|other| selects(selector, other)));
    }
    selected
}

/// What `role` selects, what those select, and so on; with `role` itself if it is among them.
fn reachable<'p>(role: &ClusterRole, all: &'p [ClusterRole]) -> Vec<&'p ClusterRole> {
    let mut found = selected(role, all);
    let mut next = 0;
    while let Some(&role) = found.get(next) {
        for more in selected(role, all) {
            if !holds(&found, more) {
                found.push(more);
            }
        }
        next += 1;
    }
    found
}

fn by_name(all: &[ClusterRole]) -> Vec<&ClusterRole> {
    let mut roles: Vec<&ClusterRole> = all.iter().collect();
    roles.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    roles
}

fn holds(roles: &[&ClusterRole], role: &ClusterRole) -> bool {
    roles.iter().any(|other| ptr::eq(*other, role))
}

/// All labels and all expressions must match. A selector without any matches every role.
fn selects(selector: &LabelSelector, role: &ClusterRole) -> bool {
    let labels = &role.labels;
    let LabelSelector { match_labels, match_expressions } = selector;
    match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        && match_expressions.iter().all(|LabelExpression { key, operator, values }| {
            let value = labels.get(key);
            match operator.as_str() {
                "In" => value.is_some_and(|value| values.contains(value)),
                "NotIn" => value.is_none_or(|value| !values.contains(value)),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

fn is_valid(selector: &LabelSelector) -> bool {
    let LabelSelector { match_labels, match_expressions } = selector;
    match_labels.iter().all(|(key, value)| is_label_key(key) && is_label_value(value))
        && match_expressions.iter().all(|LabelExpression { key, operator, values }| {
            let operator_takes_values = match operator.as_str() {
                "In" | "NotIn" => !values.is_empty(),
                "Exists" | "DoesNotExist" => values.is_empty(),
                _ => false,
            };
            operator_takes_values
                && is_label_key(key)
                && values.iter().all(|value| is_label_value(value))
        })
}

/// `name` or `dns.sub.domain/name`.
fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_label_name(key),
        Some((domain, name)) => {
            let is_dns = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            domain.len() <= 253
                && domain.split('.').all(|label| is_name(label, is_dns, |c| is_dns(c) || c == '-'))
                && is_label_name(name)
        }
    }
}

fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_label_name(value)
}

fn is_label_name(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    name.len() <= 63 && is_name(name, is_end, |c| is_end(c) || matches!(c, '-' | '_' | '.'))
}

/// Whether the text begins and ends with an end character and has only inner ones between.
fn is_name(text: &str, is_end: impl Fn(char) -> bool, is_inner: impl Fn(char) -> bool) -> bool {
    text.starts_with(&is_end) && text.ends_with(&is_end) && text.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A role with one rule named after it, the label `NAME=yes`, and selectors for labels of others.
    fn role(name: &str, selects: &[&str]) -> ClusterRole {
        let selector = |label: &&str| LabelSelector {
            match_labels: [((*label).to_owned(), "yes".to_owned())].into(),
            ..LabelSelector::default()
        };
        ClusterRole {
            name: name.to_owned(),
            labels: [(name.to_owned(), "yes".to_owned())].into(),
            rules: vec![PolicyRule { verbs: vec![name.to_owned()], ..PolicyRule::default() }],
            aggregation: (!selects.is_empty()).then(|| selects.iter().map(selector).collect()),
            ..ClusterRole::default()
        }
    }

    fn check(all: &[ClusterRole], name: &str, expected: &[&str]) {
        let role = all.iter().find(|role| role.name == name).unwrap();
        let rules = rules_of(role, all);
        let verbs: Vec<&str> =
            rules.iter().flat_map(|rule| &rule.verbs).map(String::as_str).collect();
        assert_eq!(verbs, expected, "{name}");
    }

    #[test]
    fn rules_are_taken_selector_by_selector_through_other_roles() {
        let all = [
            role("a", &["c", "b"]),
            role("b", &["d", "e"]),
            role("c", &[]),
            role("d", &[]),
            role("e", &[]),
        ];
        check(&all, "a", &["c", "d", "e"]);
        check(&all, "b", &["d", "e"]);
        check(&all, "c", &["c"]);
    }

    #[test]
    fn an_empty_union_leaves_what_was_written() {
        let all = [role("a", &["nobody"]), role("b", &["a"])];
        check(&all, "a", &["a"]);
        check(&all, "b", &["a"]);
    }

    #[test]
    fn a_circle_shares_what_it_selects_from_outside() {
        let all = [role("a", &["b", "x"]), role("b", &["a", "y"]), role("x", &[]), role("y", &[])];
        check(&all, "a", &["x", "y"]);
        check(&all, "b", &["x", "y"]);
        let all = [role("a", &["b"]), role("b", &["a"]), role("c", &["b"])];
        check(&all, "a", &["a"]);
        check(&all, "b", &["b"]);
        check(&all, "c", &["b"]);
    }

    #[test]
    fn an_invalid_selector_leaves_what_was_written() {
        let all = [role("a", &["b", "-"]), role("b", &[])];
        check(&all, "a", &["a"]);
    }
}

//! ClusterRole aggregation, as the controller of that name leaves it once nothing changes any more.
//!
//! Follows `pkg/controller/clusterroleaggregation`: the rules of a ClusterRole with an
//! `aggregationRule` are those of the ClusterRoles its selectors match, selector by selector, by name,
//! without itself and without repetition. An empty union leaves the rules alone. Roles that select
//! each other in a circle start from nothing (Kubernetes starts from whatever was stored).

use std::borrow::Cow;
use std::collections::BTreeSet;

use hashbrown::HashMap;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use verdikt_core::names::{label_key, label_value};
use verdikt_parser::rbac::{ClusterRole, LabelSelector, PolicyRule};
use verdikt_parser::{Diagnostic, Origin};

/// A ClusterRole whose rules stay as they were written, because a selector of it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregationError {
    /// Name of the ClusterRole.
    pub role: String,
    /// Where it was read.
    pub origin: Origin,
    /// What is wrong, in Kubernetes' words.
    pub message: String,
}

impl AggregationError {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let Self { role, origin, message } = self;
        Diagnostic::warning(
            "rbac/aggregation-selector",
            format!("{origin}: ClusterRole `{role}` is not aggregated: {message}"),
        )
        .help("correct the selector under aggregationRule.clusterRoleSelectors")
    }
}

/// The rules each of `roles` ends up with, in the same order, and the roles that cannot be aggregated.
pub fn aggregate(roles: &[ClusterRole]) -> (Vec<Cow<'_, [PolicyRule]>>, Vec<AggregationError>) {
    let mut errors = Vec::new();
    let mut rules: Vec<Cow<'_, [PolicyRule]>> =
        roles.iter().map(|role| Cow::Borrowed(role.rules.as_slice())).collect();
    if roles.iter().all(|role| role.aggregation.is_none()) {
        return (rules, errors);
    }

    let sources = selections(roles, &mut errors);
    for mut circle in in_dependency_order(roles.len(), &sources) {
        circle.sort_by_key(|&role| roles.get(role).map(|role| role.name.as_str()));
        settle(&circle, &sources, &mut rules);
    }
    (rules, errors)
}

/// For each role that is aggregated, the roles whose rules it takes, in order; by index.
pub(crate) fn selections(
    roles: &[ClusterRole],
    errors: &mut Vec<AggregationError>,
) -> HashMap<usize, Vec<usize>> {
    let mut by_name: Vec<usize> = (0..roles.len()).collect();
    by_name.sort_by_key(|&index| roles.get(index).map(|role| role.name.as_str()));
    roles
        .iter()
        .enumerate()
        .filter_map(|(index, role)| {
            let selectors = role.aggregation.as_deref()?;
            if let Some(message) = selectors.iter().find_map(selector_error) {
                let (role, origin) = (role.name.clone(), role.origin.clone());
                errors.push(AggregationError { role, origin, message });
                return None;
            }
            Some((index, selected(roles, &by_name, index, selectors)))
        })
        .collect()
}

/// Indices of the roles that `selectors` match, in the order in which their rules are taken.
fn selected(
    roles: &[ClusterRole],
    by_name: &[usize],
    of: usize,
    selectors: &[LabelSelector],
) -> Vec<usize> {
    let own_name = roles.get(of).map(|role| &role.name);
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for selector in selectors {
        for &index in by_name {
            let Some(role) = roles.get(index) else { continue };
            // A second visit would only repeat rules that are there already.
            if Some(&role.name) != own_name && matches(selector, role) && seen.insert(index) {
                found.push(index);
            }
        }
    }
    found
}

fn matches(selector: &LabelSelector, role: &ClusterRole) -> bool {
    let labels = &role.labels;
    selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().all(|expression| {
            let value = labels.get(&expression.key);
            let is_in = value.is_some_and(|value| expression.values.contains(value));
            match expression.operator.as_str() {
                "In" => is_in,
                "NotIn" => !is_in,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

/// Why a selector cannot be used (`metav1.LabelSelectorAsSelector`).
fn selector_error(selector: &LabelSelector) -> Option<String> {
    let of_labels = selector
        .match_labels
        .iter()
        .find_map(|(key, value)| label_key(key).into_iter().chain(label_value(value)).next());
    of_labels.or_else(|| {
        selector.match_expressions.iter().find_map(|expression| {
            let values = &expression.values;
            match expression.operator.as_str() {
                "In" | "NotIn" if values.is_empty() => {
                    Some("for 'in', 'notin' operators, values set can't be empty".to_owned())
                }
                "Exists" | "DoesNotExist" if !values.is_empty() => {
                    Some("values set must be empty for exists and does not exist".to_owned())
                }
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {
                    let of_values = values.iter().flat_map(|value| label_value(value));
                    label_key(&expression.key).into_iter().chain(of_values).next()
                }
                other => Some(format!("{other:?} is not a valid label selector operator")),
            }
        })
    })
}

/// Gives each role of `circle` (usually just one) the rules of what it selects. Roles that select each
/// other all end up with the same rules: those of whatever any of them selects outside the circle.
fn settle(
    circle: &[usize],
    sources: &HashMap<usize, Vec<usize>>,
    rules: &mut [Cow<'_, [PolicyRule]>],
) {
    let inside: BTreeSet<usize> = circle.iter().copied().collect();
    let of_circle = circle.iter().filter_map(|role| sources.get(role)).flatten();
    let outside: Vec<usize> =
        of_circle.filter(|source| !inside.contains(source)).copied().collect();
    let union = union(&outside, rules);
    if union.is_empty() {
        return;
    }
    for &role in circle {
        if let Some(slot) = rules.get_mut(role) {
            *slot = Cow::Owned(union.clone());
        }
    }
}

fn union(sources: &[usize], rules: &[Cow<'_, [PolicyRule]>]) -> Vec<PolicyRule> {
    let mut seen = hashbrown::HashSet::new();
    let of_sources =
        sources.iter().filter_map(|&index| rules.get(index)).flat_map(|list| list.iter());
    of_sources.filter(|rule| seen.insert(*rule)).cloned().collect()
}

/// The aggregated roles, those that others select first; roles that select each other together.
fn in_dependency_order(count: usize, sources: &HashMap<usize, Vec<usize>>) -> Vec<Vec<usize>> {
    let aggregated = (0..count).filter(|role| sources.contains_key(role));
    let edges = aggregated.flat_map(|role| {
        let selected = sources.get(&role).into_iter().flatten();
        selected.filter_map(move |&source| Some((node(role)?, node(source)?)))
    });
    let mut graph: DiGraph<(), ()> = DiGraph::from_edges(edges);
    // A role that selects nothing has no edge, and still loses nothing by being settled.
    while graph.node_count() < count {
        graph.add_node(());
    }
    // Strongly connected components come with what they point to first.
    kosaraju_scc(&graph)
        .into_iter()
        .map(|circle| circle.into_iter().map(NodeIndex::index).collect::<Vec<_>>())
        .filter(|circle| circle.iter().any(|role| sources.contains_key(role)))
        .collect()
}

fn node(role: usize) -> Option<NodeIndex> {
    u32::try_from(role).ok().map(NodeIndex::from)
}

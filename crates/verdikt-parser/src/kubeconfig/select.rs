//! Finds the current context, its cluster and its user among the lists of a kubeconfig.

use verdikt_core::GoQuoted;

use crate::Diagnostic;
use crate::document::{Node, Value};

/// The entries that count. What is not there has no fields.
pub(super) struct Selected<'n> {
    pub(super) cluster_name: &'n str,
    pub(super) cluster: Option<&'n Node>,
    pub(super) user_name: &'n str,
    pub(super) user: Option<&'n Node>,
}

/// Follows the current context.
pub(super) fn select<'n>(
    root: &'n Node,
    error: &impl Fn(String, &Node) -> Diagnostic,
) -> Result<Selected<'n>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    for (list, inner) in [("clusters", "cluster"), ("users", "user"), ("contexts", "context")] {
        check_list(root, list, inner, error, &mut found);
    }
    if !found.is_empty() {
        return Err(found);
    }
    let one = |message: String, at: &Node| vec![error(message, at)];
    let current = root.get("current-context").and_then(Node::as_str).unwrap_or_default();
    let context = named(root, "contexts", "context", current);
    if context.is_none() && !current.is_empty() {
        let at = root.get("current-context").unwrap_or(root);
        return Err(one(format!("context {} does not exist", GoQuoted(current)), at));
    }
    let name = |field| context.and_then(|context| context.get(field)).and_then(Node::as_str);
    let (user_name, cluster_name) =
        (name("user").unwrap_or_default(), name("cluster").unwrap_or_default());
    let user = named(root, "users", "user", user_name);
    let cluster = named(root, "clusters", "cluster", cluster_name);
    let at = context.unwrap_or(root);
    if user.is_none() && !user_name.is_empty() {
        return Err(one(format!("auth info {} does not exist", GoQuoted(user_name)), at));
    }
    if cluster.is_none() && !cluster_name.is_empty() {
        return Err(one(format!("cluster {} does not exist", GoQuoted(cluster_name)), at));
    }
    Ok(Selected { cluster_name, cluster, user_name, user })
}

/// Each entry must be a map with a name of its own.
fn check_list(
    root: &Node,
    list: &str,
    inner: &str,
    error: &impl Fn(String, &Node) -> Diagnostic,
    found: &mut Vec<Diagnostic>,
) {
    let Some(node) = root.get(list) else { return };
    let items = match &node.value {
        Value::Null => return,
        Value::Sequence(items) => items,
        _ => return found.push(error(format!("{list} must be a list"), node)),
    };
    let mut names = std::collections::BTreeSet::new();
    for item in items {
        let name = item.get("name").and_then(Node::as_str).unwrap_or_default();
        if !matches!(item.value, Value::Mapping(_)) {
            found
                .push(error(format!("entries of {list} must be maps with name and {inner}"), item));
        } else if !names.insert(name) {
            found.push(error(format!("duplicate name {} in list {list}", GoQuoted(name)), item));
        }
    }
}

/// The inner map of the entry of this name.
fn named<'n>(root: &'n Node, list: &str, inner: &str, name: &str) -> Option<&'n Node> {
    let Some(Value::Sequence(items)) = root.get(list).map(|node| &node.value) else { return None };
    let is_named =
        |item: &&Node| item.get("name").and_then(Node::as_str).unwrap_or_default() == name;
    let item = items.iter().find(is_named)?;
    Some(item.get(inner).unwrap_or(item)).filter(|_| item.get(inner).is_some())
}

//! Certificate policies: whether a chain has one that all of it agrees on, if it must.
//!
//! Follows Go's `policiesValid` (`crypto/x509/verify.go`), that is RFC 5280 with the graph of RFC 9618,
//! for a verifier that asks for no policy of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::certificate::Certificate;
use super::extensions::Oid;

/// Whether the policies of a chain, leaf first, are in order.
pub(super) fn are_valid(chain: &[Arc<Certificate>]) -> bool {
    // The root is not looked at.
    let Some((_, below)) = chain.split_last().filter(|(_, below)| !below.is_empty()) else {
        return true;
    };
    let length = i64::try_from(below.len()).unwrap_or(i64::MAX);
    let mut state = State {
        graph: Some(Graph::new()),
        inhibit_any: length + 1,
        explicit: length + 1,
        mapping: length + 1,
    };
    for (index, certificate) in below.iter().enumerate().rev() {
        if !state.step(certificate, index == 0) {
            return false;
        }
    }
    state.explicit = (state.explicit - 1).max(0);
    let leaf = below.first().and_then(|leaf| leaf.extensions.require_explicit_policy);
    if leaf == Some(0) {
        state.explicit = 0;
    }
    state.explicit > 0 || state.graph.is_some_and(|graph| graph.has_valid_policy())
}

struct State {
    /// None once a certificate had no policies at all.
    graph: Option<Graph>,
    // How many certificates further down until each of these applies.
    inhibit_any: i64,
    explicit: i64,
    mapping: i64,
}

impl State {
    /// Takes the next certificate, on the way from the root to the leaf; false if it breaks a rule.
    fn step(&mut self, certificate: &Certificate, is_leaf: bool) -> bool {
        let extensions = &certificate.extensions;
        let is_self_issued = certificate.issuer == certificate.subject;
        if extensions.policies.is_empty() {
            self.graph = None;
        }
        if self.explicit == 0 && self.graph.is_none() {
            return false;
        }
        if let Some(graph) = &mut self.graph {
            let allows_any = self.inhibit_any > 0 || (!is_leaf && is_self_issued);
            graph.descend(&extensions.policies, allows_any);
            if !is_leaf && !graph.map(&extensions.policy_mappings, self.mapping > 0) {
                return false;
            }
        }
        if !is_leaf {
            self.count_down(certificate, is_self_issued);
        }
        true
    }

    fn count_down(&mut self, certificate: &Certificate, is_self_issued: bool) {
        let extensions = &certificate.extensions;
        for (counter, limit) in [
            (&mut self.explicit, extensions.require_explicit_policy),
            (&mut self.mapping, extensions.inhibit_policy_mapping),
            (&mut self.inhibit_any, extensions.inhibit_any_policy),
        ] {
            if !is_self_issued {
                *counter = (*counter - 1).max(0);
            }
            *counter = limit.map_or(*counter, |limit| limit.min(*counter));
        }
    }
}

/// The policies of each level below the root, and from which of the level above each follows.
struct Graph {
    levels: Vec<BTreeMap<Oid, Node>>,
}

struct Node {
    expected: Vec<Oid>,
    /// Policies of the level above; for one that was made by a mapping, of its own level.
    parents: BTreeSet<Oid>,
    has_sibling_parent: bool,
    children: usize,
}

impl Graph {
    fn new() -> Self {
        let root = Node {
            expected: vec![ANY.into()],
            parents: BTreeSet::new(),
            has_sibling_parent: false,
            children: 0,
        };
        Self { levels: vec![BTreeMap::from([(ANY.into(), root)])] }
    }

    /// Adds the level of a certificate with these policies.
    fn descend(&mut self, policies: &[Oid], allows_any: bool) {
        let Some(above) = self.levels.last() else { return };
        let mut by_expected: BTreeMap<&Oid, BTreeSet<Oid>> = BTreeMap::new();
        for (policy, node) in above {
            for expected in &node.expected {
                by_expected.entry(expected).or_default().insert(policy.clone());
            }
        }
        let mut level: BTreeMap<Oid, Node> = BTreeMap::new();
        for policy in policies.iter().filter(|policy| ***policy != *ANY) {
            let parents = match by_expected.get(policy) {
                Some(parents) => parents.clone(),
                None if above.contains_key(ANY) => BTreeSet::from([ANY.into()]),
                None => continue,
            };
            level.insert(policy.clone(), Node::below(policy, parents));
        }
        if allows_any && policies.iter().any(|policy| **policy == *ANY) {
            for (expected, parents) in by_expected {
                if !level.contains_key(expected) {
                    level.insert(expected.clone(), Node::below(expected, parents));
                }
            }
        }
        for policy in level.values().flat_map(|node| node.parents.clone()).collect::<Vec<_>>() {
            if let Some(parent) = self.levels.last_mut().and_then(|above| above.get_mut(&policy)) {
                parent.children += 1;
            }
        }
        self.levels.push(level);
        self.prune();
    }

    /// Applies an authority's mappings to its own level; false if one of them may not be.
    fn map(&mut self, mappings: &[(Oid, Oid)], is_allowed: bool) -> bool {
        if mappings.is_empty() {
            return true;
        }
        let mut by_issuer: BTreeMap<&Oid, Vec<Oid>> = BTreeMap::new();
        for (issuer, subject) in mappings {
            if !is_allowed {
                self.delete_leaf(issuer);
            } else if **issuer == *ANY || **subject == *ANY {
                return false;
            } else {
                by_issuer.entry(issuer).or_default().push(subject.clone());
            }
        }
        self.prune();
        let Some(level) = self.levels.last_mut() else { return true };
        for (issuer, subjects) in by_issuer {
            if let Some(node) = level.get_mut(issuer) {
                node.expected = subjects;
            } else if let Some(any) = level.get_mut(ANY) {
                any.children += 1;
                let parents = BTreeSet::from([ANY.into()]);
                let node =
                    Node { expected: subjects, parents, has_sibling_parent: true, children: 0 };
                level.insert(issuer.clone(), node);
            }
        }
        true
    }

    fn delete_leaf(&mut self, policy: &Oid) {
        let node = self.levels.last_mut().and_then(|level| level.remove(policy));
        if let Some(node) = node {
            self.forget_child(self.levels.len() - 1, &node);
        }
    }

    /// Drops what nothing follows from, from the lowest level but one upwards; the root stays.
    fn prune(&mut self) {
        for index in (1..self.levels.len().saturating_sub(1)).rev() {
            let Some(level) = self.levels.get_mut(index) else { continue };
            let childless: Vec<Oid> = level
                .iter()
                .filter(|(_, node)| node.children == 0)
                .map(|(policy, _)| policy.clone())
                .collect();
            for policy in childless {
                let node = self.levels.get_mut(index).and_then(|level| level.remove(&policy));
                if let Some(node) = node {
                    self.forget_child(index, &node);
                }
            }
        }
    }

    /// Takes a node of the level `index` off its parents' count.
    fn forget_child(&mut self, index: usize, node: &Node) {
        let of_parents = if node.has_sibling_parent { Some(index) } else { index.checked_sub(1) };
        let Some(level) = of_parents.and_then(|index| self.levels.get_mut(index)) else { return };
        for policy in &node.parents {
            if let Some(parent) = level.get_mut(policy) {
                parent.children = parent.children.saturating_sub(1);
            }
        }
    }

    /// Whether any policy is left: one that was first named below "any policy", or that itself.
    fn has_valid_policy(&self) -> bool {
        let is_first_named = |(policy, node): (&Oid, &Node)| {
            **policy != *ANY && node.parents.len() == 1 && node.parents.contains(ANY)
        };
        self.levels.iter().flatten().any(is_first_named)
            || self.levels.last().is_some_and(|level| level.contains_key(ANY))
    }
}

impl Node {
    fn below(policy: &Oid, parents: BTreeSet<Oid>) -> Self {
        Self { expected: vec![policy.clone()], parents, has_sibling_parent: false, children: 0 }
    }
}

/// 2.5.29.32.0
const ANY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

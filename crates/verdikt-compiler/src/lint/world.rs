//! The policy read backwards: for each role the bindings that give it, and how far they reach.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use verdikt_parser::document::Node;
use verdikt_parser::rbac::{Binding, PolicyRule, Subject};
use verdikt_parser::{Diagnostic, PolicySet};

use super::builtin;
use super::finding::{Object, Step, listed};
use super::forest::{Forest, Lines};
use super::table::UNKNOWN_ROLE_REF;
use crate::rbac::selections;

/// All that rules look at.
pub(super) struct World<'p> {
    roles: Vec<Role<'p>>,
    bindings: Vec<BindingView<'p>>,
    /// Namespace and name of each.
    service_accounts: HashSet<(&'p str, &'p str)>,
}

/// A Role or ClusterRole.
pub(super) struct Role<'p> {
    pub(super) object: Object<'p>,
    pub(super) rules: &'p [PolicyRule],
    /// Whether its rules are those of other roles.
    pub(super) is_aggregated: bool,
    /// Whether it says by its labels that it is for aggregation, or a role here aggregates it.
    pub(super) is_selected: bool,
    /// Whether Kubernetes brings it along.
    is_default: bool,
    /// Bindings to it, and to roles that aggregate it, by index.
    bound_by: Vec<usize>,
}

/// A RoleBinding or ClusterRoleBinding.
pub(super) struct BindingView<'p> {
    pub(super) object: Object<'p>,
    pub(super) binding: &'p Binding,
    /// The role it gives, by index.
    role: Option<usize>,
    is_default: bool,
}

/// Who has a role, in words.
pub(super) struct Reach<'w> {
    bindings: Vec<&'w BindingView<'w>>,
}

impl<'p> World<'p> {
    pub(super) fn new(policy: &'p PolicySet, forest: &Forest<'_>) -> Self {
        let mut roles: Vec<Role<'p>> = Vec::new();
        for role in &policy.cluster_roles {
            let object = Object {
                kind: "ClusterRole",
                namespace: "",
                name: &role.name,
                origin: &role.origin,
            };
            roles.push(Role {
                object,
                rules: &role.rules,
                is_aggregated: role.aggregation.is_some(),
                is_selected: role.labels.keys().any(|key| key.starts_with(AGGREGATE_TO)),
                is_default: is_default(&object, forest),
                bound_by: Vec::new(),
            });
        }
        let cluster_roles = roles.len();
        for role in &policy.roles {
            let (namespace, name) = (&role.namespace, &role.name);
            let object = Object { kind: "Role", namespace, name, origin: &role.origin };
            roles.push(Role {
                object,
                rules: &role.rules,
                is_aggregated: false,
                is_selected: false,
                is_default: is_default(&object, forest),
                bound_by: Vec::new(),
            });
        }
        let by_name: HashMap<(&str, &str, &str), usize> = roles
            .iter()
            .enumerate()
            .map(|(index, Role { object, .. })| {
                ((object.kind, object.namespace, object.name), index)
            })
            .collect();
        let view = |binding: &'p Binding, kind| {
            let (namespace, name) = (&*binding.namespace, &binding.name);
            let object = Object { kind, namespace, name, origin: &binding.origin };
            let role_ref = &binding.role_ref;
            let of_role = if role_ref.kind == "Role" { namespace } else { "" };
            let role = by_name.get(&(&*role_ref.kind, of_role, &*role_ref.name)).copied();
            BindingView { object, binding, role, is_default: is_default(&object, forest) }
        };
        let bindings: Vec<BindingView<'p>> = policy
            .cluster_role_bindings
            .iter()
            .map(|binding| view(binding, "ClusterRoleBinding"))
            .chain(policy.role_bindings.iter().map(|binding| view(binding, "RoleBinding")))
            .collect();
        for (index, binding) in bindings.iter().enumerate() {
            if let Some(role) = binding.role.and_then(|role| roles.get_mut(role)) {
                role.bound_by.push(index);
            }
        }
        let accounts = policy.service_accounts.iter();
        let service_accounts =
            accounts.map(|account| (&*account.namespace, &*account.name)).collect();
        let mut world = Self { roles, bindings, service_accounts };
        world.aggregate(policy, cluster_roles);
        world
    }

    /// Who has an aggregated role has the rules of what it selects.
    fn aggregate(&mut self, policy: &PolicySet, cluster_roles: usize) {
        let sources = selections(&policy.cluster_roles, &mut Vec::new());
        for start in 0..cluster_roles {
            let Some(direct) = sources.get(&start) else { continue };
            let bound_by =
                self.roles.get(start).map(|role| role.bound_by.clone()).unwrap_or_default();
            let mut seen = BTreeSet::from([start]);
            let mut waiting = direct.clone();
            while let Some(index) = waiting.pop() {
                let Some(role) = self.roles.get_mut(index).filter(|_| seen.insert(index)) else {
                    continue;
                };
                role.is_selected = true;
                role.bound_by.extend(&bound_by);
                waiting.extend(sources.get(&index).into_iter().flatten());
            }
        }
        for role in &mut self.roles {
            role.bound_by.sort_unstable();
            role.bound_by.dedup();
        }
    }

    /// The roles to look at: not those that Kubernetes brings along.
    pub(super) fn roles(&self) -> impl Iterator<Item = &Role<'p>> {
        self.roles.iter().filter(|role| !role.is_default)
    }

    /// The rules to look at, with their number in the role. Those of aggregated roles are never used.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&Role<'p>, usize, &'p PolicyRule)> {
        let roles = self.roles().filter(|role| !role.is_aggregated);
        roles.flat_map(|role| {
            role.rules.iter().enumerate().map(move |(index, rule)| (role, index, rule))
        })
    }

    /// The bindings to look at.
    pub(super) fn bindings(&self) -> impl Iterator<Item = &BindingView<'p>> {
        self.bindings.iter().filter(|binding| !binding.is_default)
    }

    /// Whether the policy has a service account.
    pub(super) fn has_service_account(&self, namespace: &str, name: &str) -> bool {
        self.service_accounts.contains(&(namespace, name))
    }

    /// The role a binding gives.
    pub(super) fn role_of(&self, binding: &BindingView<'_>) -> Option<&Role<'p>> {
        self.roles.get(binding.role?)
    }

    /// What was found while reading, of bindings at the very word, and the lines that it is about.
    pub(super) fn placed(&self, finding: Diagnostic, forest: &Forest<'_>) -> (Diagnostic, Lines) {
        let of_binding = |view: &&BindingView<'_>| {
            finding.message.starts_with(&format!("{} refers to ", view.object))
        };
        let is_missing_role = finding.id == UNKNOWN_ROLE_REF.id;
        let unresolved = self.bindings.iter().filter(|view| is_missing_role && view.role.is_none());
        match unresolved.into_iter().find(of_binding) {
            Some(view) => {
                let path = [Step::Field("roleRef"), Step::Field("name")];
                let (label, lines) = forest.place(&view.object, &path);
                (finding.at(label), lines)
            }
            None => {
                let lines = Lines::of(&finding);
                (finding, lines)
            }
        }
    }

    /// Who has a role.
    pub(super) fn reach<'w>(&'w self, role: &Role<'_>) -> Reach<'w> {
        let bindings = role.bound_by.iter().filter_map(|&index| self.bindings.get(index));
        Reach { bindings: bindings.collect() }
    }

    /// Whether a role holds in the whole cluster, or in the namespace that rules it, as far as is known.
    pub(super) fn is_wide(&self, role: &Role<'_>) -> bool {
        if role.object.kind == "Role" {
            return role.object.namespace == KUBE_SYSTEM;
        }
        let mut places = role
            .bound_by
            .iter()
            .filter_map(|&index| self.bindings.get(index))
            .map(|binding| binding.object.namespace);
        role.bound_by.is_empty() || places.any(|place| place.is_empty() || place == KUBE_SYSTEM)
    }
}

impl<'p> World<'p> {
    /// Whether a ClusterRole is bound, and by RoleBindings alone.
    pub(super) fn is_confined(&self, role: &Role<'p>) -> bool {
        let mut bindings = role.bound_by.iter().filter_map(|&index| self.bindings.get(index));
        role.object.kind == "ClusterRole"
            && role.is_bound()
            && bindings.all(|binding| !binding.object.namespace.is_empty())
    }
}

impl Role<'_> {
    pub(super) fn is_bound(&self) -> bool {
        !self.bound_by.is_empty()
    }
}

/// Such as ``bound to Group `dev` by RoleBinding `dev` in namespace `shop` ``.
impl fmt::Display for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.bindings.first() else {
            return f.write_str("bound to nobody here");
        };
        let subjects: BTreeSet<String> =
            self.bindings.iter().flat_map(|view| view.subjects()).map(in_words).collect();
        match subjects.len() {
            0 => f.write_str("bound to nobody")?,
            1..=2 => {
                let subjects: Vec<String> = subjects.into_iter().collect();
                write!(f, "bound to {}", subjects.join(" and "))?;
            }
            many => write!(f, "bound to {many} subjects")?,
        }
        write!(f, " by {}", first.object)?;
        match self.bindings.len() - 1 {
            0 => Ok(()),
            1 => f.write_str(" and 1 more binding"),
            more => write!(f, " and {more} more bindings"),
        }
    }
}

impl<'p> BindingView<'p> {
    fn subjects(&self) -> impl Iterator<Item = (&'p Subject, &'p str)> {
        let namespace = self.object.namespace;
        self.binding.subjects.iter().map(move |subject| (subject, namespace))
    }
}

fn in_words((subject, of_binding): (&Subject, &str)) -> String {
    let Subject { kind, name, namespace, .. } = subject;
    let namespace = if namespace.is_empty() { of_binding } else { namespace };
    match kind.as_str() {
        "ServiceAccount" => format!("ServiceAccount {}", listed([format!("{namespace}/{name}")])),
        _ => format!("{kind} `{name}`"),
    }
}

/// Both the label and the name must say so: the label alone, anyone can write.
fn is_default(object: &Object<'_>, forest: &Forest<'_>) -> bool {
    builtin::is_default_name(object.name)
        && forest
            .node(object)
            .and_then(|node| node.get("metadata")?.get("labels")?.get(BOOTSTRAPPING))
            .and_then(Node::as_str)
            == Some("rbac-defaults")
}

const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";
/// Labels that the default roles `admin`, `edit` and `view` select by.
const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";
/// Who may do something here may soon do it everywhere.
const KUBE_SYSTEM: &str = "kube-system";

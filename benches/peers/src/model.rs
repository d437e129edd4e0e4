//! The policy as other engines want it: roles that differ, who has which of them where, and what is
//! asked for.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use verdikt::parser::rbac::{Binding, PolicyRule};
use verdikt_bench::world::{Question, Request, World};

/// A policy without names of objects: equal roles are one.
pub(crate) struct Model {
    /// The rules of each role, without those for paths.
    pub(crate) roles: Vec<Vec<PolicyRule>>,
    /// Who has which role where, each once, in the order of bindings.
    pub(crate) grants: Vec<Grant>,
    /// Whatever some request asks for, whoever asks.
    pub(crate) permissions: BTreeSet<Permission>,
    /// Every namespace that a request asks about.
    pub(crate) namespaces: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) subject: Subject,
    /// Empty for a grant in all of them.
    pub(crate) namespace: String,
    /// Its place in `roles`.
    pub(crate) role: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    User(String),
    Group(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

/// What a request asks for, names left out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Permission {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// With its subresource: `pods/log`.
    pub(crate) resource: String,
}

impl Permission {
    pub(crate) fn of(question: &Question) -> Self {
        let (verb, group) = (question.verb.clone(), question.group.clone());
        Self { verb, group, resource: resource(question) }
    }

    /// As in `apps/deployments`.
    pub(crate) fn kind(&self) -> String {
        format!("{}/{}", self.group, self.resource)
    }

    /// Whether a rule permits it for every name.
    fn is_granted_by(&self, rule: &PolicyRule) -> bool {
        let has = |list: &[String], item: &str| list.iter().any(|it| it == "*" || it == item);
        let of_any =
            self.resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
        rule.resource_names.is_empty()
            && has(&rule.verbs, &self.verb)
            && has(&rule.api_groups, &self.group)
            && (has(&rule.resources, &self.resource)
                || of_any.is_some_and(|it| has(&rule.resources, &it)))
    }
}

/// A resource with its subresource, as rules write it.
pub(crate) fn resource(question: &Question) -> String {
    match question.subresource.as_str() {
        "" => question.resource.clone(),
        subresource => format!("{}/{subresource}", question.resource),
    }
}

/// How rules write this subresource of any resource; empty if there is none.
pub(crate) fn of_any_resource(question: &Question) -> String {
    match question.subresource.as_str() {
        "" => String::new(),
        subresource => format!("*/{subresource}"),
    }
}

/// The user and the groups of a request, each as `Subject` prints it.
pub(crate) fn subjects(request: &Request) -> impl Iterator<Item = String> {
    let groups = request.user.groups.iter().map(|group| format!("group:{group}"));
    std::iter::once(format!("user:{}", request.user.name)).chain(groups)
}

impl Model {
    pub(crate) fn new(world: &World) -> Self {
        let questions = || world.requests.iter().map(|request| &request.question);
        let mut model = Self {
            roles: Vec::new(),
            grants: Vec::new(),
            permissions: questions().map(Permission::of).collect(),
            namespaces: questions().map(|question| question.namespace.clone()).collect(),
        };
        let policy = &world.policy;
        let mut places = HashMap::new();
        let mut roles: HashMap<(&str, &str), usize> = HashMap::new();
        let cluster_roles = policy.cluster_roles.iter().map(|it| ("", &it.name, &it.rules));
        let namespaced = policy.roles.iter().map(|it| (it.namespace.as_str(), &it.name, &it.rules));
        for (namespace, name, rules) in cluster_roles.chain(namespaced) {
            let place = *places.entry(rules).or_insert_with(|| {
                let for_resources = |rule: &&PolicyRule| !rule.resources.is_empty();
                model.roles.push(rules.iter().filter(for_resources).cloned().collect());
                model.roles.len() - 1
            });
            roles.insert((namespace, name), place);
        }
        let mut seen = HashSet::new();
        for binding in policy.role_bindings.iter().chain(&policy.cluster_role_bindings) {
            let namespace = if binding.role_ref.kind == "Role" { &binding.namespace } else { "" };
            let Some(&role) = roles.get(&(namespace, binding.role_ref.name.as_str())) else {
                continue;
            };
            for subject in subjects_of(binding) {
                let grant = Grant { subject, namespace: binding.namespace.clone(), role };
                if seen.insert(grant.clone()) {
                    model.grants.push(grant);
                }
            }
        }
        model
    }

    /// Each rule for each subject in each namespace, once: what an engine without roles is told.
    pub(crate) fn statements(&self) -> Vec<(&Subject, &str, &PolicyRule)> {
        let mut seen = HashSet::new();
        let all = self.grants.iter().flat_map(|grant| {
            let rules = self.roles[grant.role].iter();
            rules.map(move |rule| (&grant.subject, grant.namespace.as_str(), rule))
        });
        all.filter(|statement| seen.insert(*statement)).collect()
    }

    /// What a role permits of what is asked for. Rules with names are left out: they permit nothing.
    pub(crate) fn permissions_of(&self, role: usize) -> impl Iterator<Item = &Permission> {
        let rules = &self.roles[role];
        self.permissions.iter().filter(|it| rules.iter().any(|rule| it.is_granted_by(rule)))
    }
}

fn subjects_of(binding: &Binding) -> impl Iterator<Item = Subject> {
    binding.subjects.iter().map(|subject| match subject.kind.as_str() {
        "Group" => Subject::Group(subject.name.clone()),
        "User" => Subject::User(subject.name.clone()),
        _ => Subject::User(format!("system:serviceaccount:{}:{}", subject.namespace, subject.name)),
    })
}

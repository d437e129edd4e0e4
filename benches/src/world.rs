//! Clusters of any size, made from a seed: the same numbers give the same world.
//!
//! A world of N bindings has N/50 namespaces, N/2 users in three to five of N/20 groups, service
//! accounts, forty ClusterRoles that most bindings share (wildcards, subresources and
//! `resourceNames` among them) and a Role of its own in each namespace, of which nine in ten are alike.
//! One binding in fifty is a ClusterRoleBinding. Of the requests 65 % are allowed.

use fastrand::Rng;
use verdikt::{Attributes, Engine, PolicySet, User};
use verdikt_parser::rbac::{Binding, ClusterRole, PolicyRule, Role, RoleRef, Subject};

/// A policy and requests to it.
pub struct World {
    /// Roles and bindings.
    pub policy: PolicySet,
    /// 4,096 requests, or 65,536 from a million bindings on.
    pub requests: Vec<Request>,
}

/// One request: who asks, and what.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub user: User,
    /// What they want to do.
    pub question: Question,
}

/// What someone wants to do.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Question {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
}

impl Question {
    /// The question, borrowed, without a user.
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes {
            verb: &self.verb,
            api_group: &self.group,
            api_version: "v1",
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            resource_request: true,
            ..Attributes::default()
        }
    }
}

impl Request {
    /// The question with its user, borrowed.
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes { user: Some((&self.user).into()), ..self.question.attributes() }
    }
}

impl World {
    /// A world with this many bindings, always the same.
    pub fn new(bindings: usize) -> Self {
        let mut maker = Maker::new(bindings);
        let policy = maker.policy(bindings);
        let requests = maker.requests(&policy, if bindings >= 1_000_000 { 65_536 } else { 4_096 });
        Self { policy, requests }
    }
}

struct Maker {
    rng: Rng,
    namespaces: usize,
    users: usize,
    groups: usize,
}

impl Maker {
    fn new(bindings: usize) -> Self {
        Self {
            rng: Rng::with_seed(0x0076_6572_6469_6b74),
            namespaces: (bindings / 50).max(5),
            users: (bindings / 2).max(20),
            groups: (bindings / 20).max(10),
        }
    }

    fn policy(&mut self, bindings: usize) -> PolicySet {
        let mut policy = PolicySet { cluster_roles: cluster_roles(), ..PolicySet::default() };
        for index in 0..self.namespaces {
            let rules = if index % 10 == 0 { vec![self.own_rule(index)] } else { team_rules() };
            let (name, namespace) = ("team".to_owned(), namespace(index));
            policy.roles.push(Role { name, namespace, rules, ..Role::default() });
        }
        for index in 0..bindings {
            let subjects = self.subjects();
            let in_cluster = index % 50 == 0;
            let role_ref = self.role_ref(in_cluster);
            let name = format!("binding-{index:08}");
            let namespace = if in_cluster { String::new() } else { self.namespace() };
            let binding = Binding { name, namespace, subjects, role_ref, ..Binding::default() };
            if in_cluster {
                policy.cluster_role_bindings.push(binding);
            } else {
                policy.role_bindings.push(binding);
            }
        }
        policy
    }

    fn own_rule(&mut self, index: usize) -> PolicyRule {
        let (group, resource) = KINDS[self.rng.usize(..KINDS.len())];
        PolicyRule {
            resource_names: vec![format!("app-{index}"), format!("app-{index}-config")],
            ..rule(&["get", "update", "patch"], group, &[resource])
        }
    }

    fn subjects(&mut self) -> Vec<Subject> {
        let count = if self.rng.u8(..10) == 0 { 2 } else { 1 };
        (0..count)
            .map(|_| {
                let (kind, name, namespace) = match self.rng.u8(..20) {
                    0..12 => ("User", user(self.rng.usize(..self.users)), String::new()),
                    12..17 => ("Group", group(self.rng.usize(..self.groups)), String::new()),
                    _ => ("ServiceAccount", format!("app-{}", self.rng.u8(..20)), self.namespace()),
                };
                Subject { kind: kind.to_owned(), api_group: String::new(), name, namespace }
            })
            .collect()
    }

    fn role_ref(&mut self, in_cluster: bool) -> RoleRef {
        let (kind, name) = if !in_cluster && self.rng.u8(..10) < 3 {
            ("Role", "team".to_owned())
        } else {
            ("ClusterRole", format!("role-{:02}", self.rng.usize(..ROLES)))
        };
        RoleRef { api_group: String::new(), kind: kind.to_owned(), name }
    }

    fn namespace(&mut self) -> String {
        namespace(self.rng.usize(..self.namespaces))
    }

    fn user(&mut self, name: String) -> User {
        let mut groups: Vec<String> =
            (0..self.rng.usize(2..=4)).map(|_| group(self.rng.usize(..self.groups))).collect();
        groups.push("system:authenticated".to_owned());
        User::new(name, groups)
    }

    /// Requests that policy was made for, and requests at random, mixed so that 65 % are allowed.
    fn requests(&mut self, policy: &PolicySet, count: usize) -> Vec<Request> {
        let judge = judge(policy);
        let allowed_wanted = count * 65 / 100;
        let (mut allowed, mut denied) = (Vec::new(), Vec::new());
        while allowed.len() < allowed_wanted || denied.len() < count - allowed_wanted {
            let request =
                if self.rng.bool() { self.granted(policy) } else { self.random_request() };
            let (list, wanted) = if judge.authorize(&request.attributes()).is_allowed() {
                (&mut allowed, allowed_wanted)
            } else {
                (&mut denied, count - allowed_wanted)
            };
            if list.len() < wanted {
                list.push(request);
            }
        }
        allowed.append(&mut denied);
        self.rng.shuffle(&mut allowed);
        // Fresh allocations in the order of use, as a server would have them.
        allowed.to_vec()
    }

    /// A request that some binding is there for: by its subject, for something like what it permits.
    fn granted(&mut self, policy: &PolicySet) -> Request {
        let lists = [&policy.role_bindings, &policy.cluster_role_bindings];
        let list = lists[usize::from(self.rng.u8(..20) == 0)];
        let binding = &list[self.rng.usize(..list.len())];
        let subject = &binding.subjects[0];
        let user = match subject.kind.as_str() {
            "User" => self.user(subject.name.clone()),
            "Group" => {
                let mut user = self.random_user();
                user.groups[0].clone_from(&subject.name);
                user
            }
            _ => service_account(&subject.namespace, &subject.name),
        };
        let namespace = match binding.namespace.as_str() {
            "" => self.namespace(),
            namespace => namespace.to_owned(),
        };
        self.request(user, namespace)
    }

    fn random_request(&mut self) -> Request {
        let (user, namespace) = (self.random_user(), self.namespace());
        self.request(user, namespace)
    }

    fn random_user(&mut self) -> User {
        let name = user(self.rng.usize(..self.users));
        self.user(name)
    }

    fn request(&mut self, user: User, namespace: String) -> Request {
        let (group, resource) = KINDS[self.rng.usize(..KINDS.len())];
        let verb = VERBS[self.rng.usize(..VERBS.len())];
        let subresource = if resource == "pods" && self.rng.u8(..4) == 0 { "log" } else { "" };
        let name = match verb {
            "list" | "watch" | "create" => String::new(),
            _ => format!("app-{}", self.rng.usize(..self.namespaces)),
        };
        let [verb, group, resource, subresource] =
            [verb, group, resource, subresource].map(str::to_owned);
        let question = Question { verb, group, resource, subresource, namespace, name };
        Request { user, question }
    }
}

#[expect(clippy::expect_used, reason = "the objects hold no selectors, and are below every bound")]
fn judge(policy: &PolicySet) -> Engine {
    Engine::builder().objects(policy.clone()).build().expect("a made world loads")
}

fn cluster_roles() -> Vec<ClusterRole> {
    let role = |index: usize| {
        let rules = match index % 8 {
            0 => vec![rule(READ, "", &["pods", "pods/log", "services", "configmaps"])],
            1 => vec![rule(READ, "apps", &["deployments", "statefulsets", "daemonsets"])],
            2 => vec![
                rule(&["*"], "apps", &["*"]),
                rule(READ, "", &["pods", "events", "endpoints", "namespaces"]),
            ],
            3 => vec![rule(WRITE, "", &["configmaps", "secrets"]), rule(READ, "batch", &["jobs"])],
            4 => vec![rule(READ, "*", &["*"])],
            5 => vec![rule(&["create", "patch"], "", &["events"]), rule(&["get"], "", &["*/log"])],
            6 => vec![PolicyRule {
                resource_names: (0..100).map(|name| format!("app-{name}")).collect(),
                ..rule(WRITE, "", &["secrets", "configmaps", "services"])
            }],
            _ => vec![
                rule(WRITE, "batch", &["jobs", "cronjobs"]),
                rule(READ, "networking.k8s.io", &["ingresses", "networkpolicies"]),
                PolicyRule {
                    verbs: vec!["get".to_owned()],
                    non_resource_urls: vec![format!("/metrics/{index}"), "/healthz*".to_owned()],
                    ..PolicyRule::default()
                },
            ],
        };
        // Each differs from its like in one resource, so that permission sets are distinct.
        let own = rule(&["get"], "example.com", &[&format!("things{index}")]);
        let rules = rules.into_iter().chain([own]).collect();
        ClusterRole { name: format!("role-{index:02}"), rules, ..ClusterRole::default() }
    };
    (0..ROLES).map(role).collect()
}

fn team_rules() -> Vec<PolicyRule> {
    vec![rule(READ, "", &["pods", "services"]), rule(WRITE, "apps", &["deployments"])]
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> PolicyRule {
    let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
    PolicyRule {
        verbs: list(verbs),
        api_groups: vec![group.to_owned()],
        resources: list(resources),
        ..PolicyRule::default()
    }
}

fn namespace(index: usize) -> String {
    format!("namespace-{index:06}")
}

fn user(index: usize) -> String {
    format!("user-{index:07}@example.com")
}

fn group(index: usize) -> String {
    format!("example:team-{index:06}")
}

fn service_account(namespace: &str, name: &str) -> User {
    let of_namespace = format!("system:serviceaccounts:{namespace}");
    User::new(
        format!("system:serviceaccount:{namespace}:{name}"),
        ["system:serviceaccounts", &of_namespace, "system:authenticated"],
    )
}

const ROLES: usize = 40;
const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];
const VERBS: &[&str] = &["get", "get", "list", "watch", "create", "update", "patch", "delete"];
const KINDS: &[(&str, &str)] = &[
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "events"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingresses"),
    ("example.com", "things7"),
];

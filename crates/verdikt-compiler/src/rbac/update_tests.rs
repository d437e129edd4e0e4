//! Whatever changes, the tables answer as those that are compiled from scratch do.

use verdikt_core::{Attributes, HashKey, User};
use verdikt_parser::rbac::{
    Binding, ClusterRole, LabelExpression, LabelSelector, PolicyRule, Role, RoleRef, Subject,
};
use verdikt_parser::{Origin, PolicySet};

use super::{Compiler, Event, Object, Table};
use crate::Rules;
use crate::who_can::Asked;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = HashKey::pair(self.0, 1);
        (self.0 >> 8) as usize % bound
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn name(&mut self, letter: &str, bound: usize) -> String {
        format!("{letter}{}", self.below(bound))
    }

    fn subject(&mut self) -> Subject {
        let kind = self.of(&["User", "User", "Group", "Group", "ServiceAccount", "Robot"]);
        let name = match kind {
            // The same user as a service account, by its name.
            "User" if self.below(5) == 0 => "system:serviceaccount:a:s0".to_owned(),
            "ServiceAccount" => self.name("s", 2),
            _ => self.name("n", 4),
        };
        let namespace = self.of(&["", "a", "b"]).to_owned();
        Subject { kind: kind.to_owned(), name, namespace, ..Subject::default() }
    }

    fn binding(&mut self, namespace: &str, names: usize) -> Binding {
        let kind = self.of(&["ClusterRole", "ClusterRole", "Role", "Odd"]);
        let name = match kind {
            "Role" if namespace.is_empty() => self.of(&["a/r0", "r0", "b/r1"]).to_owned(),
            "Role" => self.name("r", 3),
            _ => self.name("c", 5),
        };
        Binding {
            name: self.name("b", names),
            namespace: namespace.to_owned(),
            subjects: (0..self.below(4)).map(|_| self.subject()).collect(),
            role_ref: RoleRef { kind: kind.to_owned(), name, ..RoleRef::default() },
            origin: self.origin(),
        }
    }

    fn origin(&mut self) -> Origin {
        Origin { file: self.name("file", 3).into(), line: self.below(500) as u32 }
    }

    fn rules(&mut self) -> Vec<PolicyRule> {
        let rule = |random: &mut Self| PolicyRule {
            verbs: vec![random.of(&["get", "list", "*"]).to_owned()],
            api_groups: vec![random.of(&["", "apps", "*"]).to_owned()],
            resources: vec![random.of(&["pods", "pods/log", "*"]).to_owned()],
            resource_names: (0..random.below(2)).map(|_| random.name("x", 2)).collect(),
            ..PolicyRule::default()
        };
        (0..self.below(3)).map(|_| rule(self)).collect()
    }

    /// Puts one object in the place of one of its name, or takes it away.
    fn change(&mut self, policy: &mut PolicySet, names: usize) {
        let is_gone = self.below(3) == 0;
        match self.below(8) {
            0 => {
                let (name, rules, origin) = (self.name("c", 5), self.rules(), self.origin());
                policy.cluster_roles.retain(|role| role.name != name);
                if !is_gone {
                    let label = (self.of(&["x", "y"]).to_owned(), "true".to_owned());
                    let selector = LabelSelector {
                        match_labels: [(self.of(&["x", "y"]).to_owned(), "true".to_owned())].into(),
                        ..LabelSelector::default()
                    };
                    let aggregation = (self.below(3) == 0).then(|| vec![selector]);
                    let labels = [label].into();
                    policy.cluster_roles.push(ClusterRole {
                        name,
                        labels,
                        rules,
                        aggregation,
                        origin,
                    });
                }
            }
            1 => {
                let (name, namespace) = (self.name("r", 3), self.of(&["a", "b"]).to_owned());
                policy.roles.retain(|role| (&role.name, &role.namespace) != (&name, &namespace));
                if !is_gone {
                    let (rules, origin) = (self.rules(), self.origin());
                    policy.roles.push(Role { name, namespace, rules, origin });
                }
            }
            2..5 => {
                let binding = self.binding("", names);
                put(&mut policy.cluster_role_bindings, binding, is_gone);
            }
            _ => {
                let namespace = self.of(&["a", "b", ""]);
                let binding = self.binding(namespace, names);
                put(&mut policy.role_bindings, binding, is_gone);
            }
        }
    }
}

fn put(list: &mut Vec<Binding>, binding: Binding, is_gone: bool) {
    list.retain(|other| (&other.name, &other.namespace) != (&binding.name, &binding.namespace));
    if !is_gone {
        list.push(binding);
    }
}

/// All that the tables have to say, to some users about some requests.
fn answers(table: &Table) -> Vec<String> {
    let mut users: Vec<User> = (0..4)
        .map(|index| User::new(format!("n{index}"), [format!("n{}", (index + 1) % 4), "n0".into()]))
        .collect();
    users.push(User::new("system:serviceaccount:a:s0", ["n2"]));
    users.push(User::new("system:serviceaccount:b:s1", Vec::<String>::new()));
    let mut all = vec![format!("{}", table.stats().bindings)];
    for user in &users {
        for namespace in ["", "a", "b", "c"] {
            for (verb, group, resource, subresource) in
                [("get", "", "pods", ""), ("list", "apps", "pods", "log"), ("watch", "x", "y", "")]
            {
                let request = Attributes {
                    namespace,
                    api_group: group,
                    subresource,
                    name: "x1",
                    ..Attributes::resource(user, verb, resource)
                };
                let reason = table.lookup(&request).map(|id| table.reason(id, user));
                let who = table.who_can(&request, Asked::Everywhere);
                all.push(format!("{reason:?} {:?} {who:?}", table.explain(&request)));
                all.push(format!("{:?}", table.objects(&request)));
            }
            let mut rules = Rules::default();
            table.rules_for(user, namespace, &mut rules);
            all.push(format!("{rules:?} {}", table.no_opinion_reason(user, namespace)));
        }
    }
    all
}

/// `names`: how many names bindings have.
fn check(seed: u64, names: usize, rounds: usize, changes_each: usize) {
    let mut random = Random(seed);
    let key = HashKey::random();
    let mut policy = PolicySet::default();
    let (mut compiler, _) = Compiler::new(&policy, &key);
    for round in 0..rounds {
        let before = (compiler.table().clone(), answers(compiler.table()));
        for _ in 0..changes_each {
            random.change(&mut policy, names);
        }
        compiler.update(&policy);
        let (rebuilt, _) = Table::compile(&policy, &key);
        let (found, wanted) = (answers(compiler.table()), answers(&rebuilt));
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found, wanted, "seed {seed}, round {round}");
        }
        assert_eq!(answers(&before.0), before.1, "a copy stays as it was");
        if round % 5 == 4 {
            (compiler, _) = Compiler::new(&policy, &key);
        }
    }
    // What went leaves nothing behind.
    compiler.update(&PolicySet::default());
    assert_eq!(compiler.table().stats().bindings, 0);
    assert_eq!((compiler.binding_ids.len(), compiler.role_ids.len()), (0, 0));
    assert_eq!(compiler.free_roles.len(), compiler.uses.len());
    assert!(!compiler.table().roles.lacks_any());
}

#[test]
fn a_changed_table_answers_as_one_compiled_from_scratch() {
    for seed in 0..12 {
        check(seed, 12, 25, 3);
    }
}

#[test]
fn so_does_one_of_hundreds_of_bindings() {
    check(100, 400, 6, 300);
}

#[test]
fn so_does_one_that_several_threads_compile() {
    check(101, 6_000, 1, 9_000);
}

#[test]
fn of_two_bindings_of_one_name_the_later_counts() {
    let mut random = Random(3);
    let twice = |random: &mut Random, namespace: &str| {
        let mut earlier = random.binding(namespace, 1);
        earlier.subjects = vec![random.subject(), random.subject()];
        (earlier, random.binding(namespace, 1))
    };
    for _ in 0..50 {
        let (in_cluster, in_namespace) = (twice(&mut random, ""), twice(&mut random, "a"));
        let policy = |all: bool| PolicySet {
            cluster_role_bindings: list(&in_cluster, all),
            role_bindings: list(&in_namespace, all),
            ..PolicySet::default()
        };
        let key = HashKey::random();
        let [found, wanted] = [true, false].map(|all| Table::compile(&policy(all), &key).0);
        assert_eq!(answers(&found), answers(&wanted));
    }
}

fn list((earlier, later): &(Binding, Binding), all: bool) -> Vec<Binding> {
    let earlier = all.then(|| earlier.clone());
    earlier.into_iter().chain([later.clone()]).collect()
}

#[test]
fn single_changes_are_those_of_a_whole_policy() {
    let key = HashKey::random();
    for seed in 0..6 {
        let mut random = Random(seed);
        let mut policy = PolicySet::default();
        let (mut compiler, _) = Compiler::new(&policy, &key);
        for _ in 0..120 {
            let before = policy.clone();
            random.change(&mut policy, 6);
            for event in events(&before, &policy) {
                compiler.apply(&event);
                assert!(!compiler.apply(&event).0, "twice is once: {event:?}");
            }
            let (rebuilt, _) = Table::compile(&policy, &key);
            assert_eq!(answers(compiler.table()), answers(&rebuilt), "seed {seed}");
        }
        // Files say nothing of what events told, and do not undo it.
        compiler.update(&PolicySet::default());
        assert_eq!(answers(compiler.table()), answers(&Table::compile(&policy, &key).0));
        let mut file = PolicySet::default();
        (0..30).for_each(|_| random.change(&mut file, 6));
        compiler.update(&file);
        let merged = Table::compile(&later_of_each(&file, &policy), &key).0;
        assert_eq!(answers(compiler.table()), answers(&merged), "seed {seed}");
    }
}

#[test]
fn an_event_tells_of_selectors_that_cannot_be_used() {
    let (mut compiler, _) = Compiler::new(&PolicySet::default(), &HashKey::random());
    let expression =
        LabelExpression { key: "x".into(), operator: "Near".into(), ..LabelExpression::default() };
    let selector =
        LabelSelector { match_expressions: vec![expression], ..LabelSelector::default() };
    let role = ClusterRole {
        name: "c".into(),
        aggregation: Some(vec![selector]),
        ..ClusterRole::default()
    };
    let (_, found) = compiler.apply(&Event::Put(Object::ClusterRole(role)));
    assert_eq!(found.len(), 1, "{found:?}");
}

/// All of `second`, and of `first` what it does not have.
fn later_of_each(first: &PolicySet, second: &PolicySet) -> PolicySet {
    let mut all = first.clone();
    all.roles.retain(|role| !second.roles.iter().any(|other| same_role(role, other)));
    all.cluster_roles
        .retain(|role| !second.cluster_roles.iter().any(|other| other.name == role.name));
    let lacks = |list: &[Binding], binding: &Binding| {
        !list.iter().any(|o| (&o.namespace, &o.name) == (&binding.namespace, &binding.name))
    };
    all.role_bindings.retain(|binding| lacks(&second.role_bindings, binding));
    all.cluster_role_bindings.retain(|binding| lacks(&second.cluster_role_bindings, binding));
    all.extend(second.clone());
    all
}

fn same_role(left: &Role, right: &Role) -> bool {
    (&left.namespace, &left.name) == (&right.namespace, &right.name)
}

/// What is different in `after`.
fn events(before: &PolicySet, after: &PolicySet) -> Vec<Event> {
    fn objects<T: Clone>(list: &[T], kind: fn(T) -> Object) -> impl Iterator<Item = Object> {
        list.iter().cloned().map(kind)
    }
    fn all(policy: &PolicySet) -> Vec<Object> {
        objects(&policy.roles, Object::Role)
            .chain(objects(&policy.cluster_roles, Object::ClusterRole))
            .chain(objects(&policy.role_bindings, Object::RoleBinding))
            .chain(objects(&policy.cluster_role_bindings, Object::ClusterRoleBinding))
            .collect()
    }
    fn names(object: &Object) -> (u8, &str, &str) {
        match object {
            Object::Role(role) => (0, &role.namespace, &role.name),
            Object::ClusterRole(role) => (1, "", &role.name),
            Object::RoleBinding(binding) => (2, &binding.namespace, &binding.name),
            Object::ClusterRoleBinding(binding) => (3, "", &binding.name),
        }
    }
    let (before, after) = (all(before), all(after));
    let is_in = |list: &[Object], object: &Object| list.iter().any(|o| names(o) == names(object));
    let is_same = |object: &Object| before.contains(object);
    let put = after.iter().filter(|object| !is_same(object)).cloned().map(Event::Put);
    let gone = before.iter().filter(|object| !is_in(&after, object)).cloned().map(Event::Deleted);
    put.chain(gone).collect()
}

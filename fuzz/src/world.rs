//! Small worlds of policy, users and questions, made from whatever bytes there are.
//!
//! All words come from short lists in which wildcards, near-wildcards and empty strings sit beside
//! ordinary names, so that questions meet policies often. The fuzzer chooses the bytes to reach new
//! code; property tests choose them at random.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use verdikt_core::{Attributes, User};
use verdikt_parser::rbac::{
    Binding, ClusterRole, LabelExpression, LabelSelector, PolicyRule, Role, RoleRef, Subject,
};
use verdikt_parser::{PolicySet, abac};

/// A policy for each authorizer, and questions to ask of it.
#[derive(Clone, Debug)]
pub struct World {
    /// Roles and bindings.
    pub policy: PolicySet,
    /// Policies of an ABAC file.
    pub abac: Vec<abac::Policy>,
    /// Static tokens: token, user name, uid and groups, as columns of the file.
    pub tokens: Vec<[&'static str; 4]>,
    /// What is asked.
    pub questions: Vec<Question>,
}

/// One question: who asks, with which token if any, and for what.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub user: User,
    /// A bearer token that is sent.
    pub token: Option<&'static str>,
    /// What is asked for; without the user.
    pub request: Attributes<'static>,
}

impl Question {
    /// What is asked for, by the question's own user.
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes { user: Some((&self.user).into()), ..self.request }
    }
}

impl World {
    /// The world these bytes describe; any bytes describe one. What an API server would refuse, such
    /// as empty names and unknown kinds, occurs.
    pub fn new(bytes: &[u8]) -> Self {
        Self::from_choices(Choices { bytes: Unstructured::new(bytes), odd: true })
    }

    /// A world like any other, of objects that an API server would accept.
    pub fn plain(bytes: &[u8]) -> Self {
        let mut world = Self::from_choices(Choices { bytes: Unstructured::new(bytes), odd: false });
        // An API server takes neither URLs in the rules of a Role nor an aggregation of nothing.
        for role in &mut world.policy.roles {
            role.rules.retain(|rule| rule.non_resource_urls.is_empty());
        }
        for role in &mut world.policy.cluster_roles {
            role.aggregation = role.aggregation.take().filter(|selectors| !selectors.is_empty());
        }
        world
    }

    fn from_choices(mut choices: Choices<'_>) -> Self {
        let choices = &mut choices;
        Self {
            policy: policy(choices),
            abac: choices.list(6, abac_policy),
            tokens: choices.list(4, token),
            questions: choices.list(24, question),
        }
    }

    /// The token file.
    pub fn token_file(&self) -> String {
        let line = |[token, user, uid, groups]: &[&str; 4]| {
            format!("\"{token}\",\"{user}\",\"{uid}\",\"{groups}\"\n")
        };
        self.tokens.iter().map(line).collect()
    }
}

/// Choices read from bytes; when there are no more bytes, the first of everything.
pub(crate) struct Choices<'b> {
    bytes: Unstructured<'b>,
    /// Whether odd words are chosen too.
    odd: bool,
}

/// Words to choose from: ordinary ones, and such as only an authorizer has to cope with.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    pub(crate) plain: &'static [&'static str],
    pub(crate) odd: &'static [&'static str],
}

impl<'b> Choices<'b> {
    /// Choices without odd words.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes: Unstructured::new(bytes), odd: false }
    }

    /// Whether there are bytes left to choose by.
    pub(crate) fn are_left(&self) -> bool {
        !self.bytes.is_empty()
    }

    pub(crate) fn one_of<T>(&mut self, list: &'static [T]) -> &'static T {
        let index = self.up_to(list.len() - 1);
        &list[index]
    }

    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        self.bytes.int_in_range(0..=most).unwrap_or(0)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.up_to(1) == 1
    }

    pub(crate) fn word(&mut self, words: Words) -> &'static str {
        let odd = if self.odd { words.odd } else { &[] };
        let index = self.up_to((words.plain.len() + odd.len()).saturating_sub(1));
        words.plain.iter().chain(odd).nth(index).copied().unwrap_or_default()
    }

    pub(crate) fn text(&mut self, words: Words) -> String {
        self.word(words).to_owned()
    }

    pub(crate) fn list<T>(&mut self, most: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.up_to(most);
        (0..count).map(|_| item(self)).collect()
    }

    /// Words, none at all only where odd things happen.
    fn texts(&mut self, most: usize, words: Words) -> Vec<String> {
        let least = usize::from(!self.odd);
        let count = least + self.up_to(most - least);
        (0..count).map(|_| self.text(words)).collect()
    }
}

fn policy(choices: &mut Choices<'_>) -> PolicySet {
    let mut policy = PolicySet {
        roles: distinct(choices.list(4, role), |role| (role.namespace.clone(), role.name.clone())),
        cluster_roles: distinct(choices.list(5, cluster_role), |role| role.name.clone()),
        role_bindings: distinct(choices.list(6, |choices| binding(choices, true)), |binding| {
            (binding.namespace.clone(), binding.name.clone())
        }),
        cluster_role_bindings: distinct(
            choices.list(6, |choices| binding(choices, false)),
            |binding| binding.name.clone(),
        ),
        ..PolicySet::default()
    };
    if choices.flag() {
        policy.cluster_role_bindings.reverse();
        policy.role_bindings.reverse();
        policy.cluster_roles.reverse();
    }
    policy
}

/// The items without those whose key comes again, sorted by key: a cluster keeps one of each name.
fn distinct<T, K: Ord>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let by_key: BTreeMap<K, T> = items.into_iter().map(|item| (key(&item), item)).collect();
    by_key.into_values().collect()
}

fn role(choices: &mut Choices<'_>) -> Role {
    Role {
        name: choices.text(ROLES),
        namespace: choices.text(NAMESPACES),
        rules: choices.list(3, rule),
        ..Role::default()
    }
}

/// A ClusterRole. Those that aggregate select roles of a smaller rank than their own only: what roles
/// that select each other end up with depends on history upstream.
fn cluster_role(choices: &mut Choices<'_>) -> ClusterRole {
    let name = choices.text(ROLES);
    let rank = rank(&name);
    let labels = BTreeMap::from([("rank".to_owned(), rank.to_string())]);
    let aggregates = choices.up_to(3) == 3;
    ClusterRole {
        name,
        labels,
        rules: choices.list(3, rule),
        aggregation: aggregates.then(|| choices.list(2, |choices| selector(choices, rank))),
        ..ClusterRole::default()
    }
}

/// The place of a role's name among all of them.
fn rank(name: &str) -> usize {
    ROLES.plain.iter().chain(ROLES.odd).position(|role| *role == name).unwrap_or_default()
}

fn selector(choices: &mut Choices<'_>, rank: usize) -> LabelSelector {
    let key = "rank".to_owned();
    let mut smaller: Vec<String> = (0..rank).map(|rank| rank.to_string()).collect();
    let mut selector = LabelSelector::default();
    if choices.flag() && rank > 0 {
        let one = smaller.swap_remove(choices.up_to(rank - 1));
        selector.match_labels.insert(key, one);
    } else {
        // Whatever has the smallest rank selects nobody: values must not be empty.
        smaller.push("none".to_owned());
        let operator = choices.text(OPERATORS);
        selector.match_expressions.push(LabelExpression { key, operator, values: smaller });
    }
    selector
}

fn rule(choices: &mut Choices<'_>) -> PolicyRule {
    let mut rule = PolicyRule { verbs: choices.texts(3, VERBS), ..PolicyRule::default() };
    let about_paths = choices.up_to(3) == 3;
    let about_both = choices.odd && choices.up_to(7) == 7;
    if about_paths || about_both {
        rule.non_resource_urls = choices.texts(3, URLS);
    }
    if !about_paths || about_both {
        rule.api_groups = choices.texts(2, API_GROUPS);
        rule.resources = choices.texts(3, RESOURCES);
        rule.resource_names = choices.list(2, |choices| choices.text(NAMES));
    }
    rule
}

fn binding(choices: &mut Choices<'_>, namespaced: bool) -> Binding {
    let role_kinds = if namespaced || choices.odd { ROLE_KINDS } else { CLUSTER_ROLE };
    Binding {
        name: choices.text(BINDINGS),
        namespace: if namespaced { choices.text(OWN_NAMESPACES) } else { String::new() },
        subjects: choices.list(3, subject),
        role_ref: RoleRef {
            kind: choices.text(role_kinds),
            name: choices.text(ROLES),
            ..RoleRef::default()
        },
        ..Binding::default()
    }
}

fn subject(choices: &mut Choices<'_>) -> Subject {
    let kind = choices.text(SUBJECT_KINDS);
    let words = match kind.as_str() {
        "Group" | "group" => GROUPS,
        "User" => USERS,
        _ => ACCOUNTS,
    };
    Subject {
        name: choices.text(words),
        namespace: choices.text(NAMESPACES),
        kind,
        ..Subject::default()
    }
}

fn abac_policy(choices: &mut Choices<'_>) -> abac::Policy {
    abac::Policy {
        user: choices.text(USERS),
        group: choices.text(GROUPS),
        readonly: choices.flag(),
        api_group: choices.text(API_GROUPS),
        resource: choices.text(RESOURCES),
        namespace: choices.text(NAMESPACES),
        non_resource_path: choices.text(URLS),
        ..abac::Policy::default()
    }
}

fn token(choices: &mut Choices<'_>) -> [&'static str; 4] {
    [choices.word(TOKENS), choices.word(USERS), choices.word(NAMES), choices.word(GROUPS)]
}

fn question(choices: &mut Choices<'_>) -> Question {
    let user = User::new(choices.text(USERS), choices.list(3, |choices| choices.word(GROUPS)));
    let token = choices.flag().then(|| choices.word(TOKENS));
    let verb = choices.word(VERBS);
    let request = if choices.up_to(3) == 3 {
        let namespace = choices.word(PATH_NAMESPACES);
        Attributes { verb, namespace, path: choices.word(PATHS), ..Attributes::default() }
    } else {
        Attributes {
            verb,
            namespace: choices.word(NAMESPACES),
            api_group: choices.word(API_GROUPS),
            resource: choices.word(RESOURCES),
            subresource: choices.word(SUBRESOURCES),
            name: if choices.flag() { choices.word(NAMES) } else { "" },
            resource_request: true,
            ..Attributes::default()
        }
    };
    Question { user, token, request }
}

const OPERATORS: Words = Words { plain: &["In"], odd: &["in", "Exists"] };
const CLUSTER_ROLE: Words = Words { plain: &["ClusterRole"], odd: &[] };
const ROLE_KINDS: Words = Words { plain: &["ClusterRole", "Role"], odd: &["clusterrole", ""] };
const SUBJECT_KINDS: Words = Words { plain: &["Group", "User", "ServiceAccount"], odd: &["group"] };
const USERS: Words = Words {
    plain: &["jane", "bob", "system:serviceaccount:a:ci", "system:serviceaccount:b:ci"],
    odd: &["", "*", "system:serviceaccount:a:b:ci"],
};
const GROUPS: Words = Words { plain: &["dev", "ops", "system:authenticated"], odd: &["", "*"] };
const ACCOUNTS: Words = Words { plain: &["ci"], odd: &["", "b:ci"] };
const NAMESPACES: Words = Words { plain: &["a", "b"], odd: &["", "*", "a:b"] };
const OWN_NAMESPACES: Words = Words { plain: &["a", "b"], odd: &["a:b"] };
const PATH_NAMESPACES: Words = Words { plain: &[""], odd: &["", "a"] };
const ROLES: Words = Words { plain: &["view", "edit", "admin"], odd: &["", "a/view"] };
const BINDINGS: Words =
    Words { plain: &["m", "a", "B", "z", "é"], odd: &["", "a\u{301}", "\n\""] };
const VERBS: Words =
    Words { plain: &["get", "*", "list", "create", "use", "watch"], odd: &["", "GET"] };
const API_GROUPS: Words = Words { plain: &["", "*", "apps", "batch"], odd: &["app*"] };
const RESOURCES: Words = Words {
    plain: &["pods", "*", "pods/log", "*/log", "nodes"],
    odd: &["", "pods/*", "*/*", "po*", "pods/log/x", "*/", "/log"],
};
const SUBRESOURCES: Words = Words { plain: &["", "log", "status"], odd: &["*", "log/x"] };
const NAMES: Words = Words { plain: &["web", "db"], odd: &["", "*"] };
const URLS: Words = Words {
    plain: &["/a/*", "*", "/a", "/", "/a/b", "/healthz"],
    odd: &["**", "", "/a**", "/a/*/b", "*/a", "/*"],
};
const PATHS: Words = Words {
    plain: &["/a/b", "/a", "/", "/a/", "/healthz"],
    odd: &["", "/a/*", "/ab", "a", "/a/x/b", "*"],
};
const TOKENS: Words = Words { plain: &["t1", "t2", "t3"], odd: &["", "T1", "a b"] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_are_a_world_too() {
        let world = World::new(&[]);
        assert!(world.policy.roles.is_empty() && world.questions.is_empty());
        assert_eq!(world.token_file(), "");
    }

    #[test]
    fn a_plain_world_has_no_odd_words() {
        let bytes: Vec<u8> = (0..=255).cycle().take(4_000).collect();
        let policy = World::plain(&bytes).policy;
        let bindings = policy.role_bindings.iter().chain(&policy.cluster_role_bindings);
        let mut names = bindings.map(|binding| binding.name.as_str()).peekable();
        assert!(names.peek().is_some());
        assert!(names.all(|name| BINDINGS.plain.contains(&name)));
    }
}

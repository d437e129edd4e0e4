//! All rules, and what looks for them.

use verdikt_parser::Severity;

use super::finding::Findings;
use super::powers::POWERS;
use super::rule::Rule;
use super::world::World;
use super::{
    bindings, coverage, everyone, literals, power_check, resource_names, subjects, suppress,
    unused, urls, vocabulary, wildcards,
};

type Check = for<'w, 'p, 'f, 'c> fn(&'w World<'p>, &'f mut Findings<'p, 'c>);

/// What is done with a policy, in order.
pub(super) const CHECKS: &[Check] = &[
    power_check::check,
    wildcards::check,
    everyone::check,
    bindings::check,
    subjects::check,
    unused::check,
    coverage::check,
    literals::check,
    resource_names::check,
    vocabulary::check,
    urls::check,
];

/// Every rule there is: first what gives more power than it seems, then what gives none.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    POWERS.iter().map(|power| &power.rule).chain(OTHERS.iter().copied())
}

/// The rule of this name, or of this identifier.
pub fn find(name: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.name() == name || rule.id == name)
}

const OTHERS: &[&Rule] = &[
    &wildcards::EVERYTHING,
    &wildcards::WILDCARD_VERBS,
    &wildcards::WILDCARD_RESOURCES,
    &wildcards::WILDCARD_GROUPS,
    &wildcards::WILDCARD_URLS,
    &bindings::CLUSTER_ADMIN_BINDING,
    &everyone::BINDS_ANONYMOUS,
    &everyone::BINDS_AUTHENTICATED,
    &everyone::BINDS_MASTERS,
    &subjects::DEFAULT_SERVICE_ACCOUNT,
    &UNKNOWN_ROLE_REF,
    &bindings::NO_SUBJECTS,
    &bindings::DUPLICATE_SUBJECT,
    &subjects::NOBODY,
    &subjects::SERVICE_ACCOUNT_AS_USER,
    &subjects::IGNORED_NAMESPACE,
    &subjects::MISSING_NAMESPACE,
    &unused::UNBOUND_ROLE,
    &unused::EMPTY_ROLE,
    &unused::OVERWRITTEN_RULES,
    &coverage::COVERED_RULE,
    &resource_names::STAR_IN_RESOURCE_NAMES,
    &resource_names::NAMES_ON_CREATE,
    &resource_names::NAMES_ON_LIST,
    &literals::PARTIAL_WILDCARD,
    &vocabulary::UNKNOWN_VERB,
    &vocabulary::UNKNOWN_RESOURCE,
    &vocabulary::REMOVED_API,
    &urls::URLS_IN_NAMESPACE,
    &urls::RELATIVE_URL,
    &suppress::UNEXPLAINED_IGNORE,
    &suppress::UNKNOWN_IGNORE,
    &suppress::UNUSED_IGNORE,
];

/// Found whenever policy is loaded; here for what can be said of it.
pub(super) const UNKNOWN_ROLE_REF: Rule = Rule::new(
    "rbac/unknown-role-ref",
    Severity::Warning,
    "a binding to a role that does not exist grants nothing, until somebody makes a role of that name",
    "add the role, or correct the reference",
);

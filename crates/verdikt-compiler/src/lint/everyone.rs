//! Bindings to groups that everybody is in, or that need none.

use verdikt_parser::Severity::{self, Error, Note, Warning};
use verdikt_parser::rbac::PolicyRule;

use super::builtin::VERBS;
use super::finding::{Finding, Findings, subject_field_at};
use super::rule::{Rule, practice};
use super::world::{BindingView, World};

pub(super) const BINDS_ANONYMOUS: Rule = Rule::new(
    "lint/binds-anonymous",
    Error,
    "whoever reaches the API server has the role, without any credentials",
    "bind it to those who need it",
);

pub(super) const BINDS_AUTHENTICATED: Rule = Rule::new(
    "lint/binds-authenticated",
    Warning,
    "every user and every pod's service account has the role, those of all other issuers included",
    "bind it to the groups that need it",
);

pub(super) const BINDS_MASTERS: Rule = Rule::new(
    "lint/binds-masters",
    Warning,
    "members of system:masters pass every check already, and no binding that goes takes that away",
    "remove the subject, and keep system:masters for emergencies",
)
.see(practice!("least-privilege"));

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for view in world.bindings() {
        for (number, subject) in view.binding.subjects.iter().enumerate() {
            let (rule, who) = match (subject.kind.as_str(), subject.name.as_str()) {
                ("User", "system:anonymous") | ("Group", "system:unauthenticated") => {
                    (&BINDS_ANONYMOUS, "everyone, with credentials or without,")
                }
                ("Group", "system:authenticated") => (&BINDS_AUTHENTICATED, "every user"),
                ("Group", "system:serviceaccounts") => {
                    (&BINDS_AUTHENTICATED, "every service account")
                }
                ("Group", "system:masters") => {
                    (&BINDS_MASTERS, "system:masters, which needs none,")
                }
                _ => continue,
            };
            let role_ref = &view.binding.role_ref;
            if PUBLIC_ROLES.contains(&role_ref.name.as_str()) && role_ref.kind == "ClusterRole" {
                continue;
            }
            let (kind, name) = (&role_ref.kind, &role_ref.name);
            let message = format!("{} gives {who} {kind} `{name}`", view.object);
            let path = subject_field_at(number, "name");
            let finding = Finding::new(rule, view.object, path, message);
            let severity = severity(world, view, rule);
            findings.add(finding.severity(severity));
        }
    }
}

/// As bad as what the role permits.
fn severity(world: &World<'_>, view: &BindingView<'_>, rule: &Rule) -> Severity {
    if rule.id == BINDS_MASTERS.id {
        return rule.severity;
    }
    let is_anonymous = rule.id == BINDS_ANONYMOUS.id;
    let Some(role) = world.role_of(view) else {
        let is_admin = view.binding.role_ref.name == "cluster-admin";
        return if is_anonymous && is_admin { Error } else { Warning };
    };
    let worst = role.rules.iter().map(worth).max().unwrap_or(Note);
    match (is_anonymous, worst) {
        (true, worst) => worst,
        (false, worst) => worst.min(Warning),
    }
}

/// What a rule is worth in the hands of strangers: paths to be read little, resources more, and what can be
/// changed, or holds secrets, most.
fn worth(rule: &PolicyRule) -> Severity {
    let is_reading = |verb: &String| {
        VERBS.iter().take(3).any(|known| known == verb) || verb == "head" || verb == "options"
    };
    let is_secret = |entry: &String| entry == "*" || entry == "secrets";
    match (rule.verbs.iter().all(is_reading), rule.resources.is_empty()) {
        (true, true) => Note,
        (false, _) => Error,
        (true, false) if rule.resources.iter().any(is_secret) => Error,
        (true, false) => Warning,
    }
}

/// Roles that Kubernetes binds to these groups itself.
const PUBLIC_ROLES: &[&str] = &[
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
];

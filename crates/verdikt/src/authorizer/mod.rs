//! The authorizers, thin over the compiled tables, and the chain that asks them in order.

mod chain;
pub(crate) mod config;
pub(crate) mod match_conditions;
mod webhook;

use std::sync::Arc;

use verdikt_compiler::who_can::{Asked, Scope, Subject};
use verdikt_compiler::{Rules, abac, node, rbac};
use verdikt_core::{Attributes, Effect, Reason, User};

use crate::Mode;
use crate::explanation::{Explanation, Miss, Path};
use crate::objects::Objects;
use crate::who_can::{Found, Grant};

pub(crate) use chain::{Chain, Verdict};
pub(crate) use webhook::{
    Options as WebhookOptions, Said, Version as ReviewVersion, WebhookAuthorizer,
};

/// One authorizer of the chain. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Authorizer {
    AlwaysAllow,
    AlwaysDeny,
    Abac(Arc<AbacAuthorizer>),
    Rbac(Arc<rbac::Table>),
    Node(Arc<node::Index>),
    Webhook(Arc<WebhookAuthorizer>),
}

/// ABAC with the file its lines are from, for explanations.
#[derive(Debug)]
pub(crate) struct AbacAuthorizer {
    pub(crate) table: abac::Table,
    pub(crate) file: Arc<str>,
}

impl Authorizer {
    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::AlwaysAllow => Mode::AlwaysAllow,
            Self::AlwaysDeny => Mode::AlwaysDeny,
            Self::Abac(_) => Mode::Abac,
            Self::Rbac(_) => Mode::Rbac,
            Self::Node(_) => Mode::Node,
            Self::Webhook(_) => Mode::Webhook,
        }
    }

    /// What it is called in reasons and metrics.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Webhook(webhook) => webhook.name(),
            other => other.mode().authorizer_name(),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::AlwaysAllow | Self::AlwaysDeny | Self::Webhook(_) => 0,
            Self::Abac(abac) => abac.table.heap_bytes(),
            Self::Rbac(table) => table.stats().heap_bytes,
            Self::Node(index) => index.stats().heap_bytes,
        }
    }

    /// Why the request is allowed; none for no opinion. None of these authorizers denies but a webhook,
    /// which is not asked here: see [`WebhookAuthorizer::authorize`].
    #[inline]
    fn allows(&self, request: &Attributes<'_>) -> Option<Reason> {
        match self {
            Self::AlwaysAllow => Some(Reason::AlwaysAllow),
            Self::AlwaysDeny | Self::Webhook(_) => None,
            Self::Abac(abac) => abac.table.lookup(request).map(Reason::AbacPolicy),
            Self::Rbac(table) => table.lookup(request).map(Reason::RbacBinding),
            Self::Node(index) => match index.lookup(request) {
                Ok(_) => Some(Reason::Node),
                Err(node::Refusal::NotANode) => None,
                Err(refusal) => {
                    log_refused_node(request, &refusal);
                    None
                }
            },
        }
    }

    /// The reason of an allow, in Kubernetes' words; empty where it gives none.
    fn reason(&self, reason: Reason, user: &User) -> String {
        match (self, reason) {
            (Self::Rbac(table), Reason::RbacBinding(binding)) => table.reason(binding, user),
            _ => String::new(),
        }
    }

    /// The reason of having no opinion.
    fn no_opinion(&self, user: &User, request: &Attributes<'_>) -> String {
        match self {
            Self::AlwaysAllow | Self::Webhook(_) => String::new(),
            Self::AlwaysDeny => "Everything is forbidden.".to_owned(),
            Self::Abac(_) => abac::NO_POLICY_MATCHED.to_owned(),
            Self::Rbac(table) => table.no_opinion_reason(user, request.namespace),
            Self::Node(index) => index
                .lookup(request)
                .err()
                .map_or_else(String::new, |refusal| refusal.text(request)),
        }
    }

    fn rules_for(&self, user: &User, namespace: &str, rules: &mut Rules) {
        match self {
            Self::AlwaysAllow => rules.add_everything(),
            Self::AlwaysDeny => {}
            Self::Abac(abac) => abac.table.rules_for(user, namespace, rules),
            Self::Rbac(table) => table.rules_for(user, namespace, rules),
            Self::Node(index) => index.rules_for(user, rules),
            Self::Webhook(_) => {
                rules.incomplete = true;
                rules.errors.push(webhook::NO_RULES.to_owned());
            }
        }
    }

    fn who_can(&self, request: &Attributes<'_>, asked: Asked, into: &mut Found) {
        let authorizer = self.mode().authorizer_name();
        match self {
            Self::AlwaysDeny => {}
            Self::AlwaysAllow => into
                .add(Subject::everyone(), Grant::new(authorizer, Scope::Everywhere, "everything")),
            Self::Abac(abac) => {
                for (subject, scope, index) in abac.table.who_can(request, asked) {
                    let Some(policy) = abac.table.policy(index) else { continue };
                    let origin = format!("{}:{}", abac.file, policy.line);
                    let grant = Grant::new(authorizer, scope, abac::rule_text(policy));
                    into.add(subject, Grant { origin, ..grant });
                }
            }
            Self::Rbac(table) => {
                for (subject, scope, path) in table.who_can(request, asked) {
                    let grant = Grant {
                        binding: path.binding,
                        role: path.role,
                        origin: path.binding_origin.to_string(),
                        role_origin: path.role_origin.to_string(),
                        ..Grant::new(authorizer, scope, path.rule)
                    };
                    into.add(subject, grant);
                }
            }
            Self::Node(index) => {
                for (subject, scope, found) in index.who_can(request, asked) {
                    into.add(subject, Grant::new(authorizer, scope, found.rule));
                }
            }
            Self::Webhook(webhook) => into
                .note(format!("whom webhook {:?} allows or denies is not known", webhook.name())),
        }
    }

    fn objects(&self, request: &Attributes<'_>, into: &mut Objects) {
        match self {
            Self::AlwaysDeny => {}
            Self::AlwaysAllow => into.add(Scope::Everywhere, None),
            Self::Abac(abac) => {
                abac.table.objects(request).into_iter().for_each(|scope| into.add(scope, None));
            }
            Self::Rbac(table) => {
                table.objects(request).into_iter().for_each(|(scope, name)| into.add(scope, name));
            }
            Self::Node(index) => {
                let of_anything = Attributes { name: "", ..*request };
                if index.lookup(&of_anything) != Err(node::Refusal::NotANode) {
                    into.note("what a node reaches is not listed".to_owned());
                }
            }
            Self::Webhook(webhook) => into
                .note(format!("what webhook {:?} allows or denies is not known", webhook.name())),
        }
    }

    fn explain(&self, request: &Attributes<'_>, into: &mut Explanation) {
        let authorizer = self.mode().authorizer_name();
        match self {
            Self::AlwaysAllow => into.paths.push(Path {
                authorizer: authorizer.into(),
                rule: "everything".to_owned(),
                ..Path::default()
            }),
            Self::AlwaysDeny | Self::Webhook(_) => {}
            Self::Abac(abac) => abac.explain(request, into),
            Self::Node(index) => {
                into.paths.extend(index.explain(request).map(|found| Path {
                    authorizer: authorizer.into(),
                    subject: found.node,
                    rule: found.rule,
                    ..Path::default()
                }));
            }
            Self::Rbac(table) => {
                let found = table.explain(request);
                into.paths.extend(found.paths.into_iter().map(|path| Path {
                    authorizer: authorizer.into(),
                    binding: path.binding,
                    role: path.role,
                    subject: path.subject,
                    rule: path.rule,
                    origin: path.binding_origin.to_string(),
                    role_origin: path.role_origin.to_string(),
                    decides: false,
                }));
                into.misses.extend(found.misses.into_iter().map(|miss| Miss {
                    authorizer: authorizer.into(),
                    kind: miss.kind,
                    text: miss.text,
                    origin: miss.origin.to_string(),
                }));
            }
        }
    }
}

impl AbacAuthorizer {
    fn explain(&self, request: &Attributes<'_>, into: &mut Explanation) {
        for index in self.table.all_matching(request) {
            let Some(policy) = self.table.policy(index) else { continue };
            into.paths.push(Path {
                authorizer: Mode::Abac.authorizer_name().into(),
                subject: abac::subject_text(policy),
                rule: abac::rule_text(policy),
                origin: format!("{}:{}", self.file, policy.line),
                ..Path::default()
            });
        }
    }
}

/// Follows `klog.V(2)` of upstream, which is off unless somebody looks for it.
#[cold]
fn log_refused_node(request: &Attributes<'_>, refusal: &node::Refusal) {
    let user = request.user.map_or("", |user| user.user().name.as_str());
    let Attributes { verb, api_group, resource, subresource, namespace, name, path, .. } = *request;
    tracing::debug!(
        verb,
        api_group,
        resource,
        subresource,
        namespace,
        name,
        path,
        "NODE DENY: '{}' {}",
        user.strip_prefix("system:node:").unwrap_or(user),
        refusal.text(request)
    );
}

/// What an authorizer that is no webhook makes of a request, for explanations.
pub(crate) fn answer(authorizer: &Authorizer, request: &Attributes<'_>) -> (Effect, String) {
    let nobody = User::default();
    let user = request.user.map_or(&nobody, |user| user.user());
    match authorizer.allows(request) {
        Some(reason) => (Effect::Allow, authorizer.reason(reason, user)),
        None => (Effect::NoOpinion, authorizer.no_opinion(user, request)),
    }
}

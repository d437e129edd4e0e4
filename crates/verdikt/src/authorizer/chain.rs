//! Authorizers in order: the first Allow or Deny ends it; no opinion goes on to the next.
//!
//! Follows apiserver's `pkg/authorization/union`. Before the chain, members of `system:masters` are
//! allowed everything (`kubernetes.io/system-privileged-group`).

use std::sync::Arc;

use verdikt_compiler::{Rules, node};
use verdikt_core::{Attributes, Effect, Reason, User, groups};

use super::{Authorizer, answer};
use crate::explanation::{Answer, Explanation, Path};

/// The authorizers of a snapshot. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Chain(Vec<Authorizer>);

/// What was decided and by whom, small enough to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) effect: Effect,
    pub(crate) reason: Reason,
    /// Index of the authorizer that decided; not used where none did.
    authorizer: usize,
}

impl Chain {
    pub(crate) fn new(authorizers: Vec<Authorizer>) -> Self {
        Self(authorizers)
    }

    /// The same chain, with another state of what nodes reach.
    pub(crate) fn with_nodes(&self, index: &Arc<node::Index>) -> Self {
        let replaced = self.0.iter().map(|member| match member {
            Authorizer::Node(_) => Authorizer::Node(Arc::clone(index)),
            other => other.clone(),
        });
        Self(replaced.collect())
    }

    /// Bytes the tables take on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.iter().map(Authorizer::heap_bytes).sum()
    }

    /// Decides. Allocates nothing.
    #[inline]
    pub(crate) fn authorize(&self, request: &Attributes<'_>) -> Verdict {
        if request.user.is_some_and(|user| user.is_in(groups::MASTERS)) {
            return Verdict {
                effect: Effect::Allow,
                reason: Reason::PrivilegedGroup,
                authorizer: 0,
            };
        }
        for (authorizer, member) in self.0.iter().enumerate() {
            if let Some(reason) = member.allows(request) {
                return Verdict { effect: Effect::Allow, reason, authorizer };
            }
        }
        Verdict { effect: Effect::NoOpinion, reason: Reason::NoOpinion, authorizer: 0 }
    }

    /// The reason in Kubernetes' words: that of the authorizer that decided alone, or, where none
    /// did, `name: reason` of each that gave one, a line each.
    pub(crate) fn reason_text(&self, verdict: Verdict, request: &Attributes<'_>) -> String {
        let nobody = User::default();
        let user = request.user.map_or(&nobody, |user| user.user());
        if verdict.reason != Reason::NoOpinion {
            let decided = self.0.get(verdict.authorizer);
            return decided.map_or_else(String::new, |member| member.reason(verdict.reason, user));
        }
        let reasons = self.0.iter().filter_map(|member| {
            let reason = member.no_opinion(user, request);
            (!reason.is_empty()).then(|| format!("{}: {reason}", member.mode().authorizer_name()))
        });
        reasons.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        let mut rules = Rules::default();
        for member in &self.0 {
            member.rules_for(user, namespace, &mut rules);
        }
        rules
    }

    /// Fills in everything but the revision.
    pub(crate) fn explain(&self, request: &Attributes<'_>) -> Explanation {
        let verdict = self.authorize(request);
        let mut explanation = Explanation::new(verdict.effect, self.reason_text(verdict, request));
        if verdict.reason == Reason::PrivilegedGroup {
            explanation.paths.push(Path {
                authorizer: PRIVILEGED_GROUP,
                subject: format!("Group {:?}", groups::MASTERS),
                rule: "everything".to_owned(),
                decides: true,
                ..Path::default()
            });
        }
        for (index, member) in self.0.iter().enumerate() {
            let (effect, reason) = answer(member, request);
            let authorizer = member.mode().authorizer_name();
            explanation.answers.push(Answer { authorizer, effect: effect.into(), reason });
            let before = explanation.paths.len();
            member.explain(request, &mut explanation);
            let decided = verdict.effect.is_allowed()
                && verdict.reason != Reason::PrivilegedGroup
                && verdict.authorizer == index;
            if let Some(path) = explanation.paths.get_mut(before).filter(|_| decided) {
                path.decides = true;
            }
        }
        if verdict.effect.is_allowed() {
            explanation.misses.clear();
        }
        explanation
    }
}

/// Kubernetes' name of the authorizer before the chain.
const PRIVILEGED_GROUP: &str = "kubernetes.io/system-privileged-group";

//! Authorizers in order: the first Allow or Deny ends it; no opinion goes on to the next.
//!
//! Follows apiserver's `pkg/authorization/union`. Before the chain, members of `system:masters` are
//! allowed everything (`kubernetes.io/system-privileged-group`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use verdikt_compiler::Rules;
use verdikt_compiler::who_can::{Asked, Scope, Subject};
use verdikt_core::{Attributes, Effect, Reason, User, groups};

use super::{Authorizer, Said, WebhookAuthorizer, answer};
use crate::events::Changed;
use crate::explanation::{Answer, Explanation, Path};
use crate::metrics::Decisions;
use crate::objects::Objects;
use crate::who_can::{Found, Grant};

/// The authorizers of a snapshot. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    members: Vec<Authorizer>,
    /// Where the decisions of each are counted.
    counts: Vec<Decisions>,
}

/// What was decided and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) effect: Effect,
    pub(crate) reason: Reason,
    /// Index of the authorizer that decided; not used where none did.
    authorizer: usize,
    /// What was said in words, which cannot be said again later; nearly always none.
    notes: Notes,
}

/// Words of one authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    /// Its index; none for the one before the chain.
    authorizer: Option<usize>,
    reason: String,
    error: Option<String>,
}

impl Chain {
    /// A chain whose decisions are counted in `counts`, one for each member.
    pub(crate) fn new(members: Vec<Authorizer>, counts: Vec<Decisions>) -> Self {
        Self { members, counts }
    }

    /// The same chain, with other states of what events change.
    pub(crate) fn with(&self, changed: &Changed) -> Self {
        let replaced = self.members.iter().map(|member| match (member, changed) {
            (Authorizer::Node(_), Changed { nodes: Some(index), .. }) => {
                Authorizer::Node(Arc::clone(index))
            }
            (Authorizer::Rbac(_), Changed { rbac: Some(table), .. }) => {
                Authorizer::Rbac(Arc::clone(table))
            }
            (other, _) => other.clone(),
        });
        Self { members: replaced.collect(), counts: self.counts.clone() }
    }

    /// Bytes the tables take on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.members.iter().map(Authorizer::heap_bytes).sum()
    }

    /// Decides. Allocates nothing, unless a webhook is asked; and waits for nothing else.
    #[inline]
    pub(crate) fn authorize(&self, request: &Attributes<'_>) -> Verdict {
        self.decide(request, |_, webhook| webhook.authorize(request))
    }

    /// Decides; webhooks are asked through `ask`, with their index.
    #[inline]
    fn decide(
        &self,
        request: &Attributes<'_>,
        mut ask: impl FnMut(usize, &WebhookAuthorizer) -> Said,
    ) -> Verdict {
        let mut notes = None;
        match request.user {
            Some(user) if user.is_in(groups::MASTERS) => {
                return Verdict::of(Effect::Allow, Reason::PrivilegedGroup, 0);
            }
            Some(_) => {}
            None => note(&mut notes, Note::no_user()),
        }
        for (authorizer, member) in self.members.iter().enumerate() {
            let verdict = match member {
                Authorizer::Webhook(webhook) => {
                    verdict_of(ask(authorizer, webhook), authorizer, &mut notes)
                }
                member => member
                    .allows(request)
                    .map(|reason| Verdict::of(Effect::Allow, reason, authorizer)),
            };
            if let Some(verdict) = verdict {
                self.count(&verdict);
                return verdict;
            }
        }
        Verdict { notes, ..Verdict::of(Effect::NoOpinion, Reason::NoOpinion, 0) }
    }

    #[inline]
    fn count(&self, verdict: &Verdict) {
        if let Some(decisions) = self.counts.get(verdict.authorizer) {
            decisions.count(verdict.effect);
        }
    }

    /// The reason in Kubernetes' words: that of the authorizer that decided alone, or, where none
    /// did, `name: reason` of each that gave one, a line each.
    pub(crate) fn reason_text(&self, verdict: &Verdict, request: &Attributes<'_>) -> String {
        let nobody = User::default();
        let user = request.user.map_or(&nobody, |user| user.user());
        let noted = |authorizer| verdict.notes().find(|note| note.authorizer == authorizer);
        if verdict.reason != Reason::NoOpinion {
            if let Some(note) = noted(Some(verdict.authorizer)) {
                return note.reason.clone();
            }
            let decided = self.members.get(verdict.authorizer);
            return decided.map_or_else(String::new, |member| member.reason(verdict.reason, user));
        }
        let before = noted(None).map(|note| format!("{PRIVILEGED_GROUP}: {}", note.reason));
        let members = self.members.iter().enumerate().filter_map(|(index, member)| {
            let reason = match noted(Some(index)) {
                Some(note) => note.reason.clone(),
                None => member.no_opinion(user, request),
            };
            (!reason.is_empty()).then(|| format!("{}: {reason}", member.name()))
        });
        before.into_iter().chain(members).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        let mut rules = Rules::default();
        for member in &self.members {
            member.rules_for(user, namespace, &mut rules);
        }
        rules
    }

    /// Everyone who may do what is asked; of webhooks, that they cannot say.
    pub(crate) fn who_can(&self, request: &Attributes<'_>, asked: Asked) -> Found {
        let mut found = Found::default();
        let everything = Grant::new(PRIVILEGED_GROUP, Scope::Everywhere, "everything");
        found.add(Subject::group(groups::MASTERS), everything);
        for member in &self.members {
            member.who_can(request, asked, &mut found);
        }
        found
    }

    /// To which objects the user of a request may do what is asked.
    pub(crate) fn objects(&self, request: &Attributes<'_>) -> Objects {
        let mut found = Objects::default();
        if request.user.is_some_and(|user| user.is_in(groups::MASTERS)) {
            found.add(Scope::Everywhere, None);
            return found;
        }
        for member in &self.members {
            member.objects(request, &mut found);
        }
        found
    }

    /// The verbs that rules name.
    pub(crate) fn verbs(&self) -> BTreeSet<&str> {
        let tables = self.members.iter().filter_map(|member| match member {
            Authorizer::Rbac(table) => Some(table),
            _ => None,
        });
        tables.flat_map(|table| table.verbs()).filter(|verb| *verb != "*").collect()
    }

    /// Fills in everything but the revision.
    pub(crate) fn explain(&self, request: &Attributes<'_>) -> Explanation {
        // Whatever the decision needs of a webhook, the explanation needs as well; it is asked once.
        let mut all_said: BTreeMap<usize, Said> = BTreeMap::new();
        let mut ask = |index, webhook: &WebhookAuthorizer| {
            all_said.entry(index).or_insert_with(|| webhook.authorize(request)).clone()
        };
        let verdict = self.decide(request, &mut ask);
        let mut explanation = Explanation::new(verdict.effect, self.reason_text(&verdict, request));
        if verdict.reason == Reason::PrivilegedGroup {
            explanation.paths.push(Path {
                authorizer: PRIVILEGED_GROUP.into(),
                subject: format!("Group {:?}", groups::MASTERS),
                rule: "everything".to_owned(),
                decides: true,
                ..Path::default()
            });
        }
        for (index, member) in self.members.iter().enumerate() {
            let (effect, reason) = match member {
                Authorizer::Webhook(webhook) => {
                    let said = ask(index, webhook);
                    (said.effect, said.error.unwrap_or(said.reason))
                }
                member => answer(member, request),
            };
            let authorizer = member.name().to_owned().into();
            explanation.answers.push(Answer { authorizer, effect: effect.into(), reason });
            let before = explanation.paths.len();
            member.explain(request, &mut explanation);
            if matches!(member, Authorizer::Webhook(_)) && effect == Effect::Allow {
                let authorizer = member.name().to_owned().into();
                let rule = "the answer of the webhook".to_owned();
                explanation.paths.push(Path { authorizer, rule, ..Path::default() });
            }
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

impl Verdict {
    #[inline]
    fn of(effect: Effect, reason: Reason, authorizer: usize) -> Self {
        Self { effect, reason, authorizer, notes: None }
    }

    /// What went wrong on the way, as Kubernetes joins errors: one bare, several as `[a, b]`, each text
    /// once.
    pub(crate) fn error(&self) -> Option<String> {
        let errors = self.notes().filter_map(|note| note.error.clone()).collect();
        Rules { errors, ..Rules::default() }.evaluation_error()
    }

    pub(crate) fn has_error(&self) -> bool {
        self.notes().any(|note| note.error.is_some())
    }

    fn notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().flat_map(|notes| notes.iter())
    }
}

impl Note {
    /// What the authorizer before the chain says of a request that is nobody's.
    fn no_user() -> Self {
        let error = Some("no user on request.".to_owned());
        Self { authorizer: None, reason: "Error".to_owned(), error }
    }
}

/// What a webhook decides; if it has no opinion, its words are noted.
#[cold]
fn verdict_of(said: Said, authorizer: usize, notes: &mut Notes) -> Option<Verdict> {
    let words = Note { authorizer: Some(authorizer), reason: said.reason, error: said.error };
    if said.effect == Effect::NoOpinion {
        note(notes, words);
        return None;
    }
    // What others said before does not count any more.
    let notes = Some(Box::new(vec![words]));
    Some(Verdict { notes, ..Verdict::of(said.effect, Reason::Webhook, authorizer) })
}

#[cold]
fn note(notes: &mut Notes, words: Note) {
    notes.get_or_insert_default().push(words);
}

/// Boxed to be one word, since it is passed around with every decision.
type Notes = Option<Box<Vec<Note>>>;

/// Kubernetes' name of the authorizer before the chain.
const PRIVILEGED_GROUP: &str = "kubernetes.io/system-privileged-group";

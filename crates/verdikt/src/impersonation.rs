//! Impersonation, with the authorizers of one snapshot.

use verdikt_authn::impersonation::{Answer, Gate, Impersonated, Refusal, impersonate};
use verdikt_core::Attributes;

use crate::Engine;
use crate::metrics::{Attempt, mode};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Who the request is to be answered as, according to its `Impersonate-…` headers, each of which
    /// the authorizers must allow; none if there are none. `request` is the request itself, with the
    /// user that was authenticated.
    ///
    /// # Errors
    /// If the headers make no sense, or the user may not impersonate whom they name.
    pub fn impersonate<'h>(
        &self,
        request: &Attributes<'_>,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Option<Impersonated>, Refusal> {
        if self.impersonation == Gate::Legacy {
            return impersonate(Gate::Legacy, request, headers, &|question| self.answer(question));
        }
        let attempt = Attempt::new(&self.metrics);
        let ask =
            |question: &Attributes<'_>| attempt.timed(question.verb, || self.answer(question));
        let impersonated = impersonate(self.impersonation, request, headers, &ask);
        match &impersonated {
            Ok(Some(Impersonated { constraint, .. })) => attempt.ended(mode(constraint), true),
            Err(Refusal::Forbidden(_)) => attempt.ended("", false),
            _ => {}
        }
        impersonated
    }

    fn answer(&self, question: &Attributes<'_>) -> Answer {
        let verdict = self.verdict(question);
        let allowed = verdict.effect.is_allowed();
        let reason = match allowed {
            true => String::new(),
            false => self.authorizers.reason_text(&verdict, question),
        };
        Answer { allowed, reason, error: verdict.error() }
    }
}

impl Engine {
    /// [`Snapshot::impersonate`] with the policy as it is now. A request that is also decided about
    /// should ask one [`Engine::snapshot`] for both.
    ///
    /// # Errors
    /// As there.
    pub fn impersonate<'h>(
        &self,
        request: &Attributes<'_>,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Option<Impersonated>, Refusal> {
        self.0.current.load().impersonate(request, headers)
    }
}

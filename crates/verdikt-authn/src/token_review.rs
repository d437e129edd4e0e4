//! Asks somebody else whose a token is, and remembers for a while what was said.
//!
//! Follows apiserver's `plugin/pkg/authenticator/token/webhook/webhook.go` and `newWebhookTokenAuthenticator` of
//! `pkg/kubeapiserver/authenticator/config.go`: answers are kept, good and bad ones for as long; errors are not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use verdikt_core::metrics::Metrics;
use verdikt_core::{HashKey, Identity, User};

use crate::cache::{CacheOptions, TokenCache};
use crate::outcome::on_one_line;
use crate::time::{Clock, Moment};
use crate::token::{Accepted, TokenAuthenticator, Verdict, intersect};
use crate::{Authenticated, Error, Method, Outcome};

/// Whoever can be sent a TokenReview. Implementations bound how long that takes, and how many are under
/// way.
pub trait Reviewer: fmt::Debug + Send + Sync {
    /// What is said of a token that is to be good for one of these audiences; for any, if there are none.
    ///
    /// # Errors
    /// Why there is no answer that can be used.
    fn review(&self, token: &str, audiences: &[String]) -> Result<Status, String>;
}

/// What a TokenReview says: `k8s.io/api/authentication/v1.TokenReviewStatus`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether it is known whose the token is.
    pub authenticated: bool,
    /// Whose it is.
    pub user: User,
    /// The requested audiences it is meant for; those of the server if nothing is said.
    pub audiences: Vec<String>,
    /// Why it is nobody's; empty if there is nothing to say.
    pub error: String,
}

/// The authenticator that asks. Clones share what is remembered.
#[derive(Clone, Debug)]
pub struct TokenReviews(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    reviewer: Box<dyn Reviewer>,
    api_audiences: Vec<String>,
    cache: TokenCache,
    key: HashKey,
    clock: Clock,
}

impl TokenReviews {
    /// Asks `reviewer`, and remembers its answers for `ttl`; not at all if that is zero. What it says of no
    /// audiences is meant for the server's own. What is found in the cache is counted in
    /// `metrics`.
    pub fn new(
        reviewer: impl Reviewer + 'static,
        api_audiences: &[String],
        ttl: Duration,
        key: &HashKey,
        metrics: &Metrics,
    ) -> Self {
        let clock = Clock::default();
        let options =
            CacheOptions { success_ttl: ttl, failure_ttl: ttl, ..CacheOptions::default() };
        Self(Arc::new(Shared {
            reviewer: Box::new(reviewer),
            api_audiences: api_audiences.to_vec(),
            cache: TokenCache::new(options, &clock, metrics),
            key: key.clone(),
            clock,
        }))
    }
}

impl TokenAuthenticator for TokenReviews {
    fn method(&self) -> Method {
        Method::TokenWebhook
    }

    fn authenticate(&self, token: &str, requested: &[String]) -> Verdict {
        let shared = &*self.0;
        match shared.cache.get(token.as_bytes(), requested, || shared.ask(token, requested)) {
            Outcome::NoOpinion => Ok(None),
            Outcome::Failed(error) => Err(error),
            Outcome::Authenticated(who) => Ok(Some(Accepted {
                user: who.user().clone(),
                audiences: who.audiences().to_vec(),
                until: None,
            })),
        }
    }
}

impl Shared {
    /// The answer, and until when it may be kept: an error not at all.
    fn ask(&self, token: &str, requested: &[String]) -> (Outcome, Option<Moment>) {
        let failed = |message: String| {
            let error = Error::new(Method::TokenWebhook.name(), on_one_line(message));
            (Outcome::Failed(error), Some(self.clock.now()))
        };
        match self.reviewer.review(token, requested) {
            Err(message) => {
                let message = on_one_line(message);
                tracing::error!("Failed to make webhook authenticator request: {message}");
                failed(message)
            }
            Ok(status) => match self.judge(status, requested) {
                Ok(Some(who)) => (Outcome::Authenticated(who), None),
                Ok(None) => (Outcome::NoOpinion, None),
                Err(message) => failed(message),
            },
        }
    }

    /// What an answer comes to. The audiences are looked at before anything else.
    fn judge(&self, status: Status, requested: &[String]) -> Result<Option<Authenticated>, String> {
        let audiences = match status.audiences.as_slice() {
            _ if requested.is_empty() => Vec::new(),
            [] => intersect(requested, &self.api_audiences),
            said => intersect(requested, said),
        };
        if audiences.is_empty() && !requested.is_empty() {
            return Ok(None);
        }
        match (status.authenticated, status.error) {
            (true, _) => {
                let identity = Arc::new(Identity::new(status.user, &self.key));
                let who = Authenticated::new(identity, Method::TokenWebhook);
                let audiences = (!audiences.is_empty()).then(|| audiences.into());
                Ok(Some(who.with_audiences(audiences)))
            }
            (false, error) if error.is_empty() => Ok(None),
            (false, error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// Says what it was told to, and counts.
    #[derive(Clone, Debug, Default)]
    struct Told(Arc<Mutex<Answers>>);

    #[derive(Debug, Default)]
    struct Answers {
        left: VecDeque<Result<Status, String>>,
        asked: usize,
    }

    impl Reviewer for Told {
        fn review(&self, _: &str, _: &[String]) -> Result<Status, String> {
            let mut told = self.0.lock().unwrap();
            told.asked += 1;
            told.left.pop_front().unwrap_or_else(|| Ok(Status::default()))
        }
    }

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|&text| text.to_owned()).collect()
    }

    fn reviews(ttl: u64, answers: Vec<Result<Status, String>>) -> (TokenReviews, Told) {
        let told = Told::default();
        told.0.lock().unwrap().left = answers.into();
        let (ttl, key) = (Duration::from_secs(ttl), HashKey::random());
        (
            TokenReviews::new(told.clone(), &texts(&["api", "b"]), ttl, &key, &Metrics::default()),
            told,
        )
    }

    fn good(audiences: &[&str]) -> Status {
        let user = User::new("jane", ["g"]);
        Status { authenticated: true, user, audiences: texts(audiences), error: String::new() }
    }

    /// The name and the audiences, `-` for no opinion, or the error.
    fn said(verdict: Verdict) -> String {
        match verdict {
            Ok(None) => "-".to_owned(),
            Ok(Some(who)) => format!("{} {}", who.user.name, who.audiences.join(",")),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn audiences_are_held_against_what_was_asked_for() {
        let error = |text: &str| Status { error: text.to_owned(), ..Status::default() };
        for (answer, requested, expected) in [
            (good(&[]), texts(&[]), "jane "),
            (good(&["x"]), texts(&[]), "jane "),
            (good(&[]), texts(&["b", "c"]), "jane b"),
            (good(&[]), texts(&["c"]), "-"),
            (good(&["c", "x", "b", "c"]), texts(&["b", "c"]), "jane c,b,c"),
            (good(&["x"]), texts(&["b"]), "-"),
            // Upstream looks at audiences first, and at the error only then.
            (error("no good"), texts(&["c"]), "-"),
            (error("no good"), texts(&["b"]), "no good"),
            (error("two\nlines"), texts(&[]), "two\\nlines"),
            (Status { error: "odd".to_owned(), ..good(&[]) }, texts(&[]), "jane "),
            (Status::default(), texts(&[]), "-"),
        ] {
            let (reviews, _) = reviews(0, vec![Ok(answer.clone())]);
            let found = said(reviews.authenticate("token", &requested));
            assert_eq!(found, expected, "{answer:?} {requested:?}");
        }
    }

    #[test]
    fn answers_are_kept_and_errors_are_not() {
        let error = Status { error: "no good".to_owned(), ..Status::default() };
        for (ttl, answer, asked) in [
            (120, Ok(good(&[])), 1),
            (120, Ok(Status::default()), 1),
            (120, Ok(error), 2),
            (120, Err("gone".to_owned()), 2),
            (0, Ok(good(&[])), 2),
        ] {
            let (reviews, told) = reviews(ttl, vec![answer.clone(), answer.clone()]);
            let first = said(reviews.authenticate("token", &[]));
            assert_eq!(said(reviews.clone().authenticate("token", &[])), first);
            assert_eq!(told.0.lock().unwrap().asked, asked, "{answer:?}");
        }
    }
}

//! The authenticators in Kubernetes' order.
//!
//! Follows `pkg/kubeapiserver/authenticator/config.go` and apiserver's `pkg/authentication/request/union`:
//! the first success wins, errors are kept while others are asked; but anonymous access is only for
//! requests on which nobody had an error.

use std::sync::Arc;

use verdikt_core::{Credentials, HashKey};
use verdikt_parser::{Diagnostic, basic_file, token_file};

use crate::anonymous::Anonymous;
use crate::basic_file::BasicFile;
use crate::cache::CacheOptions;
use crate::time::Clock;
use crate::token::TokenAuthenticator;
use crate::token_file::TokenFile;
use crate::token_stack::TokenStack;
use crate::{Error, Method, Outcome, bearer, group_adder};

/// All authenticators of a policy.
#[derive(Debug, Default)]
pub struct Chain {
    basic: Option<BasicFile>,
    tokens: TokenStack,
    anonymous: Option<Anonymous>,
}

/// Says which authenticators there are.
#[derive(Debug)]
pub struct ChainBuilder<'k> {
    key: &'k HashKey,
    chain: Chain,
    api_audiences: Vec<String>,
    cache: CacheOptions,
    clock: Clock,
    found: Vec<Diagnostic>,
}

impl Chain {
    /// Begins with no authenticators. Subjects are resolved under `key`.
    pub fn builder(key: &HashKey) -> ChainBuilder<'_> {
        ChainBuilder {
            key,
            chain: Self::default(),
            api_audiences: Vec::new(),
            cache: CacheOptions::default(),
            clock: Clock::default(),
            found: Vec::new(),
        }
    }

    /// Who the credentials belong to. No opinion means that none were brought that anybody knows, and
    /// that some are needed.
    #[inline]
    pub fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        match self.with_credential(credentials) {
            Outcome::NoOpinion => match &self.anonymous {
                Some(anonymous) => Outcome::Authenticated(anonymous.authenticate()),
                None => Outcome::NoOpinion,
            },
            outcome => outcome,
        }
    }

    /// The names of the authenticators, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let basic = self.basic.iter().map(|_| Method::BasicFile);
        let anonymous = self.anonymous.iter().map(|_| Method::Anonymous);
        basic.chain(self.tokens.methods()).chain(anonymous).map(Method::name).collect()
    }

    fn with_credential(&self, credentials: &Credentials<'_>) -> Outcome {
        let basic = match (&self.basic, credentials.authorization) {
            (Some(basic), Some(header)) => basic.authenticate(header),
            _ => Outcome::NoOpinion,
        };
        let failed = match basic {
            Outcome::NoOpinion => return self.with_token(credentials),
            Outcome::Failed(error) => error,
            authenticated => return authenticated,
        };
        match self.with_token(credentials) {
            Outcome::NoOpinion => Outcome::Failed(failed),
            Outcome::Failed(error) => Outcome::Failed(failed.and(error)),
            authenticated => authenticated,
        }
    }

    /// A bearer token that nobody knows is an error, so that it does not pass for anonymous.
    fn with_token(&self, credentials: &Credentials<'_>) -> Outcome {
        let token = match credentials.token {
            Some(token) => Some(token.as_bytes()),
            None => credentials.authorization.and_then(bearer::token),
        };
        let Some(token) = token.filter(|_| !self.tokens.is_empty()) else {
            return Outcome::NoOpinion;
        };
        match self.tokens.authenticate(token, credentials.audiences) {
            Outcome::NoOpinion => Outcome::Failed(Error::new("bearer", INVALID_BEARER_TOKEN)),
            outcome => outcome,
        }
    }
}

impl ChainBuilder<'_> {
    /// Adds the static token file called `name`.
    #[must_use]
    pub fn token_file(mut self, name: &str, records: Vec<token_file::Record>) -> Self {
        let (file, found) = TokenFile::with_users(name, records, self.key, group_adder::add);
        self.chain.tokens.file = Some(file);
        self.found.extend(found);
        self
    }

    /// Adds the basic-auth file called `name`.
    #[must_use]
    pub fn basic_file(mut self, name: &str, records: Vec<basic_file::Record>) -> Self {
        let (file, found) = BasicFile::with_users(name, records, self.key, group_adder::add);
        self.chain.basic = Some(file);
        self.found.extend(found);
        self
    }

    /// Adds an authenticator of tokens; those that are asked first come first, in whatever order they are
    /// added.
    #[must_use]
    pub fn tokens(mut self, authenticator: impl TokenAuthenticator + 'static) -> Self {
        self.chain.tokens.slow.push(Arc::new(authenticator));
        self
    }

    /// The server's audiences: those that tokens and requests mean which say none.
    #[must_use]
    pub fn api_audiences(self, api_audiences: Vec<String>) -> Self {
        Self { api_audiences, ..self }
    }

    /// For how long it is remembered what was said of a token.
    #[must_use]
    pub fn cache(self, cache: CacheOptions) -> Self {
        Self { cache, ..self }
    }

    /// What time it is.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Whether requests without credentials are anonymous; they are refused otherwise.
    #[must_use]
    pub fn anonymous(mut self, anonymous: bool) -> Self {
        self.chain.anonymous = anonymous.then(|| Anonymous::new(self.key));
        self
    }

    /// The chain, and what was found wrong with the files.
    pub fn build(mut self) -> (Chain, Vec<Diagnostic>) {
        self.chain.tokens.finish(self.key, self.api_audiences, self.cache, &self.clock);
        (self.chain, self.found)
    }
}

const INVALID_BEARER_TOKEN: &str = "invalid bearer token";

#[cfg(test)]
mod tests {
    use verdikt_core::{Secret, User};

    use super::*;

    fn chain(anonymous: bool) -> Chain {
        let user = |name: &str| User::new(name, ["g"]);
        let token = Secret::new(*b"abc");
        let password = Secret::new(*b"pw");
        Chain::builder(&HashKey::random())
            .token_file("t", vec![token_file::Record { token, user: user("jane"), line: 1 }])
            .basic_file("p", vec![basic_file::Record { password, user: user("joe"), line: 1 }])
            .anonymous(anonymous)
            .build()
            .0
    }

    fn answer(chain: &Chain, header: Option<&str>) -> String {
        let credentials = match header {
            Some(header) => Credentials::authorization(header.as_bytes()),
            None => Credentials::none(),
        };
        match chain.authenticate(&credentials) {
            Outcome::Authenticated(authenticated) => {
                format!("{} {}", authenticated.user().name, authenticated.user().groups.join(","))
            }
            Outcome::NoOpinion => "no opinion".to_owned(),
            Outcome::Failed(error) => error.to_string(),
        }
    }

    #[test]
    fn anonymous_is_for_requests_without_a_known_credential() {
        let anonymous = "system:anonymous system:unauthenticated";
        for (header, expected) in [
            (Some("Bearer abc"), "jane g,system:authenticated"),
            (Some("Basic am9lOnB3"), "joe g,system:authenticated"),
            (Some("Bearer wrong"), "invalid bearer token"),
            (Some("Basic am9lOng="), "invalid username/password combination"),
            (Some("Negotiate abc"), anonymous),
            (Some("Bearer"), anonymous),
            (None, anonymous),
        ] {
            assert_eq!(answer(&chain(true), header), expected, "{header:?}");
        }
        assert_eq!(answer(&chain(false), None), "no opinion");
        assert_eq!(answer(&chain(false), Some("Negotiate abc")), "no opinion");
    }

    #[test]
    fn credentials_nobody_is_there_for_are_no_opinion() {
        let (chain, _) = Chain::builder(&HashKey::random()).anonymous(true).build();
        let anonymous = "system:anonymous system:unauthenticated";
        assert_eq!(answer(&chain, Some("Bearer abc")), anonymous);
        assert_eq!(answer(&chain, Some("Basic am9lOnB3")), anonymous);
    }

    #[test]
    fn a_token_may_come_without_a_header() {
        let outcome = chain(false).authenticate(&Credentials::bearer("abc"));
        assert!(matches!(outcome, Outcome::Authenticated(who) if who.user().name == "jane"));
    }

    #[test]
    fn errors_are_joined_as_kubernetes_joins_them() {
        let error = Error::new("a", "x").and(Error::new("b", "y")).and(Error::new("c", "x"));
        assert_eq!(error.to_string(), "[x, y]");
        assert_eq!(Error::new("a", "x").and(Error::new("b", "x")).to_string(), "x");
    }
}

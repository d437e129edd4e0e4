//! The authenticators in Kubernetes' order.
//!
//! Follows `pkg/kubeapiserver/authenticator/config.go` and apiserver's `pkg/authentication/request/union`:
//! the first success wins, errors are kept while others are asked; but anonymous access is only for
//! requests on which nobody had an error.

use std::sync::Arc;
use std::time::SystemTime;

use verdikt_core::metrics::Metrics;
use verdikt_core::{Credentials, HashKey, Peer};
use verdikt_parser::{Diagnostic, basic_file, token_file};

use crate::anonymous::Anonymous;
use crate::basic_file::BasicFile;
use crate::cache::CacheOptions;
use crate::front_proxy::FrontProxy;
use crate::time::Clock;
use crate::token::TokenAuthenticator;
use crate::token_file::TokenFile;
use crate::token_stack::TokenStack;
use crate::web_socket::Found;
use crate::x509::{ClientCertificates, Now, ParseError, Trust, TrustError};
use crate::{Error, Method, Outcome, bearer, group_adder, web_socket};

/// All authenticators of a policy.
#[derive(Debug, Default)]
pub struct Chain {
    proxy: Option<FrontProxy>,
    basic: Option<BasicFile>,
    certificates: Option<ClientCertificates>,
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
    metrics: Metrics,
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
            metrics: Metrics::default(),
            found: Vec::new(),
        }
    }

    /// Who the credentials belong to. No opinion means that none were brought that anybody knows, and
    /// that some are needed.
    #[inline]
    pub fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        match self.with_credential(credentials) {
            Outcome::NoOpinion => match &self.anonymous {
                // A token that is asked about is nobody's, rather than anybody's.
                Some(anonymous) if credentials.token.is_none() => {
                    let who = anonymous.authenticate(credentials.path);
                    who.map_or(Outcome::NoOpinion, Outcome::Authenticated)
                }
                _ => Outcome::NoOpinion,
            },
            outcome => outcome,
        }
    }

    /// What to tell whoever sent these credentials, whatever comes of them, in a `Warning` header.
    pub fn warning(&self, credentials: &Credentials<'_>) -> Option<&'static str> {
        let is_meant =
            !self.tokens.is_empty() && bearer::has_extra_space(credentials.authorization?);
        is_meant.then_some(bearer::EXTRA_SPACE)
    }

    /// What a 401 has in `WWW-Authenticate`, so that browsers ask for a password; only servers with a
    /// basic-auth file challenge anyone, as Kubernetes did up to 1.18.
    pub fn challenge(&self) -> Option<&'static str> {
        self.basic.as_ref().map(|_| BASIC_REALM)
    }

    /// The names of the authenticators, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let proxy = self.proxy.iter().map(|_| Method::FrontProxy);
        let basic = self.basic.iter().map(|_| Method::BasicFile);
        let certificates = self.certificates.iter().map(|_| Method::ClientCertificate);
        let anonymous = self.anonymous.iter().map(|_| Method::Anonymous);
        let in_headers = proxy.chain(basic).chain(certificates);
        in_headers.chain(self.tokens.methods()).chain(anonymous).map(Method::name).collect()
    }

    /// Whether a header is a credential, or speaks for an authenticating proxy: once a request has been
    /// authenticated, by whomever, such headers are taken off before it goes on. Those usual for
    /// proxies are always among them, so that nobody further on believes what a client wrote there.
    pub fn removes_header(&self, name: &str) -> bool {
        const USUAL: [&str; 4] =
            ["authorization", "x-remote-user", "x-remote-uid", "x-remote-group"];
        let is_extra = name
            .split_at_checked(USUAL_EXTRA.len())
            .is_some_and(|(start, _)| start.eq_ignore_ascii_case(USUAL_EXTRA));
        is_extra
            || USUAL.iter().any(|usual| name.eq_ignore_ascii_case(usual))
            || self.proxy.as_ref().is_some_and(|proxy| proxy.headers().contain(name))
    }

    /// Whether clients are to be asked for certificates.
    pub fn wants_certificates(&self) -> bool {
        self.proxy.is_some() || self.certificates.is_some()
    }

    /// Whether an authority of clients, or of authenticating proxies, vouches for what a client shows.
    ///
    /// # Errors
    /// Why the one that was asked last does not.
    pub fn vouches_for(&self, peer: &Peer) -> Result<(), TrustError> {
        let now = Now::of(SystemTime::now());
        let by_proxies = self.proxy.as_ref().map(|proxy| proxy.vouches_for(peer, now));
        if let Some(Ok(())) = by_proxies {
            return Ok(());
        }
        let by_clients = self.certificates.as_ref().map(|member| member.vouches_for(peer, now));
        let nobody = || Err(TrustError::Parse(ParseError::from("no authority to ask")));
        by_clients.or(by_proxies).unwrap_or_else(nobody)
    }

    /// The subjects of all authorities whose certificates are looked for, in DER.
    pub fn certificate_authorities(&self) -> impl Iterator<Item = &[u8]> {
        let of_clients = self.certificates.iter().flat_map(|member| member.trust().subjects());
        let of_proxies = self.proxy.iter().flat_map(|member| member.trust().subjects());
        of_clients.chain(of_proxies)
    }

    fn with_credential(&self, credentials: &Credentials<'_>) -> Outcome {
        if let Some(token) = credentials.token {
            return self.with_token(token.as_bytes(), credentials.audiences, "bearer");
        }
        let mut failed: Option<Error> = None;
        // Only whoever is there is asked: even an answer of no opinion takes its nanoseconds.
        let members: [(bool, Ask); 5] = [
            (self.proxy.is_some(), Self::with_proxy),
            (self.basic.is_some(), Self::with_basic),
            (self.certificates.is_some(), Self::with_certificate),
            (credentials.authorization.is_some(), Self::with_bearer),
            (!credentials.web_socket_protocols.is_empty(), Self::with_web_socket),
        ];
        for (_, ask) in members.into_iter().filter(|&(is_there, _)| is_there) {
            match ask(self, credentials) {
                Outcome::NoOpinion => {}
                Outcome::Failed(error) => {
                    failed = Some(match failed {
                        Some(before) => before.and(error),
                        None => error,
                    });
                }
                authenticated => return authenticated,
            }
        }
        failed.map_or(Outcome::NoOpinion, Outcome::Failed)
    }

    fn with_proxy(&self, credentials: &Credentials<'_>) -> Outcome {
        let (Some(proxy), Some(_)) = (&self.proxy, credentials.peer) else {
            return Outcome::NoOpinion;
        };
        let Some(audiences) = self.tokens.implied_audiences(credentials.audiences) else {
            return Outcome::NoOpinion;
        };
        match proxy.authenticate(credentials, Now::of(SystemTime::now())) {
            Outcome::Authenticated(who) => Outcome::Authenticated(who.with_audiences(audiences)),
            other => other,
        }
    }

    fn with_basic(&self, credentials: &Credentials<'_>) -> Outcome {
        match (&self.basic, credentials.authorization) {
            (Some(basic), Some(header)) => basic.authenticate(header),
            _ => Outcome::NoOpinion,
        }
    }

    fn with_certificate(&self, credentials: &Credentials<'_>) -> Outcome {
        match (&self.certificates, credentials.peer) {
            (Some(certificates), Some(peer)) => {
                certificates.authenticate(Some(peer), Now::of(SystemTime::now()))
            }
            _ => Outcome::NoOpinion,
        }
    }

    fn with_bearer(&self, credentials: &Credentials<'_>) -> Outcome {
        match credentials.authorization.and_then(bearer::token) {
            Some(token) => self.with_token(token, credentials.audiences, "bearer"),
            None => Outcome::NoOpinion,
        }
    }

    /// Follows apiserver's `pkg/authentication/request/websocket`.
    fn with_web_socket(&self, credentials: &Credentials<'_>) -> Outcome {
        if credentials.web_socket_protocols.is_empty() || self.tokens.is_empty() {
            return Outcome::NoOpinion;
        }
        let Found { token, others } = match web_socket::token(credentials.web_socket_protocols) {
            Ok(None) => return Outcome::NoOpinion,
            Err(message) => return Outcome::Failed(Error::new("websocket", message)),
            Ok(Some(found)) => found,
        };
        match self.with_token(token.as_bytes(), credentials.audiences, "websocket") {
            Outcome::Authenticated(who) => {
                Outcome::Authenticated(who.with_web_socket_protocols(others))
            }
            outcome => outcome,
        }
    }

    /// A bearer token that nobody knows is an error, so that it does not pass for anonymous.
    fn with_token(&self, token: &[u8], audiences: &[String], carrier: &'static str) -> Outcome {
        if token.is_empty() || self.tokens.is_empty() {
            return Outcome::NoOpinion;
        }
        match self.tokens.authenticate(token, audiences) {
            Outcome::NoOpinion => Outcome::Failed(Error::new(carrier, INVALID_BEARER_TOKEN)),
            outcome => outcome,
        }
    }
}

impl ChainBuilder<'_> {
    /// Adds an authenticating proxy.
    #[must_use]
    pub fn front_proxy(mut self, proxy: FrontProxy) -> Self {
        self.chain.proxy = Some(proxy.with_users(group_adder::add));
        self
    }

    /// Adds client certificates that `trust` leads to.
    #[must_use]
    pub fn client_certificates(mut self, trust: Trust) -> Self {
        let members = ClientCertificates::with_users(trust, self.key, group_adder::add);
        self.chain.certificates = Some(members);
        self
    }

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

    /// Where things are counted.
    #[must_use]
    pub fn metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Whether requests without credentials are anonymous; they are refused otherwise.
    #[must_use]
    pub fn anonymous(self, anonymous: bool) -> Self {
        self.anonymous_on(anonymous.then(Vec::new))
    }

    /// Likewise, but only requests for these paths, or for any if there are none.
    #[must_use]
    pub fn anonymous_on(mut self, paths: Option<Vec<String>>) -> Self {
        self.chain.anonymous = paths.map(|paths| Anonymous::new(self.key, paths));
        self
    }

    /// The chain, and what was found wrong with the files.
    pub fn build(mut self) -> (Chain, Vec<Diagnostic>) {
        let Self { key, api_audiences, cache, clock, metrics, .. } = self;
        self.chain.tokens.finish(key, api_audiences, cache, &clock, &metrics);
        (self.chain, self.found)
    }
}

type Ask = fn(&Chain, &Credentials<'_>) -> Outcome;

/// What headers for a proxy's extra facts usually begin with.
const USUAL_EXTRA: &str = "x-remote-extra-";
const INVALID_BEARER_TOKEN: &str = "invalid bearer token";
const BASIC_REALM: &str = "Basic realm=\"kubernetes-master\"";

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
    fn anonymous_access_may_be_for_some_paths_only() {
        let key = HashKey::random();
        let paths = Some(vec!["/healthz".to_owned()]);
        let (chain, _) = Chain::builder(&key).anonymous_on(paths).build();
        for (path, expected) in
            [("/healthz", true), ("/healthz/", false), ("/healthz/x", false), ("/", false)]
        {
            let outcome = chain.authenticate(&Credentials::none().with_path(path));
            assert_eq!(matches!(outcome, Outcome::Authenticated(_)), expected, "{path}");
        }
    }

    #[test]
    fn a_token_may_come_without_a_header() {
        let outcome = chain(false).authenticate(&Credentials::bearer("abc"));
        assert!(matches!(outcome, Outcome::Authenticated(who) if who.user().name == "jane"));
    }

    #[test]
    fn a_token_that_is_asked_about_is_never_anonymous() {
        let (none, _) = Chain::builder(&HashKey::random()).anonymous(true).build();
        for (chain, token) in [(&none, "abc"), (&none, ""), (&chain(true), "")] {
            let outcome = chain.authenticate(&Credentials::bearer(token));
            assert!(matches!(outcome, Outcome::NoOpinion), "{token}: {outcome:?}");
        }
        let header = Some("Basic am9lOnB3");
        assert_eq!(answer(&chain(true), header), "joe g,system:authenticated");
    }

    #[test]
    fn tokens_that_say_no_audience_are_meant_for_the_server() {
        let token = || token_file::Record {
            token: Secret::new(*b"abc"),
            user: User::new("jane", ["g"]),
            line: 1,
        };
        let strings = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let check = |server: &[&str], requested: &[&str], expected: Result<&[&str], &str>| {
            let (chain, _) = Chain::builder(&HashKey::random())
                .token_file("t", vec![token()])
                .api_audiences(strings(server))
                .build();
            let requested = strings(requested);
            let credentials = Credentials::bearer("abc").with_audiences(&requested);
            let found = match chain.authenticate(&credentials) {
                Outcome::Authenticated(who) => Ok(who.audiences().to_vec()),
                Outcome::NoOpinion => Err("no opinion".to_owned()),
                Outcome::Failed(error) => Err(error.to_string()),
            };
            assert_eq!(found, expected.map(strings).map_err(str::to_owned), "{requested:?}");
        };
        check(&["a", "b"], &[], Ok(&["a", "b"]));
        check(&["a", "b"], &["c", "b"], Ok(&["b"]));
        check(&["a"], &["c"], Err("invalid bearer token"));
        check(&[], &["c"], Err("invalid bearer token"));
        check(&[], &[], Ok(&[]));
    }

    #[test]
    fn a_websocket_may_bring_its_token_among_the_protocols() {
        let prefix = "base64url.bearer.authorization.k8s.io.";
        let (good, bad) = (format!("{prefix}YWJj"), format!("{prefix}eA"));
        let ask = |authorization: Option<&'static str>, header: &str| {
            let protocols = [header.as_bytes()];
            let credentials = match authorization {
                Some(value) => Credentials::authorization(value.as_bytes()),
                None => Credentials::none(),
            };
            match chain(true).authenticate(&credentials.with_web_socket_protocols(&protocols)) {
                Outcome::Authenticated(who) => {
                    let left = who.web_socket_protocols().map(String::from_utf8_lossy);
                    format!("{} {}", who.user().name, left.unwrap_or_default())
                }
                Outcome::NoOpinion => "no opinion".to_owned(),
                Outcome::Failed(error) => error.by_authenticator(),
            }
        };
        assert_eq!(ask(None, &format!("v5, {good} ,v4")), "jane v5,v4");
        assert_eq!(ask(Some("Bearer wrong"), &format!("v5,{good}")), "jane v5");
        assert_eq!(ask(Some("Bearer abc"), &format!("v5,{bad}")), "jane ");
        assert_eq!(
            ask(Some("Bearer wrong"), &format!("v5,{bad}")),
            "bearer: invalid bearer token; websocket: invalid bearer token"
        );
        assert_eq!(ask(None, &good), "websocket: missing additional subprotocol");
        assert_eq!(ask(None, "v5"), "system:anonymous ");
    }

    #[test]
    fn errors_are_joined_as_kubernetes_joins_them() {
        let error = Error::new("a", "x").and(Error::new("b", "y")).and(Error::new("c", "x"));
        assert_eq!(error.to_string(), "[x, y]");
        assert_eq!(Error::new("a", "x").and(Error::new("b", "x")).to_string(), "x");
    }
}

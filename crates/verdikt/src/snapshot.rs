//! Everything one request sees: who people are and what they may do, at one revision.
//!
//! The request line and the policy line meet here and nowhere else. A snapshot never changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use verdikt_authn as authn;
use verdikt_authn::service_account::Discovery;
use verdikt_compiler::Rules;
use verdikt_compiler::who_can::Asked;
use verdikt_core::{Attributes, Credentials, Peer, Revision, User};

use crate::audit;
use crate::authorization::Authorization;
use crate::authorizer::{Chain, Verdict};
use crate::decision::{Decision, Held};
use crate::explanation::Explanation;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::oidc::Authentication;
use crate::source::Digests;
use crate::status::Loaded;
use crate::token_webhook::TokenWebhook;
use crate::who_can::WhoCan;

/// One state of the policy, complete and immutable. Take one with [`crate::Engine::snapshot`] to ask
/// several questions of the same state.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) revision: Revision,
    pub(crate) authenticators: Arc<authn::Chain>,
    pub(crate) authorizers: Chain,
    pub(crate) impersonation: authn::impersonation::Gate,
    pub(crate) metrics: Metrics,
    pub(crate) audit_policy: Option<Arc<audit::Policy>>,
    /// Issuers of tokens, to be kept when policy changes.
    pub(crate) authentication: Authentication,
    /// Webhooks and what they have said, to be kept when policy changes.
    pub(crate) authorization: Arc<Authorization>,
    /// The webhook for tokens and what it has said, likewise.
    pub(crate) token_webhook: Option<TokenWebhook>,
    pub(crate) loaded: Arc<Loaded>,
    /// What everything that was read is known by, the secrets included.
    pub(crate) digests: Digests,
    pub(crate) discovery: Option<Arc<Discovery>>,
}

impl Snapshot {
    /// Which state this is; later ones have higher numbers.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// SHA-256 of the manifests and ABAC lines this state was made from, in hex.
    pub fn digest(&self) -> &str {
        &self.loaded.digest
    }

    /// The documents with which others verify service account tokens, if the first issuer is one that
    /// OpenID Connect knows.
    pub fn discovery(&self) -> Option<&Discovery> {
        self.discovery.as_deref()
    }

    /// Who the credentials belong to.
    pub fn authenticate(&self, credentials: &Credentials<'_>) -> authn::Outcome {
        self.authenticators.authenticate(credentials)
    }

    /// What a 401 has in `WWW-Authenticate`, if anything.
    pub fn challenge(&self) -> Option<&'static str> {
        self.authenticators.challenge()
    }

    /// Whether a header is taken off a request before it goes on, once it is known who sent it: because
    /// it is a credential, or could speak for an authenticating proxy.
    pub fn removes_header(&self, name: &str) -> bool {
        self.authenticators.removes_header(name)
    }

    /// The subjects of the authorities whose certificates clients may show, in DER; none if clients are
    /// not to be asked for any.
    pub fn certificate_authorities(&self) -> Option<Vec<Vec<u8>>> {
        let subjects = self.authenticators.certificate_authorities().map(<[u8]>::to_vec);
        self.authenticators.wants_certificates().then(|| subjects.collect())
    }

    /// Whether an authority of clients, or of authenticating proxies, vouches for what a client shows, and has not
    /// taken it back.
    ///
    /// # Errors
    /// Why not.
    pub fn vouches_for(&self, peer: &Peer) -> Result<(), authn::x509::TrustError> {
        self.authenticators.vouches_for(peer)
    }

    /// May `request.user` do this? As [`crate::Engine::authorize`], but always of this state.
    pub fn authorize<'a>(self: &Arc<Self>, request: &'a Attributes<'a>) -> Decision<'a> {
        Decision {
            verdict: self.verdict(request),
            snapshot: Held::Shared(Arc::clone(self)),
            request,
            authenticated: None,
        }
    }

    /// Whether the request is allowed. See [`crate::Engine::authorize`] for an answer with its reason.
    pub fn is_allowed(&self, request: &Attributes<'_>) -> bool {
        self.verdict(request).effect.is_allowed()
    }

    /// All rules that hold for `user` in `namespace` (cluster-wide ones alone if it is empty), as a
    /// SelfSubjectRulesReview lists them.
    pub fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        self.authorizers.rules_for(user, namespace)
    }

    /// Every way in which the request is allowed, or what comes near.
    pub fn explain(&self, request: &Attributes<'_>) -> Explanation {
        self.authorizers.explain(request).at(self.revision)
    }

    /// Everyone who may do what is asked, whoever its user is. Walks over the whole policy; asks no webhook.
    pub fn who_can(&self, request: &Attributes<'_>, asked: Asked) -> WhoCan {
        self.authorizers.who_can(request, asked).at(self.revision)
    }

    /// To which objects `request.user` may do what is asked; name and namespace of the request say nothing. Walks over
    /// the whole policy; asks no webhook.
    pub fn objects(&self, request: &Attributes<'_>) -> Objects {
        self.authorizers.objects(request).at(self.revision)
    }

    /// The verbs that rules name, once each, but for `*`.
    pub fn verbs(&self) -> BTreeSet<&str> {
        self.authorizers.verbs()
    }

    #[inline]
    pub(crate) fn verdict(&self, request: &Attributes<'_>) -> Verdict {
        self.authorizers.authorize(request)
    }
}

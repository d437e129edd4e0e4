//! The engine: the request line, from credentials to a decision, in one function.

use std::fmt;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use verdikt_authn::Outcome;
use verdikt_compiler::Rules;
use verdikt_compiler::who_can::Asked;
use verdikt_core::{Attributes, Credentials, HashKey, Revision, User};

use crate::audit::{Auditor, Ids};
use crate::builder::Builder;
use crate::decision::{Decision, Held, Unauthenticated};
use crate::explanation::Explanation;
use crate::metrics::{Metrics, PolicyReloads, Requests};
use crate::reload::Sources;
use crate::snapshot::Snapshot;
use crate::source::Watcher;
use crate::status::Attempt;
use crate::who_can::WhoCan;

/// Authenticates and authorizes from compiled policy. Cheap to clone, `Send` and `Sync`, needs no
/// async runtime; all clones share one policy, which [`Engine::reload`] and watching replace.
///
/// ```
/// use verdikt::{Attributes, Engine, User};
///
/// let engine = Engine::builder()
///     .manifest("demo.yaml", "
/// kind: ClusterRole
/// apiVersion: rbac.authorization.k8s.io/v1
/// metadata: {name: reader}
/// rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]
/// ---
/// kind: ClusterRoleBinding
/// apiVersion: rbac.authorization.k8s.io/v1
/// metadata: {name: readers}
/// subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
/// roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
/// ")
///     .build()?;
///
/// let jane = User::new("jane", ["dev"]);
/// let request = Attributes { namespace: "web", ..Attributes::resource(&jane, "get", "pods") };
/// let decision = engine.authorize(&request);
/// assert!(decision.is_allowed());
/// assert_eq!(
///     decision.reason_text(),
///     r#"RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "dev""#
/// );
/// # Ok::<(), verdikt::LoadError>(())
/// ```
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// What all clones of an engine share.
pub(crate) struct Shared {
    pub(crate) current: ArcSwap<Snapshot>,
    pub(crate) key: HashKey,
    /// Held through a reload, so that two of them do not overtake each other.
    pub(crate) reloading: Mutex<()>,
    /// Held while policy is read and while what serves is replaced, but not while anybody is asked over the
    /// network: events about nodes wait for it.
    pub(crate) sources: Mutex<Sources>,
    pub(crate) last_attempt: Mutex<Attempt>,
    /// Told when what serves changes, and when a reload fails or works again.
    pub(crate) changes: watch::Sender<()>,
    pub(crate) watcher: Mutex<Option<Watcher>>,
    pub(crate) audit_ids: Ids,
    pub(crate) auditor: Option<Arc<Auditor>>,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Requests,
    pub(crate) reloads: PolicyReloads,
}

impl Engine {
    /// Says where policy comes from.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The request line: who is this, and may they do it? `request.user` is not looked at; the
    /// credentials say who asks.
    ///
    /// # Errors
    /// [`Unauthenticated`] if a credential is refused, or there is none and anonymous access is off.
    #[inline]
    pub fn decide<'a>(
        &self,
        credentials: &Credentials<'_>,
        request: &'a Attributes<'a>,
    ) -> Result<Decision<'a>, Unauthenticated> {
        let snapshot = self.0.current.load();
        let authenticated = match snapshot.authenticators.authenticate(credentials) {
            Outcome::Authenticated(authenticated) => authenticated,
            Outcome::Failed(error) => {
                return Err(Unauthenticated { error: Some(error), revision: snapshot.revision });
            }
            Outcome::NoOpinion => {
                return Err(Unauthenticated { error: None, revision: snapshot.revision });
            }
        };
        let question = Attributes { user: Some(authenticated.identity().into()), ..*request };
        let verdict = snapshot.authorizers.authorize(&question);
        Ok(Decision {
            snapshot: Held::Loaded(snapshot),
            request,
            authenticated: Some(authenticated),
            verdict,
        })
    }

    /// The first half of the request line: who do these credentials belong to?
    #[inline]
    pub fn authenticate(&self, credentials: &Credentials<'_>) -> Outcome {
        self.0.current.load().authenticators.authenticate(credentials)
    }

    /// What to tell whoever sent these credentials in a `Warning` header, whatever comes of them.
    pub fn warning(&self, credentials: &Credentials<'_>) -> Option<&'static str> {
        self.0.current.load().authenticators.warning(credentials)
    }

    /// The second half: may `request.user` do this? Allocates nothing and takes no lock, unless a webhook is
    /// asked: then it waits for the answer, on a thread of a multi-threaded tokio runtime without keeping
    /// others from it.
    #[inline]
    pub fn authorize<'a>(&self, request: &'a Attributes<'a>) -> Decision<'a> {
        let snapshot = self.0.current.load();
        let verdict = snapshot.verdict(request);
        Decision { snapshot: Held::Loaded(snapshot), request, authenticated: None, verdict }
    }

    /// Every way in which the request is allowed, or what comes near.
    pub fn explain(&self, request: &Attributes<'_>) -> Explanation {
        self.0.current.load().explain(request)
    }

    /// Everyone who may do what is asked, whoever its user is. See [`Snapshot::who_can`].
    pub fn who_can(&self, request: &Attributes<'_>, asked: Asked) -> WhoCan {
        self.snapshot().who_can(request, asked)
    }

    /// All rules that hold for `user` in `namespace`, as a SelfSubjectRulesReview lists them.
    pub fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        self.0.current.load().rules_for(user, namespace)
    }

    /// The policy as it is now, for several questions that must be answered alike.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.current.load_full()
    }

    /// Which policy is being asked.
    pub fn revision(&self) -> Revision {
        self.0.current.load().revision
    }

    /// The key of this engine's hashes; resolve an [`crate::Identity`] with it to decide faster for a
    /// user who asks often.
    pub fn hash_key(&self) -> &HashKey {
        &self.0.key
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

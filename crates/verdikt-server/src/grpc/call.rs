//! One call: who makes it, and what they may ask.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{Extensions, HeaderMap};
use tokio::sync::watch;
use tonic::Status;
use verdikt::{Attributes, Engine, Revision, Snapshot};

use super::deadline::Deadline;
use super::error;
use crate::caller::{self, Sender};
use crate::credentials;
use crate::inflight::Inflight;
use crate::listener::Access;
use crate::traces;

/// What all calls share.
pub(super) struct App {
    pub(super) engine: Engine,
    pub(super) access: Access,
    /// The bound on questions that are answered at a time, if there is one.
    pub(super) inflight: Option<Inflight>,
    /// True once the server is to end.
    pub(super) stopping: watch::Receiver<bool>,
}

/// A call without its message, and the policy that answers it.
pub(super) struct Call {
    pub(super) app: Arc<App>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) path: &'static str,
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
    pub(super) deadline: Deadline,
    admitted: Mutex<Vec<Admitted>>,
}

/// What the caller was found to be allowed, until it is looked at again: a stream asks often.
struct Admitted {
    privilege: Privilege,
    revision: Revision,
    at: Instant,
}

/// How long that holds unless policy changes: as long as kube-apiserver remembers tokens.
const ADMITTED_FOR: Duration = Duration::from_secs(10);

/// What only those may ask who are allowed this, as in Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privilege {
    /// What others may do.
    CreateSubjectAccessReviews,
    /// Who others are.
    CreateTokenReviews,
    /// What is loaded.
    GetStatus,
}

impl Privilege {
    fn attributes(self) -> Attributes<'static> {
        let create = |api_group, resource| Attributes {
            verb: "create",
            api_group,
            api_version: "v1",
            resource,
            resource_request: true,
            ..Attributes::default()
        };
        match self {
            Self::CreateSubjectAccessReviews => {
                create("authorization.k8s.io", "subjectaccessreviews")
            }
            Self::CreateTokenReviews => create("authentication.k8s.io", "tokenreviews"),
            Self::GetStatus => {
                Attributes { verb: "get", path: "/v1/status", ..Attributes::default() }
            }
        }
    }
}

impl Call {
    pub(super) fn new(
        app: Arc<App>,
        snapshot: Arc<Snapshot>,
        path: &'static str,
        (headers, extensions): (HeaderMap, Extensions),
        deadline: Deadline,
    ) -> Self {
        let admitted = Mutex::default();
        Self { app, snapshot, path, headers, extensions, deadline, admitted }
    }

    /// Who makes it.
    ///
    /// # Errors
    /// UNAUTHENTICATED; or PERMISSION_DENIED if it impersonates somebody whom it may not.
    pub(super) fn sender(&self) -> Result<Sender, Status> {
        let App { engine, .. } = &*self.app;
        let request = Attributes { verb: "post", path: self.path, ..Attributes::default() };
        let authenticated =
            caller::identify(engine, &self.snapshot, &self.headers, &self.extensions, self.path)
                .map_err(|status| error::of(&status))?;
        caller::impersonate(&self.snapshot, authenticated, &request, &self.headers)
            .map_err(|refusal| error::not_impersonated(&refusal))
    }

    /// Whether the caller may ask what needs `privilege`: on an open listener everybody may.
    ///
    /// # Errors
    /// As [`Call::sender`], and PERMISSION_DENIED.
    pub(super) fn needs(&self, privilege: Privilege) -> Result<(), Status> {
        if self.app.access == Access::Open {
            return Ok(());
        }
        let revision = self.snapshot.revision();
        let admitted = || self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if admitted().iter().any(|known| {
            known.privilege == privilege
                && known.revision == revision
                && known.at.elapsed() < ADMITTED_FOR
        }) {
            return Ok(());
        }
        let sender = self.sender()?;
        let request = Attributes { user: Some(sender.requester()), ..privilege.attributes() };
        let start = Instant::now();
        let decision = traces::decided(&self.extensions, || self.snapshot.authorize(&request));
        self.app.engine.count_authorization(&decision, start.elapsed());
        if decision.is_allowed() {
            let mut admitted = admitted();
            admitted.retain(|known| known.privilege != privilege);
            admitted.push(Admitted { privilege, revision, at: Instant::now() });
            return Ok(());
        }
        // A refusal that may be due to what went wrong is not the caller's fault.
        match decision.error() {
            Some(error) => Err(Status::internal(error)),
            None => Err(error::forbidden(&request, &decision.reason_text())),
        }
    }

    /// Whether the caller shows a credential of its own though it asks about somebody else, on a listener
    /// where it needs none: it would not be looked at.
    pub(super) fn has_idle_credential(&self) -> bool {
        self.app.access == Access::Open && credentials::are_in(&self.headers)
    }
}

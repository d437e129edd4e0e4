//! Who a request is answered as: whoever its credentials belong to, or whom it impersonates.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::Response;
use axum::http::request::Parts;
use verdikt::{
    Attributes, Authenticated, Impersonated, Outcome, Refusal, Requester, Snapshot, User,
};

use super::{App, answer, audit, request};
use crate::credentials;
use crate::kubernetes::status::Status;

/// Who sent a request, by the policy that decides about it.
pub(super) struct Sender {
    pub(super) snapshot: Arc<Snapshot>,
    authenticated: Authenticated,
    impersonated: Option<Impersonated>,
}

impl Sender {
    /// The user the request is answered as.
    pub(super) fn requester(&self) -> Requester<'_> {
        match &self.impersonated {
            Some(impersonated) => (&impersonated.user).into(),
            None => self.authenticated.identity().into(),
        }
    }
}

/// Whether a request is one that kube-apiserver would record, or a question that only verdikt has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audit {
    Recorded,
    Not,
}

impl App {
    /// Who sent a request, and whom it may impersonate; a 401, 400 or 403 otherwise. Why it is a 401 is
    /// for the log alone.
    ///
    /// # Errors
    /// The answer to give instead.
    pub(super) fn sender(
        &self,
        parts: &Parts,
        request: &Attributes<'_>,
        audit: Audit,
    ) -> Result<Sender, Response<Body>> {
        let is_recorded = audit == Audit::Recorded;
        let snapshot = self.engine.snapshot();
        let authenticated = match self.identify(&snapshot, parts, request) {
            Ok(authenticated) => authenticated,
            Err(status) => {
                if is_recorded {
                    audit::unidentified(self, &snapshot, parts, request);
                }
                return Err(answer::status(parts, &status));
            }
        };
        let user: &User = authenticated.user();
        if is_recorded {
            audit::begin(self, &snapshot, parts, request, Some(user))?;
        }
        let of_user = Attributes { user: Some(authenticated.identity().into()), ..*request };
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let impersonated = snapshot
            .impersonate(&of_user, headers)
            .map_err(|refusal| refused(parts, request, &refusal))?;
        if let Some(impersonated) = &impersonated {
            tracing::debug!("{} is impersonating {}", in_log(user), in_log(&impersonated.user));
            if is_recorded {
                audit::impersonated(parts, impersonated);
            }
        }
        Ok(Sender { snapshot, authenticated, impersonated })
    }

    fn identify(
        &self,
        snapshot: &Snapshot,
        parts: &Parts,
        request: &Attributes<'_>,
    ) -> Result<Authenticated, Status> {
        let headers = credentials::AllHeaders(&parts.headers);
        let protocols = credentials::web_socket_protocols(&parts.headers);
        let credentials = credentials::of(parts, &headers, &protocols, request.path);
        // Other requests must not wait for it.
        let start = Instant::now();
        let outcome = match credentials::may_take_long(parts) {
            true => tokio::task::block_in_place(|| snapshot.authenticate(&credentials)),
            false => snapshot.authenticate(&credentials),
        };
        self.engine.count_authentication(&outcome, start.elapsed());
        let (error, causes) = match outcome {
            Outcome::Authenticated(authenticated) => return Ok(authenticated),
            Outcome::Failed(error) => (error.to_string(), error.by_authenticator()),
            Outcome::NoOpinion => ("no credentials provided".to_owned(), String::new()),
        };
        tracing::info!(path = request.path, causes, "unauthenticated: {error}");
        Err(Status::unauthorized().challenging(snapshot.challenge()))
    }
}

fn refused(parts: &Parts, request: &Attributes<'_>, refusal: &Refusal) -> Response<Body> {
    tracing::debug!(path = request.path, "impersonation: {refusal}");
    match refusal {
        Refusal::BadRequest(message) => answer::status(parts, &Status::bad_request(message)),
        Refusal::Forbidden(forbidden) => {
            let status = Status::forbidden(&forbidden.attributes(), forbidden.reason());
            answer::status(parts, &status)
        }
        other => request::internal_error(parts, &other.to_string()),
    }
}

/// As kube-apiserver's log names users.
fn in_log(user: &User) -> String {
    let name = if user.name.is_empty() { "<empty>" } else { &user.name };
    match user.groups.as_slice() {
        [] => name.to_owned(),
        groups => format!("{name}[{}]", groups.join(",")),
    }
}

//! Who a request is answered as, for every front: whoever its credentials belong to, or whom it
//! impersonates.

use std::sync::Arc;
use std::time::Instant;

use axum::http::{Extensions, HeaderMap};
use verdikt::{
    Attributes, Authenticated, Engine, Impersonated, Outcome, Refusal, Requester, Snapshot, User,
};

use crate::credentials;
use crate::kubernetes::status::Status;
use crate::traces;

/// Who sent a request, by the policy that decides about it.
pub(crate) struct Sender {
    pub(crate) snapshot: Arc<Snapshot>,
    authenticated: Authenticated,
    pub(crate) impersonated: Option<Impersonated>,
}

impl Sender {
    /// The user the request is answered as.
    pub(crate) fn requester(&self) -> Requester<'_> {
        match &self.impersonated {
            Some(impersonated) => (&impersonated.user).into(),
            None => self.authenticated.identity().into(),
        }
    }
}

/// Whoever the credentials of a request belong to. Why they are nobody's is for the log alone.
///
/// # Errors
/// 401.
pub(crate) fn identify(
    engine: &Engine,
    snapshot: &Snapshot,
    headers: &HeaderMap,
    extensions: &Extensions,
    path: &str,
) -> Result<Authenticated, Status> {
    let all = credentials::AllHeaders(headers);
    let protocols = credentials::web_socket_protocols(headers);
    let credentials = credentials::of(headers, extensions, &all, &protocols, path);
    // Other requests must not wait for it.
    let start = Instant::now();
    let outcome = match credentials::may_take_long(headers, extensions) {
        true => tokio::task::block_in_place(|| snapshot.authenticate(&credentials)),
        false => snapshot.authenticate(&credentials),
    };
    let took = start.elapsed();
    engine.count_authentication(&outcome, took);
    traces::authenticated(extensions, &outcome, took);
    let (error, causes) = match outcome {
        Outcome::Authenticated(authenticated) => return Ok(authenticated),
        Outcome::Failed(error) => (error.to_string(), error.by_authenticator()),
        Outcome::NoOpinion => ("no credentials provided".to_owned(), String::new()),
    };
    tracing::info!(path, causes, "unauthenticated: {error}");
    Err(Status::unauthorized().challenging(snapshot.challenge()))
}

/// Whom the headers of `request` ask it to be answered as; the user that was authenticated if there are none.
///
/// # Errors
/// If they make no sense, or that user may not impersonate whom they name.
pub(crate) fn impersonate(
    snapshot: &Arc<Snapshot>,
    authenticated: Authenticated,
    request: &Attributes<'_>,
    headers: &HeaderMap,
) -> Result<Sender, Refusal> {
    let of_user = Attributes { user: Some(authenticated.identity().into()), ..*request };
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let impersonated = snapshot
        .impersonate(&of_user, headers)
        .inspect_err(|refusal| tracing::debug!(path = request.path, "impersonation: {refusal}"))?;
    if let Some(impersonated) = &impersonated {
        let user = in_log(authenticated.user());
        tracing::debug!("{user} is impersonating {}", in_log(&impersonated.user));
    }
    Ok(Sender { snapshot: Arc::clone(snapshot), authenticated, impersonated })
}

/// As kube-apiserver's log names users.
fn in_log(user: &User) -> String {
    let name = if user.name.is_empty() { "<empty>" } else { &user.name };
    match user.groups.as_slice() {
        [] => name.to_owned(),
        groups => format!("{name}[{}]", groups.join(",")),
    }
}

//! Who a request is answered as, told to the audit trail on the way.

use axum::body::Body;
use axum::http::Response;
use axum::http::request::Parts;
use verdikt::{Attributes, Refusal};

use super::{App, answer, audit, request};
use crate::caller::{self, Sender};
use crate::kubernetes::status::Status;

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
        let authenticated = match caller::identify(
            &self.engine,
            &snapshot,
            &parts.headers,
            &parts.extensions,
            request.path,
        ) {
            Ok(authenticated) => authenticated,
            Err(status) => {
                if is_recorded {
                    audit::unidentified(self, &snapshot, parts, request);
                }
                return Err(answer::status(parts, &status));
            }
        };
        if is_recorded {
            audit::begin(self, &snapshot, parts, request, Some(authenticated.user()))?;
        }
        let sender = caller::impersonate(&snapshot, authenticated, request, &parts.headers)
            .map_err(|refusal| refused(parts, &refusal))?;
        if is_recorded && let Some(impersonated) = &sender.impersonated {
            audit::impersonated(parts, impersonated);
        }
        Ok(sender)
    }
}

fn refused(parts: &Parts, refusal: &Refusal) -> Response<Body> {
    match refusal {
        Refusal::BadRequest(message) => answer::status(parts, &Status::bad_request(message)),
        Refusal::Forbidden(forbidden) => {
            let status = Status::forbidden(&forbidden.attributes(), forbidden.reason());
            answer::status(parts, &status)
        }
        other => request::internal_error(parts, &other.to_string()),
    }
}

//! Judges a request that another front has put together, and records it, as if it had come here.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use verdikt::{Engine, Summary};

use super::{App, audit, forward_auth};
use crate::listener::{Access, Limits};

/// Answers as `/v1/forward-auth` does.
#[derive(Clone)]
pub(crate) struct Judge(Arc<App>);

/// What is answered to a request.
pub(crate) struct Judged {
    /// 200 with the headers that name the user, or the answer for the client.
    pub(crate) response: Response<Body>,
    /// What was decided, if it came to that.
    pub(crate) summary: Option<Summary>,
}

impl Judge {
    pub(crate) fn new(engine: Engine, limits: Limits) -> Self {
        Self(Arc::new(App::new(engine, Access::Authorized, limits)))
    }

    pub(crate) async fn judge(&self, mut parts: Parts) -> Judged {
        let told = Told::default();
        parts.extensions.insert(told.clone());
        let request = Request::from_parts(parts, Body::empty());
        let response = audit::recorded(&self.0, request, |request| async {
            let (parts, _) = request.into_parts();
            forward_auth::judge(&self.0, &parts).unwrap_or_else(|refused| refused)
        });
        let response = response.await;
        let summary = told.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Judged { response, summary }
    }
}

/// Where a decision is put for whoever wants to know it.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Option<Summary>>>);

/// Tells what was decided, if that is wanted.
pub(super) fn tell(parts: &Parts, summary: impl FnOnce() -> Summary) {
    if let Some(told) = parts.extensions.get::<Told>() {
        *told.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(summary());
    }
}

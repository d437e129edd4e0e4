//! Envoy's external authorization, `envoy.service.auth.v3.Authorization/Check`.
//!
//! The request that Envoy holds is put together in `question.rs`, judged and recorded as if it had come over
//! HTTP, and what came of it is told in `answer.rs`. A refusal is an answer as well: an error would be taken
//! for a failure of this service. Envoy is believed about the client's certificate, so on a listener that is
//! not open it must itself be allowed to `create subjectaccessreviews`.

mod answer;
pub(crate) mod question;

use std::sync::Arc;

use axum::body::to_bytes;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use verdikt::Engine;

use super::call::{App, Call, Privilege};
use super::deadline::Deadline;
use super::meters::{Handling, Meter};
use super::proto::envoy::service::auth::v3::authorization_server::Authorization;
use super::proto::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use crate::http::judge::{Judge, Judged};
use crate::listener::{Access, Limits};
use crate::traces::Trace;

/// Answers `envoy.service.auth.v3.Authorization`.
pub(crate) struct ExtAuthz {
    app: Arc<App>,
    judge: Judge,
    limits: Limits,
    removes_credentials: bool,
    meter: Arc<Meter>,
}

impl ExtAuthz {
    pub(super) fn new(
        engine: Engine,
        access: Access,
        limits: Limits,
        removes_credentials: bool,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let judge = Judge::new(engine.clone(), limits);
        let meter = Meter::new(&engine, PATH, "unary");
        Self {
            app: Arc::new(App { engine, access, inflight: None, stopping }),
            judge,
            limits,
            removes_credentials,
            meter,
        }
    }
}

#[tonic::async_trait]
impl Authorization for ExtAuthz {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let handling = Handling::new(&*self.meter);
        handling.end(self.answer(request).await)
    }
}

impl ExtAuthz {
    async fn answer(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let snapshot = self.app.engine.snapshot();
        let revision = snapshot.revision().0;
        let deadline = Deadline::of(&metadata)?;
        let caller = (metadata.into_headers(), extensions);
        let call = Call::new(Arc::clone(&self.app), snapshot, PATH, caller, deadline);
        call.needs(Privilege::CreateSubjectAccessReviews)?;
        let trace = call.extensions.get::<Trace>().cloned();
        drop(call);
        let mut asked = match question::read(message) {
            Ok(asked) => asked,
            Err(problem) => return Ok(Response::new(answer::malformed(&problem, revision))),
        };
        // What Envoy asks about is part of the trace of its asking.
        if let Some(trace) = trace {
            asked.extensions.insert(trace);
        }
        let headers = asked.headers.clone();
        let Judged { response, summary } = self.judge.judge(asked).await;
        let (response, body) = response.into_parts();
        if response.status.is_success() {
            let summary = summary.as_ref();
            let names = answer::Removed { asked: &headers, credentials: self.removes_credentials };
            return Ok(Response::new(answer::allowed(&response, &names, summary, revision)));
        }
        // All bodies are whole already.
        let body = to_bytes(body, self.limits.body_bytes).await.unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response::new(answer::denied(&response, body, summary.as_ref(), revision)))
    }
}

const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

//! The service: each call is taken apart, answered by the policy of one moment, and ends in time.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use verdikt::{Engine, Revision};

use super::call::{App, Call};
use super::deadline::Deadline;
use super::proto::v1;
use super::proto::v1::verdikt_server::Verdikt;
use super::{authenticate, check, status};
use crate::listener::Access;

/// Answers `verdikt.v1.Verdikt`.
pub(crate) struct Service(Arc<App>);

impl Service {
    pub(super) fn new(engine: Engine, access: Access) -> Self {
        Self(Arc::new(App { engine, access }))
    }

    /// Answers a call with a policy of `revision` or later, off to the side if it has a deadline: to decide
    /// may take as long as a webhook takes.
    async fn answer<Q: Send + 'static, A: Send + 'static>(
        &self,
        request: Request<Q>,
        path: &'static str,
        revision: u64,
        answer: fn(&Call, Q) -> Result<A, Status>,
    ) -> Result<Response<A>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let deadline = Deadline::of(&metadata)?;
        let snapshot = deadline.snapshot(&self.0.engine, Revision(revision)).await?;
        let app = Arc::clone(&self.0);
        let call = Call { app, snapshot, path, headers: metadata.into_headers(), extensions };
        let answered = match deadline.is_set() {
            true => deadline.run(async move { answer(&call, message) }).await?,
            false => answer(&call, message)?,
        };
        Ok(Response::new(answered))
    }
}

#[tonic::async_trait]
impl Verdikt for Service {
    async fn authenticate(
        &self,
        request: Request<v1::AuthenticateRequest>,
    ) -> Result<Response<v1::AuthenticateResponse>, Status> {
        let revision = request.get_ref().at_least_revision;
        let path = "/verdikt.v1.Verdikt/Authenticate";
        self.answer(request, path, revision, authenticate::answer).await
    }

    async fn check(
        &self,
        request: Request<v1::CheckRequest>,
    ) -> Result<Response<v1::CheckResponse>, Status> {
        let revision = request.get_ref().at_least_revision;
        self.answer(request, "/verdikt.v1.Verdikt/Check", revision, check::answer).await
    }

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::StatusResponse>, Status> {
        self.answer(request, "/verdikt.v1.Verdikt/Status", 0, status::answer).await
    }
}

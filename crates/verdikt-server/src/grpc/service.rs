//! The service: each call is taken apart, answered by the policy of one moment, and ends in time.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};
use verdikt::{Engine, Revision};

use super::call::{App, Call};
use super::deadline::Deadline;
use super::proto::v1;
use super::proto::v1::verdikt_server::Verdikt;
use super::stream::Answers;
use super::{authenticate, batch, check, explain, rules, status, stream};
use crate::listener::Options;

/// Answers `verdikt.v1.Verdikt`.
pub(crate) struct Service(Arc<App>);

impl Service {
    pub(super) fn new(engine: Engine, options: &Options, stopping: watch::Receiver<bool>) -> Self {
        let (access, inflight) = (options.access, options.inflight.clone());
        Self(Arc::new(App { engine, access, inflight, stopping }))
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
        let (call, message) = self.call(request, path, revision).await?;
        let deadline = call.deadline;
        let answered = match deadline.is_set() {
            true => deadline.run(async move { answer(&call, message) }).await?,
            false => answer(&call, message)?,
        };
        Ok(Response::new(answered))
    }

    /// A call, once the policy serves that it asks for.
    async fn call<Q>(
        &self,
        request: Request<Q>,
        path: &'static str,
        revision: u64,
    ) -> Result<(Call, Q), Status> {
        let (metadata, extensions, message) = request.into_parts();
        let deadline = Deadline::of(&metadata)?;
        let snapshot = deadline.snapshot(&self.0.engine, Revision(revision)).await?;
        let brought = (metadata.into_headers(), extensions);
        Ok((Call::new(Arc::clone(&self.0), snapshot, path, brought, deadline), message))
    }
}

#[tonic::async_trait]
impl Verdikt for Service {
    type CheckStreamStream = Answers<v1::CheckStreamResponse>;
    type WatchStatusStream = Answers<v1::WatchStatusResponse>;

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

    async fn check_batch(
        &self,
        request: Request<v1::CheckBatchRequest>,
    ) -> Result<Response<v1::CheckBatchResponse>, Status> {
        let revision = request.get_ref().at_least_revision;
        self.answer(request, "/verdikt.v1.Verdikt/CheckBatch", revision, batch::answer).await
    }

    async fn check_stream(
        &self,
        request: Request<Streaming<v1::CheckStreamRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        let (call, questions) = self.call(request, "/verdikt.v1.Verdikt/CheckStream", 0).await?;
        Ok(Response::new(stream::answers(call, questions)))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let question = request.get_ref().question.as_ref();
        let revision = question.map_or(0, |question| question.at_least_revision);
        self.answer(request, "/verdikt.v1.Verdikt/Explain", revision, explain::answer).await
    }

    async fn rules_for(
        &self,
        request: Request<v1::RulesForRequest>,
    ) -> Result<Response<v1::RulesForResponse>, Status> {
        let revision = request.get_ref().at_least_revision;
        self.answer(request, "/verdikt.v1.Verdikt/RulesFor", revision, rules::answer).await
    }

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::StatusResponse>, Status> {
        self.answer(request, "/verdikt.v1.Verdikt/Status", 0, status::answer).await
    }

    async fn watch_status(
        &self,
        request: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        let (call, _) = self.call(request, "/verdikt.v1.Verdikt/WatchStatus", 0).await?;
        Ok(Response::new(stream::statuses(call)?))
    }
}

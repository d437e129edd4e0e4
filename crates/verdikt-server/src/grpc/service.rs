//! The service: each call is taken apart, answered by the policy of one moment, and ends in time.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};
use verdikt::{Engine, Revision};

use super::call::{App, Call};
use super::codec::{CheckBatchRequest, CheckRequest, CheckStreamRequest};
use super::deadline::Deadline;
use super::meters::{Handling, Meter};
use super::proto::serving::verdikt_server::Verdikt;
use super::proto::v1;
use super::stream::Answers;
use super::{authenticate, batch, check, explain, rules, status, stream};
use crate::listener::Options;

/// Answers `verdikt.v1.Verdikt`.
pub(crate) struct Service {
    app: Arc<App>,
    meters: Meters,
}

/// One of each method.
struct Meters {
    authenticate: Arc<Meter>,
    check: Arc<Meter>,
    check_batch: Arc<Meter>,
    check_stream: Arc<Meter>,
    explain: Arc<Meter>,
    rules_for: Arc<Meter>,
    status: Arc<Meter>,
    watch_status: Arc<Meter>,
}

impl Service {
    pub(super) fn new(engine: Engine, options: &Options, stopping: watch::Receiver<bool>) -> Self {
        let (access, inflight) = (options.access, options.inflight.clone());
        let unary = |path| Meter::new(&engine, path, "unary");
        let meters = Meters {
            authenticate: unary("/verdikt.v1.Verdikt/Authenticate"),
            check: unary("/verdikt.v1.Verdikt/Check"),
            check_batch: unary("/verdikt.v1.Verdikt/CheckBatch"),
            check_stream: Meter::new(&engine, "/verdikt.v1.Verdikt/CheckStream", "bidi_stream"),
            explain: unary("/verdikt.v1.Verdikt/Explain"),
            rules_for: unary("/verdikt.v1.Verdikt/RulesFor"),
            status: unary("/verdikt.v1.Verdikt/Status"),
            watch_status: Meter::new(&engine, "/verdikt.v1.Verdikt/WatchStatus", "server_stream"),
        };
        Self { app: Arc::new(App { engine, access, inflight, stopping }), meters }
    }

    /// Answers a call with a policy of `revision` or later, off to the side if it has a deadline: to decide
    /// may take as long as a webhook takes.
    async fn answer<Q: Send + 'static, A: Send + 'static>(
        &self,
        request: Request<Q>,
        meter: &Arc<Meter>,
        revision: u64,
        answer: fn(&Call, Q) -> Result<A, Status>,
    ) -> Result<Response<A>, Status> {
        let handling = Handling::new(&**meter);
        let answered = async {
            let (call, message) = self.call(request, meter.path(), revision).await?;
            let deadline = call.deadline;
            match deadline.is_set() {
                true => deadline.run(async move { answer(&call, message) }).await,
                false => answer(&call, message),
            }
        };
        handling.end(answered.await).map(Response::new)
    }

    /// A call whose answer is a stream.
    async fn open<Q>(
        &self,
        request: Request<Q>,
        meter: &Arc<Meter>,
    ) -> Result<(Call, Q, Handling<Arc<Meter>>), Status> {
        let handling = Handling::new(Arc::clone(meter));
        match self.call(request, meter.path(), 0).await {
            Ok((call, message)) => Ok((call, message, handling)),
            Err(status) => handling.end(Err(status)),
        }
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
        let snapshot = deadline.snapshot(&self.app.engine, Revision(revision)).await?;
        let brought = (metadata.into_headers(), extensions);
        Ok((Call::new(Arc::clone(&self.app), snapshot, path, brought, deadline), message))
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
        self.answer(request, &self.meters.authenticate, revision, authenticate::answer).await
    }

    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<v1::CheckResponse>, Status> {
        let revision = request.get_ref().at_least_revision();
        self.answer(request, &self.meters.check, revision, check::answer).await
    }

    async fn check_batch(
        &self,
        request: Request<CheckBatchRequest>,
    ) -> Result<Response<v1::CheckBatchResponse>, Status> {
        let revision = request.get_ref().at_least_revision();
        self.answer(request, &self.meters.check_batch, revision, batch::answer).await
    }

    async fn check_stream(
        &self,
        request: Request<Streaming<CheckStreamRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        let (call, questions, handling) = self.open(request, &self.meters.check_stream).await?;
        Ok(Response::new(stream::answers(call, questions, handling)))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        let question = request.get_ref().question.as_ref();
        let revision = question.map_or(0, |question| question.at_least_revision);
        self.answer(request, &self.meters.explain, revision, explain::answer).await
    }

    async fn rules_for(
        &self,
        request: Request<v1::RulesForRequest>,
    ) -> Result<Response<v1::RulesForResponse>, Status> {
        let revision = request.get_ref().at_least_revision;
        self.answer(request, &self.meters.rules_for, revision, rules::answer).await
    }

    async fn status(
        &self,
        request: Request<v1::StatusRequest>,
    ) -> Result<Response<v1::StatusResponse>, Status> {
        self.answer(request, &self.meters.status, 0, status::answer).await
    }

    async fn watch_status(
        &self,
        request: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        let (call, _, handling) = self.open(request, &self.meters.watch_status).await?;
        stream::statuses(call, handling).map(Response::new)
    }
}

//! A server of the same framework, which reads a message as verdikt does and gives an answer that is always the same.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Response, header};
use axum::routing::post;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Status, Streaming};
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::verdikt_server::{Verdikt, VerdiktServer};

/// Starts it on the runtime that this runs on; gRPC and HTTP share its address.
pub(super) async fn start(answer: v1::CheckResponse) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let reason: Arc<str> = answer.reason.as_str().into();
    let app = Router::new()
        .route("/apis/authorization.k8s.io/v1/subjectaccessreviews", post(review))
        .with_state(reason)
        .route_service("/verdikt.v1.Verdikt/{method}", VerdiktServer::new(Echo(answer)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Loopback works without; a figure is only worse then.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(app.clone());
            tokio::spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                // A client that goes ends its connection.
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

/// A SubjectAccessReview, as far as an answer is made of it.
#[derive(Deserialize, Serialize)]
struct Review {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    metadata: Value,
    spec: Value,
    status: Value,
}

async fn review(State(reason): State<Arc<str>>, body: Bytes) -> Response<String> {
    let text = serde_json::from_slice::<Review>(&body).and_then(|review| {
        let status = serde_json::json!({"allowed": true, "reason": &*reason});
        serde_json::to_string(&Review { status, ..review })
    });
    let mut response = Response::new(text.unwrap_or_default());
    *response.status_mut() = axum::http::StatusCode::CREATED;
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

struct Echo(v1::CheckResponse);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Response1<T> = Result<tonic::Response<T>, Status>;

#[tonic::async_trait]
impl Verdikt for Echo {
    type CheckStreamStream = Answers<v1::CheckStreamResponse>;
    type WatchStatusStream = Answers<v1::WatchStatusResponse>;

    async fn check(&self, _: Request<v1::CheckRequest>) -> Response1<v1::CheckResponse> {
        Ok(tonic::Response::new(self.0.clone()))
    }

    async fn check_batch(
        &self,
        request: Request<v1::CheckBatchRequest>,
    ) -> Response1<v1::CheckBatchResponse> {
        let decisions = vec![self.0.decision; request.get_ref().questions.len()];
        Ok(tonic::Response::new(v1::CheckBatchResponse {
            decisions,
            revision: 1,
            ..Default::default()
        }))
    }

    async fn check_stream(
        &self,
        request: Request<Streaming<v1::CheckStreamRequest>>,
    ) -> Response1<Self::CheckStreamStream> {
        let answer = self.0.clone();
        let answers = request.into_inner().map(move |question| {
            let result = Some(v1::check_stream_response::Result::Answer(answer.clone()));
            question.map(|question| v1::CheckStreamResponse { id: question.id, result })
        });
        Ok(tonic::Response::new(Box::pin(answers)))
    }

    async fn authenticate(
        &self,
        _: Request<v1::AuthenticateRequest>,
    ) -> Response1<v1::AuthenticateResponse> {
        Err(Status::unimplemented(""))
    }

    async fn explain(&self, _: Request<v1::ExplainRequest>) -> Response1<v1::ExplainResponse> {
        Err(Status::unimplemented(""))
    }

    async fn rules_for(&self, _: Request<v1::RulesForRequest>) -> Response1<v1::RulesForResponse> {
        Err(Status::unimplemented(""))
    }

    async fn status(&self, _: Request<v1::StatusRequest>) -> Response1<v1::StatusResponse> {
        Err(Status::unimplemented(""))
    }

    async fn watch_status(
        &self,
        _: Request<v1::WatchStatusRequest>,
    ) -> Response1<Self::WatchStatusStream> {
        Err(Status::unimplemented(""))
    }
}

//! Calls over gRPC: one message, one answer.

use hyper::body::Bytes;
use hyper::http::uri::PathAndQuery;
use prost::Message as Prost;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use verdikt_server::proto::envoy::service::auth::v3 as envoy;
use verdikt_server::proto::v1;

use super::answer::{CallError, Decision};
use super::codec::Encoded;
use super::kind::Kind;
use super::message::Message;

/// A connection, whose calls may be made at the same time by its clones.
#[derive(Clone, Debug)]
pub(super) struct Grpc {
    client: tonic::client::Grpc<Channel>,
    kind: Kind,
    path: PathAndQuery,
    authorization: Option<MetadataValue<Ascii>>,
}

impl Grpc {
    /// Connects; so many calls are to be under way at a time.
    pub(super) async fn connect(
        server: &str,
        kind: Kind,
        concurrency: usize,
        token: Option<&str>,
    ) -> Result<Self, CallError> {
        let endpoint = Endpoint::from_shared(server.to_owned());
        let endpoint = endpoint.map_err(|error| CallError::connection(&error))?;
        let endpoint = endpoint.tcp_nodelay(true).buffer_size(concurrency);
        let channel = endpoint.connect().await.map_err(|error| CallError::connection(&error))?;
        let authorization = token.map(|token| format!("Bearer {token}").parse()).transpose();
        let authorization =
            authorization.map_err(|_| CallError::unreadable("the token has odd characters"))?;
        Ok(Self {
            client: tonic::client::Grpc::new(channel).max_decoding_message_size(MOST_BYTES),
            kind,
            path: PathAndQuery::from_static(kind.path()),
            authorization,
        })
    }

    pub(super) async fn call(&mut self, message: &Message) -> Result<Vec<Decision>, CallError> {
        let bytes = message.bytes.clone();
        match self.kind {
            Kind::Batch => {
                let answers: v1::CheckBatchResponse = self.unary(bytes).await?;
                answers.decisions.into_iter().map(Decision::of).collect()
            }
            Kind::ExtAuthz => {
                let answer: envoy::CheckResponse = self.unary(bytes).await?;
                Decision::of_ext_authz(&answer).map(|decision| vec![decision])
            }
            _ => {
                let answer: v1::CheckResponse = self.unary(bytes).await?;
                Decision::of_check(&answer).map(|decision| vec![decision])
            }
        }
    }

    async fn unary<T: Prost + Default + 'static>(&mut self, bytes: Bytes) -> Result<T, CallError> {
        self.ready().await?;
        let (request, path) = (self.request(bytes), self.path.clone());
        Ok(self.client.unary(request, path, Encoded::default()).await?.into_inner())
    }

    /// A stream of questions, whose answers come in their order.
    pub(super) async fn stream<S: tokio_stream::Stream<Item = Bytes> + Send + 'static>(
        &mut self,
        questions: S,
    ) -> Result<tonic::Streaming<v1::CheckStreamResponse>, CallError> {
        self.ready().await?;
        let (request, path) = (self.request(questions), self.path.clone());
        Ok(self.client.streaming(request, path, Encoded::default()).await?.into_inner())
    }

    async fn ready(&mut self) -> Result<(), CallError> {
        self.client.ready().await.map_err(|error| CallError::connection(&error))
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }
}

/// Answers to the largest batch have a few bytes for each question.
const MOST_BYTES: usize = 64 << 20;

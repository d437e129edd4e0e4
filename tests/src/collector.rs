//! A collector of traces, as OpenTelemetry's are: it keeps what it gets.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
pub use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;
use tonic::{Request, Response, Status};

/// A server for OTLP over gRPC, on a loopback port or a Unix socket.
#[derive(Debug)]
pub struct Collector {
    endpoint: String,
    kept: Kept,
}

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Starts one on `runtime`.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start(runtime: &Runtime) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let kept = Kept::default();
        let app = kept.app();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, app.clone());
            }
        });
        Self { endpoint, kept }
    }

    /// The same at a Unix socket.
    ///
    /// # Panics
    /// If it cannot be had.
    pub fn start_unix(runtime: &Runtime, path: &Path) -> Self {
        let listener = runtime.block_on(async { UnixListener::bind(path) }).unwrap();
        let kept = Kept::default();
        let app = kept.app();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, app.clone());
            }
        });
        Self { endpoint: format!("unix://{}", path.display()), kept }
    }

    /// As a TracingConfiguration names it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The attributes of the program whose spans came.
    ///
    /// # Panics
    /// If none came.
    pub fn resource(&self) -> Vec<(String, String)> {
        let kept = self.kept.0.lock().unwrap();
        let resource = kept.first().unwrap().resource_spans.first().unwrap().resource.clone();
        texts(&resource.unwrap().attributes)
    }

    /// All spans so far.
    ///
    /// # Panics
    /// If a test has panicked that asked.
    pub fn spans(&self) -> Vec<Span> {
        let kept = self.kept.0.lock().unwrap();
        let scopes = kept.iter().flat_map(|message| &message.resource_spans);
        let scopes = scopes.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.iter().cloned()).collect()
    }
}

/// Attributes as texts, in order of their names.
pub fn texts(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let mut texts: Vec<_> =
        attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect();
    texts.sort();
    texts
}

impl Kept {
    fn app(&self) -> Router {
        let service = TraceServiceServer::new(self.clone());
        Router::new().route_service(
            "/opentelemetry.proto.collector.trace.v1.TraceService/{*method}",
            service,
        )
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, app: Router) {
    tokio::spawn(async move {
        let builder = Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(app);
        // Whoever asked is gone.
        drop(builder.serve_connection(TokioIo::new(stream), service).await);
    });
}

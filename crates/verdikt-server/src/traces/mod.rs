//! Traces: spans of requests, and in them of authentication and authorization, sent to a collector (OTLP over gRPC).
//!
//! Follows `endpoints/filters/traces.go` and `component-base/tracing` of Kubernetes: of requests that are part of no
//! trace a share is sampled, and what is part of one is sampled if that is, but only if whoever sends it may say so.
//! What is not sampled costs a look at the clock and at one header.

mod around;
mod collector;
mod propagation;
mod request;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use verdikt::parser::tracing_configuration::TracingConfiguration;

pub use collector::CollectorError;
pub(crate) use propagation::hand_on;
pub(crate) use request::{Trace, authenticated, decided};

/// Where spans go. All clones share one queue: 2,048 spans at most, and what finds no room is dropped.
#[derive(Clone, Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// Traces as `configuration` says. Must be called in a runtime of tokio; the collector need not be there yet.
    ///
    /// # Errors
    /// If the collector's address is none.
    pub fn new(configuration: &TracingConfiguration) -> Result<Self, CollectorError> {
        let channel = collector::channel(configuration.endpoint.as_deref())?;
        let exporter = SpanExporter::builder().with_tonic().with_channel(channel);
        let exporter = exporter.with_timeout(EXPORT_TIMEOUT).build();
        let exporter = exporter.map_err(|error| CollectorError::new(error.to_string()))?;
        let resource = Resource::builder()
            .with_attribute(opentelemetry::KeyValue::new("service.version", VERSION))
            .with_service_name("verdikt")
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler(configuration.sampling_rate_per_million.unwrap_or(0)))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("verdikt");
        Ok(Self { provider, tracer })
    }

    /// Sends what waits to be sent, and ends. It may take as long as `timeout`, and keeps a thread.
    pub fn shutdown(&self, timeout: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(timeout) {
            tracing::warn!("the last traces could not be sent: {error}");
        }
    }
}

fn sampler(rate_per_million: u32) -> Sampler {
    let root = match rate_per_million {
        0 => Sampler::AlwaysOff,
        rate => Sampler::TraceIdRatioBased(f64::from(rate) / 1e6),
    };
    Sampler::ParentBased(Box::new(root))
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long one message to the collector may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

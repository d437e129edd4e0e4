//! `verdikt serve`: answers requests until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use verdikt::Engine;
use verdikt_server::{Access, Address, Inflight, Limits, Options, Server};

use crate::audit_flags::AuditFlags;
use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::logging::{self, LoggingFlags};
use crate::tls_flags::TlsFlags;
use crate::tracing_flags::TracingFlags;
use crate::upstream_flags::UpstreamFlags;
use crate::{duration, hangup, open_files, systemd};

/// Enough for several webhooks that all are slow, and for others besides.
const MOST_WAITING_THREADS: usize = 2048;
/// How long the end waits for the audit log.
const AUDIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end waits for the collector of traces.
const TRACES_TIMEOUT: Duration = Duration::from_secs(5);
/// Where `serve` listens if nothing else is said.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:8470";
/// The same for clients.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8470";

#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[command(flatten, next_help_heading = "Policy")]
    pub(crate) policy: PolicyFlags,
    #[command(flatten)]
    pub(crate) audit: AuditFlags,
    #[command(flatten)]
    pub(crate) http: HttpFlags,
    #[command(flatten)]
    pub(crate) tls: TlsFlags,
    #[command(flatten)]
    pub(crate) upstream: UpstreamFlags,
    #[command(flatten)]
    pub(crate) logging: LoggingFlags,
    #[command(flatten)]
    pub(crate) tracing: TracingFlags,
    /// Seconds between looks at the files, should nothing announce their changes
    #[arg(long, value_name = "SECONDS", default_value_t = 5, help_heading = "Reload",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) poll_interval: u64,
    /// The flags in force.
    #[arg(skip)]
    pub(crate) configuration: Map<String, Value>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpFlags {
    /// Where to listen: ADDRESS:PORT, where port 0 takes a free one, or unix:PATH for a Unix socket, which
    /// answers gRPC, too
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_ADDRESS)]
    pub(crate) http_address: Address,
    /// Where to listen for gRPC as well, under the same rules: ADDRESS:PORT or unix:PATH. --secure-port answers
    /// gRPC in any case
    #[arg(long, value_name = "ADDRESS")]
    grpc_address: Option<Address>,
    /// Mode of the files of Unix sockets, in octal: whoever may write to them may connect
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = mode)]
    unix_socket_mode: u32,
    /// Whether requests that Envoy asks about (ext_authz) go on without the Authorization header they came
    /// with
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    ext_authz_remove_credentials: bool,
    /// Who may ask about others and see the status: everyone who can connect, or whom the policy
    /// allows it [default: open on loopback and Unix sockets, otherwise
    /// authorized]
    #[arg(long, value_name = "WHO")]
    http_access: Option<AccessName>,
    /// Let other machines connect without TLS; tokens travel in plain text then
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    allow_plain_text: bool,
    /// Connections at a time; more wait
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    limit_connections: usize,
    /// Requests that are answered at a time, over all listeners; more get 429, or RESOURCE_EXHAUSTED. Probes, watches
    /// and the like do not count. 0 for any number
    #[arg(long, value_name = "N", default_value_t = 400)]
    max_requests_inflight: usize,
    /// How long to go on after a signal to stop, while /readyz says that the server is not ready any more
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    shutdown_delay_duration: Duration,
    /// Bytes of one request's body
    #[arg(long, value_name = "N", default_value_t = Limits::default().body_bytes)]
    limit_body_bytes: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AccessName {
    Open,
    Authorized,
}

impl Serve {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if self.policy.names_nothing() {
            return Err(Failure::message("no policy was named; try --policy-dir DIR"));
        }
        logging::start(&self.logging)?;
        self.serve(Server::bind, |_, _| Ok(()))
    }

    /// Loads, listens, says so, and serves until a signal comes.
    pub(crate) fn serve<B: Future<Output = Result<Server, verdikt_server::BindError>>>(
        self,
        bind: impl FnOnce(Engine, Options) -> B,
        ready: impl FnOnce(&Engine, &Address) -> Result<(), Failure>,
    ) -> Result<ExitCode, Failure> {
        let interval = Duration::from_secs(self.poll_interval);
        let address = self.http.http_address.tcp().map(|address| address.to_string());
        let builder = self.policy.builder_at(address).poll_interval(interval);
        let engine = self.audit.apply(builder).build()?;
        log_loaded(&engine);
        // A request that waits for a webhook keeps a thread; each webhook has its bound of them.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .max_blocking_threads(MOST_WAITING_THREADS)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| Failure::message(error.to_string()))?;
        runtime.block_on(async {
            open_files::raise_limit();
            let mut plain = self.http.options();
            plain.inflight = Some(Inflight::new(&engine, self.http.max_requests_inflight));
            plain.traces = self.tracing.start()?;
            let traces = plain.traces.clone();
            plain.configuration = Arc::new(self.configuration);
            let server = bind(engine.clone(), plain.clone()).await;
            let server = server.map_err(|error| Failure::message(error.to_string()))?;
            let grpc = self.http.bind_grpc(&engine, &plain).await?;
            let upstream = self.upstream.options(&plain, interval)?;
            let proxy = self.upstream.bind(&engine, plain.clone(), upstream.as_ref()).await?;
            let secure = self.tls.bind(&engine, plain, interval, upstream.as_ref()).await?;
            if secure.is_none() && self.policy.certificates.are_named() {
                tracing::warn!("no client can show a certificate: there is no --secure-port");
            }
            if proxy.is_none() && secure.is_none() && upstream.is_some() {
                let message = "--upstream needs --secure-port or --proxy-address to listen at";
                return Err(Failure::message(message));
            }
            let address = server.address().clone();
            let onward = match upstream {
                Some(_) => "listening, for the upstream,",
                None => "listening",
            };
            let mut running = JoinSet::new();
            for (server, listening, scheme) in [
                (Some(server), "listening", "http"),
                (grpc, "listening for gRPC", "http"),
                (proxy, onward, "http"),
                (secure, onward, "https"),
            ] {
                let Some(server) = server else { continue };
                let signals = stop_signal().map_err(|error| Failure::message(error.to_string()))?;
                tracing::info!("{listening} on {}", server.address().url(scheme));
                running.spawn(server.run(signals));
            }
            hangup::reload_on_signal(&engine)
                .map_err(|error| Failure::message(error.to_string()))?;
            ready(&engine, &address)?;
            systemd::ready(&format!("serving revision {}", engine.revision()));
            running.join_all().await;
            if let Some(traces) = traces {
                tokio::task::block_in_place(|| traces.shutdown(TRACES_TIMEOUT));
            }
            if !engine.flush_audit(AUDIT_TIMEOUT) {
                tracing::warn!("the audit log does not take its last events");
            }
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        })
    }
}

impl HttpFlags {
    /// The listener for gRPC, if one is asked for.
    async fn bind_grpc(&self, engine: &Engine, plain: &Options) -> Result<Option<Server>, Failure> {
        let Some(address) = &self.grpc_address else { return Ok(None) };
        let mut options = self.options_at(address.clone());
        options.inflight.clone_from(&plain.inflight);
        options.traces.clone_from(&plain.traces);
        let server = Server::bind_grpc(engine.clone(), options).await;
        server.map(Some).map_err(|error| Failure::message(error.to_string()))
    }

    fn options(&self) -> Options {
        self.options_at(self.http_address.clone())
    }

    fn options_at(&self, address: Address) -> Options {
        let mut options = Options::new(address);
        options.socket_mode = self.unix_socket_mode;
        options.allow_plain_text = self.allow_plain_text;
        options.ext_authz_removes_credentials = self.ext_authz_remove_credentials;
        options.limits.connections = self.limit_connections.max(1);
        options.limits.body_bytes = self.limit_body_bytes;
        options.limits.shutdown_delay = self.shutdown_delay_duration;
        match self.http_access {
            Some(AccessName::Open) => options.access = Access::Open,
            Some(AccessName::Authorized) => options.access = Access::Authorized,
            None => {}
        }
        options
    }
}

/// A file's mode, as `chmod` takes it.
fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("a mode in octal is expected, of at most 0777".to_owned()),
    }
}

fn log_loaded(engine: &Engine) {
    let status = engine.status();
    for warning in &status.loaded.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(
        revision = status.revision,
        digest = status.loaded.digest,
        "policy loaded: {}",
        crate::summary::counts(&status.loaded.counts)
    );
}

/// Ready when the process is asked to end: by Ctrl-C, or by whoever supervises it.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        systemd::stopping();
    })
}

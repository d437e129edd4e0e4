//! The flags of the reverse proxy; those that kube-rbac-proxy has too are called as there.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use verdikt::Engine;
use verdikt_server::{Address, Options, Server, UpstreamOptions};

use crate::duration;
use crate::failure::Failure;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Reverse proxy")]
pub(crate) struct UpstreamFlags {
    /// The next component, as http://HOST[:PORT] or https://HOST[:PORT]: --secure-port and --proxy-address hand to
    /// it what is allowed, and answer nothing themselves
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    upstream: Option<String>,
    /// Where to listen for requests to hand on, in plain text: ADDRESS:PORT or unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    proxy_address: Option<Address>,
    /// Authorities of the upstream's certificate, in PEM [default: those of the system]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    upstream_ca_file: Option<PathBuf>,
    /// Certificate to show to the upstream, in PEM; read again when it changes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    upstream_client_cert_file: Option<PathBuf>,
    /// Key of that certificate, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    upstream_client_key_file: Option<PathBuf>,
    /// Name that the upstream's certificate must have [default: the host of the URL]
    #[arg(long, value_name = "NAME")]
    upstream_server_name: Option<String>,
    /// Speak HTTP/2 with an upstream without TLS, as gRPC needs it
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    upstream_force_h2c: bool,
    /// How long it may take to connect to the upstream
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    upstream_connect_timeout: Duration,
    /// How long the upstream may take to begin its answer once it has the request; watches and the like have no limit
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration::parse)]
    upstream_timeout: Duration,
}

impl UpstreamFlags {
    /// The next component, if there is one; `plain` are the options of the listener in plain text.
    ///
    /// # Errors
    /// If flags are missing without which the others mean nothing.
    pub(crate) fn options(
        &self,
        plain: &Options,
        poll_interval: Duration,
    ) -> Result<Option<UpstreamOptions>, Failure> {
        let Some(upstream) = &self.upstream else {
            return match &self.proxy_address {
                Some(_) => Err(Failure::message("--proxy-address needs --upstream to hand on to")),
                None => Ok(None),
            };
        };
        if self.upstream_client_cert_file.is_some() != self.upstream_client_key_file.is_some() {
            let message =
                "--upstream-client-cert-file and --upstream-client-key-file belong together";
            return Err(Failure::message(message));
        }
        let mut options = UpstreamOptions::new(upstream);
        options.ca_file.clone_from(&self.upstream_ca_file);
        options.client_certificate =
            self.upstream_client_cert_file.clone().zip(self.upstream_client_key_file.clone());
        options.server_name.clone_from(&self.upstream_server_name);
        options.force_h2c = self.upstream_force_h2c;
        options.connect_timeout = self.upstream_connect_timeout;
        options.timeout = self.upstream_timeout;
        options.tunnels = plain.limits.connections;
        options.poll_interval = poll_interval;
        Ok(Some(options))
    }

    /// The listener for requests to hand on in plain text, if one is asked for.
    pub(crate) async fn bind(
        &self,
        engine: &Engine,
        plain: Options,
        upstream: Option<&UpstreamOptions>,
    ) -> Result<Option<Server>, Failure> {
        let (Some(address), Some(upstream)) = (&self.proxy_address, upstream) else {
            return Ok(None);
        };
        let mut options = plain;
        options.address = address.clone();
        let server = Server::bind_proxy(engine.clone(), options, None, upstream).await;
        server.map(Some).map_err(|error| Failure::message(error.to_string()))
    }
}

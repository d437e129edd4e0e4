//! The flags about TLS, as kube-apiserver has them; but nothing is served over TLS unless a port is given.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use verdikt::Engine;
use verdikt_server::{Options, Server, TlsOptions, TlsVersion, UpstreamOptions};

use crate::failure::Failure;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTPS")]
pub(crate) struct TlsFlags {
    /// Port for HTTPS, where clients can show certificates; 0 takes a free one [default: no HTTPS]
    #[arg(long, value_name = "PORT")]
    secure_port: Option<u16>,
    /// Address for HTTPS
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    bind_address: IpAddr,
    /// Certificate of the server, and those between it and its authority, in PEM; read again when it
    /// changes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tls_cert_file: Option<PathBuf>,
    /// Key of that certificate, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tls_private_key_file: Option<PathBuf>,
    /// Oldest version of TLS: VersionTLS12 or VersionTLS13
    #[arg(long, value_name = "VERSION", default_value_t = TlsVersion::Tls12)]
    tls_min_version: TlsVersion,
    /// Cipher suites of TLS 1.2, by their IANA names [default: all that are safe]
    #[arg(long, value_name = "SUITES", value_delimiter = ',')]
    tls_cipher_suites: Vec<String>,
}

impl TlsFlags {
    /// A server for HTTPS, if there is to be one: it answers itself, or hands on to the upstream. Its bounds are
    /// those of `plain`.
    pub(crate) async fn bind(
        &self,
        engine: &Engine,
        plain: Options,
        poll_interval: Duration,
        upstream: Option<&UpstreamOptions>,
    ) -> Result<Option<Server>, Failure> {
        let Some(port) = self.secure_port else { return Ok(None) };
        let (Some(certificate), Some(key)) = (&self.tls_cert_file, &self.tls_private_key_file)
        else {
            let message = "--secure-port needs --tls-cert-file and --tls-private-key-file";
            return Err(Failure::message(message));
        };
        let mut options = plain;
        options.address = SocketAddr::new(self.bind_address, port).into();
        let mut tls = TlsOptions::new(certificate, key);
        tls.min_version = self.tls_min_version;
        tls.cipher_suites.clone_from(&self.tls_cipher_suites);
        tls.poll_interval = poll_interval;
        let engine = engine.clone();
        let server = match upstream {
            Some(upstream) => Server::bind_proxy(engine, options, Some(&tls), upstream).await,
            None => Server::bind_tls(engine, options, &tls).await,
        };
        server.map(Some).map_err(|error| Failure::message(error.to_string()))
    }
}

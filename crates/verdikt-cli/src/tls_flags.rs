//! The flags about TLS, as kube-apiserver has them; but nothing is served over TLS unless a port is given.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use verdikt::Engine;
use verdikt_server::{
    ClientAuth, Options, SelfSigned, Server, SniCertificate, TlsOptions, TlsVersion,
    UpstreamOptions,
};

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
    /// Certificate and key for clients that ask for certain names (SNI), as CERTIFICATE,KEY[:NAME,...]; without
    /// names they are the certificate's; repeatable
    #[arg(long, value_name = "FILES[:NAMES]")]
    tls_sni_cert_key: Vec<SniCertificate>,
    /// Folder for a certificate that verdikt makes for itself if none is named: ca.crt for clients, tls.crt and
    /// tls.key; used again while it is good
    #[arg(long, value_name = "DIR", default_value = "/var/run/verdikt", value_hint = ValueHint::DirPath)]
    cert_dir: PathBuf,
    /// Whether clients show certificates: they may, they must show one that --client-ca-file or
    /// --requestheader-client-ca-file vouches for, or they are not asked
    #[arg(long, value_name = "WHETHER", default_value = "request")]
    tls_client_certificates: ClientCertificates,
    /// Oldest version of TLS: VersionTLS12 or VersionTLS13
    #[arg(long, value_name = "VERSION", default_value_t = TlsVersion::Tls12)]
    tls_min_version: TlsVersion,
    /// Cipher suites of TLS 1.2, by their IANA names [default: all that are safe]
    #[arg(long, value_name = "SUITES", value_delimiter = ',')]
    tls_cipher_suites: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClientCertificates {
    Request,
    Require,
    None,
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
        let failed = |error: &dyn std::fmt::Display| Failure::message(error.to_string());
        let own = SelfSigned::new(&self.cert_dir, self.bind_address);
        let (mut tls, is_own) = match (&self.tls_cert_file, &self.tls_private_key_file) {
            (Some(certificate), Some(key)) => (TlsOptions::new(certificate, key), false),
            (None, None) => {
                own.ensure().await.map_err(|error| failed(&error))?;
                (TlsOptions::new(own.certificate_file(), own.key_file()), true)
            }
            _ => {
                let message = "--tls-cert-file and --tls-private-key-file belong together";
                return Err(Failure::message(message));
            }
        };
        let mut options = plain;
        options.address = SocketAddr::new(self.bind_address, port).into();
        tls.sni.clone_from(&self.tls_sni_cert_key);
        tls.client_auth = match self.tls_client_certificates {
            ClientCertificates::Request => ClientAuth::Request,
            ClientCertificates::Require => ClientAuth::Require,
            ClientCertificates::None => ClientAuth::None,
        };
        tls.min_version = self.tls_min_version;
        tls.cipher_suites.clone_from(&self.tls_cipher_suites);
        tls.poll_interval = poll_interval;
        let engine = engine.clone();
        let server = match upstream {
            Some(upstream) => Server::bind_proxy(engine, options, Some(&tls), upstream).await,
            None => Server::bind_tls(engine, options, &tls).await,
        };
        let server = server.map_err(|error| failed(&error))?;
        if let (true, Some(address)) = (is_own, server.address().tcp()) {
            let authority = own.authority_file();
            tracing::info!(
                "the certificate is self-signed: curl --cacert {} https://localhost:{}/readyz",
                authority.display(),
                address.port()
            );
        }
        Ok(Some(server))
    }
}

//! A client for gRPC servers under test, for tests that do not wait otherwise.

use tokio::runtime::Runtime;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Response, Status};
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::verdikt_client::VerdiktClient;

use crate::http::Running;
use crate::tls::Certified;

/// A connection to a running server, and metadata that all calls have.
#[derive(Debug)]
pub struct Client<'s> {
    runtime: By<'s>,
    channel: Channel,
    metadata: Vec<(&'static str, String)>,
}

/// Whose threads a client's calls are made by.
#[derive(Debug)]
enum By<'s> {
    Server(&'s Running),
    Itself(Runtime),
}

impl Client<'static> {
    /// Connects to a server of another process once it is needed: at `http://ADDRESS:PORT` or `unix:PATH`.
    ///
    /// # Panics
    /// If that is none.
    pub fn at(url: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let endpoint = Endpoint::try_from(url.to_owned()).unwrap();
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        Self { runtime: By::Itself(runtime), channel, metadata: Vec::new() }
    }
}

impl<'s> Client<'s> {
    /// Connects once it is needed.
    ///
    /// # Panics
    /// If the address of the server is none.
    pub fn new(server: &'s Running) -> Self {
        let endpoint = Endpoint::try_from(format!("http://{}", server.address())).unwrap();
        let channel = server.runtime().block_on(async { endpoint.connect_lazy() });
        Self { runtime: By::Server(server), channel, metadata: Vec::new() }
    }

    /// The same over TLS, to a server whose certificate `authority` signed, with a certificate or without.
    ///
    /// # Panics
    /// If that is none.
    pub fn over_tls(server: &'s Running, authority: &str, client: Option<&Certified>) -> Self {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority))
            .domain_name("localhost");
        if let Some(Certified { certificate, key }) = client {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        let endpoint = Endpoint::try_from(format!("https://{}", server.address())).unwrap();
        let endpoint = endpoint.tls_config(tls).unwrap();
        let channel = server.runtime().block_on(async { endpoint.connect_lazy() });
        Self { runtime: By::Server(server), channel, metadata: Vec::new() }
    }

    /// The same with one more value of metadata.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.metadata.push((name, value.to_owned()));
        self
    }

    /// The connection, for other services.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The service.
    pub fn verdikt(&self) -> VerdiktClient<Channel> {
        VerdiktClient::new(self.channel())
    }

    /// A message with the metadata.
    ///
    /// # Panics
    /// If some of it is not printable.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in &self.metadata {
            request.metadata_mut().append(*name, value.parse().unwrap());
        }
        request
    }

    /// What comes of some calls.
    pub fn wait<T>(&self, calls: impl Future<Output = T>) -> T {
        match &self.runtime {
            By::Server(server) => server.runtime().block_on(calls),
            By::Itself(runtime) => runtime.block_on(calls),
        }
    }

    /// One check.
    ///
    /// # Errors
    /// Whatever the server says.
    pub fn check(&self, question: v1::CheckRequest) -> Result<v1::CheckResponse, Status> {
        self.wait(self.verdikt().check(self.request(question))).map(Response::into_inner)
    }

    /// Many checks in one message, which may be larger than clients take by default.
    ///
    /// # Errors
    /// Whatever the server says.
    pub fn batch(&self, batch: v1::CheckBatchRequest) -> Result<v1::CheckBatchResponse, Status> {
        let mut service = self.verdikt().max_decoding_message_size(64 << 20);
        self.wait(service.check_batch(self.request(batch))).map(Response::into_inner)
    }

    /// One question about a credential.
    ///
    /// # Errors
    /// Whatever the server says.
    pub fn authenticate(
        &self,
        question: v1::AuthenticateRequest,
    ) -> Result<v1::AuthenticateResponse, Status> {
        self.wait(self.verdikt().authenticate(self.request(question))).map(Response::into_inner)
    }
}

//! HTTP to issuers of tokens: the network as authenticators want it, on a thread of its own.
//!
//! An embedder needs no async runtime: the thread has one, and starts only if something is configured
//! that lies elsewhere. It ends with the last engine, snapshot or request that may need it.

mod client;
pub(crate) mod document;
mod runtime;
mod tls;
pub(crate) mod webhook;

use std::sync::Arc;
use std::time::Duration;

use verdikt_authn::remote as authn;

pub(crate) use client::{HttpClient, Request};
pub(crate) use runtime::Runtime;
pub use tls::{Trust, root_certificates};

/// The network.
#[derive(Debug)]
pub(crate) struct Remote {
    runtime: Arc<Runtime>,
}

impl Remote {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has none.
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self { runtime: Arc::new(Runtime::start("verdikt-remote")?) }))
    }
}

impl Remote {
    /// Runs a future on the thread.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }
}

impl authn::Network for Remote {
    fn client(&self, roots: &str) -> Result<Arc<dyn authn::Client>, String> {
        let trust = match roots {
            "" => Trust::System,
            pem => Trust::Pem(pem.as_bytes()),
        };
        let http = HttpClient::new(tls::configuration(&trust)?);
        Ok(Arc::new(Getter { http, runtime: Arc::clone(&self.runtime) }))
    }

    fn after(&self, wait: Duration, run: Box<dyn FnOnce() + Send>) {
        self.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            run();
        });
    }

    /// On a thread of a runtime that has others, its work goes to those: a server that decides on its
    /// own threads is not held up by an issuer.
    fn wait(&self, wait: &mut dyn FnMut()) {
        let flavour = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
        match flavour {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        }
    }
}

/// Gets documents on the thread.
#[derive(Debug)]
struct Getter {
    http: HttpClient,
    runtime: Arc<Runtime>,
}

impl authn::Client for Getter {
    fn get(&self, request: authn::Get, done: authn::Done) {
        let http = self.http.clone();
        self.runtime.spawn(async move {
            let request = Request {
                url: request.url,
                bearer: request.bearer,
                most_bytes: request.most_bytes,
                within: request.within,
            };
            let answer = http.get(&request).await;
            done(answer.map(|answer| authn::Answer {
                status: answer.status.as_u16(),
                status_line: answer.status_line(),
                content_type: answer.content_type,
                body: answer.body,
            }));
        });
    }
}

//! What authenticators need of the network. The engine implements it; nothing here opens a socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use verdikt_core::Secret;

/// A network, and a clock that calls back.
pub trait Network: fmt::Debug + Send + Sync {
    /// A client that trusts the certificates of a PEM text, or the system's if it is empty.
    ///
    /// # Errors
    /// If there are none.
    fn client(&self, roots: &str) -> Result<Arc<dyn Client>, String>;

    /// Calls `run` once this time has passed, on a thread of its own choice; never if the network is
    /// gone by then. `run` must not block.
    fn after(&self, wait: Duration, run: Box<dyn FnOnce() + Send>);

    /// Runs what makes this thread wait for an answer. Whoever has other work for the thread can have
    /// it done elsewhere meanwhile.
    fn wait(&self, wait: &mut dyn FnMut()) {
        wait();
    }
}

/// Gets documents.
pub trait Client: fmt::Debug + Send + Sync {
    /// Begins to get a document, and returns at once. `done` is called exactly once, within the time
    /// that is given, on any thread; it must not block.
    fn get(&self, request: Get, done: Done);
}

/// What is to be got.
#[derive(Clone, Debug)]
pub struct Get {
    /// An absolute URL.
    pub url: String,
    /// A bearer token to show.
    pub bearer: Option<Secret>,
    /// The most bytes a document may have.
    pub most_bytes: usize,
    /// The longest it may take, redirects and all.
    pub within: Duration,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// Such as `404 Not Found`.
    pub status_line: String,
    /// What the document is said to be; empty if nothing is said.
    pub content_type: String,
    /// The document.
    pub body: Vec<u8>,
}

/// Takes an answer, or why there is none.
pub type Done = Box<dyn FnOnce(Result<Answer, String>) + Send>;

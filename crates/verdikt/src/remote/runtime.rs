//! A thread on which requests are under way.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;

/// Runs futures until it is dropped; those that are not done then are dropped as well.
pub(crate) struct Runtime {
    handle: Handle,
    end: Arc<Notify>,
}

impl Runtime {
    /// Starts the thread, under this name.
    ///
    /// # Errors
    /// If the system has none.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let end = Arc::new(Notify::new());
        let ended = Arc::clone(&end);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(ended.notified());
            // A look-up of a name may still be under way, on a thread that cannot be stopped.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, end })
    }

    /// Runs a future on the thread.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(future);
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // It is not waited for: this may be the thread itself.
        self.end.notify_one();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

//! Changes of what serves, and of how reloads go, for whoever waits for them.

use tokio::sync::watch;

use crate::Engine;

/// Tells when there is something new to see in [`Engine::status`].
#[derive(Clone, Debug)]
pub struct Changes(watch::Receiver<()>);

impl Engine {
    /// Whoever looks at the engine after this, and then waits for [`Changes::changed`], misses nothing.
    pub fn subscribe(&self) -> Changes {
        Changes(self.0.changes.subscribe())
    }
}

impl Changes {
    /// Waits until another policy serves, or a reload is refused, or works again; several such changes may
    /// be told as one. False once the engine is gone.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

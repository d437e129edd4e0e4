//! SIGHUP has the files read again at once, as daemons do: whoever cannot wait for changes to be noticed, and systemd
//! (`Type=notify-reload`), which is told when it has been done.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use verdikt::{Engine, Reload};

use crate::systemd;

/// Reloads with each signal from now on. To be called in a runtime.
///
/// # Errors
/// If signals cannot be heard.
pub(crate) fn reload_on_signal(engine: &Engine) -> io::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    let engine = engine.clone();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            reload(&engine).await;
        }
    });
    Ok(())
}

async fn reload(engine: &Engine) {
    systemd::reloading();
    // It reads files, and may wait for issuers.
    let reloading = engine.clone();
    let outcome = spawn_blocking(move || reloading.reload()).await;
    let is_refused = match outcome {
        // What changed is in the log already.
        Ok(Ok(Reload::Changed(_))) => false,
        Ok(Ok(_)) => {
            tracing::info!("reloaded on SIGHUP: nothing has changed");
            false
        }
        Ok(Err(error)) => {
            tracing::error!("reloading on SIGHUP was refused: {error}");
            true
        }
        Err(error) => {
            tracing::error!("reloading on SIGHUP was cut short: {error}");
            true
        }
    };
    let remark = if is_refused { ", the last reload was refused" } else { "" };
    systemd::reloaded(&format!("serving revision {}{remark}", engine.revision()));
}

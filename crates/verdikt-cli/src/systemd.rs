//! What systemd is told about the server, if it asked: `Type=notify` or `Type=notify-reload`, and
//! `WatchdogSec=`, of its unit (`sd_notify(3)`).

use std::time::Duration;

use sd_notify::NotifyState;

/// The server listens.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    if let Some(period) = sd_notify::watchdog_enabled() {
        tokio::spawn(watch(period));
    }
}

/// Files are read again, because of a signal.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // By the time it is known to which signal this is the answer.
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("systemd cannot be told of a reload: {error}"),
    }
}

/// They have been, with whatever outcome: the server serves.
pub(crate) fn reloaded(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The server ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says now and then that the server lives: from a task as others are, which does not run if none do.
async fn watch(period: Duration) {
    let mut ticks = tokio::time::interval(period / 2);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

/// Where nobody listens, nothing is said.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("systemd cannot be told how the server is: {error}");
    }
}

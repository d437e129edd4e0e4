//! How long a call may take: what its `grpc-timeout` says, and waiting for a revision until then.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;
use tonic::metadata::MetadataMap;
use verdikt::{Engine, Revision, Snapshot};

use super::error;

/// When a call must be answered; never, if its client says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// As the metadata of a call has it.
    ///
    /// # Errors
    /// If it is no number of at most eight digits with a unit.
    pub(super) fn of(metadata: &MetadataMap) -> Result<Self, Status> {
        let Some(value) = metadata.get("grpc-timeout") else { return Ok(Self(None)) };
        let timeout = value.to_str().ok().and_then(parse);
        let timeout = timeout.ok_or_else(|| Status::invalid_argument("grpc-timeout: invalid"))?;
        Ok(Self(Instant::now().checked_add(timeout)))
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Whether it has come.
    ///
    /// # Errors
    /// DEADLINE_EXCEEDED if so.
    pub(super) fn check(&self) -> Result<(), Status> {
        match self.0 {
            Some(deadline) if deadline <= Instant::now() => Err(exceeded()),
            _ => Ok(()),
        }
    }

    /// Waits until it comes.
    pub(super) async fn passed(&self) {
        match self.0 {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }

    /// The policy that serves, once it is of `revision` or later.
    ///
    /// # Errors
    /// FAILED_PRECONDITION if it does not become so in time.
    pub(super) async fn snapshot(
        &self,
        engine: &Engine,
        revision: Revision,
    ) -> Result<Arc<Snapshot>, Status> {
        let snapshot = engine.snapshot();
        if snapshot.revision() >= revision {
            return Ok(snapshot);
        }
        let Some(deadline) = self.0 else {
            return Err(error::revision_not_served(revision, snapshot.revision()));
        };
        // So that the client hears what is wrong before its own clock ends the call.
        let left = deadline.saturating_duration_since(Instant::now());
        let early = (left / 10).min(Duration::from_millis(100));
        let mut changes = engine.subscribe();
        let reached = async {
            loop {
                let snapshot = engine.snapshot();
                if snapshot.revision() >= revision {
                    return snapshot;
                }
                changes.changed().await;
            }
        };
        let reached = tokio::time::timeout_at(deadline - early, reached).await;
        reached.map_err(|_| error::revision_not_served(revision, engine.revision()))
    }

    /// What `work` comes to, if it does in time. It goes on even if it does not, for it cannot be stopped.
    ///
    /// # Errors
    /// Its own, or DEADLINE_EXCEEDED.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Status>> + Send + 'static,
    ) -> Result<T, Status> {
        let work = tokio::spawn(work);
        let ended = match self.0 {
            Some(deadline) => tokio::time::timeout_at(deadline, work).await,
            None => Ok(work.await),
        };
        match ended {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Status::internal("the call could not be answered")),
            Err(_) => Err(exceeded()),
        }
    }
}

fn exceeded() -> Status {
    Status::deadline_exceeded("the call took longer than its deadline allows")
}

/// "TimeoutValue TimeoutUnit" of the protocol: at most eight digits, then H, M, S, m, u or n.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn timeouts_are_numbers_with_a_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("200m", Some(Duration::from_millis(200))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("", None),
            ("S", None),
            ("1", None),
            ("1s", None),
            ("-1S", None),
            ("+1S", None),
            ("999999999S", None),
            ("1é", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}

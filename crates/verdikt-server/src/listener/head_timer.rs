//! The clock that bounds how long the head of a request over HTTP/1 may take.
//!
//! hyper makes a new sleep for each head, and to register it with the runtime and take it back again costs more than a
//! decision. Here a connection has one sleep, which runs on from one head to the next. Once it ends, the deadline of the
//! present head decides: it is over, or the sleep is set to it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The clock of one connection. Deadlines that it is asked for must not get earlier.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadTimer(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

/// Sleeps until its deadline, on the clock of its connection.
struct Until {
    deadline: Instant,
    clock: HeadTimer,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { deadline, clock: self.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.into();
        let mut sleep = self.clock.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(sleep.as_mut().poll(context));
        if sleep.deadline() < deadline {
            sleep.as_mut().reset(deadline);
            return sleep.as_mut().poll(context);
        }
        Poll::Ready(())
    }
}

impl Sleep for Until {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_sleep_ends_at_its_own_time() {
        let (clock, start) = (HeadTimer::default(), tokio::time::Instant::now());
        let elapsed = || start.elapsed().as_secs();
        let first = clock.sleep(Duration::from_secs(30));
        assert!(tokio::time::timeout(Duration::from_secs(10), first).await.is_err());
        // The first is given up, and the next one asked for later.
        let mut second = clock.sleep(Duration::from_secs(30));
        assert!(tokio::time::timeout(Duration::from_secs(25), &mut second).await.is_err());
        assert_eq!(elapsed(), 35);
        second.await;
        assert_eq!(elapsed(), 40);
        clock.sleep(Duration::from_secs(30)).await;
        assert_eq!(elapsed(), 70);
    }
}

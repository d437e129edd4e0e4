//! Requests to webhooks: one POST to the server of a kubeconfig, tried again as kube-apiserver does.
//!
//! Follows apiserver's `pkg/util/webhook/webhook.go` and client-go's `rest/{request,with_retry}.go`.
//! Differences: redirects are never followed, an answer has a bound on its bytes, and so have the requests
//! that are under way or wait for their turn, and the time all attempts may take together.

mod address;
mod connection;
mod failure;
mod insecure;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use tokio::sync::Semaphore;
use verdikt_authn::remote::Network as _;
use verdikt_parser::go_duration::GoDuration;
use verdikt_parser::kubeconfig::Kubeconfig;

use super::Remote;
use address::Address;
use connection::{Connection, Ready};
pub(crate) use failure::Failure;

/// A webhook that can be asked. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Webhook(Arc<Shared>);

struct Shared {
    remote: Arc<Remote>,
    connection: Connection,
    address: Address,
    /// Of one attempt, its answer included.
    timeout: Duration,
    /// Of all attempts.
    within: Duration,
    permits: Semaphore,
    waiting: AtomicUsize,
}

/// What came back, if it was what a webhook that works answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

/// How one attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Timeout,
    Error,
}

impl Webhook {
    /// A webhook at the server of a kubeconfig.
    ///
    /// # Errors
    /// If there is none, or the files that are named cannot be used.
    pub(crate) fn new(
        remote: Arc<Remote>,
        kubeconfig: Kubeconfig,
        timeout: GoDuration,
        within: Duration,
    ) -> Result<Self, String> {
        let address = Address::new(&kubeconfig, timeout)?;
        let connection = Connection::new(kubeconfig, address.is_secure())?;
        Ok(Self(Arc::new(Shared {
            remote,
            connection,
            address,
            timeout: timeout.as_std(),
            within,
            permits: Semaphore::new(MOST_AT_ONCE),
            waiting: AtomicUsize::new(0),
        })))
    }

    /// Looks at once at the files that the kubeconfig names, and uses them from now on.
    ///
    /// # Errors
    /// If they cannot be used; those before stay.
    pub(crate) fn renew(&self) -> Result<(), String> {
        self.0.connection.renew()
    }

    /// Posts a document and waits for what `decode` makes of the answer. `observe` is told how each
    /// attempt went, and how long it took.
    ///
    /// # Errors
    /// Why there is no answer that can be used.
    pub(crate) fn post<T: Send + 'static>(
        &self,
        body: Vec<u8>,
        decode: impl Fn(&Answer) -> Result<T, String> + Send + Sync + 'static,
        observe: impl Fn(Outcome, Duration) + Send + Sync + 'static,
    ) -> Result<T, Failure> {
        let (send, receive) = sync_channel(1);
        let mut result = None;
        let mut question = Some((Bytes::from(body), decode, observe));
        self.0.remote.wait(&mut || {
            let Some((body, decode, observe)) = question.take() else { return };
            // Files are read here, where nobody else waits.
            let ready = self.0.connection.ready();
            let (shared, send) = (Arc::clone(&self.0), send.clone());
            self.0.remote.spawn(async move {
                let attempts = shared.attempts(&ready, &body, &decode, &observe);
                let answer = match tokio::time::timeout(shared.within, attempts).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Failure::of_call("context deadline exceeded")),
                };
                // Whoever asked may be gone.
                let _ = send.send(answer);
            });
            result = receive.recv_timeout(self.0.within + GRACE).ok();
        });
        result.unwrap_or_else(|| Err(Failure::of_call("the network is gone")))
    }
}

impl Shared {
    async fn attempts<T>(
        &self,
        ready: &Ready,
        body: &Bytes,
        decode: &(impl Fn(&Answer) -> Result<T, String> + Sync),
        observe: &(impl Fn(Outcome, Duration) + Sync),
    ) -> Result<T, Failure> {
        let mut delay = FIRST_DELAY;
        let mut left = MOST_ATTEMPTS;
        loop {
            let started = Instant::now();
            let result = self.attempt(ready, body).await;
            let result = result.and_then(|answer| decode(&answer).map_err(Failure::of_answer));
            let outcome = match &result {
                Ok(_) => Outcome::Success,
                Err(failure) if failure.is_timeout() => Outcome::Timeout,
                Err(_) => Outcome::Error,
            };
            observe(outcome, started.elapsed());
            left -= 1;
            match result {
                Err(failure) if left > 0 && failure.is_worth_another_try() => {
                    tokio::time::sleep(jittered(delay)).await;
                    delay = delay.mul_f64(FACTOR);
                }
                result => return result,
            }
        }
    }

    /// One attempt, with the waits that the server itself asks for.
    async fn attempt(&self, ready: &Ready, body: &Bytes) -> Result<Answer, Failure> {
        let _place = Place::take(&self.waiting)?;
        let attempt = async {
            let permit = self.permits.acquire().await;
            let _permit = permit.map_err(|_| Failure::of_call("the network is gone"))?;
            let mut again = MOST_RETRY_AFTER;
            loop {
                let request = self.request(ready, body);
                let response = transport::send(&ready.client, request, &self.address).await?;
                match response.retry_after.filter(|_| again > 0) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return response.answer(),
                }
                again -= 1;
            }
        };
        match tokio::time::timeout(self.timeout, attempt).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::timeout(&self.address)),
        }
    }

    fn request(&self, ready: &Ready, body: &Bytes) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(body.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.address.uri.clone();
        let headers = request.headers_mut();
        let json = http::HeaderValue::from_static("application/json");
        headers.insert(http::header::CONTENT_TYPE, json);
        let accept = http::HeaderValue::from_static("application/json, */*");
        headers.insert(http::header::ACCEPT, accept);
        let agent = http::HeaderValue::from_static(concat!("verdikt/", env!("CARGO_PKG_VERSION")));
        headers.insert(http::header::USER_AGENT, agent);
        if let Some(authorization) = &ready.authorization {
            headers.insert(http::header::AUTHORIZATION, authorization.clone());
        }
        request
    }
}

/// One of the places for requests that are under way or wait.
struct Place<'w>(&'w AtomicUsize);

impl<'w> Place<'w> {
    fn take(waiting: &'w AtomicUsize) -> Result<Self, Failure> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            return Err(Failure::of_call("too many requests wait for the webhook"));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The delay and up to a fifth more, so that those who failed together do not come back together.
fn jittered(delay: Duration) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let random = RandomState::new().hash_one(0_u8) % 1_000;
    #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
    let share = random as f64 / 1_000.0;
    delay.mul_f64(1.0 + JITTER * share)
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Webhook").field(&self.0.address.text).finish()
    }
}

const FIRST_DELAY: Duration = Duration::from_millis(500);
const FACTOR: f64 = 1.5;
const JITTER: f64 = 0.2;
const MOST_ATTEMPTS: u32 = 5;
/// How often the server may say that it is to be asked again, within one attempt.
const MOST_RETRY_AFTER: u32 = 10;
/// Requests of one webhook that are under way.
const MOST_AT_ONCE: usize = 128;
/// The same with those that wait for their turn; a thread waits for each.
const MOST_WAITING: usize = 256;
const GRACE: Duration = Duration::from_secs(5);

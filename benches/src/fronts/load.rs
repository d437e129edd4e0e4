//! Clients in a closed loop: each asks again as soon as it is answered, until the time is up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::verdikt_client::VerdiktClient;

use super::messages::Messages;
use super::{BoxError, Done};

/// What one client saw.
#[derive(Default)]
pub struct Load {
    decisions: usize,
    latencies: Vec<u64>,
}

impl Load {
    fn add(&mut self, decisions: usize, since: Instant) {
        self.decisions += decisions;
        self.latencies.push(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
}

/// All clients together.
async fn together(
    mut clients: JoinSet<Result<Load, BoxError>>,
    start: Instant,
) -> Result<Done, BoxError> {
    let mut all = Load::default();
    while let Some(load) = clients.join_next().await {
        let load = load??;
        all.decisions += load.decisions;
        all.latencies.extend(load.latencies);
    }
    let rate = all.decisions as f64 / start.elapsed().as_secs_f64();
    all.latencies.sort_unstable();
    Ok(Done { rate, latencies: all.latencies })
}

pub(super) async fn unary(
    channels: Vec<Channel>,
    messages: &Messages,
    calls: usize,
    time: Duration,
) -> Result<Done, BoxError> {
    let (start, mut clients) = (Instant::now(), JoinSet::new());
    for (client, channel) in channels.iter().cycle().take(calls).enumerate() {
        let (mut verdikt, checks) = (VerdiktClient::new(channel.clone()), messages.checks.clone());
        clients.spawn(async move {
            let mut load = Load::default();
            let mine = checks.iter().cycle().skip(client * checks.len() / calls);
            for check in mine.take_while(|_| start.elapsed() < time) {
                let (check, since) = (check.clone(), Instant::now());
                verdikt.check(check).await?;
                load.add(1, since);
            }
            Ok(load)
        });
    }
    together(clients, start).await
}

pub(super) async fn batch(
    channels: Vec<Channel>,
    messages: &Messages,
    size: usize,
    time: Duration,
) -> Result<Done, BoxError> {
    let batches = messages.batches(size);
    let (start, mut clients) = (Instant::now(), JoinSet::new());
    for channel in channels {
        let (mut verdikt, batches) = (VerdiktClient::new(channel), batches.clone());
        clients.spawn(async move {
            let mut load = Load::default();
            for batch in batches.iter().cycle().take_while(|_| start.elapsed() < time) {
                let (batch, since) = (batch.clone(), Instant::now());
                let answers = verdikt.check_batch(batch).await?.into_inner();
                load.add(answers.decisions.len(), since);
            }
            Ok(load)
        });
    }
    together(clients, start).await
}

/// One stream on each channel, with `open` questions that wait for their answers.
pub(super) async fn stream(
    channels: Vec<Channel>,
    messages: &Messages,
    open: usize,
    time: Duration,
) -> Result<Done, BoxError> {
    let (start, mut clients) = (Instant::now(), JoinSet::new());
    for channel in channels {
        let (mut verdikt, checks) = (VerdiktClient::new(channel), messages.checks.clone());
        clients.spawn(async move {
            let (sender, questions) = tokio::sync::mpsc::channel(open);
            let mut asked = checks.iter().cycle().zip(0..);
            let mut ask = || {
                let (check, id) = asked.next().ok_or("no questions")?;
                let question = Some(check.clone());
                let question = v1::CheckStreamRequest { id, question };
                sender.try_send(question).map_err(|error| error.to_string())?;
                Ok::<_, BoxError>(Instant::now())
            };
            let mut since = std::collections::VecDeque::with_capacity(open);
            for _ in 0..open {
                since.push_back(ask()?);
            }
            let mut answers =
                verdikt.check_stream(ReceiverStream::new(questions)).await?.into_inner();
            let mut load = Load::default();
            while start.elapsed() < time {
                answers.next().await.ok_or("the stream ended")??;
                load.add(1, since.pop_front().ok_or("an answer too many")?);
                since.push_back(ask()?);
            }
            Ok(load)
        });
    }
    together(clients, start).await
}

pub(super) async fn review(
    address: SocketAddr,
    messages: &Messages,
    connections: usize,
    time: Duration,
) -> Result<Done, BoxError> {
    let (start, mut clients) = (Instant::now(), JoinSet::new());
    for client in 0..connections {
        let reviews = messages.reviews.clone();
        clients.spawn(async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let mut load = Load::default();
            let mine = reviews.iter().cycle().skip(client * reviews.len() / connections);
            for review in mine.take_while(|_| start.elapsed() < time) {
                let since = Instant::now();
                let request = Request::post("/apis/authorization.k8s.io/v1/subjectaccessreviews")
                    .header("host", "verdikt")
                    .header("content-type", "application/json")
                    .body(Body::from(Bytes::clone(review)))?;
                let response = sender.send_request(request).await?;
                let is_good = response.status().is_success();
                let body = response.into_body().collect().await?.to_bytes();
                if !is_good {
                    return Err(String::from_utf8_lossy(&body).into());
                }
                load.add(1, since);
            }
            Ok(load)
        });
    }
    together(clients, start).await
}

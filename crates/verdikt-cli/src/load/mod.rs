//! A load on a running server, for `verdikt bench`: made, measured and reported.
//!
//! Questions (`asked.rs`) become messages (`message.rs`), which workers send when it is time to (`pace.rs`,
//! `worker.rs`); answers are counted (`tally.rs`) and told of (`report.rs`). Memory is bounded: the messages, and
//! histograms of fixed size.

mod answer;
mod asked;
mod codec;
mod grpc;
mod kind;
mod message;
mod pace;
mod plot;
mod progress;
mod report;
mod review;
mod stream;
mod tally;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use self::answer::CallError;
use self::grpc::Grpc;
use self::pace::Pace;
use self::progress::Progress;
use self::review::Review;
use self::tally::{Tallies, Tally};
use self::worker::{Caller, Work};
use crate::failure::Failure;
use crate::{client, open_files};

pub(crate) use self::asked::Asked;
pub(crate) use self::kind::Kind;
pub(crate) use self::message::Messages;
pub(crate) use self::report::Report;

/// What load to make.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) server: String,
    pub(crate) kind: Kind,
    pub(crate) token: Option<String>,
    /// Calls a second; none for a closed loop.
    pub(crate) rate: Option<f64>,
    pub(crate) warmup: Duration,
    pub(crate) duration: Duration,
    pub(crate) connections: usize,
    /// Calls under way on each connection.
    pub(crate) concurrency: usize,
    pub(crate) timeout: Duration,
}

/// What came of it.
#[derive(Debug)]
struct Outcome {
    tally: Tally,
    /// For how long, after the warm-up, calls were begun.
    measured: Duration,
    /// Calls that were due at the end, and not begun.
    unsent: u64,
    is_interrupted: bool,
}

/// Makes the load, and says what came of it.
pub(crate) fn run(plan: Plan, messages: Messages) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::message(error.to_string()))?;
    let Messages { all, left_out } = messages;
    let outcome = runtime.block_on(drive(&plan, all.into()))?;
    Ok(Report::new(plan, left_out, outcome))
}

async fn drive(plan: &Plan, messages: Arc<[message::Message]>) -> Result<Outcome, Failure> {
    open_files::raise_limit();
    let callers = connect(plan, &messages).await?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let tallies = Tallies::new(cores.min(plan.connections));
    let pace = Pace::new(plan.rate);
    let from = pace.start() + plan.warmup;
    let mut workers = JoinSet::new();
    for (number, caller) in callers.into_iter().enumerate() {
        let Some(recorder) = tallies.recorder(number, from) else { continue };
        let (pace, messages, timeout) = (Arc::clone(&pace), Arc::clone(&messages), plan.timeout);
        let work = Work { pace, messages, recorder, timeout };
        match caller {
            Caller::Grpc(grpc) if plan.kind == Kind::Stream => {
                workers.spawn(stream::work(grpc, plan.concurrency, work));
            }
            caller => {
                for _ in 0..plan.concurrency {
                    workers.spawn(caller.clone().work(work.clone()));
                }
            }
        }
    }
    let is_interrupted = wait(plan, pace.start(), &tallies).await?;
    let measured = from.elapsed();
    let unsent = pace.unsent();
    pace.stop();
    // Calls end by their timeouts. Who does not want to wait for them says so.
    tokio::select! {
        () = async { while workers.join_next().await.is_some() {} } => {}
        _ = tokio::signal::ctrl_c() => workers.shutdown().await,
    }
    Ok(Outcome { tally: tallies.total(), measured, unsent, is_interrupted })
}

/// All connections, over the first of which a call has been made.
async fn connect(plan: &Plan, messages: &[message::Message]) -> Result<Vec<Caller>, Failure> {
    let Plan { server, kind, token, concurrency, connections, .. } = plan;
    let failed = |error: &CallError| {
        let text = format!("{server}: {error}");
        Failure::message(match error.advice() {
            "" => text,
            advice => format!("{text}; {advice}"),
        })
    };
    // Says what is wrong with an address, for all kinds alike.
    match stream::in_time(plan.timeout, client::connect(server)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) if error.is::<std::io::Error>() => {
            return Err(failed(&CallError::connection(&*error)));
        }
        Ok(Err(error)) => return Err(Failure::message(format!("--server {server}: {error}"))),
        Err(late) => return Err(failed(&late)),
    }
    let mut callers = Vec::with_capacity(*connections);
    for number in 1..=*connections {
        let token = token.as_deref();
        let connected = async {
            Ok(match kind {
                Kind::Review => Caller::Review(Review::connect(server, *concurrency, token).await?),
                _ => Caller::Grpc(Grpc::connect(server, *kind, *concurrency, token).await?),
            })
        };
        let connected = stream::in_time(plan.timeout, connected).await.and_then(|it| it);
        let mut caller = connected.map_err(|error| match number {
            1 => failed(&error),
            _ => Failure::message(format!("connection {number} to {server}: {error}")),
        })?;
        if number == 1
            && let Some(message) = messages.first()
        {
            let asked = match &mut caller {
                Caller::Grpc(grpc) if *kind == Kind::Stream => {
                    stream::probe(grpc, message, plan.timeout).await
                }
                caller => caller.call(message, plan.timeout).await.map(drop),
            };
            asked.map_err(|error| failed(&error))?;
        }
        callers.push(caller);
    }
    Ok(callers)
}

/// Waits for the end, or for Ctrl-C, which is when it says so.
async fn wait(plan: &Plan, start: Instant, tallies: &Tallies) -> Result<bool, Failure> {
    let progress = Progress::new(plan.warmup, plan.duration);
    let end = tokio::time::sleep_until((start + plan.warmup + plan.duration).into());
    tokio::pin!(end);
    let mut ticks = tokio::time::interval(Progress::INTERVAL);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            () = &mut end => return Ok(false),
            signal = &mut interrupted => {
                signal.map_err(|error| Failure::message(error.to_string()))?;
                return Ok(true);
            }
            _ = ticks.tick() => progress.show(start.elapsed(), tallies.so_far()),
        }
    }
}

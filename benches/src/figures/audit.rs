//! What the audit trail adds to a decision.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;
use verdikt::Engine;
use verdikt_bench::audit::{POLICIES, decide, drain, engine};
use verdikt_bench::measure::floor_ns;
use verdikt_bench::world::{Request, World};

#[derive(Serialize)]
pub(crate) struct Figures {
    floor_ns: f64,
    off_ns: f64,
    level_none_ns: f64,
    batch_one_event_ns: f64,
    batch_two_events_ns: f64,
    /// What both events cost, which is to be no more than 1,000.
    added_ns: f64,
    /// Events that found no room; those cost less, so that there should be none.
    dropped: u64,
}

pub(crate) fn measure() -> Result<Figures, Box<dyn std::error::Error>> {
    let World { policy, requests } = World::new(1_000);
    let engines = POLICIES.map(|(_, rules)| engine(policy.clone(), rules));
    let [off, none, one, two] = engines;
    let engines = [off?, none?, one?, two?];
    let mut times: [Vec<f64>; 4] = Default::default();
    // In turns, so that what else the machine does befalls all of them alike.
    for _ in 0..PASSES {
        for (engine, times) in engines.iter().zip(&mut times) {
            for some in requests.chunks_exact(AT_A_TIME).take(4) {
                times.push(pass(engine, some));
            }
        }
    }
    let [off_ns, level_none_ns, batch_one_event_ns, batch_two_events_ns] = times.map(median);
    Ok(Figures {
        floor_ns: floor_ns(),
        off_ns,
        level_none_ns,
        batch_one_event_ns,
        batch_two_events_ns,
        added_ns: batch_two_events_ns - off_ns,
        dropped: engines.iter().map(drain).sum(),
    })
}

/// Nanoseconds a request takes. The queue is empty before and has room for all.
fn pass(engine: &Engine, requests: &[Request]) -> f64 {
    drain(engine);
    let start = Instant::now();
    black_box(decide(engine, requests));
    start.elapsed().as_secs_f64() * 1e9 / requests.len().max(1) as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "floor              {:8.1} ns", self.floor_ns)?;
        for (name, ns) in [
            ("off", self.off_ns),
            ("level none", self.level_none_ns),
            ("batch, one event", self.batch_one_event_ns),
            ("batch, two events", self.batch_two_events_ns),
        ] {
            let (added, ratio) = (ns - self.off_ns, ns / self.floor_ns);
            writeln!(f, "{name:<18} {ns:8.1} ns  {ratio:5.1}x  {added:+8.1} ns")?;
        }
        writeln!(f, "dropped            {:8}", self.dropped)
    }
}

const PASSES: usize = 100;
/// Few, so that most passes are over before anything interrupts them.
const AT_A_TIME: usize = 512;

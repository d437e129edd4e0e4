//! What a change of one binding costs until it serves, alone and while two threads decide.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use verdikt::parser::rbac::{Binding, RoleRef};
use verdikt::{Engine, LoadError, RbacEvent, RbacObject};
use verdikt_bench::measure::decide_raw;
use verdikt_bench::world::World;

#[derive(Serialize)]
pub(crate) struct Figures {
    bindings: usize,
    build_s: f64,
    bytes_per_binding: f64,
    quiet: Percentiles,
    /// While two threads decide.
    busy: Percentiles,
}

/// Microseconds from an event until its outcome serves.
#[derive(Serialize)]
struct Percentiles {
    p50_us: f64,
    p99_us: f64,
    max_us: f64,
}

pub(crate) fn measure(bindings: usize) -> Result<Figures, LoadError> {
    let World { policy, requests } = World::new(bindings);
    let some: Vec<Binding> =
        policy.role_bindings.iter().step_by((bindings / CHANGES).max(1)).cloned().collect();
    let start = Instant::now();
    let engine = Engine::builder().objects(policy).build()?;
    let build_s = start.elapsed().as_secs_f64();
    let bytes_per_binding = engine.status().loaded.table_bytes as f64 / bindings as f64;
    let quiet = Percentiles::of(changes(&engine, &some));
    let done = AtomicBool::new(false);
    let busy = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::black_box(decide_raw(&engine, &requests));
                }
            });
        }
        let busy = changes(&engine, &some);
        done.store(true, Ordering::Relaxed);
        Percentiles::of(busy)
    });
    Ok(Figures { bindings, build_s, bytes_per_binding, quiet, busy })
}

/// Of each binding: another one like it comes, refers to another role, and goes.
fn changes(engine: &Engine, bindings: &[Binding]) -> Vec<Duration> {
    let mut times = Vec::with_capacity(bindings.len() * 3);
    for binding in bindings {
        let new = Binding { name: format!("{}-new", binding.name), ..binding.clone() };
        let changed = Binding { role_ref: RoleRef::default(), ..new.clone() };
        let events = [
            RbacEvent::Put(RbacObject::RoleBinding(new.clone())),
            RbacEvent::Put(RbacObject::RoleBinding(changed)),
            RbacEvent::Deleted(RbacObject::RoleBinding(new)),
        ];
        for event in events {
            let start = Instant::now();
            engine.apply(event);
            times.push(start.elapsed());
        }
    }
    times
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: usize| {
            let index = (times.len() * part / 100).min(times.len().saturating_sub(1));
            times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        Self { p50_us: at(50), p99_us: at(99), max_us: at(100) }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bindings, build_s, bytes_per_binding, quiet, busy } = self;
        writeln!(f, "{bindings} bindings, built in {build_s:.2} s, {bytes_per_binding:.0} B each")?;
        for (name, times) in [("alone", quiet), ("with two threads deciding", busy)] {
            let Percentiles { p50_us, p99_us, max_us } = times;
            writeln!(f, "{name:26} p50 {p50_us:7.1} us  p99 {p99_us:7.1} us  max {max_us:7.1} us")?;
        }
        Ok(())
    }
}

/// Bindings that are changed, of which each makes three changes.
const CHANGES: usize = 2_000;

//! What an engine has to do to be measured, and all the encodings there are.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use verdikt_bench::world::World;

use crate::model::Model;
use crate::{casbin, cedar, opa, regorus, verdikt};

/// A policy that was built, with the world's requests.
pub(crate) trait Engine {
    /// Whether it allows the request of this number.
    fn allows(&mut self, request: usize) -> Result<bool, Box<dyn Error>>;

    /// How long it takes to decide the first so many requests.
    fn time(&mut self, requests: usize) -> Result<Duration, Box<dyn Error>> {
        let start = cpu_time();
        for request in 0..requests {
            black_box(self.allows(black_box(request))?);
        }
        Ok(cpu_time() - start)
    }
}

/// What this thread has used of a CPU: on a busy machine, clocks on the wall count the others' work too.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// How an engine is told the policy.
pub(crate) struct Encoding {
    pub(crate) engine: &'static str,
    pub(crate) encoding: &'static str,
    /// Whether it must give verdikt's answers.
    pub(crate) exact: bool,
    /// How it works, and what it drops.
    pub(crate) about: &'static str,
    pub(crate) build: Build,
}

pub(crate) type Build =
    for<'w> fn(&'w World, &'w Model, &'w Settings) -> Result<Box<dyn Engine + 'w>, Box<dyn Error>>;

/// What an engine may need besides the world.
pub(crate) struct Settings {
    /// The program in `opa/`, built.
    pub(crate) opa: Option<PathBuf>,
}

/// All encodings; verdikt's own first, which the others are compared with.
pub(crate) fn encodings(settings: &Settings) -> Vec<Encoding> {
    let own: [Encoding; 2] = verdikt::ENCODINGS;
    let opa = settings.opa.iter().flat_map(|_| opa::ENCODINGS);
    let peers = cedar::ENCODINGS.into_iter().chain(casbin::ENCODINGS).chain(regorus::ENCODINGS);
    own.into_iter().chain(peers).chain(opa).collect()
}

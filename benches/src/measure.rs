//! Times passes over many requests, and takes the median of the passes.

use std::hint::black_box;
use std::time::Instant;

use verdikt::{Attributes, Engine, Identity};

use crate::floor::Floor;
use crate::world::{Question, Request};

/// Nanoseconds an operation takes: the median over passes of `pass`, each of `operations` operations.
pub fn median_ns(operations: usize, pass: impl FnMut() -> u64) -> f64 {
    let passes = (TARGET_OPERATIONS / operations.max(1)).clamp(MIN_PASSES, MAX_PASSES);
    median_of(passes, operations, pass)
}

/// The same, with this many passes.
pub fn median_of(passes: usize, operations: usize, mut pass: impl FnMut() -> u64) -> f64 {
    black_box(pass());
    let mut times: Vec<f64> = (0..passes)
        .map(|_| {
            let start = Instant::now();
            black_box(pass());
            start.elapsed().as_secs_f64() * 1e9 / operations.max(1) as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Nanoseconds an operation takes longer in `second` than in `first`: the median of the differences of
/// passes that take turns.
pub fn difference_ns(
    operations: usize,
    mut first: impl FnMut() -> u64,
    mut second: impl FnMut() -> u64,
) -> f64 {
    let time = |pass: &mut dyn FnMut() -> u64| {
        let start = Instant::now();
        black_box(pass());
        start.elapsed().as_secs_f64() * 1e9 / operations.max(1) as f64
    };
    let mut differences: Vec<f64> = (0..MAX_PASSES)
        .map(|_| {
            let before = time(&mut first);
            time(&mut second) - before
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    differences.get(differences.len() / 2).copied().unwrap_or_default()
}

/// One look-up in the floor.
pub fn floor_ns() -> f64 {
    let floor = Floor::new();
    median_ns(floor.len(), || floor.pass())
}

/// Decides every request once, from strings; gives how many are allowed.
pub fn decide_raw(engine: &Engine, requests: &[Request]) -> u64 {
    requests
        .iter()
        .map(|request| u64::from(engine.authorize(&request.attributes()).is_allowed()))
        .sum()
}

/// The same for users whose subjects were resolved before.
pub fn decide_resolved(engine: &Engine, requests: &[(Identity, Question)]) -> u64 {
    let decide = |(identity, question): &(Identity, Question)| {
        let question = Attributes { user: Some(identity.into()), ..question.attributes() };
        u64::from(engine.authorize(&question).is_allowed())
    };
    requests.iter().map(decide).sum()
}

/// The requests with their users resolved.
pub fn resolve(engine: &Engine, requests: &[Request]) -> Vec<(Identity, Question)> {
    let resolve = |request: &Request| {
        (Identity::new(request.user.clone(), engine.hash_key()), request.question.clone())
    };
    requests.iter().map(resolve).collect()
}

const TARGET_OPERATIONS: usize = 2_000_000;
const MIN_PASSES: usize = 31;
const MAX_PASSES: usize = 501;

//! One world: builds every engine, holds its answers against verdikt's, and then times them in turns.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;
use verdikt_bench::floor::Floor;
use verdikt_bench::world::World;

use crate::engine::{Encoding, Engine, Settings, cpu_time};
use crate::model::Model;

/// What came of an encoding in a world.
pub(crate) enum Outcome<'e> {
    Measured(Figures<'e>),
    /// Because building it would take so many seconds.
    Skipped(&'e Encoding, f64),
}

#[derive(Serialize)]
pub(crate) struct Figures<'e> {
    pub(crate) engine: &'e str,
    pub(crate) encoding: &'e str,
    /// Bindings.
    pub(crate) size: usize,
    /// A decision, in CPU time, the median of rounds.
    pub(crate) ns: f64,
    /// A look-up in the floor, just before.
    pub(crate) floor_ns: f64,
    /// The median of ratios of rounds.
    pub(crate) ratio_to_floor: f64,
    /// To verdikt with requests as strings, by the floors of both.
    pub(crate) ratio_to_verdikt: f64,
    /// From parsed objects, in the encoding's words.
    pub(crate) build_s: f64,
    /// How many different requests were timed.
    pub(crate) timed_requests: usize,
    /// How many requests were held against verdikt's answers.
    pub(crate) checked: usize,
    pub(crate) agreed: usize,
    pub(crate) wrongly_allowed: usize,
    pub(crate) wrongly_denied: usize,
}

/// An engine that gave its answers, and what is known of it by then.
struct Checked<'e, 'w> {
    encoding: &'e Encoding,
    engine: Box<dyn Engine + 'w>,
    build_s: f64,
    answers: Answers,
    requests: usize,
    /// Passes over them in each round.
    passes: usize,
    /// Of each round: a decision, and the floor just before it.
    rounds: Vec<(f64, f64)>,
}

#[derive(Default)]
struct Answers {
    checked: usize,
    wrongly_allowed: usize,
    wrongly_denied: usize,
    took: Duration,
}

/// Measures all encodings in the world of this size; `last_builds` has the size and seconds of each
/// one's last build.
pub(crate) fn world<'e>(
    size: usize,
    encodings: &'e [Encoding],
    settings: &Settings,
    last_builds: &mut [Option<(usize, f64)>],
) -> Result<Vec<Outcome<'e>>, Box<dyn Error>> {
    let world = World::new(size);
    let model = Model::new(&world);
    let expected = expected(&world)?;
    let (mut engines, mut skipped) = (Vec::new(), Vec::new());
    for (encoding, last_build) in encodings.iter().zip(last_builds) {
        let foretold = last_build.map(|(last, seconds)| seconds * size as f64 / last as f64);
        if let Some(seconds) = foretold.filter(|&it| it > MOST_BUILD_S) {
            skipped.push(Outcome::Skipped(encoding, seconds));
            continue;
        }
        let start = Instant::now();
        let mut engine = (encoding.build)(&world, &model, settings)?;
        let build_s = start.elapsed().as_secs_f64();
        *last_build = Some((size, build_s));
        let answers = check(encoding, engine.as_mut(), &expected)?;
        let each = answers.took.as_secs_f64() / answers.checked as f64;
        let requests = ((LONGEST_PASS_S / each) as usize).clamp(1, answers.checked);
        let passes = ((SHORTEST_TURN_S / (each * requests as f64)) as usize).max(1);
        let rounds = Vec::new();
        engines.push(Checked { encoding, engine, build_s, answers, requests, passes, rounds });
    }
    rounds(&mut engines)?;
    let own_ratio = engines.first().map(Checked::ratio_to_floor).unwrap_or_default();
    let figures = engines.into_iter().map(|it| Outcome::Measured(it.figures(size, own_ratio)));
    Ok(figures.chain(skipped).collect())
}

/// What verdikt answers to each request.
fn expected(world: &World) -> Result<Vec<bool>, Box<dyn Error>> {
    let engine = verdikt::Engine::builder().objects(world.policy.clone()).build()?;
    let requests = world.requests.iter();
    Ok(requests.map(|it| engine.authorize(&it.attributes()).is_allowed()).collect())
}

/// Holds as many answers against verdikt's as there is time for.
fn check(
    encoding: &Encoding,
    engine: &mut dyn Engine,
    expected: &[bool],
) -> Result<Answers, Box<dyn Error>> {
    let mut answers = Answers::default();
    let start = Instant::now();
    for (request, &expected) in expected.iter().enumerate() {
        let allowed = engine.allows(request)?;
        answers.checked += 1;
        answers.wrongly_allowed += usize::from(allowed && !expected);
        answers.wrongly_denied += usize::from(!allowed && expected);
        if encoding.exact && allowed != expected {
            let Encoding { engine, .. } = encoding;
            return Err(
                format!("{engine} answers {allowed} to request {request}, not verdikt").into()
            );
        }
        answers.took = start.elapsed();
        if answers.took > LONGEST_CHECK {
            break;
        }
    }
    Ok(answers)
}

/// Lets every engine take turns, each after the floor, since machines change their speed.
fn rounds(engines: &mut [Checked<'_, '_>]) -> Result<(), Box<dyn Error>> {
    let floor = Floor::new();
    for _ in 0..ROUNDS {
        for it in &mut *engines {
            let floor_ns = turn(FLOOR_PASSES, floor.len(), || {
                let start = cpu_time();
                black_box(floor.pass());
                Ok(cpu_time() - start)
            })?;
            let ns = turn(it.passes, it.requests, || it.engine.time(it.requests))?;
            it.rounds.push((ns, floor_ns));
        }
    }
    Ok(())
}

/// Nanoseconds an operation takes: the median of these passes.
fn turn(
    passes: usize,
    operations: usize,
    mut pass: impl FnMut() -> Result<Duration, Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut all = Vec::new();
    for _ in 0..passes {
        all.push(pass()?.as_nanos() as f64 / operations as f64);
    }
    Ok(median(all))
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl<'e> Checked<'e, '_> {
    fn ratio_to_floor(&self) -> f64 {
        median(self.rounds.iter().map(|(ns, floor_ns)| ns / floor_ns))
    }

    fn figures(self, size: usize, own_ratio: f64) -> Figures<'e> {
        let Answers { checked, wrongly_allowed, wrongly_denied, .. } = self.answers;
        Figures {
            engine: self.encoding.engine,
            encoding: self.encoding.encoding,
            size,
            ns: median(self.rounds.iter().map(|(ns, _)| *ns)),
            floor_ns: median(self.rounds.iter().map(|(_, floor_ns)| *floor_ns)),
            ratio_to_floor: self.ratio_to_floor(),
            ratio_to_verdikt: self.ratio_to_floor() / own_ratio,
            build_s: self.build_s,
            timed_requests: self.requests,
            checked,
            agreed: checked - wrongly_allowed - wrongly_denied,
            wrongly_allowed,
            wrongly_denied,
        }
    }
}

const ROUNDS: usize = 9;
const FLOOR_PASSES: usize = 200;
const LONGEST_CHECK: Duration = Duration::from_secs(10);
/// Slow engines are timed on fewer requests, quick ones several times a turn.
const LONGEST_PASS_S: f64 = 1.0;
const SHORTEST_TURN_S: f64 = 0.05;
const MOST_BUILD_S: f64 = 60.0;

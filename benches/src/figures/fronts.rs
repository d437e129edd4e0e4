//! What fronts do in a second, client included, beside an echo server of the same framework in the same run.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use verdikt_bench::fronts::{Done, Front, Servers};

#[derive(Serialize)]
pub(crate) struct Figures {
    bindings: usize,
    fronts: Vec<Line>,
}

/// One front. Rates are decisions a second, the medians of rounds that take turns; so are the ratios.
#[derive(Serialize)]
struct Line {
    front: &'static str,
    rate: f64,
    echo_rate: f64,
    ratio: f64,
    p50_us: f64,
    p99_us: f64,
    echo_p99_us: f64,
}

/// Rounds of each side.
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(500);

pub(crate) fn measure(bindings: usize, only: &str) -> Result<Figures, Box<dyn std::error::Error>> {
    let servers = Servers::new(bindings).map_err(|error| error.to_string())?;
    let fronts = [
        ("Check, 1 call under way", Front::Unary(1)),
        ("Check, 16 under way", Front::Unary(16)),
        ("review over HTTP, 16 connections", Front::Review(16)),
        ("CheckStream, 64 under way", Front::Stream(64)),
        ("CheckBatch of 1,000", Front::Batch(1_000)),
    ];
    let wanted = fronts.into_iter().filter(|(name, _)| name.contains(only));
    let fronts =
        wanted.map(|(name, front)| line(&servers, name, front)).collect::<Result<_, _>>()?;
    Ok(Figures { bindings, fronts })
}

fn line(servers: &Servers, name: &'static str, front: Front) -> Result<Line, String> {
    let text = |error: Box<dyn std::error::Error + Send + Sync>| format!("{name}: {error}");
    let ask = || Ok((servers.echo(front, ROUND)?, servers.verdikt(front, ROUND)?));
    ask().map_err(text)?;
    let rounds: Vec<(Done, Done)> =
        (0..ROUNDS).map(|_| ask()).collect::<Result<_, _>>().map_err(text)?;
    let median = |of: &dyn Fn(&(Done, Done)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Ok(Line {
        front: name,
        rate: median(&|(_, verdikt)| verdikt.rate),
        echo_rate: median(&|(echo, _)| echo.rate),
        ratio: median(&|(echo, verdikt)| verdikt.rate / echo.rate),
        p50_us: median(&|(_, verdikt)| microseconds(verdikt, 0.5)),
        p99_us: median(&|(_, verdikt)| microseconds(verdikt, 0.99)),
        echo_p99_us: median(&|(echo, _)| microseconds(echo, 0.99)),
    })
}

fn microseconds(done: &Done, share: f64) -> f64 {
    let place = (done.latencies.len() as f64 * share) as usize;
    done.latencies.get(place).copied().unwrap_or_default() as f64 / 1e3
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} bindings{:>32} {:>11} {:>6} {:>9} {:>9} {:>9}",
            self.bindings, "decisions/s", "echo/s", "ratio", "p50 us", "p99 us", "echo p99"
        )?;
        for line in &self.fronts {
            writeln!(
                f,
                "{:<34} {:>11.0} {:>11.0} {:>6.3} {:>9.1} {:>9.1} {:>9.1}",
                line.front,
                line.rate,
                line.echo_rate,
                line.ratio,
                line.p50_us,
                line.p99_us,
                line.echo_p99_us
            )?;
        }
        Ok(())
    }
}

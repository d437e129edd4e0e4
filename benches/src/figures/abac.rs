//! A decision of the ABAC authorizer, beside the floor.

use std::error::Error;
use std::fmt;
use std::time::Instant;

use serde::Serialize;
use verdikt::Mode;
use verdikt_bench::lines::LineWorld;
use verdikt_bench::measure::{decide_raw, floor_ns, median_ns};

#[derive(Serialize)]
pub(crate) struct Figures {
    lines: usize,
    floor_ns: f64,
    decision_ns: f64,
    /// `decision_ns` in floors.
    ratio: f64,
    bytes_per_line: f64,
    build_s: f64,
}

pub(crate) fn measure(lines: usize) -> Result<Figures, Box<dyn Error>> {
    let world = LineWorld::new(lines)?;
    let start = Instant::now();
    let engine = world.engine(|builder| builder.authorization_modes([Mode::Abac]))?;
    let build_s = start.elapsed().as_secs_f64();
    let requests = &world.requests;
    let floor_ns = floor_ns();
    let decision_ns = median_ns(requests.len(), || decide_raw(&engine, requests));
    let bytes_per_line = engine.status().loaded.table_bytes as f64 / lines as f64;
    let ratio = decision_ns / floor_ns;
    Ok(Figures { lines, floor_ns, decision_ns, ratio, bytes_per_line, build_s })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, floor_ns, decision_ns, ratio, bytes_per_line, build_s } = self;
        writeln!(f, "{lines} lines, built in {build_s:.2} s, {bytes_per_line:.0} B each")?;
        writeln!(f, "floor     {floor_ns:8.1} ns")?;
        writeln!(f, "decision  {decision_ns:8.1} ns  {ratio:5.1}x")
    }
}

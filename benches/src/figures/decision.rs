//! A decision of RBAC, beside the floor.

use std::fmt;
use std::time::Instant;

use serde::Serialize;
use verdikt::Engine;
use verdikt_bench::measure::{decide_raw, decide_resolved, floor_ns, median_ns, resolve};
use verdikt_bench::world::World;

#[derive(Serialize)]
pub(crate) struct Figures {
    bindings: usize,
    floor_ns: f64,
    raw_ns: f64,
    resolved_ns: f64,
    bytes_per_binding: f64,
    build_s: f64,
}

pub(crate) fn measure(bindings: usize) -> Result<Figures, verdikt::LoadError> {
    let World { policy, requests } = World::new(bindings);
    let start = Instant::now();
    let engine = Engine::builder().objects(policy).build()?;
    let build_s = start.elapsed().as_secs_f64();
    let resolved = resolve(&engine, &requests);
    let heap_bytes = engine.status().loaded.table_bytes;
    Ok(Figures {
        bindings,
        floor_ns: floor_ns(),
        raw_ns: median_ns(requests.len(), || decide_raw(&engine, &requests)),
        resolved_ns: median_ns(requests.len(), || decide_resolved(&engine, &resolved)),
        bytes_per_binding: heap_bytes as f64 / bindings as f64,
        build_s,
    })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bindings, floor_ns, raw_ns, resolved_ns, bytes_per_binding, build_s } = self;
        writeln!(f, "{bindings} bindings, built in {build_s:.2} s, {bytes_per_binding:.0} B each")?;
        writeln!(f, "floor     {floor_ns:8.1} ns")?;
        writeln!(f, "raw       {raw_ns:8.1} ns  {:5.1}x", raw_ns / floor_ns)?;
        writeln!(f, "resolved  {resolved_ns:8.1} ns  {:5.1}x", resolved_ns / floor_ns)
    }
}

//! `verdikt-bench`: figures for people and programs, each beside the floor of the same run.

use std::io::Write as _;
use std::time::Instant;

use clap::{Parser, Subcommand};
use serde::Serialize;
use verdikt::Engine;
use verdikt_bench::measure::{decide_raw, decide_resolved, floor_ns, median_ns, resolve};
use verdikt_bench::world::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures verdikt in made worlds.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What a decision costs: from strings, and with the user's subjects resolved.
    Decision {
        /// How many bindings the world has.
        #[arg(long, default_value_t = 10_000)]
        bindings: usize,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Figures {
    bindings: usize,
    floor_ns: f64,
    raw_ns: f64,
    resolved_ns: f64,
    bytes_per_binding: f64,
    build_s: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let What::Decision { bindings, json } = Args::parse().what;
    let figures = decision(bindings)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&figures)?)?;
    } else {
        let Figures { floor_ns, raw_ns, resolved_ns, bytes_per_binding, build_s, .. } = figures;
        writeln!(
            out,
            "{bindings} bindings, built in {build_s:.2} s, {bytes_per_binding:.0} B each"
        )?;
        writeln!(out, "floor     {floor_ns:8.1} ns")?;
        writeln!(out, "raw       {raw_ns:8.1} ns  {:5.1}x", raw_ns / floor_ns)?;
        writeln!(out, "resolved  {resolved_ns:8.1} ns  {:5.1}x", resolved_ns / floor_ns)?;
    }
    Ok(())
}

fn decision(bindings: usize) -> Result<Figures, verdikt::LoadError> {
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

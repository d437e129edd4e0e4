//! `verdikt-bench`: figures for people and programs, each beside the floor of the same run.

use std::io::Write as _;
use std::time::Instant;

use clap::{Parser, Subcommand};
use serde::Serialize;
use verdikt::{Engine, Mode, NodeEvent};
use verdikt_bench::measure::{
    decide_raw, decide_resolved, floor_ns, median_ns, median_of, resolve,
};
use verdikt_bench::nodes::NodeWorld;
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
    /// What a decision for a node costs, and an event about a pod.
    Node {
        /// How many pods the world has.
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        /// On how many nodes they are.
        #[arg(long, default_value_t = 500)]
        nodes: usize,
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

#[derive(Serialize)]
struct NodeFigures {
    pods: usize,
    nodes: usize,
    floor_ns: f64,
    decision_ns: f64,
    /// `decision_ns` in floors.
    ratio: f64,
    event_us: f64,
    bytes_per_pod: f64,
    build_s: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Args::parse().what {
        What::Decision { bindings, json } => show_decision(bindings, json),
        What::Node { pods, nodes, json } => show_node(pods, nodes, json),
    }
}

fn show_node(pods: usize, nodes: usize, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let figures = node(pods, nodes)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&figures)?)?;
    } else {
        let NodeFigures { floor_ns, decision_ns, ratio, event_us, .. } = figures;
        let NodeFigures { bytes_per_pod, build_s, .. } = figures;
        writeln!(
            out,
            "{pods} pods on {nodes} nodes, built in {build_s:.2} s, {bytes_per_pod:.0} B each"
        )?;
        writeln!(out, "floor     {floor_ns:8.1} ns")?;
        writeln!(out, "decision  {decision_ns:8.1} ns  {ratio:5.1}x")?;
        writeln!(out, "event     {event_us:8.1} us")?;
    }
    Ok(())
}

fn node(pods: usize, nodes: usize) -> Result<NodeFigures, verdikt::LoadError> {
    let NodeWorld { policy, requests } = NodeWorld::new(pods, nodes);
    let some: Vec<_> = policy.pods.iter().step_by((pods / 500).max(1)).cloned().collect();
    let start = Instant::now();
    let engine = Engine::builder().authorization_modes([Mode::Node]).objects(policy).build()?;
    let build_s = start.elapsed().as_secs_f64();
    let floor_ns = floor_ns();
    let decision_ns = median_ns(requests.len(), || decide_raw(&engine, &requests));
    let events = || {
        some.iter().fold(0, |_, pod| {
            engine.apply(NodeEvent::Deleted(pod.clone().into()));
            engine.apply(NodeEvent::Added(pod.clone().into())).0
        })
    };
    let bytes_per_pod = engine.status().loaded.table_bytes as f64 / pods as f64;
    let event_us = median_of(5, some.len() * 2, events) / 1e3;
    let ratio = decision_ns / floor_ns;
    Ok(NodeFigures { pods, nodes, floor_ns, decision_ns, ratio, event_us, bytes_per_pod, build_s })
}

fn show_decision(bindings: usize, json: bool) -> Result<(), Box<dyn std::error::Error>> {
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

//! A decision of the Node authorizer and an event about a pod, beside the floor.

use std::fmt;
use std::time::Instant;

use serde::Serialize;
use verdikt::{Engine, Mode, NodeEvent};
use verdikt_bench::measure::{decide_raw, floor_ns, median_ns, median_of};
use verdikt_bench::nodes::NodeWorld;

#[derive(Serialize)]
pub(crate) struct Figures {
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

pub(crate) fn measure(pods: usize, nodes: usize) -> Result<Figures, verdikt::LoadError> {
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
    Ok(Figures { pods, nodes, floor_ns, decision_ns, ratio, event_us, bytes_per_pod, build_s })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pods, nodes, floor_ns, decision_ns, ratio, .. } = self;
        let Self { event_us, bytes_per_pod, build_s, .. } = self;
        writeln!(
            f,
            "{pods} pods on {nodes} nodes, built in {build_s:.2} s, {bytes_per_pod:.0} B each"
        )?;
        writeln!(f, "floor     {floor_ns:8.1} ns")?;
        writeln!(f, "decision  {decision_ns:8.1} ns  {ratio:5.1}x")?;
        writeln!(f, "event     {event_us:8.1} us")
    }
}

//! RBAC alone, and behind authorizers that have no opinion on its requests: the difference of two
//! engines that take turns, so that a noisy machine disturbs both alike.

use std::fmt;

use serde::Serialize;
use verdikt::{Engine, LoadError, Mode, PolicySet};
use verdikt_bench::measure::{decide_raw, difference_ns};
use verdikt_bench::world::World;

#[derive(Serialize)]
pub(crate) struct Figures {
    bindings: usize,
    /// One that never has an opinion: the price of a link in the chain.
    always_deny_ns: f64,
    /// One that has none on users who are no nodes.
    node_ns: f64,
    /// Both.
    both_ns: f64,
}

pub(crate) fn measure(bindings: usize) -> Result<Figures, LoadError> {
    let World { policy, requests } = World::new(bindings);
    let alone = engine(&policy, &[Mode::Rbac])?;
    let added = |modes: &[Mode]| -> Result<f64, LoadError> {
        let behind = engine(&policy, modes)?;
        let pass = |engine: &Engine| decide_raw(engine, &requests);
        Ok(difference_ns(requests.len(), || pass(&alone), || pass(&behind)))
    };
    Ok(Figures {
        bindings,
        always_deny_ns: added(&[Mode::AlwaysDeny, Mode::Rbac])?,
        node_ns: added(&[Mode::Node, Mode::Rbac])?,
        both_ns: added(&[Mode::Node, Mode::AlwaysDeny, Mode::Rbac])?,
    })
}

fn engine(policy: &PolicySet, modes: &[Mode]) -> Result<Engine, LoadError> {
    Engine::builder().objects(policy.clone()).authorization_modes(modes.to_vec()).build()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bindings, always_deny_ns, node_ns, both_ns } = self;
        writeln!(f, "{bindings} bindings; what is added to a decision of RBAC")?;
        writeln!(f, "AlwaysDeny        {always_deny_ns:6.1} ns")?;
        writeln!(f, "Node              {node_ns:6.1} ns")?;
        writeln!(f, "Node, AlwaysDeny  {both_ns:6.1} ns")
    }
}

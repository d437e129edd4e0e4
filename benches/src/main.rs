//! `verdikt-bench`: figures for people and programs, each beside the floor of the same run.

mod figures;
mod write;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::figures::{abac, audit, authentication, chain, change, decision, fronts, node};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures verdikt in made worlds.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
    /// Print one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// What a decision costs: from strings, and with the user's subjects resolved.
    Decision {
        /// How many bindings the world has.
        #[arg(long, default_value_t = 10_000)]
        bindings: usize,
    },
    /// What a change of one binding costs until it serves.
    Change {
        /// How many bindings the world has.
        #[arg(long, default_value_t = 10_000)]
        bindings: usize,
    },
    /// What a decision for a node costs, and an event about a pod.
    Node {
        /// How many pods the world has.
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        /// On how many nodes they are.
        #[arg(long, default_value_t = 500)]
        nodes: usize,
    },
    /// What a decision of ABAC costs.
    Abac {
        /// How many lines the policy file has.
        #[arg(long, default_value_t = 10_000)]
        lines: usize,
    },
    /// What authorizers that have no opinion add to the decision of the one that has.
    Chain {
        /// How many bindings the world has.
        #[arg(long, default_value_t = 10_000)]
        bindings: usize,
    },
    /// What fronts do in a second, beside an echo server of the same framework.
    Fronts {
        /// How many bindings the world has.
        #[arg(long, default_value_t = 10_000)]
        bindings: usize,
        /// Only fronts with this in their name.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// What a credential costs: a token, remembered and verified, and a certificate.
    Authentication,
    /// Writes a world as files, for other engines to load: its objects, and `requests.jsonl` with
    /// what verdikt decides.
    Write {
        /// Which world.
        #[arg(value_enum)]
        world: write::World,
        /// How many bindings, pods or lines it has.
        #[arg(long, default_value_t = 10_000)]
        size: usize,
        /// On how many nodes pods are.
        #[arg(long, default_value_t = 500)]
        nodes: usize,
        /// The folder to write into; it is made if need be.
        folder: PathBuf,
    },
    /// What the audit trail adds to a decision, off and in mode batch.
    Audit,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Args { what, json } = Args::parse();
    match what {
        What::Decision { bindings } => figures::show(&decision::measure(bindings)?, json),
        What::Change { bindings } => figures::show(&change::measure(bindings)?, json),
        What::Node { pods, nodes } => figures::show(&node::measure(pods, nodes)?, json),
        What::Abac { lines } => figures::show(&abac::measure(lines)?, json),
        What::Chain { bindings } => figures::show(&chain::measure(bindings)?, json),
        What::Write { world, size, nodes, folder } => write::write(world, size, nodes, &folder),
        What::Fronts { bindings, only } => figures::show(&fronts::measure(bindings, &only)?, json),
        What::Audit => figures::show(&audit::measure()?, json),
        What::Authentication => figures::show(&authentication::measure()?, json),
    }
}

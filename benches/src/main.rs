//! `verdikt-bench`: figures for people and programs, each beside the floor of the same run.

mod figures;

use clap::{Parser, Subcommand};

use crate::figures::{authentication, decision, node};

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
    /// What a decision for a node costs, and an event about a pod.
    Node {
        /// How many pods the world has.
        #[arg(long, default_value_t = 10_000)]
        pods: usize,
        /// On how many nodes they are.
        #[arg(long, default_value_t = 500)]
        nodes: usize,
    },
    /// What a token costs: remembered, and verified.
    Authentication,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Args { what, json } = Args::parse();
    match what {
        What::Decision { bindings } => figures::show(&decision::measure(bindings)?, json),
        What::Node { pods, nodes } => figures::show(&node::measure(pods, nodes)?, json),
        What::Authentication => figures::show(&authentication::measure()?, json),
    }
}

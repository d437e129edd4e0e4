//! `verdikt-peers`: other engines on the worlds of verdikt-bench, beside verdikt and the floor.

mod casbin;
mod cedar;
mod engine;
mod measure;
mod model;
mod opa;
mod rego;
mod regorus;
mod table;
mod verdikt;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;

use crate::engine::{Settings, encodings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Cedar, casbin, regorus and OPA beside verdikt, after checking that they agree with it.
#[derive(Parser)]
struct Args {
    /// How many bindings the worlds have, one world after the other.
    #[arg(default_values_t = [100, 1_000, 10_000])]
    sizes: Vec<usize>,
    /// Print one JSON object a line, for each engine, encoding and size.
    #[arg(long)]
    json: bool,
    /// The program of `opa/`, built; without it OPA is left out.
    #[arg(long)]
    opa: Option<PathBuf>,
    /// Only engines with this in their name, and verdikt.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Args { mut sizes, json, opa, only } = Args::parse();
    // How long a build takes is foretold from smaller worlds.
    sizes.sort_unstable();
    let settings = Settings { opa };
    let mut encodings = encodings(&settings);
    encodings.retain(|it| it.engine == "verdikt" || it.engine.contains(&only));
    let mut last_builds = vec![None; encodings.len()];
    for size in sizes {
        let outcomes = measure::world(size, &encodings, &settings, &mut last_builds)?;
        if json {
            table::print_json(size, &outcomes)?;
        } else {
            table::print(size, &outcomes)?;
        }
    }
    if !json {
        table::print_encodings(&encodings)?;
    }
    Ok(())
}

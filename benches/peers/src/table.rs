//! Figures for people and programs.

use std::error::Error;
use std::io::{Write as _, stdout};

use serde_json::json;

use crate::engine::Encoding;
use crate::measure::{Figures, Outcome};

/// One object a line.
pub(crate) fn print_json(size: usize, outcomes: &[Outcome<'_>]) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for outcome in outcomes {
        let object = match outcome {
            Outcome::Measured(figures) => json!(figures),
            Outcome::Skipped(Encoding { engine, encoding, .. }, seconds) => json!({
                "engine": engine, "encoding": encoding, "size": size, "foretold_build_s": seconds,
            }),
        };
        writeln!(out, "{object}")?;
    }
    Ok(())
}

/// A table for a world.
pub(crate) fn print(size: usize, outcomes: &[Outcome<'_>]) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    let floor = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Measured(figures) => Some(figures.floor_ns),
        Outcome::Skipped(..) => None,
    });
    writeln!(out, "\n{size} bindings; floor {:.1} ns", floor.unwrap_or_default())?;
    writeln!(
        out,
        "{:<8} {:<8} {:>10} {:>9} {:>9} {:>9} {:>6}  {:<22}",
        "engine", "", "CPU time", "floors", "verdikts", "build", "timed", "agreed"
    )?;
    for outcome in outcomes {
        match outcome {
            Outcome::Measured(figures) => line(&mut out, figures)?,
            Outcome::Skipped(it, seconds) => writeln!(
                out,
                "{:<8} {:<8} skipped: building it would take some {seconds:.0} s",
                it.engine, it.encoding
            )?,
        }
    }
    Ok(())
}

fn line(out: &mut impl std::io::Write, figures: &Figures<'_>) -> std::io::Result<()> {
    let Figures { engine, encoding, ratio_to_floor, ratio_to_verdikt, timed_requests, .. } =
        figures;
    let Figures { agreed, checked, wrongly_allowed, wrongly_denied, .. } = figures;
    let wrong = match (wrongly_allowed, wrongly_denied) {
        (0, 0) => String::new(),
        (allowed, denied) => format!(", wrongly allowed {allowed}, wrongly denied {denied}"),
    };
    writeln!(
        out,
        "{engine:<8} {encoding:<8} {:>10} {ratio_to_floor:>9.1} {ratio_to_verdikt:>9.1} {:>9} \
         {timed_requests:>6}  {agreed} of {checked}{wrong}",
        time(figures.ns),
        time(figures.build_s * 1e9),
    )
}

/// Nanoseconds with three digits or so.
fn time(ns: f64) -> String {
    match ns {
        ..1e4 => format!("{ns:.0} ns"),
        ..1e7 => format!("{:.1} µs", ns / 1e3),
        ..1e9 => format!("{:.1} ms", ns / 1e6),
        _ => format!("{:.1} s", ns / 1e9),
    }
}

/// What each encoding does and drops, and the versions of the engines.
pub(crate) fn print_encodings(encodings: &[Encoding]) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    writeln!(out)?;
    for Encoding { engine, encoding, about, .. } in encodings {
        writeln!(out, "{engine}, {encoding}: {about}.")?;
    }
    let mut versions = ["cedar-policy", "casbin", "regorus"].map(crate_version).to_vec();
    if encodings.iter().any(|it| it.engine == "OPA") {
        let line = GO_MODULES.lines().find(|line| line.contains("open-policy-agent/opa "));
        let version = line.and_then(|line| line.split_whitespace().last()).unwrap_or_default();
        versions.push(format!("opa {version}"));
    }
    Ok(writeln!(out, "{}.", versions.join(", "))?)
}

fn crate_version(name: &str) -> String {
    let package = format!("name = \"{name}\"");
    let mut lines = LOCKED.lines().skip_while(|line| *line != package);
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1));
    format!("{name} {}", version.unwrap_or_default())
}

const LOCKED: &str = include_str!("../Cargo.lock");
const GO_MODULES: &str = include_str!("../opa/go.mod");

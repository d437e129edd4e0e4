//! What is measured, one file for each command, and how it is shown.

pub(crate) mod abac;
pub(crate) mod audit;
pub(crate) mod authentication;
pub(crate) mod chain;
pub(crate) mod change;
pub(crate) mod decision;
pub(crate) mod fronts;
pub(crate) mod node;

use std::fmt::Display;
use std::io::Write as _;

use serde::Serialize;

/// Shows figures as lines of text, or as one JSON object.
pub(crate) fn show<F: Serialize + Display>(
    figures: &F,
    json: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    match json {
        true => writeln!(out, "{}", serde_json::to_string(figures)?)?,
        false => write!(out, "{figures}")?,
    }
    Ok(())
}

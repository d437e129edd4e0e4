//! What an evaluation may cost.
//!
//! The cost is cel-go's, unit by unit. It does not count everything that takes time and memory: joining
//! two lists costs 1 however long they are, since cel-go does not copy them. What is done here without
//! being costed is counted apart, as work, and bounded too.

use std::collections::HashMap;
use std::sync::Arc;

use regex::bytes::Regex;

use crate::EvaluationError;
use crate::library::pattern;

/// Counts cost and work of one evaluation.
#[derive(Debug)]
pub(crate) struct Meter {
    cost: u64,
    limit: u64,
    work: u64,
    work_limit: u64,
    /// Those that were compiled with the expression.
    constant: Arc<Patterns>,
    patterns: HashMap<Arc<str>, Result<Regex, EvaluationError>>,
}

/// Compiled patterns by their text.
pub(crate) type Patterns = HashMap<Arc<str>, Regex>;

/// A value, or why there is none.
pub(crate) type Evaluated<T = crate::Value> = Result<T, EvaluationError>;

impl Meter {
    pub(crate) fn new(limit: u64, constant: Arc<Patterns>) -> Self {
        let work_limit = limit.saturating_mul(WORK_OF_COST).min(MAX_WORK);
        Self { cost: 0, limit, work: 0, work_limit, constant, patterns: HashMap::new() }
    }

    /// What was spent so far.
    pub(crate) const fn cost(&self) -> u64 {
        self.cost
    }

    /// What may still be spent.
    pub(crate) const fn left(&self) -> u64 {
        self.limit.saturating_sub(self.cost)
    }

    /// Spends cost.
    pub(crate) const fn charge(&mut self, cost: u64) -> Evaluated<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit {
            return Err(EvaluationError::too_expensive());
        }
        Ok(())
    }

    /// Counts steps that have no cost.
    pub(crate) const fn work(&mut self, steps: u64) -> Evaluated<()> {
        self.work = self.work.saturating_add(steps);
        if self.work > self.work_limit {
            return Err(EvaluationError::too_expensive());
        }
        Ok(())
    }

    /// Counts values that are copied, which take memory.
    pub(crate) const fn copy(&mut self, values: usize) -> Evaluated<()> {
        self.work((values as u64).saturating_mul(WORK_OF_COPY))
    }

    /// Counts bytes of text that are made beyond what cost counts.
    pub(crate) const fn text(&mut self, bytes: usize) -> Evaluated<()> {
        self.work(bytes as u64)
    }

    /// Whether a pattern was compiled with the expression.
    pub(crate) fn is_constant(&self, pattern: &Arc<str>) -> bool {
        self.constant.contains_key(pattern)
    }

    /// A compiled pattern. One that is made while evaluating is compiled once.
    pub(crate) fn pattern(&mut self, source: &Arc<str>) -> Evaluated<Regex> {
        if let Some(found) = self.constant.get(source) {
            return Ok(found.clone());
        }
        if let Some(found) = self.patterns.get(source) {
            return found.clone();
        }
        self.work(WORK_OF_PATTERN)?;
        let compiled = pattern::compile(source);
        self.patterns.insert(Arc::clone(source), compiled.clone());
        compiled
    }
}

/// Steps that go with one unit of cost.
const WORK_OF_COST: u64 = 32;
const MAX_WORK: u64 = 1 << 30;
const WORK_OF_COPY: u64 = 8;
/// A pattern may take milliseconds to compile: an evaluation compiles about a hundred.
const WORK_OF_PATTERN: u64 = 300_000;

//! A compiled expression.

use std::sync::Arc;

use crate::ast::{Expr, Kind, operators, visit};
use crate::eval::{self, Plan};
use crate::{EvaluationError, Type, Value};

/// A compiled expression, which is cheap to clone and can be evaluated by many threads at once.
#[derive(Debug, Clone)]
pub struct Program {
    compiled: Arc<Compiled>,
}

/// What an expression was compiled to.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) source: Box<str>,
    pub(crate) output_type: Type,
    pub(crate) expr: Expr,
    pub(crate) variables: Vec<Arc<str>>,
    pub(crate) plan: Plan,
}

impl Program {
    pub(crate) fn new(compiled: Compiled) -> Self {
        Self { compiled: Arc::new(compiled) }
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.compiled.source
    }

    /// The type of its value.
    pub fn output_type(&self) -> &Type {
        &self.compiled.output_type
    }

    /// Its value, at a cost of no more than Kubernetes allows one expression.
    ///
    /// # Errors
    ///
    /// If it has none, or none at that cost.
    pub fn evaluate(&self, variables: &[(&str, Value)]) -> Result<Value, EvaluationError> {
        self.evaluate_within(variables, COST_LIMIT).map(|(value, _)| value)
    }

    /// Its value and what it cost, which is `cost_limit` at most.
    ///
    /// # Errors
    ///
    /// If it has none, or none at that cost.
    pub fn evaluate_within(
        &self,
        variables: &[(&str, Value)],
        cost_limit: u64,
    ) -> Result<(Value, u64), EvaluationError> {
        let bound: Vec<Option<&Value>> = self
            .compiled
            .variables
            .iter()
            .map(|name| {
                variables.iter().find(|(known, _)| *known == &**name).map(|(_, value)| value)
            })
            .collect();
        eval::evaluate(&self.compiled.plan, &bound, cost_limit)
    }

    /// Whether the expression reads this path of fields, a variable first: `["claims", "email"]` is read
    /// by `claims.email`, `claims.?email`, `claims['email']` and `has(claims.email)`.
    pub fn selects(&self, path: &[&str]) -> bool {
        let mut found = false;
        visit(&self.compiled.expr, &mut |expr| found = found || is_path(expr, path));
        found
    }

    /// Whether the expression does anything with a variable but read fields of it whose names are written
    /// out: goes through it, hands it on, or looks up a name that it works out.
    pub fn uses_whole(&self, variable: &str) -> bool {
        let (mut mentions, mut fields) = (0_usize, 0_usize);
        visit(&self.compiled.expr, &mut |expr| {
            mentions += usize::from(is_path(expr, &[variable]));
            fields += usize::from(is_field_of(expr, variable));
        });
        mentions > fields
    }

    /// Whether the expression reads a field of this name of anything, by `.name`, `.?name` or `has`.
    pub fn selects_field(&self, name: &str) -> bool {
        let mut found = false;
        visit(&self.compiled.expr, &mut |expr| {
            found = found
                || match &expr.kind {
                    Kind::Select { field, .. } => **field == *name,
                    Kind::Call { function, args, .. }
                        if **function == *operators::OPTIONAL_SELECT =>
                    {
                        args.get(1).and_then(literal) == Some(name)
                    }
                    _ => false,
                };
        });
        found
    }
}

fn literal(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Literal(value) => value.as_str(),
        _ => None,
    }
}

/// Whether an expression selects exactly this path.
fn is_path(expr: &Expr, path: &[&str]) -> bool {
    let Some((last, before)) = path.split_last() else { return false };
    match &expr.kind {
        Kind::Ident(name) => before.is_empty() && name.trim_start_matches('.') == *last,
        Kind::Select { operand, field, .. } => **field == **last && is_path(operand, before),
        Kind::Call { function, args, .. } => match (&**function, &args[..]) {
            (
                operators::OPTIONAL_SELECT | operators::INDEX | operators::OPTIONAL_INDEX,
                [operand, key],
            ) => literal(key) == Some(last) && is_path(operand, before),
            _ => false,
        },
        _ => false,
    }
}

/// Whether an expression selects a field, whose name is written out, of a variable.
fn is_field_of(expr: &Expr, variable: &str) -> bool {
    match &expr.kind {
        Kind::Select { operand, .. } => is_path(operand, &[variable]),
        Kind::Call { function, args, .. } => match (&**function, &args[..]) {
            (
                operators::OPTIONAL_SELECT | operators::INDEX | operators::OPTIONAL_INDEX,
                [operand, key],
            ) => literal(key).is_some() && is_path(operand, &[variable]),
            _ => false,
        },
        _ => false,
    }
}

/// `PerCallLimit` of apiserver's `pkg/apis/cel/config.go`.
const COST_LIMIT: u64 = 1_000_000;

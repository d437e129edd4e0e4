//! What expressions may name.

use std::sync::Arc;

use crate::program::Compiled;
use crate::source::Source;
use crate::{CompileError, Program, Refused, Type, check, eval, parse};

/// What an expression may name: variables, functions, types.
#[derive(Debug, Clone, Default)]
pub struct Env {
    variables: Vec<(Arc<str>, Type)>,
}

impl Env {
    /// The environment in which Kubernetes evaluates expressions that are stored, with all its libraries
    /// and no variable.
    pub fn kubernetes() -> Self {
        Self::default()
    }

    /// The same with one more variable.
    #[must_use]
    pub fn variable(mut self, name: &str, ty: Type) -> Self {
        self.variables.push((name.into(), ty));
        self
    }

    /// Parses and checks a text.
    ///
    /// # Errors
    ///
    /// All mistakes that were found in the text.
    pub fn compile(&self, source: &str) -> Result<Program, CompileError> {
        let text = Source::new(source);
        let issues = |issues| CompileError::issues(text.render(issues));
        let parsed = parse::parse(&text).map_err(issues)?;
        let checked = check::check(&parsed, &self.variables).map_err(issues)?;
        let output_type = checked.type_of(parsed.expr.id).clone();
        let plan = eval::plan(&parsed.expr, &checked, &self.variables)
            .map_err(|error| CompileError::instantiation(&error, output_type.clone()))?;
        Ok(Program::new(Compiled {
            source: source.into(),
            output_type,
            expr: parsed.expr,
            variables: self.variables.iter().map(|(name, _)| Arc::clone(name)).collect(),
            plan,
        }))
    }

    /// Compiles an expression that must be of one of some types, where [`Type::Any`] takes all.
    ///
    /// # Errors
    ///
    /// What is wrong, in the words in which Kubernetes says it of the expressions of its configuration:
    /// `compilation failed: …`, `must evaluate to bool but got int`, `program instantiation failed: …`.
    pub fn compile_to(&self, source: &str, accepted: &[Type]) -> Result<Program, Refused> {
        let refused = |text, internal| Refused { text, internal };
        let compiled = self.compile(source);
        let output_type = match &compiled {
            Ok(program) => program.output_type(),
            Err(error) => match error.output_type() {
                Some(output_type) => output_type,
                None => return Err(refused(format!("compilation failed: {error}"), false)),
            },
        };
        if !accepted.iter().any(|ty| *ty == Type::Any || ty == output_type) {
            let text = match accepted {
                [only] => format!("must evaluate to {only} but got {output_type}"),
                _ => {
                    let names: Vec<String> = accepted.iter().map(Type::to_string).collect();
                    format!("must evaluate to one of [{}]", names.join(" "))
                }
            };
            return Err(refused(text, false));
        }
        compiled.map_err(|error| refused(format!("program instantiation failed: {error}"), true))
    }
}

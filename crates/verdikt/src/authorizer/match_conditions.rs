//! Match conditions: expressions that say which requests a webhook authorizer is asked about.
//!
//! Follows apiserver's `pkg/authorization/cel/{compile,matcher}.go` and `compileMatchConditions` of its
//! `pkg/apis/apiserver/validation/validation.go`.

mod request;

use std::collections::HashSet;
use std::fmt;

use verdikt_cel::{Env, Program, Type};
use verdikt_core::GoQuoted;

pub use request::{
    NonResourceAttributes, ResourceAttributes, ReviewSpec, Selector, SelectorRequirement,
};

/// Expressions about a request, all of which must hold for it to match.
#[derive(Debug, Clone)]
pub struct MatchConditions {
    programs: Vec<Program>,
    /// Whether any expression looks at the selectors; they are left out of the request otherwise.
    uses_field_selector: bool,
    uses_label_selector: bool,
}

/// What is wrong with a list of conditions.
///
/// Prints as Kubernetes' errors do, from `matchConditions` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCondition {
    /// Which expression; none if it is the list as a whole.
    pub index: Option<usize>,
    /// What is wrong, such as `Invalid value: "a": compilation failed: …`.
    pub problem: String,
}

impl fmt::Display for InvalidCondition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(out, "matchConditions[{index}].expression: {}", self.problem),
            None => write!(out, "matchConditions: {}", self.problem),
        }
    }
}

impl std::error::Error for InvalidCondition {}

impl MatchConditions {
    /// Compiles expressions over `request`.
    ///
    /// # Errors
    ///
    /// What is wrong with the list or with each of the expressions: one that is empty, one that occurs
    /// twice, and one that does not compile to a bool.
    pub fn compile<S: AsRef<str>>(expressions: &[S]) -> Result<Self, Vec<InvalidCondition>> {
        if expressions.len() > MAX_CONDITIONS {
            let count = expressions.len();
            let problem = format!("Too many: {count}: must have at most {MAX_CONDITIONS} items");
            return Err(vec![InvalidCondition { index: None, problem }]);
        }
        let env = Env::kubernetes().variable(REQUEST, Type::Object(request::object_type()));
        let mut seen = HashSet::new();
        let mut programs = Vec::with_capacity(expressions.len());
        let mut invalid = Vec::new();
        for (index, expression) in expressions.iter().enumerate() {
            match compile_one(&env, expression.as_ref(), &mut seen) {
                Ok(program) => programs.push(program),
                Err(problem) => invalid.push(InvalidCondition { index: Some(index), problem }),
            }
        }
        if !invalid.is_empty() {
            return Err(invalid);
        }
        let uses = |field| programs.iter().any(|program| program.selects_field(field));
        Ok(Self {
            uses_field_selector: uses("fieldSelector"),
            uses_label_selector: uses("labelSelector"),
            programs,
        })
    }

    /// Whether a request matches all conditions. One that is false decides, whatever errors others have.
    ///
    /// # Errors
    ///
    /// The errors of all conditions, if none is false.
    pub fn matches(&self, spec: &ReviewSpec) -> Result<bool, String> {
        let request = spec.to_value(self.uses_field_selector, self.uses_label_selector);
        let variables = [(REQUEST, request)];
        let mut errors: Vec<String> = Vec::new();
        for program in &self.programs {
            match program.evaluate(&variables) {
                Ok(value) if value.as_bool() == Some(false) => return Ok(false),
                Ok(value) if value.as_bool() == Some(true) => {}
                Ok(value) => errors.push(format!(
                    "cel evaluation error: expression '{}' eval result type should be bool but got {}",
                    program.source(),
                    value.type_name()
                )),
                Err(error) => errors.push(format!(
                    "cel evaluation error: expression '{}' resulted in error: {error}",
                    program.source()
                )),
            }
        }
        if errors.is_empty() { Ok(true) } else { Err(aggregate(errors)) }
    }

    /// How many conditions there are.
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// Whether there is none, so that every request matches.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }
}

fn compile_one<'e>(
    env: &Env,
    expression: &'e str,
    seen: &mut HashSet<&'e str>,
) -> Result<Program, String> {
    if expression.trim().is_empty() {
        return Err("Required value".to_owned());
    }
    if !seen.insert(expression) {
        return Err(format!("Duplicate value: {}", GoQuoted(expression)));
    }
    env.compile_to(expression, &[Type::Bool]).map_err(|error| {
        if error.is_internal() {
            format!("Internal error: {error}")
        } else {
            format!("Invalid value: {}: {error}", GoQuoted(expression))
        }
    })
}

/// Errors as `utilerrors.NewAggregate` prints them: each once, in brackets if there are several.
fn aggregate(errors: Vec<String>) -> String {
    let mut unique: Vec<String> = Vec::with_capacity(errors.len());
    for error in errors {
        if !unique.contains(&error) {
            unique.push(error);
        }
    }
    match <[String; 1]>::try_from(unique) {
        Ok([only]) => only,
        Err(several) => format!("[{}]", several.join(", ")),
    }
}

/// The variable that expressions are about.
const REQUEST: &str = "request";
const MAX_CONDITIONS: usize = 64;

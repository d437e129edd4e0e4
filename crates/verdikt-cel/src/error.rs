//! What goes wrong: with a text, and with an evaluation.

use std::borrow::Cow;
use std::fmt;

use crate::Type;

/// Why a text is no expression of the environment: all mistakes that were found in it.
///
/// Prints as cel-go's issues do: `ERROR: <input>:1:5: what` with the line and a mark below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    text: String,
    /// The type of an expression that is right as such.
    output_type: Option<Type>,
}

impl CompileError {
    pub(crate) const fn issues(text: String) -> Self {
        Self { text, output_type: None }
    }

    /// A constant part of a checked expression has no value.
    pub(crate) fn instantiation(error: &EvaluationError, output_type: Type) -> Self {
        Self { text: error.to_string(), output_type: Some(output_type) }
    }

    /// The type of the expression, if all that is wrong with it is that a constant part of it, such as
    /// `int('x')`, has no value.
    pub const fn output_type(&self) -> Option<&Type> {
        self.output_type.as_ref()
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl std::error::Error for CompileError {}

/// Why an expression of Kubernetes' configuration is refused, in its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub(crate) text: String,
    pub(crate) internal: bool,
}

impl Refused {
    /// Whether Kubernetes calls this an internal error: a constant part of the expression has no value.
    pub const fn is_internal(&self) -> bool {
        self.internal
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

/// Why an evaluation has no value: the cause, in cel-go's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationError {
    cause: Cow<'static, str>,
    /// It ends the evaluation, where `true || error` goes on after others.
    fatal: bool,
}

impl EvaluationError {
    pub(crate) fn new(cause: impl Into<Cow<'static, str>>) -> Self {
        Self { cause: cause.into(), fatal: false }
    }

    /// Something that ends the whole evaluation.
    pub(crate) const fn fatal(cause: &'static str) -> Self {
        Self { cause: Cow::Borrowed(cause), fatal: true }
    }

    /// It costs more than it may.
    pub(crate) const fn too_expensive() -> Self {
        let cause = Cow::Borrowed("operation cancelled: actual cost limit exceeded");
        Self { cause, fatal: true }
    }

    pub(crate) const fn no_such_overload() -> Self {
        Self { cause: Cow::Borrowed("no such overload"), fatal: false }
    }

    pub(crate) const fn is_fatal(&self) -> bool {
        self.fatal
    }
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.cause)
    }
}

impl std::error::Error for EvaluationError {}

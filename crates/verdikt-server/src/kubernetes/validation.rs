//! What is wrong with a field, in the words of Kubernetes' `field.Error`.

use std::fmt;

use serde::Serialize;
use verdikt::GoQuoted;

/// One field that cannot be as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    problem: Problem,
    detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// With the value as Go prints it in messages.
    Invalid(String),
    Required,
    Forbidden,
    /// With the value, likewise.
    NotSupported(String),
}

impl FieldError {
    /// A text that cannot be as it is.
    pub(crate) fn invalid(field: impl Into<String>, value: &str, detail: &str) -> Self {
        Self::new(field, Problem::Invalid(GoQuoted(value).to_string()), detail)
    }

    /// A structure, or nothing at all, that cannot be as it is.
    pub(crate) fn invalid_object(field: &str, value: &impl Serialize, detail: &str) -> Self {
        let value = serde_json::to_string(value).unwrap_or_default();
        Self::new(field, Problem::Invalid(value), detail)
    }

    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        Self::new(field, Problem::Required, detail)
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new(field, Problem::Forbidden, detail)
    }

    /// A value, as Go prints it, that is none of those there are; `supported` names them.
    pub(crate) fn not_supported(field: &str, value: String, supported: &[&str]) -> Self {
        let supported: Vec<String> =
            supported.iter().map(|value| GoQuoted(value).to_string()).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        Self::new(field, Problem::NotSupported(value), &detail)
    }

    fn new(field: impl Into<String>, problem: Problem, detail: &str) -> Self {
        Self { field: field.into(), problem, detail: detail.to_owned() }
    }

    /// The name of the kind of problem among the causes of a `Status`.
    pub(crate) fn reason(&self) -> &'static str {
        match self.problem {
            Problem::Invalid(_) => "FieldValueInvalid",
            Problem::Required => "FieldValueRequired",
            Problem::Forbidden => "FieldValueForbidden",
            Problem::NotSupported(_) => "FieldValueNotSupported",
        }
    }

    /// The message without the field.
    pub(crate) fn body(&self) -> String {
        let detail = &self.detail;
        match &self.problem {
            Problem::Invalid(value) => format!("Invalid value: {value}: {detail}"),
            Problem::Required => format!("Required value: {detail}"),
            Problem::Forbidden => format!("Forbidden: {detail}"),
            Problem::NotSupported(value) => format!("Unsupported value: {value}: {detail}"),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

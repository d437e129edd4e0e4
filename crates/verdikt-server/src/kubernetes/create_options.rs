//! What the query of a POST says of how the object is to be taken: `CreateOptions` of meta/v1.
//!
//! Follows `ValidateCreateOptions` of apimachinery for `fieldValidation` and `dryRun`; a review stores nothing,
//! so that a dry run is like any other. `fieldManager` is not looked at: no managed fields are answered.

use super::status::Status;
use super::validation::FieldError;

/// What becomes of fields that the object does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    /// They are told in `Warning` headers; so it is unless something else is said.
    Warn,
    Strict,
}

/// What a query says.
///
/// # Errors
/// The answer to give to what is neither of the values there are.
pub(crate) fn field_validation(query: Option<&str>) -> Result<FieldValidation, Status> {
    let (mut said, mut errors) = (None, Vec::new());
    let mut dry_run = Vec::new();
    for pair in query.unwrap_or_default().split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("fieldValidation", value) => said = said.or(Some(value)),
            ("dryRun", value) => dry_run.push(value),
            _ => {}
        }
    }
    if dry_run.iter().any(|value| *value != "All") {
        let value = serde_json::to_string(&dry_run).unwrap_or_default();
        errors.push(FieldError::not_supported("dryRun", value, &["All"]));
    }
    let found = match said {
        Some("Ignore") => FieldValidation::Ignore,
        None | Some("" | "Warn") => FieldValidation::Warn,
        Some("Strict") => FieldValidation::Strict,
        Some(other) => {
            let value = verdikt::GoQuoted(other).to_string();
            let supported = ["", "Ignore", "Strict", "Warn"];
            errors.push(FieldError::not_supported("fieldValidation", value, &supported));
            FieldValidation::Strict
        }
    };
    if errors.is_empty() { Ok(found) } else { Err(Status::invalid_options(&errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_refused_in_the_words_of_kubernetes() {
        let check = |query: Option<&str>, expected: Result<FieldValidation, &str>| {
            let found = field_validation(query).map_err(|status| {
                serde_json::to_value(status).unwrap()["message"].as_str().unwrap().to_owned()
            });
            assert_eq!(found, expected.map_err(str::to_owned), "{query:?}");
        };
        check(None, Ok(FieldValidation::Warn));
        check(Some("pretty=true&fieldValidation=Strict&dryRun=All"), Ok(FieldValidation::Strict));
        check(Some("fieldValidation=Ignore"), Ok(FieldValidation::Ignore));
        check(
            Some("fieldValidation=Foo"),
            Err("CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \
                 \"Foo\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""),
        );
        check(
            Some("dryRun=x"),
            Err("CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: \
                 supported values: \"All\""),
        );
    }
}

//! Field and label selectors of a review: as text, or as a list of requirements.
//!
//! A requirement that cannot be used is left out, and the answer says so; the others count.

use serde::{Deserialize, Serialize};
use verdikt::{field_selector, label_selector};

use super::or_null;
use crate::kubernetes::validation::FieldError;
use crate::wire::Object;

/// The text of a selector, or its requirements.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Selector {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    raw_selector: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<Object<Requirement>>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Requirement {
    #[serde(deserialize_with = "or_null")]
    key: String,
    #[serde(deserialize_with = "or_null")]
    operator: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct FieldSelector(Selector);

#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct LabelSelector(Selector);

impl FieldSelector {
    pub(super) fn validate(&self, path: &str, errors: &mut Vec<FieldError>) {
        self.0.validate(path, errors, |requirement, path, errors| {
            if requirement.key.is_empty() {
                errors.push(FieldError::required(format!("{path}.key"), "must be specified"));
            }
        });
    }

    /// The requirements that can be used, and whether these are all.
    pub(super) fn requirements(
        &self,
    ) -> (Result<Vec<field_selector::Requirement>, field_selector::Error>, bool) {
        self.0.usable(field_selector::parse, as_field)
    }
}

impl LabelSelector {
    pub(super) fn validate(&self, path: &str, errors: &mut Vec<FieldError>) {
        self.0.validate(path, errors, |requirement, path, errors| {
            for problem in verdikt::names::label_key(&requirement.key) {
                errors.push(FieldError::invalid(format!("{path}.key"), &requirement.key, &problem));
            }
            for (index, value) in requirement.values.iter().enumerate() {
                for problem in verdikt::names::label_value(value) {
                    errors.push(FieldError::invalid(
                        format!("{path}.values[{index}]"),
                        value,
                        &problem,
                    ));
                }
            }
        });
    }

    /// The requirements that can be used, and whether these are all.
    pub(super) fn requirements(
        &self,
    ) -> (Result<Vec<label_selector::Requirement>, label_selector::Error>, bool) {
        self.0.usable(label_selector::parse, as_label)
    }
}

impl Selector {
    /// The requirements that can be used, and whether these are all.
    fn usable<T, E>(
        &self,
        parse: impl Fn(&str) -> Result<Vec<T>, E>,
        convert: impl Fn(&Requirement) -> Option<T>,
    ) -> (Result<Vec<T>, E>, bool) {
        if !self.raw_selector.is_empty() {
            let parsed = parse(&self.raw_selector);
            let is_whole = parsed.is_ok();
            return (parsed, is_whole);
        }
        let usable: Vec<T> =
            self.requirements.iter().filter_map(|Object(one)| convert(one)).collect();
        let is_whole = usable.len() == self.requirements.len();
        (Ok(usable), is_whole)
    }

    fn validate(
        &self,
        path: &str,
        errors: &mut Vec<FieldError>,
        own_rules: impl Fn(&Requirement, &str, &mut Vec<FieldError>),
    ) {
        if !self.raw_selector.is_empty() && !self.requirements.is_empty() {
            let detail = "may not specified at the same time as requirements";
            let field = format!("{path}.rawSelector");
            errors.push(FieldError::invalid(field, &self.raw_selector, detail));
        }
        if self.raw_selector.is_empty() && self.requirements.is_empty() {
            let detail =
                format!("when {path} is specified, requirements or rawSelector is required");
            errors.push(FieldError::required(format!("{path}.requirements"), &detail));
        }
        for (index, Object(requirement)) in self.requirements.iter().enumerate() {
            let path = format!("{path}.requirements[{index}]");
            let values = format!("{path}.values");
            match (requirement.operator.as_str(), requirement.values.is_empty()) {
                ("In" | "NotIn", true) => errors.push(FieldError::required(
                    values,
                    "must be specified when `operator` is 'In' or 'NotIn'",
                )),
                ("Exists" | "DoesNotExist", false) => errors.push(FieldError::forbidden(
                    values,
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                )),
                _ => {}
            }
            own_rules(requirement, &path, errors);
        }
    }
}

fn as_field(requirement: &Requirement) -> Option<field_selector::Requirement> {
    use field_selector::Operator;
    let operator = match requirement.operator.as_str() {
        "In" => Operator::Equals,
        "NotIn" => Operator::NotEquals,
        _ => return None,
    };
    let [value] = requirement.values.as_slice() else { return None };
    Some(field_selector::Requirement {
        field: requirement.key.clone(),
        operator,
        value: value.clone(),
    })
}

fn as_label(requirement: &Requirement) -> Option<label_selector::Requirement> {
    use label_selector::Operator;
    let operator = match requirement.operator.as_str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return None,
    };
    let mut values = requirement.values.clone();
    values.sort_unstable();
    values.dedup();
    Some(label_selector::Requirement { key: requirement.key.clone(), operator, values })
}

//! Label selectors such as `app in (web, db),!legacy`, parsed and matched as Kubernetes does.
//!
//! Follows `pkg/labels/selector.go` of apimachinery.

mod parser;

use std::{collections::BTreeMap, error, fmt};

pub use self::parser::parse;
use crate::{GoQuoted, names};

/// One condition on the labels of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How the label's value relates to `values`.
    pub operator: Operator,
    /// What the label is compared with: sorted and without duplicates for sets, one value for the
    /// other comparisons, nothing for [`Operator::Exists`] and [`Operator::DoesNotExist`].
    pub values: Vec<String>,
}

/// How a label relates to the values of its requirement; displayed in upstream's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label is absent: `!key`.
    DoesNotExist,
    /// `key=value`.
    Equals,
    /// `key==value`.
    DoubleEquals,
    /// `key in (a,b)`.
    In,
    /// The label is absent or has another value: `key!=value`.
    NotEquals,
    /// The label is absent or has none of the values: `key notin (a,b)`.
    NotIn,
    /// The label is present: `key`.
    Exists,
    /// The label is a greater integer: `key>1`.
    GreaterThan,
    /// The label is a smaller integer: `key<1`.
    LessThan,
}

impl Requirement {
    /// Whether an object with these labels meets the requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = labels.get(&self.key);
        match self.operator {
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::Equals | Operator::DoubleEquals | Operator::In => {
                label.is_some_and(|value| self.values.contains(value))
            }
            Operator::NotEquals | Operator::NotIn => {
                label.is_none_or(|value| !self.values.contains(value))
            }
            Operator::GreaterThan => {
                self.integers(label).is_some_and(|(label, limit)| label > limit)
            }
            Operator::LessThan => self.integers(label).is_some_and(|(label, limit)| label < limit),
        }
    }

    /// The label and the single value as integers, if that is what they are.
    fn integers(&self, label: Option<&String>) -> Option<(i64, i64)> {
        let [limit] = self.values.as_slice() else { return None };
        Some((label?.parse().ok()?, limit.parse().ok()?))
    }

    /// What is wrong with the values, each problem with the place of its value.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if matches!(self.operator, Operator::GreaterThan | Operator::LessThan) {
            for (index, value) in self.values.iter().enumerate() {
                if value.parse::<i64>().is_err() {
                    problems.push(format!(
                        "values[{index}]: Invalid value: {}: for 'Gt', 'Lt' operators, the value \
                         must be an integer",
                        GoQuoted(value)
                    ));
                }
            }
        }
        for (index, value) in self.values.iter().enumerate() {
            let details = names::label_value(value);
            if !details.is_empty() {
                problems.push(format!(
                    "values[{index}][{}]: Invalid value: {}: {}",
                    self.key,
                    GoQuoted(value),
                    details.join("; ")
                ));
            }
        }
        problems
    }
}

/// As a term of a selector.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::In | Operator::NotIn => write!(f, "{key} {} ({values})", self.operator),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals => {
                write!(f, "{key}{}{values}", self.operator)
            }
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoesNotExist => "!",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::In => "in",
            Self::NotEquals => "!=",
            Self::NotIn => "notin",
            Self::Exists => "exists",
            Self::GreaterThan => "gt",
            Self::LessThan => "lt",
        })
    }
}

/// Why a label selector cannot be parsed; displayed in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Problem);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// A token where the grammar has no place for it, outside of a requirement or inside one.
    BetweenRequirements {
        found: String,
        expected: &'static str,
    },
    InRequirement {
        found: String,
        expected: &'static str,
    },
    InvalidKey(String),
    InvalidValues(Requirement),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.0, Problem::BetweenRequirements { .. }) {
            f.write_str("unable to parse requirement: ")?;
        }
        match &self.0 {
            Problem::BetweenRequirements { found, expected }
            | Problem::InRequirement { found, expected } => write!(f, "found '{found}'{expected}"),
            Problem::InvalidKey(key) => {
                let details = names::label_key(key).join("; ");
                // Upstream has no name for the place of a key, and prints its nil as it is.
                write!(f, "<nil>: Invalid value: {}: {details}", GoQuoted(key))
            }
            Problem::InvalidValues(requirement) => match requirement.problems().as_slice() {
                [problem] => f.write_str(problem),
                problems => write!(f, "[{}]", problems.join(", ")),
            },
        }
    }
}

impl error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::parse;

    fn check_matches(selector: &str, label: Option<&str>, expected: bool) {
        let labels: BTreeMap<_, _> =
            label.map(|value| ("a".to_owned(), value.to_owned())).into_iter().collect();
        let requirements = parse(selector).unwrap();
        assert_eq!(requirements[0].matches(&labels), expected, "{selector} on {label:?}");
    }

    #[test]
    fn equality_needs_the_label() {
        for selector in ["a=x", "a==x", "a in (x,y)"] {
            check_matches(selector, Some("x"), true);
            check_matches(selector, Some("z"), false);
            check_matches(selector, None, false);
        }
        check_matches("a=", None, false);
        check_matches("a=", Some(""), true);
    }

    #[test]
    fn inequality_is_met_by_an_absent_label() {
        for selector in ["a!=x", "a notin (x,y)"] {
            check_matches(selector, Some("x"), false);
            check_matches(selector, Some("z"), true);
            check_matches(selector, None, true);
        }
    }

    #[test]
    fn existence_does_not_look_at_the_value() {
        check_matches("a", Some(""), true);
        check_matches("a", None, false);
        check_matches("!a", Some(""), false);
        check_matches("!a", None, true);
    }

    #[test]
    fn order_compares_integers_only() {
        check_matches("a>5", Some("6"), true);
        check_matches("a>5", Some("5"), false);
        check_matches("a<5", Some("-1"), true);
        check_matches("a<5", Some("x"), false);
        check_matches("a<5", None, false);
        check_matches("a>5", Some("9223372036854775808"), false);
    }
}

//! What calls cost.
//!
//! Follows cel-go's `interpreter/runtimecost.go`, the trackers of its `ext/{lists,sets}.go`, and
//! apiserver's `pkg/cel/library/cost.go`, which are asked in this order: tracker by overload, Kubernetes by
//! function, cel-go by overload.

use crate::ast::operators;
use crate::meter::{Evaluated, Meter};
use crate::{Opaque, Value};

/// How the cost of a call is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// So much, whatever it is given.
    Fixed(u64),
    /// A tenth of the size of an argument.
    Traverse(usize),
    /// A fifth of the size of the first argument.
    TraverseTwice,
    /// A fifth of the size of the result.
    JoinResult,
    /// The size of an argument.
    Size(usize),
    /// A tenth of the smaller of two.
    Smaller,
    /// As [`Rule::Smaller`], but 1 for values of Kubernetes' libraries.
    Equal,
    /// A tenth of both together.
    Both,
    /// A tenth of the text times a quarter of the pattern.
    Match,
    /// A tenth of the text times a tenth of the part.
    Contains,
    /// One for each value that is inside.
    Inside,
    /// The address twice, and the other as text.
    ContainsIp { text: bool },
    /// The address three times, and the other as text.
    ContainsCidr { text: bool },
    /// The pattern of a format.
    Validate,
    /// A new list as long as the result.
    NewList,
    /// A new list, for each level.
    Flatten,
    /// A new list, each element compared with each.
    CompareAll(usize),
    /// Each element of one list compared with each of the other, so often.
    Product(u64),
}

impl Rule {
    /// The rule for a call of a function; of an overload, if it is known which.
    pub(crate) fn of(function: &str, overload: Option<&str>) -> Self {
        overload
            .and_then(Self::tracked)
            .or_else(|| Self::of_function(function, overload))
            .or_else(|| overload.and_then(Self::of_overload))
            .unwrap_or(Self::Fixed(1))
    }

    fn tracked(overload: &str) -> Option<Self> {
        Some(match overload {
            "list_slice" | "lists_range" | "list_reverse" => Self::NewList,
            "list_flatten" | "list_flatten_int" => Self::Flatten,
            "list_distinct" => Self::CompareAll(0),
            "list_sets_contains_list" | "list_sets_intersects_list" => Self::Product(1),
            "list_sets_equivalent_list" => Self::Product(2),
            _ if overload.ends_with("_sortByAssociatedKeys") => Self::CompareAll(1),
            _ if overload.starts_with("list_") && overload.ends_with("_sort") => {
                Self::CompareAll(0)
            }
            _ => return None,
        })
    }

    fn of_function(function: &str, overload: Option<&str>) -> Option<Self> {
        Some(match function {
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" | "includes" => {
                Self::Inside
            }
            "url" | "lowerAscii" | "upperAscii" | "substring" | "trim" | "cidr" | "isIP"
            | "isCIDR" | "quantity" | "isQuantity" | "semver" | "isSemver" => Self::Traverse(0),
            "ip" if overload == Some("cidr_ip") => Self::Fixed(1),
            "ip" => Self::Traverse(0),
            "replace" | "split" | "ip.isCanonical" => Self::TraverseTwice,
            "join" => Self::JoinResult,
            "find" | "findAll" => Self::Match,
            "containsIP" => Self::ContainsIp { text: overload == Some("cidr_contains_ip_string") },
            "containsCIDR" => {
                Self::ContainsCidr { text: overload == Some("cidr_contains_cidr_string") }
            }
            "validate" => Self::Validate,
            operators::EQUALS => Self::Equal,
            _ => return None,
        })
    }

    fn of_overload(overload: &str) -> Option<Self> {
        Some(match overload {
            "starts_with_string" | "ends_with_string" => Self::Traverse(1),
            "string_to_bytes" | "bytes_to_string" | "strings_quote" | "string_format" => {
                Self::Traverse(0)
            }
            "in_list" => Self::Size(1),
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "not_equals" => Self::Smaller,
            "add_string" | "add_bytes" => Self::Both,
            "matches" | "matches_string" => Self::Match,
            "contains_string" => Self::Contains,
            _ => return None,
        })
    }

    /// Whether the cost depends on the result, so that the call has to be made first.
    pub(crate) const fn needs_result(self) -> bool {
        matches!(self, Self::JoinResult | Self::NewList)
    }

    /// Spends what a call costs.
    pub(crate) fn charge(
        self,
        meter: &mut Meter,
        args: &[Value],
        result: Option<&Value>,
    ) -> Evaluated<()> {
        let size = |index: usize| args.get(index).map_or(1, size_of);
        let cost = match self {
            Self::Fixed(cost) => cost,
            Self::Traverse(index) => tenths(size(index), 1),
            Self::TraverseTwice => tenths(size(0), 2),
            Self::JoinResult => tenths(result.map_or(1, size_of), 2),
            Self::Size(index) => size(index),
            Self::Equal if args.first().is_some_and(|value| matches!(value, Value::Opaque(_))) => 1,
            Self::Smaller | Self::Equal => tenths(size(0).min(size(1)), 1),
            Self::Both => tenths(size(0).saturating_add(size(1)), 1),
            Self::Match => {
                let pattern = size(1).div_ceil(4);
                tenths(size(0).saturating_add(1), 1).saturating_mul(pattern)
            }
            Self::Contains => tenths(size(0), 1).saturating_mul(tenths(size(1), 1)),
            Self::Inside => match args.first() {
                Some(value) => inside(value, meter.left().saturating_add(1)),
                None => 0,
            },
            Self::ContainsIp { text } => tenths(size(0), 2) + of_text(text, size(1)),
            Self::ContainsCidr { text } => {
                tenths(size(0), 2) + tenths(size(0), 1) + 1 + of_text(text, size(1))
            }
            Self::Validate => match args.first() {
                Some(Value::Opaque(Opaque::Format(format))) => {
                    let pattern = format.pattern_size.div_ceil(4);
                    tenths(size(1).saturating_add(1), 1).saturating_mul(pattern)
                }
                _ => 1,
            },
            Self::NewList => new_list(result.map_or(1, size_of)),
            Self::Flatten => match args.get(1) {
                Some(Value::Int(depth)) => match u64::try_from(*depth) {
                    Ok(depth) => new_list(size(0).saturating_mul(depth)),
                    Err(_) => new_list(size(0)),
                },
                _ => new_list(size(0)),
            },
            Self::CompareAll(index) => compare_all(args.get(index)),
            Self::Product(factor) => {
                size(0).saturating_mul(size(1)).saturating_mul(factor).saturating_add(1)
            }
        };
        meter.charge(cost)
    }
}

fn size_of(value: &Value) -> u64 {
    value.size_of_any().map_or(1, |size| size as u64)
}

/// So many tenths of a size, rounded up.
const fn tenths(size: u64, count: u64) -> u64 {
    size.saturating_mul(count).div_ceil(10)
}

const fn of_text(text: bool, size: u64) -> u64 {
    if text { tenths(size, 1) } else { 0 }
}

const fn new_list(size: u64) -> u64 {
    size.saturating_add(CALL).saturating_add(LIST)
}

/// Twice the square of a list's length; a tenth more if texts are compared.
fn compare_all(list: Option<&Value>) -> u64 {
    let Some(Value::List(list)) = list else { return new_list(0) };
    let square = (list.len() as u64).saturating_mul(list.len() as u64);
    let texts = matches!(list.as_slice().first(), Some(Value::String(_) | Value::Bytes(_)));
    let twice = square.saturating_mul(2);
    new_list(if texts { twice.saturating_add(square / 10) } else { twice })
}

/// One for each value inside, a tenth of the bytes for texts; counted up to a limit.
fn inside(value: &Value, limit: u64) -> u64 {
    let mut sum = 0_u64;
    let add = |value: &Value, sum: u64| {
        if sum >= limit { sum } else { sum.saturating_add(inside(value, limit - sum)) }
    };
    match value {
        Value::String(text) => text.len() as u64 / 10,
        Value::Bytes(bytes) => bytes.len() as u64 / 10,
        Value::List(list) => {
            for item in list {
                sum = add(item, sum);
                // Empty texts cost nothing, but take time.
                if sum >= limit {
                    break;
                }
            }
            sum
        }
        Value::Map(map) => {
            for (key, value) in map {
                sum = add(value, add(&key.to_value(), sum));
            }
            sum
        }
        _ => 1,
    }
}

/// A call, a list, a map.
pub(crate) const CALL: u64 = 1;
pub(crate) const LIST: u64 = 10;
pub(crate) const MAP: u64 = 30;

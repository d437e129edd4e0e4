//! The conformance cases of the CEL specification, for what Kubernetes' dialect has.
//!
//! `spec/*.jsonl` is rewritten from the cases of <https://github.com/google/cel-spec>; the first line of
//! each file names its source. Left out are cases with messages and enums of protocol buffers, with
//! containers, functions and unknown values, and those with macros switched off. What Kubernetes refuses
//! or does otherwise is listed at the end, with the reason; cel-go in Kubernetes' environment was seen to
//! answer those as here, but for one that has a variable and was not asked.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a case that is not written as all are fails the test"
)]

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use verdikt_cel::{Duration, Env, Key, Map, Timestamp, Type, Value};

#[test]
fn cases_of_the_specification_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec");
    let (mut cases, mut failures) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().skip(1) {
            let case: Json = serde_json::from_str(line).unwrap();
            let name = case["name"].as_str().unwrap();
            cases += 1;
            let different = [&OF_SEVERAL_TYPES[..], &FORMATTED, &OTHERS].concat();
            let expected = !different.iter().any(|listed| is_listed(name, listed));
            match run(&case) {
                Ok(()) if !expected => failures.push(format!("{name}: listed, but holds")),
                Err(why) if expected => failures.push(format!("{name}: {}: {why}", case["expr"])),
                _ => {}
            }
        }
    }
    assert!(cases > 1000, "{cases} cases");
    assert!(failures.is_empty(), "{} of {cases}:\n{}", failures.len(), failures.join("\n"));
}

/// Whether an entry of a list is the case itself, or the section it belongs to.
fn is_listed(name: &str, listed: &str) -> bool {
    name.strip_prefix(listed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn run(case: &Json) -> Result<(), String> {
    let mut env = Env::kubernetes();
    let declared = case["types"].as_object().into_iter().flatten();
    for (name, ty) in declared {
        env = env.variable(name, type_of(ty));
    }
    let bound = case["bindings"].as_object().into_iter().flatten();
    let bound: Vec<(&str, Value)> =
        bound.map(|(name, json)| (name.as_str(), value_of(json))).collect();
    for (name, _) in &bound {
        if case["types"].get(name).is_none() {
            env = env.variable(name, Type::Dyn);
        }
    }
    let fails = case["error"].as_bool() == Some(true);
    let program = match env.compile(case["expr"].as_str().unwrap()) {
        Ok(program) => program,
        Err(_) if fails => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if let Some(ty) = case.get("type")
        && *program.output_type() != type_of(ty)
    {
        return Err(format!("type {}", program.output_type()));
    }
    match (program.evaluate(&bound), case.get("want")) {
        (Err(_), None) if fails => Ok(()),
        (Ok(_), None) if !fails => Ok(()),
        (Ok(value), Some(want)) if same(&value, &value_of(want)) => Ok(()),
        (Ok(value), _) => Err(format!("{value:?}")),
        (Err(error), _) => Err(error.to_string()),
    }
}

fn type_of(json: &Json) -> Type {
    match json.as_str() {
        Some("int") => return Type::Int,
        Some("uint") => return Type::Uint,
        Some("double") => return Type::Double,
        Some("bool") => return Type::Bool,
        Some("string") => return Type::String,
        Some("bytes") => return Type::Bytes,
        Some("null") => return Type::Null,
        Some("any") => return Type::Any,
        Some("duration") => return Type::Duration,
        Some("timestamp") => return Type::Timestamp,
        Some("type") => return Type::Type(None),
        Some(_) => return Type::Dyn,
        None => {}
    }
    if let Some(of) = json.get("list") {
        return Type::list(type_of(of));
    }
    if let Some(of) = json.get("optional") {
        return Type::optional(type_of(of));
    }
    if let Some(of) = json.get("type") {
        return Type::Type(Some(Box::new(type_of(of))));
    }
    Type::map(type_of(&json["map"][0]), type_of(&json["map"][1]))
}

fn value_of(json: &Json) -> Value {
    let (kind, json) = json.as_object().unwrap().iter().next().unwrap();
    let text = json.as_str().unwrap_or_default();
    match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(json.as_bool().unwrap()),
        "int" => Value::Int(text.parse().unwrap()),
        "uint" => Value::Uint(text.parse().unwrap()),
        "double" => Value::Double(text.parse().unwrap()),
        "string" => Value::string(text),
        "bytes" => {
            let bytes = json.as_array().unwrap().iter();
            Value::Bytes(bytes.map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect())
        }
        "type" => Value::Type(text.into()),
        "list" => Value::list(json.as_array().unwrap().iter().map(value_of).collect()),
        "map" => Value::Map(Map::new(json.as_array().unwrap().iter().map(|entry| {
            let key = match value_of(&entry[0]) {
                Value::Bool(key) => Key::Bool(key),
                Value::Int(key) => Key::Int(key),
                Value::Uint(key) => Key::Uint(key),
                Value::String(key) => Key::String(key),
                other => panic!("{other:?} is no key"),
            };
            (key, value_of(&entry[1]))
        }))),
        "duration" => {
            let part = |index: usize| json[index].as_i64().unwrap();
            Value::Duration(Duration(part(0) * 1_000_000_000 + part(1)))
        }
        "timestamp" => {
            let part = |index: usize| json[index].as_i64().unwrap();
            Value::Timestamp(Timestamp::new(part(0), u32::try_from(part(1)).unwrap()).unwrap())
        }
        other => panic!("unknown kind {other}"),
    }
}

/// Whether two values are the same, types and all.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Double(left), Value::Double(right)) => {
            left == right || (left.is_nan() && right.is_nan())
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|((key, left), (other, right))| key == other && same(left, right))
        }
        (Value::Timestamp(left), Value::Timestamp(right)) => left == right,
        _ => format!("{left:?}") == format!("{right:?}"),
    }
}

/// Kubernetes refuses lists and maps that are written with values of several types.
const OF_SEVERAL_TYPES: [&str; 56] = [
    "logic/AND/short_circuit_type_left",
    "logic/AND/short_circuit_type_right",
    "logic/OR/short_circuit_type_left",
    "logic/OR/short_circuit_type_right",
    "macros2/exists/list_elem_type_shortcircuit",
    "macros2/exists/list_elem_type_exhaustive",
    "macros2/exists/map_key_type_shortcircuit",
    "macros2/exists/map_key_type_exhaustive",
    "macros2/all/list_elem_type_shortcircuit",
    "macros2/all/list_elem_type_exhaustive",
    "conversions/dyn/dyn_heterogeneous_list",
    "comparisons/eq_literal/not_eq_list_null",
    "comparisons/eq_literal/eq_list_mixed_type_numbers",
    "comparisons/eq_literal/not_eq_list_mixed_type_numbers",
    "comparisons/eq_literal/not_eq_list_false_vs_types",
    "comparisons/eq_literal/not_eq_map_null",
    "comparisons/eq_literal/eq_map_mixed_type_numbers",
    "comparisons/eq_literal/not_eq_map_false_vs_types",
    "comparisons/eq_literal/eq_map_value_mixed_types",
    "comparisons/eq_literal/not_eq_list_elem_null",
    "comparisons/eq_literal/not_eq_map_value_null",
    "comparisons/in_list_literal/elem_in_mixed_type_list",
    "comparisons/in_list_literal/elem_in_mixed_type_list_cross_type",
    "comparisons/in_map_literal/key_in_mixed_key_type_map",
    "comparisons/in_map_literal/key_in_mixed_key_type_map_cross_type",
    "fields/map_fields/map_key_int64",
    "fields/map_fields/map_key_uint64",
    "fields/map_fields/map_key_mixed_type",
    "fields/map_fields/map_key_mixed_numbers_double_key",
    "fields/map_fields/map_key_mixed_numbers_uint_key",
    "fields/map_fields/map_key_mixed_numbers_int_key",
    "fields/map_fields/map_bad_key_type_or_true",
    "fields/map_fields/map_bad_key_type_and_false",
    "fields/map_fields/map_value_mix_type",
    "fields/quoted_map_fields/field_access_dash",
    "fields/quoted_map_fields/has_field_dash",
    "fields/qualified_identifier_resolution/map_value_repeat_key",
    "fields/in/mixed_numbers_and_keys_present",
    "fields/in/mixed_numbers_and_keys_absent",
    "type_deduction/flexible_type_parameter_assignment/unconstrained_type_var_as_dyn",
    "type_deduction/flexible_type_parameter_assignment/optional_dyn_promotion",
    "type_deduction/flexible_type_parameter_assignment/optional_dyn_promotion_2",
    "type_deduction/legacy_nullable_types/null_assignable_to_abstract_parameter_candidate",
    "macros/exists/list_elem_type_shortcircuit",
    "macros/exists/list_elem_type_exhaustive",
    "macros/exists/map_key_type_shortcircuit",
    "macros/exists/map_key_type_exhaustive",
    "macros/all/list_elem_type_shortcircuit",
    "plumbing/check_inputs/skip_check",
    "optionals/optionals/map_null_entry_no_such_key",
    "optionals/optionals/map_present_key_invalid_field",
    "optionals/optionals/optional_chaining_13",
    "optionals/optionals/map_key_mixed_type_optindex_value",
    "optionals/optionals/map_key_mixed_numbers_double_key_optindex_value",
    "optionals/optionals/map_key_mixed_numbers_uint_key_optindex_value",
    "optionals/optionals/map_key_mixed_numbers_int_key_optindex_value",
];

/// Kubernetes has version 2 of `format`, which takes no whole numbers for `%f` and `%e`, and writes numbers
/// otherwise; infinity has a sign of its own.
const FORMATTED: [&str; 22] = [
    "string_ext/format/scientific notation formatting clause",
    "string_ext/format/default precision for fixed-point clause with int",
    "string_ext/format/default precision for fixed-point clause with uint",
    "string_ext/format/default precision for scientific notation",
    "string_ext/format/default precision for scientific notation with int",
    "string_ext/format/default precision for scientific notation with uint",
    "string_ext/format/NaN support for scientific notation",
    "string_ext/format/positive infinity support for scientific notation",
    "string_ext/format/negative infinity support for scientific notation",
    "string_ext/format/NaN support for decimal",
    "string_ext/format/positive infinity support for decimal",
    "string_ext/format/negative infinity support for decimal",
    "string_ext/format/positive infinity support for fixed-point",
    "string_ext/format/negative infinity support for fixed-point",
    "string_ext/format/list support for string",
    "string_ext/format/map support for string",
    "string_ext/format/map support (all key types)",
    "string_ext/format/dyntype support for scientific notation",
    "string_ext/format/dyntype NaN/infinity support",
    "string_ext/format/dyntype support for lists",
    "string_ext/format/dyntype support for maps",
    "string_ext/format/scientific notation formatting clause in a string variable",
];

/// Functions that are newer than the versions of Kubernetes, names of protocol buffers, and what cel-go
/// does otherwise than the specification.
const OTHERS: [&str; 27] = [
    "logic/conditional/mixed_type",
    "basic/variables/unbound_is_runtime_error",
    "basic/functions/unbound_is_runtime_error",
    "comparisons/eq_literal/not_eq_list_length",
    "comparisons/eq_literal/eq_mixed_types",
    "comparisons/eq_literal/eq_list_elem_mixed_types",
    "comparisons/ne_literal/ne_mixed_types",
    "parse/receiver_function_names/as",
    "parse/receiver_function_names/break",
    "parse/receiver_function_names/const",
    "parse/receiver_function_names/continue",
    "parse/receiver_function_names/else",
    "parse/receiver_function_names/for",
    "parse/receiver_function_names/function",
    "parse/receiver_function_names/if",
    "parse/receiver_function_names/import",
    "parse/receiver_function_names/let",
    "parse/receiver_function_names/loop",
    "parse/receiver_function_names/package",
    "parse/receiver_function_names/namespace",
    "parse/receiver_function_names/return",
    "parse/receiver_function_names/var",
    "parse/receiver_function_names/void",
    "parse/receiver_function_names/while",
    "string_ext/value_errors/indexof_out_of_range",
    "string_ext/value_errors/lastindexof_out_of_range",
    "string_ext/reverse",
];

//! `'%s is %d'.format([...])`
//!
//! Follows cel-go's `ext/formatting.go`, the formatting of version 2 of the library: numbers with a point
//! have English separators, and with an exponent the precision is a width.

use super::conversion;
use crate::meter::{Evaluated, Meter};
use crate::number;
use crate::value::{Key, List, Map};
use crate::{EvaluationError, Value};

/// What a `%` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clause {
    String,
    Decimal,
    Fixed(usize),
    Scientific(usize),
    Binary,
    Hex { upper: bool },
    Octal,
}

impl Clause {
    /// What the clause says of a value of a type that it does not take.
    pub(crate) fn refuses(self, type_name: &str) -> String {
        let what = match self {
            Self::String => {
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, \
                 types, durations, and timestamps"
            }
            Self::Decimal => "decimal clause can only be used on integers",
            Self::Fixed(_) => "fixed-point clause can only be used on doubles",
            Self::Scientific(_) => "scientific clause can only be used on doubles",
            Self::Binary => "only integers and bools can be formatted as binary",
            Self::Hex { .. } => "only integers, byte buffers, and strings can be formatted as hex",
            Self::Octal => "octal clause can only be used on integers",
        };
        format!("error during formatting: {what}, was given {type_name}")
    }
}

/// Goes through a text clause by clause; how many there are.
pub(crate) fn walk<E: From<String>>(
    text: &str,
    args: usize,
    out: &mut String,
    mut each: impl FnMut(usize, Clause, &mut String) -> Result<(), E>,
) -> Result<usize, E> {
    let mut rest = text;
    let mut used = 0;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        if after.is_empty() {
            return Err("unexpected end of string".to_owned().into());
        }
        if used >= args {
            return Err(format!("index {used} out of range").into());
        }
        let (clause, after) =
            clause(after).map_err(|error| format!("could not parse formatting clause: {error}"))?;
        each(used, clause, out)?;
        used += 1;
        rest = after;
    }
    out.push_str(rest);
    Ok(used)
}

fn clause(text: &str) -> Result<(Clause, &str), String> {
    let (precision, rest) = match text.strip_prefix('.') {
        None => (None, text),
        Some(rest) => {
            let (precision, rest) = precision(rest)
                .map_err(|error| format!("error while parsing precision: {error}"))?;
            (Some(precision), rest)
        }
    };
    let precision = precision.unwrap_or(DEFAULT_PRECISION);
    let clause = match rest.as_bytes().first() {
        Some(b's') => Clause::String,
        Some(b'd') => Clause::Decimal,
        Some(b'f') => Clause::Fixed(precision),
        Some(b'e') => Clause::Scientific(precision),
        Some(b'b') => Clause::Binary,
        Some(b'x') => Clause::Hex { upper: false },
        Some(b'X') => Clause::Hex { upper: true },
        Some(b'o') => Clause::Octal,
        // Go looks at a byte here.
        other => {
            let char = other.copied().map(char::from).unwrap_or_default();
            return Err(format!("unrecognized formatting clause \"{char}\""));
        }
    };
    Ok((clause, rest.get(1..).unwrap_or_default()))
}

fn precision(text: &str) -> Result<(usize, &str), String> {
    let Some(end) = text.find(|char: char| !char.is_ascii_digit()) else {
        return Err("could not find end of precision specifier".to_owned());
    };
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    match digits.parse::<i64>().map(usize::try_from) {
        Ok(Ok(precision)) => Ok((precision, rest)),
        _ => {
            let why = if digits.is_empty() { "invalid syntax" } else { "value out of range" };
            let digits = number::quote(digits);
            Err(format!(
                "error while converting precision to integer: strconv.Atoi: parsing {digits}: {why}"
            ))
        }
    }
}

/// A text with its clauses replaced by values.
pub(crate) fn format(meter: &mut Meter, text: &str, args: &List) -> Evaluated<String> {
    let mut out = String::new();
    walk(text, args.len(), &mut out, |index, clause, out| {
        let value = args.get(index).unwrap_or(Value::Null);
        let text = formatted(meter, clause, &value)?;
        meter.text(text.len())?;
        out.push_str(&text);
        Ok::<(), Stop>(())
    })?;
    Ok(out)
}

/// An error of formatting, or one of evaluating.
struct Stop(EvaluationError);

impl From<String> for Stop {
    fn from(error: String) -> Self {
        Self(EvaluationError::new(error))
    }
}

impl From<EvaluationError> for Stop {
    fn from(error: EvaluationError) -> Self {
        Self(error)
    }
}

impl From<Stop> for EvaluationError {
    fn from(stop: Stop) -> Self {
        stop.0
    }
}

fn formatted(meter: &mut Meter, clause: Clause, value: &Value) -> Result<String, Stop> {
    let refused = || Stop::from(clause.refuses(value.type_name()));
    Ok(match (clause, value) {
        (Clause::String, _) => match string(meter, value)? {
            Some(text) => text,
            None => return Err(refused()),
        },
        (Clause::Decimal, Value::Int(number)) => number.to_string(),
        (Clause::Decimal, Value::Uint(number)) => number.to_string(),
        (Clause::Fixed(precision), _) => {
            let number = double(value).ok_or_else(refused)?;
            meter.text(precision)?;
            fixed(number, precision)
        }
        (Clause::Scientific(width), _) => {
            let number = double(value).ok_or_else(refused)?;
            meter.text(width)?;
            scientific(number, width)
        }
        (Clause::Binary, Value::Int(number)) => {
            signed(*number, format!("{:b}", number.unsigned_abs()))
        }
        (Clause::Binary, Value::Uint(number)) => format!("{number:b}"),
        (Clause::Binary, Value::Bool(truth)) => i32::from(*truth).to_string(),
        (Clause::Octal, Value::Int(number)) => {
            signed(*number, format!("{:o}", number.unsigned_abs()))
        }
        (Clause::Octal, Value::Uint(number)) => format!("{number:o}"),
        (Clause::Hex { upper }, _) => {
            let text = match value {
                Value::Int(number) => signed(*number, format!("{:x}", number.unsigned_abs())),
                Value::Uint(number) => format!("{number:x}"),
                Value::String(text) => hex(meter, text.as_bytes())?,
                Value::Bytes(bytes) => hex(meter, bytes)?,
                _ => return Err(refused()),
            };
            if upper { text.to_uppercase() } else { text }
        }
        _ => return Err(refused()),
    })
}

fn signed(number: i64, digits: String) -> String {
    if number < 0 { format!("-{digits}") } else { digits }
}

fn hex(meter: &mut Meter, bytes: &[u8]) -> Evaluated<String> {
    meter.text(bytes.len() * 2)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A number, or a text that names what is none.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(if number > 0.0 { "∞" } else { "-∞" })
    } else {
        None
    }
}

/// `1,234,567.50`
fn fixed(number: f64, precision: usize) -> String {
    if let Some(special) = special(number) {
        return special.to_owned();
    }
    // Zero has no sign, even if it has.
    let number = if number == 0.0 { 0.0 } else { number };
    let plain = number::fixed(number, precision);
    let (sign, digits) = plain.strip_prefix('-').map_or(("", &*plain), |digits| ("-", digits));
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (digits, String::new()),
    };
    let mut grouped = String::with_capacity(whole.len() * 4 / 3);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// `1.234500×10⁰³`, as wide as the precision says.
fn scientific(number: f64, width: usize) -> String {
    let text = match special(number) {
        Some(special) => special.to_owned(),
        None => {
            let number = if number == 0.0 { 0.0 } else { number };
            let plain = number::scientific(number, DEFAULT_PRECISION);
            match plain.split_once('e') {
                Some((digits, exponent)) => {
                    let exponent: String = exponent.chars().filter_map(superscript).collect();
                    format!("{digits}×10{exponent}")
                }
                None => plain,
            }
        }
    };
    let padding = width.saturating_sub(text.chars().count());
    format!("{}{text}", " ".repeat(padding))
}

const fn superscript(char: char) -> Option<char> {
    Some(match char {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => return None,
    })
}

/// What `%s` makes of a value; nothing if it takes none of its type.
fn string(meter: &mut Meter, value: &Value) -> Result<Option<String>, Stop> {
    Ok(Some(match value {
        Value::List(list) => list_text(meter, list)?,
        Value::Map(map) => map_text(meter, map)?,
        Value::Null => "null".to_owned(),
        Value::Optional(_) | Value::Lazy(_) | Value::Object(_) | Value::Opaque(_) => {
            return Ok(None);
        }
        Value::Bytes(bytes) => {
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| not_text())?
        }
        _ => conversion::text_of(value)?,
    }))
}

fn not_text() -> Stop {
    let what =
        "could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string";
    Stop::from(format!("error during formatting: {what}"))
}

fn list_text(meter: &mut Meter, list: &List) -> Result<String, Stop> {
    let mut items = Vec::with_capacity(list.len());
    for item in list {
        let text = nested(meter, item)?;
        meter.text(text.len())?;
        items.push(text);
    }
    Ok(format!("[{}]", items.join(", ")))
}

fn map_text(meter: &mut Meter, map: &Map) -> Result<String, Stop> {
    let mut entries = Vec::with_capacity(map.len());
    for (key, value) in map {
        let key = match key {
            Key::String(text) => number::quote(text),
            Key::Double(_) => {
                let what = "no formatting function for map key of type double";
                return Err(Stop::from(format!("error during formatting: {what}")));
            }
            key => key.to_value().shown(),
        };
        let value = nested(meter, value)?;
        meter.text(key.len() + value.len())?;
        entries.push((key, value));
    }
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    let entries: Vec<String> =
        entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
    Ok(format!("{{{}}}", entries.join(", ")))
}

/// A value inside of a list or a map, as the language would write it.
fn nested(meter: &mut Meter, value: &Value) -> Result<String, Stop> {
    meter.work(1)?;
    Ok(match value {
        Value::String(text) => number::quote(text),
        Value::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| not_text())?;
            format!("b{}", number::quote(text))
        }
        Value::Double(number) if number.is_finite() => number::fixed(*number, DEFAULT_PRECISION),
        Value::Double(number) => number::quote(&number::general(*number)),
        Value::Timestamp(at) => format!("timestamp({})", number::quote(&at.to_string())),
        Value::Duration(span) => format!("duration({})", number::quote(&span.to_string())),
        _ => match string(meter, value)? {
            Some(text) => text,
            None => {
                let what = format!("no formatting function for {}", value.type_name());
                return Err(Stop::from(format!("error during formatting: {what}")));
            }
        },
    })
}

const DEFAULT_PRECISION: usize = 6;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn check(text: &str, args: &[Value], expected: &str) {
        let mut meter = Meter::new(1_000_000, Arc::default());
        let list = List::new(args.to_vec());
        let found = format(&mut meter, text, &list).unwrap_or_else(|error| error.to_string());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_are_english() {
        check("%f", &[Value::Double(1_234_567.891)], "1,234,567.891000");
        check("%.0f", &[Value::Double(999.5)], "1,000");
        check("%.2f", &[Value::Double(-0.0)], "0.00");
        check("%e", &[Value::Double(1234.5)], "1.234500×10⁰³");
        check("%.20e", &[Value::Double(-0.000_12)], "     -1.200000×10⁻⁰⁴");
        check("%e|%f", &[Value::string("-Infinity"), Value::string("NaN")], "    -∞|NaN");
        check(
            "%x %X %b %o",
            &[Value::Int(-255), Value::string("é"), Value::Int(-5), Value::Uint(8)],
            "-ff C3A9 -101 10",
        );
    }

    #[test]
    fn what_a_clause_does_not_take_is_an_error() {
        check("%d", &[Value::string("a")], &Clause::Decimal.refuses("string"));
        check("%d", &[], "index 0 out of range");
        check("%", &[], "unexpected end of string");
        let error = "could not parse formatting clause: unrecognized formatting clause \"q\"";
        check("%q", &[Value::Null], error);
        check("%%%s", &[Value::Null], "%null");
    }

    #[test]
    fn lists_and_maps_are_written_as_literals() {
        let list = Value::list(vec![Value::Int(1), Value::Double(2.5), Value::string("a\"")]);
        check("%s", std::slice::from_ref(&list), "[1, 2.500000, \"a\\\"\"]");
        check(
            "%s",
            &[Value::map([("b", list), ("a", Value::Null)])],
            "{\"a\":null, \"b\":[1, 2.500000, \"a\\\"\"]}",
        );
    }
}

//! Text.
//!
//! Follows cel-go's `ext/strings.go`, version 2. Places are counted in code points.

use super::declare::{Call, Registry, fail, no_overload};
use super::format_string;
use crate::meter::{Evaluated, Meter};
use crate::{Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    use Type::{Int, String};
    let strings = Type::list(String);
    let one: [(&'static str, &'static str, Call); 3] = [
        ("lowerAscii", "string_lower_ascii", |_, args| map(args, str::to_ascii_lowercase)),
        ("upperAscii", "string_upper_ascii", |_, args| map(args, str::to_ascii_uppercase)),
        ("trim", "string_trim", |_, args| map(args, |text| text.trim().to_owned())),
    ];
    for (name, id, call) in one {
        registry.member(name, id, &[String], String, call);
    }
    let three = [String, String, Int];
    registry.member("charAt", "string_char_at_int", &[String, Int], String, char_at);
    registry.member("indexOf", "string_index_of_string", &[String, String], Int, index_of);
    registry.member("indexOf", "string_index_of_string_int", &three, Int, index_of);
    registry.member(
        "lastIndexOf",
        "string_last_index_of_string",
        &[String, String],
        Int,
        last_index_of,
    );
    registry.member("lastIndexOf", "string_last_index_of_string_int", &three, Int, last_index_of);
    let replaced = [String, String, String, Int];
    let (all, some) = ("string_replace_string_string", "string_replace_string_string_int");
    registry.member("replace", all, replaced.get(..3).unwrap_or(&replaced), String, replace);
    registry.member("replace", some, &replaced, String, replace);
    registry.member("split", "string_split_string", &[String, String], strings.clone(), split);
    registry.member("split", "string_split_string_int", &three, strings.clone(), split);
    registry.member("substring", "string_substring_int", &[String, Int], String, substring);
    registry.member(
        "substring",
        "string_substring_int_int",
        &[String, Int, Int],
        String,
        substring,
    );
    registry.member("join", "list_join", std::slice::from_ref(&strings), String, join);
    registry.member("join", "list_join_string", &[strings, String], String, join);
    registry
        .global("strings.quote", "strings_quote", &[String], String, |_, args| map(args, quote));
    let id = "string_format";
    registry.member(
        "format",
        id,
        &[String, Type::list(Type::Dyn)],
        String,
        |meter, args| match args {
            [Value::String(text), Value::List(list)] => {
                format_string::format(meter, text, list).map(Value::string)
            }
            _ => no_overload(),
        },
    );
}

fn map(args: &[Value], of: impl Fn(&str) -> String) -> Evaluated {
    match args {
        [Value::String(text)] => Ok(Value::string(of(text))),
        _ => no_overload(),
    }
}

fn out_of_range<T>(index: i64) -> Evaluated<T> {
    fail(format!("index out of range: {index}"))
}

fn char_at(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text), Value::Int(index)] = args else { return no_overload() };
    let Ok(at) = usize::try_from(*index) else { return out_of_range(*index) };
    match text.chars().nth(at) {
        Some(char) => Ok(Value::string(char.to_string())),
        None if text.chars().count() == at => Ok(Value::string("")),
        None => out_of_range(*index),
    }
}

/// The byte at which a code point begins; the end of the text for the one after the last.
fn byte_at(text: &str, index: usize) -> Option<usize> {
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(index)
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn index_of(_: &mut Meter, args: &[Value]) -> Evaluated {
    let (text, part, offset) = match args {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(offset)] => (text, part, *offset),
        _ => return no_overload(),
    };
    let Ok(start) = usize::try_from(offset) else { return out_of_range(offset) };
    if part.is_empty() {
        return Ok(Value::Int(offset.min(count(text))));
    }
    let found = byte_at(text, start).and_then(|start| {
        let found = text.get(start..)?.find(&**part)?;
        text.get(..start + found).map(count)
    });
    Ok(Value::Int(found.unwrap_or(-1)))
}

fn last_index_of(_: &mut Meter, args: &[Value]) -> Evaluated {
    let (text, part, offset) = match args {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(offset)] => {
            (text, part, Some(*offset))
        }
        _ => return no_overload(),
    };
    let length = count(text);
    if part.is_empty() {
        return match offset {
            Some(offset) if offset < 0 => out_of_range(offset),
            offset => Ok(Value::Int(offset.unwrap_or(length).min(length))),
        };
    }
    if offset.is_none() && text.len() < part.len() {
        return Ok(Value::Int(-1));
    }
    let offset = offset.unwrap_or(length - 1);
    let Ok(last) = usize::try_from(offset) else { return out_of_range(offset) };
    if offset >= length {
        return Ok(Value::Int(-1));
    }
    // A match may begin at the offset at the latest.
    let found = byte_at(text, last).and_then(|last| {
        let end = text.floor_char_boundary(last + part.len());
        let found = text.get(..end)?.rfind(&**part)?;
        text.get(..found).map(count)
    });
    Ok(Value::Int(found.unwrap_or(-1)))
}

fn replace(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let (text, old, new, limit) = match args {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [Value::String(text), Value::String(old), Value::String(new), Value::Int(limit)] => {
            (text, old, new, *limit)
        }
        _ => return no_overload(),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let matches = text.matches(&**old).take(limit).count();
    meter.text(matches.saturating_mul(new.len()))?;
    Ok(Value::string(text.replacen(&**old, new, limit)))
}

fn split(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let (text, separator, limit) = match args {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(limit)] => {
            (text, separator, *limit)
        }
        _ => return no_overload(),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts: Vec<String> = if limit == 0 {
        Vec::new()
    } else if separator.is_empty() {
        chars(text, limit)
    } else {
        text.splitn(limit, &**separator).map(str::to_owned).collect()
    };
    meter.copy(parts.len())?;
    Ok(Value::native_string_list(parts))
}

/// The characters of a text, so many at most; the last part is the rest.
fn chars(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut chars = text.chars();
    while parts.len() + 1 < limit
        && let Some(char) = chars.next()
    {
        parts.push(char.to_string());
    }
    let rest = chars.as_str();
    if !rest.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

fn substring(_: &mut Meter, args: &[Value]) -> Evaluated {
    let (text, start, end) = match args {
        [Value::String(text), Value::Int(start)] => (text, *start, count(text)),
        [Value::String(text), Value::Int(start), Value::Int(end)] => {
            if start > end {
                return fail(format!("invalid substring range. start: {start}, end: {end}"));
            }
            (text, *start, *end)
        }
        _ => return no_overload(),
    };
    let byte = |index: i64| match usize::try_from(index).ok().and_then(|at| byte_at(text, at)) {
        Some(byte) => Ok(byte),
        None => out_of_range(index),
    };
    let (from, to) = (byte(start)?, byte(end)?);
    Ok(Value::string(text.get(from..to).unwrap_or_default()))
}

fn join(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let (list, separator) = match args {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return no_overload(),
    };
    let mut joined = String::new();
    for (at, item) in list.iter().enumerate() {
        let Some(text) = item.as_str() else {
            return fail(format!("join: invalid input: {}", item.shown()));
        };
        meter.text(text.len() + separator.len())?;
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(Value::string(joined))
}

/// A text in double quotes, with the escape sequences of the language.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use crate::Env;

    #[test]
    fn only_texts_are_joined_and_others_are_shown_as_go_shows_them() {
        for (expression, expected) in [
            ("['a', 'b'].join('-')", Ok("a-b")),
            ("[dyn('a'), dyn(null)].join()", Err("join: invalid input: 0")),
            ("[dyn('a'), dyn(true)].join('-')", Err("join: invalid input: true")),
        ] {
            let program = Env::kubernetes().compile(&format!("size([1]) == 1 ? {expression} : ''"));
            let value = program.unwrap().evaluate(&[]).map_err(|error| error.to_string());
            let value = value.map(|value| value.as_str().unwrap().to_owned());
            assert_eq!(value.as_deref().map_err(String::as_str), expected, "{expression}");
        }
    }
}

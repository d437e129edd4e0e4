//! Classes of characters.
//!
//! Follows `parseClass`, `parsePerlClassEscape` and their like in Go's `regexp/syntax/parse.go`.

use super::translate::{Refused, push_literal, refused};

/// Reads `[...]`; the class, and what is after it.
pub(super) fn bracketed(text: &str) -> Result<(String, &str), Refused> {
    let whole = text;
    let mut rest = text.strip_prefix('[').unwrap_or(text);
    let mut out = String::from("[");
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        if rest.is_empty() {
            return Err(refused("missing closing ]", whole));
        }
        if let Some(after) = rest.strip_prefix(']').filter(|_| !first) {
            out.push(']');
            return Ok((out, after));
        }
        first = false;
        if rest.starts_with("[:")
            && let Some(end) = rest.find(":]")
        {
            let (name, after) = rest.split_at_checked(end + 2).unwrap_or((rest, ""));
            if !POSIX.contains(&name.trim_matches(['[', ']', ':', '^'])) {
                return Err(refused("invalid character class range", name));
            }
            out.push_str(name);
            rest = after;
            continue;
        }
        if is_class_escape(rest) {
            let (class, after) = escaped(rest)?;
            out.push_str(&class);
            rest = after;
            continue;
        }
        rest = range(whole, rest, &mut out)?;
    }
}

/// Reads a character or a range of them.
fn range<'t>(whole: &str, text: &'t str, out: &mut String) -> Result<&'t str, Refused> {
    let (low, mut rest) = member(whole, text)?;
    let mut high = low;
    if let Some(after) = rest.strip_prefix('-')
        && !after.is_empty()
        && !after.starts_with(']')
    {
        (high, rest) = member(whole, after)?;
        if high < low {
            let part = text.get(..text.len() - rest.len()).unwrap_or(text);
            return Err(refused("invalid character class range", part));
        }
    }
    push_literal(out, low);
    if high != low {
        out.push('-');
        push_literal(out, high);
    }
    Ok(rest)
}

fn member<'t>(whole: &str, text: &'t str) -> Result<(char, &'t str), Refused> {
    if text.starts_with('\\') {
        return escaped_char(text);
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(char) => Ok((char, chars.as_str())),
        None => Err(refused("missing closing ]", whole)),
    }
}

fn is_class_escape(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('\\')
        && matches!(chars.next(), Some('p' | 'P' | 'd' | 'D' | 's' | 'S' | 'w' | 'W'))
}

/// Reads `\d` or `\pL`: what stands for it inside of brackets, and what is after it.
pub(super) fn escaped(text: &str) -> Result<(String, &str), Refused> {
    let mut chars = text.chars();
    let letter = chars.nth(1).unwrap_or_default();
    let rest = chars.as_str();
    let class = match letter {
        'd' => "0-9",
        'D' => "[^0-9]",
        's' => r"\t\n\x0c\r\x20",
        'S' => r"[^\t\n\x0c\r\x20]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        _ => return unicode(text, letter, rest),
    };
    Ok((class.to_owned(), rest))
}

/// Reads what is after `\p`: one letter, or a name between braces.
fn unicode<'t>(text: &'t str, letter: char, rest: &'t str) -> Result<(String, &'t str), Refused> {
    let wrong =
        |end: usize| refused("invalid character class range", text.get(..end).unwrap_or(text));
    let (name, after) = match rest.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or_else(|| wrong(text.len()))?,
        None => {
            let len = rest.chars().next().map_or(0, char::len_utf8);
            rest.split_at_checked(len).unwrap_or((rest, ""))
        }
    };
    let end = text.len() - after.len();
    let (name, not) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let valid =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !valid {
        return Err(wrong(end));
    }
    let sign = if (letter == 'P') == not { 'p' } else { 'P' };
    let class = format!(r"\{sign}{{{name}}}");
    // Names that neither knows are found out here, where the text that is wrong is known.
    if regex::Regex::new(&class).is_err() {
        return Err(wrong(end));
    }
    Ok((class, after))
}

/// Reads an escape sequence that stands for a character.
pub(super) fn escaped_char(text: &str) -> Result<(char, &str), Refused> {
    let mut chars = text.chars();
    let Some(char) = chars.nth(1) else {
        return Err(refused("trailing backslash at end of expression", ""));
    };
    let rest = chars.as_str();
    let wrong = || {
        let part = text.get(..text.len() - rest.len()).unwrap_or(text);
        refused("invalid escape sequence", part)
    };
    Ok(match char {
        'a' => ('\u{7}', rest),
        'f' => ('\u{c}', rest),
        'n' => ('\n', rest),
        'r' => ('\r', rest),
        't' => ('\t', rest),
        'v' => ('\u{b}', rest),
        '1'..='7' if !rest.starts_with(|next: char| next.is_digit(8)) => return Err(wrong()),
        '0'..='7' => octal(char, rest),
        'x' => return hexadecimal(text, rest),
        _ if char.is_ascii() && !char.is_ascii_alphanumeric() => (char, rest),
        _ => return Err(wrong()),
    })
}

/// Up to two more octal digits.
fn octal(first: char, mut rest: &str) -> (char, &str) {
    let mut code = first.to_digit(8).unwrap_or_default();
    for _ in 0..2 {
        let Some(digit) = rest.chars().next().and_then(|char| char.to_digit(8)) else { break };
        code = code * 8 + digit;
        rest = rest.get(1..).unwrap_or_default();
    }
    (char::from_u32(code).unwrap_or_default(), rest)
}

/// Two digits, or any number of them between braces.
fn hexadecimal<'t>(text: &'t str, rest: &'t str) -> Result<(char, &'t str), Refused> {
    let wrong = |after: &str| {
        let part = text.get(..text.len() - after.len()).unwrap_or(text);
        refused("invalid escape sequence", part)
    };
    let (digits, after) = match rest.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or_else(|| wrong(""))?,
        None => rest.split_at_checked(2).ok_or_else(|| wrong(""))?,
    };
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
    let char = code.and_then(char::from_u32).ok_or_else(|| wrong(after))?;
    Ok((char, after))
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

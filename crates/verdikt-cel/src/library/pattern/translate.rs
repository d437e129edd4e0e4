//! Reads an expression as Go does and writes it for the `regex` crate.
//!
//! Follows `parse` of Go's `regexp/syntax/parse.go`, with the flags that `regexp.Compile` sets.

use std::fmt::Write as _;

use super::class;

/// Why an expression is refused, in Go's words.
pub(super) type Refused = String;

pub(super) fn refused(what: &str, part: &str) -> Refused {
    format!("error parsing regexp: {what}: `{part}`")
}

/// The expression as the `regex` crate has to be given it.
pub(super) fn translate(pattern: &str) -> Result<String, Refused> {
    let mut translator = Translator {
        pattern,
        rest: pattern,
        out: String::with_capacity(pattern.len()),
        last: Last::Nothing,
        groups: Vec::new(),
    };
    while !translator.rest.is_empty() {
        translator.step()?;
    }
    if !translator.groups.is_empty() {
        return Err(refused("missing closing )", pattern));
    }
    Ok(translator.out)
}

/// What was read last, as far as repetitions want to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last<'p> {
    /// Nothing that can be repeated.
    Nothing,
    Something,
    /// A repetition, and the text from it on.
    Repetition(&'p str),
}

struct Translator<'p> {
    pattern: &'p str,
    rest: &'p str,
    out: String,
    last: Last<'p>,
    /// Open groups.
    groups: Vec<()>,
}

impl<'p> Translator<'p> {
    fn step(&mut self) -> Result<(), Refused> {
        let Some(char) = self.rest.chars().next() else { return Ok(()) };
        match char {
            '(' => return self.open(),
            ')' => {
                if self.groups.pop().is_none() {
                    return Err(refused("unexpected )", self.pattern));
                }
                self.take(1);
                self.push(")");
            }
            '|' => {
                self.take(1);
                self.out.push('|');
                self.last = Last::Nothing;
            }
            '^' | '$' | '.' => {
                self.take(1);
                self.out.push(char);
                self.last = Last::Something;
            }
            '[' => {
                let (text, rest) = class::bracketed(self.rest)?;
                self.rest = rest;
                self.push(&text);
            }
            '*' | '+' | '?' => {
                let before = self.rest;
                self.take(1);
                self.repeat(before, &char.to_string())?;
            }
            '{' => return self.braces(),
            '\\' => return self.escape(),
            _ => {
                self.take(char.len_utf8());
                self.literal(char);
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Something;
    }

    fn literal(&mut self, char: char) {
        push_literal(&mut self.out, char);
        self.last = Last::Something;
    }

    /// A repetition whose operator was read; it may be lazy.
    fn repeat(&mut self, before: &'p str, operator: &str) -> Result<(), Refused> {
        let lazy = self.rest.starts_with('?');
        self.take(usize::from(lazy));
        let so_far = |from: &'p str| {
            from.get(..from.len().saturating_sub(self.rest.len())).unwrap_or_default()
        };
        match self.last {
            Last::Nothing => {
                return Err(refused("missing argument to repetition operator", so_far(before)));
            }
            Last::Repetition(from) => {
                return Err(refused("invalid nested repetition operator", so_far(from)));
            }
            Last::Something => {}
        }
        self.out.push_str(operator);
        if lazy {
            self.out.push('?');
        }
        self.last = Last::Repetition(before);
        Ok(())
    }

    /// `{n}`, `{n,}`, `{n,m}`, or a brace.
    fn braces(&mut self) -> Result<(), Refused> {
        let before = self.rest;
        let Some((low, high, len)) = counts(self.rest) else {
            self.take(1);
            self.literal('{');
            return Ok(());
        };
        self.take(len);
        let in_range = |count: u64| count <= MAX_REPEAT;
        if !in_range(low) || high.is_some_and(|high| !in_range(high) || high < low) {
            return Err(refused("invalid repeat count", before.get(..len).unwrap_or(before)));
        }
        let operator = before.get(..len).unwrap_or_default().to_owned();
        self.repeat(before, &operator)
    }

    fn open(&mut self) -> Result<(), Refused> {
        if self.groups.len() >= MAX_DEPTH {
            return Err(refused("expression nests too deeply", self.pattern));
        }
        if self.rest.starts_with("(?") {
            return self.open_special();
        }
        self.take(1);
        self.groups.push(());
        self.out.push('(');
        self.last = Last::Nothing;
        Ok(())
    }

    /// A group with a name or with flags, or flags alone.
    fn open_special(&mut self) -> Result<(), Refused> {
        let group = self.rest;
        let named = group.strip_prefix("(?P<").or_else(|| group.strip_prefix("(?<"));
        if let Some(after) =
            named.filter(|after| !after.starts_with(['=', '!']) || group.starts_with("(?P<"))
        {
            return self.open_named(group, after);
        }
        let mut flags = String::new();
        let mut negated = false;
        let mut found = false;
        for (at, char) in group.char_indices().skip(2) {
            let so_far = group.get(..at + char.len_utf8()).unwrap_or(group);
            let wrong = || refused("invalid or unsupported Perl syntax", so_far);
            match char {
                'i' | 'm' | 's' | 'U' => {
                    found = true;
                    if !flags.contains(char) {
                        flags.push(char);
                    }
                }
                '-' if !negated => {
                    negated = true;
                    found = false;
                    flags.push('-');
                }
                ':' | ')' if !negated || found => {
                    self.take(at + 1);
                    self.open_flags(&flags, char == ':');
                    return Ok(());
                }
                _ => return Err(wrong()),
            }
        }
        Err(refused("missing closing )", self.pattern))
    }

    fn open_flags(&mut self, flags: &str, group: bool) {
        if group {
            self.groups.push(());
            self.last = Last::Nothing;
            _ = write!(self.out, "(?{flags}:");
        } else if !flags.is_empty() {
            _ = write!(self.out, "(?{flags})");
        }
    }

    fn open_named(&mut self, group: &'p str, after: &'p str) -> Result<(), Refused> {
        let Some((name, rest)) = after.split_once('>') else {
            return Err(refused("invalid named capture", group));
        };
        let whole = group.get(..group.len() - rest.len()).unwrap_or(group);
        let valid = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !valid {
            return Err(refused("invalid named capture", whole));
        }
        self.rest = rest;
        self.groups.push(());
        // Names are never asked for, and Go's may begin with a digit.
        self.out.push('(');
        self.last = Last::Nothing;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refused> {
        let Some(char) = self.rest.chars().nth(1) else {
            return Err(refused("trailing backslash at end of expression", ""));
        };
        match char {
            'A' | 'z' | 'b' | 'B' => {
                self.take(2);
                let text = match char {
                    'A' => r"\A",
                    'z' => r"\z",
                    'b' => r"(?-u:\b)",
                    _ => r"(?-u:\B)",
                };
                self.push(text);
            }
            'C' => return Err(refused("invalid escape sequence", r"\C")),
            'Q' => {
                self.take(2);
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                for char in quoted.chars() {
                    self.literal(char);
                }
                self.rest = rest;
            }
            'p' | 'P' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let (text, rest) = class::escaped(self.rest)?;
                self.rest = rest;
                _ = write!(self.out, "[{text}]");
                self.last = Last::Something;
            }
            _ => {
                let (char, rest) = class::escaped_char(self.rest)?;
                self.rest = rest;
                self.literal(char);
            }
        }
        Ok(())
    }
}

/// Writes a character so that it stands for itself.
pub(super) fn push_literal(out: &mut String, char: char) {
    if char.is_ascii_alphanumeric() || !char.is_ascii() {
        out.push(char);
    } else {
        _ = write!(out, "\\x{:02x}", u32::from(char));
    }
}

/// The counts between braces, and how long they are with them.
fn counts(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let end = text.find('}')?;
    let inside = text.get(1..end)?;
    let (low, high) = match inside.split_once(',') {
        None => (inside, Some(inside)),
        Some((low, "")) => (low, None),
        Some((low, high)) => (low, Some(high)),
    };
    // No zeros in front; what is too large is found out later.
    let number = |digits: &str| {
        let is_number = !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'));
        is_number.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let low = number(low)?;
    let high = match high {
        Some(high) => Some(number(high)?),
        None => None,
    };
    Some((low, high, end + 1))
}

const MAX_REPEAT: u64 = 1000;
const MAX_DEPTH: usize = 1000;

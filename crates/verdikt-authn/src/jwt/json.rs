//! JSON as a flat list of nodes: read without recursion, so that no depth is too deep for the stack,
//! and looked at with the rules of Go's decoders.
//!
//! Follows `encoding/json` and go-jose's fork of it (`json/scanner.go`, `json/decode.go`): the same
//! grammar, texts with broken UTF-8 or lone surrogates repaired with U+FFFD. What differs between the
//! two, letter case and duplicate keys, is for those who look at the nodes.

use std::borrow::Cow;
use std::collections::HashSet;

/// A text that is one JSON value.
#[derive(Debug)]
pub struct Json<'t> {
    text: &'t [u8],
    nodes: Vec<Node>,
}

/// One value of a [`Json`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'j> {
    json: &'j Json<'j>,
    index: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number, however large.
    Number,
    /// A text.
    String,
    /// A list.
    Array,
    /// A map.
    Object,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    /// First byte, and the one behind the last.
    start: usize,
    end: usize,
    /// Index of the first node that is not part of this value.
    next: usize,
}

impl Kind {
    /// The word Go's decoder has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl<'t> Json<'t> {
    /// Reads `text`, in which lists and maps may nest `depth` deep.
    ///
    /// # Errors
    /// What Go's decoder says about text that is no JSON.
    pub fn parse(text: &'t [u8], depth: usize) -> Result<Self, String> {
        Reader { text, at: 0, depth, open: Vec::new(), nodes: Vec::with_capacity(32) }.read()
    }

    /// The value as a whole.
    pub fn root(&self) -> Value<'_> {
        Value { json: self, index: 0 }
    }
}

impl<'j> Value<'j> {
    fn node(self) -> Node {
        let nothing = Node { kind: Kind::Null, start: 0, end: 0, next: usize::MAX };
        self.json.nodes.get(self.index).copied().unwrap_or(nothing)
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// As it was written, without what stands around it.
    pub fn raw(self) -> &'j [u8] {
        let Node { start, end, .. } = self.node();
        self.json.text.get(start..end).unwrap_or_default()
    }

    /// The text, if it is one.
    pub fn as_text(self) -> Option<Cow<'j, str>> {
        (self.kind() == Kind::String).then(|| unquote(self.raw()))
    }

    /// The number, if it is one that does not overflow.
    pub fn as_f64(self) -> Option<f64> {
        let text = std::str::from_utf8(self.raw()).ok()?;
        if self.kind() != Kind::Number {
            return None;
        }
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The truth value, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == b"true")
    }

    /// The keys and values of a map, in order; of anything else, none.
    pub fn members(self) -> impl Iterator<Item = (Cow<'j, str>, Value<'j>)> {
        let mut items = self.children(Kind::Object);
        std::iter::from_fn(move || {
            let key = items.next()?.as_text()?;
            Some((key, items.next()?))
        })
    }

    /// The items of a list, in order; of anything else, none.
    pub fn items(self) -> impl Iterator<Item = Value<'j>> {
        self.children(Kind::Array)
    }

    fn children(self, of: Kind) -> impl Iterator<Item = Value<'j>> {
        let node = self.node();
        let end = if node.kind == of { node.next } else { 0 };
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let value = Value { json: self.json, index };
            (index < end).then(|| {
                index = value.node().next;
                value
            })
        })
    }

    /// The first thing go-jose minds when it decodes a value whatever it is: a key that comes twice in
    /// one map, at any depth, or else a number that overflows.
    ///
    /// # Errors
    /// Its message.
    pub fn check_any(self) -> Result<(), String> {
        let mut overflow = None;
        // Every map this deep in, with the keys it has had.
        let mut open: Vec<(usize, HashSet<Cow<'j, str>>)> = Vec::new();
        let mut index = self.index;
        let end = self.node().next;
        while index < end {
            let value = Value { json: self.json, index };
            let node = value.node();
            while open.last().is_some_and(|(end, _)| *end <= index) {
                open.pop();
            }
            match node.kind {
                Kind::Number if value.as_f64().is_none() => {
                    let number = String::from_utf8_lossy(value.raw()).into_owned();
                    overflow.get_or_insert_with(|| {
                        cannot_decode(&format!("number {number}"), "float64")
                    });
                }
                Kind::Object | Kind::Array => open.push((node.next, HashSet::new())),
                _ => {}
            }
            if self.json.is_key(index)
                && let Some((_, keys)) = open.last_mut()
                && let Some(key) = value.as_text()
                && let Some(key) = keys.replace(key)
            {
                return Err(duplicate_key(&key));
            }
            index += 1;
        }
        overflow.map_or(Ok(()), Err)
    }
}

impl Json<'_> {
    /// Whether the node is a key of a map: what a colon follows.
    fn is_key(&self, index: usize) -> bool {
        let Some(node) = self.nodes.get(index).filter(|node| node.kind == Kind::String) else {
            return false;
        };
        let rest = self.text.get(node.end..).unwrap_or_default();
        rest.iter().find(|byte| !is_space(**byte)) == Some(&b':')
    }
}

/// go-jose's message for a map that has a key twice.
pub(super) fn duplicate_key(key: &str) -> String {
    format!("json: duplicate key '{key}' in object")
}

/// Go's message for a value of the wrong kind.
pub(crate) fn cannot_decode(kind: &str, into: &str) -> String {
    format!("json: cannot unmarshal {kind} into Go value of type {into}")
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// Indices of the maps and lists that are not closed yet.
    open: Vec<usize>,
    nodes: Vec<Node>,
}

impl<'t> Reader<'t> {
    fn read(mut self) -> Result<Json<'t>, String> {
        self.value("looking for beginning of value")?;
        while let Some(&index) = self.open.last() {
            self.inside(index)?;
        }
        match self.next_byte() {
            None => Ok(Json { text: self.text, nodes: self.nodes }),
            Some(byte) => Err(invalid(byte, "after top-level value")),
        }
    }

    /// One step inside the map or list at `index`: its next entry, or its end.
    fn inside(&mut self, index: usize) -> Result<(), String> {
        let is_map = self.nodes.get(index).is_some_and(|node| node.kind == Kind::Object);
        let is_first = self.nodes.len() == index + 1;
        let close = if is_map { b'}' } else { b']' };
        let after = if is_map { "after object key:value pair" } else { "after array element" };
        let byte = self.next_byte().ok_or_else(cut_short)?;
        if byte == close {
            self.at += 1;
            self.close(index);
            return Ok(());
        }
        if !is_first {
            if byte != b',' {
                return Err(invalid(byte, after));
            }
            self.at += 1;
        }
        if is_map {
            self.key()?;
        }
        self.value("looking for beginning of value")
    }

    fn key(&mut self) -> Result<(), String> {
        match self.next_byte().ok_or_else(cut_short)? {
            b'"' => self.string()?,
            byte => return Err(invalid(byte, "looking for beginning of object key string")),
        }
        match self.next_byte().ok_or_else(cut_short)? {
            b':' => self.at += 1,
            byte => return Err(invalid(byte, "after object key")),
        }
        Ok(())
    }

    fn value(&mut self, expecting: &str) -> Result<(), String> {
        match self.next_byte().ok_or_else(cut_short)? {
            b'{' => self.opening(Kind::Object),
            b'[' => self.opening(Kind::Array),
            b'"' => self.string(),
            b't' => self.word("true", Kind::Bool),
            b'f' => self.word("false", Kind::Bool),
            b'n' => self.word("null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            byte => Err(invalid(byte, expecting)),
        }
    }

    fn opening(&mut self, kind: Kind) -> Result<(), String> {
        if self.open.len() >= self.depth {
            return Err("exceeded max depth".to_owned());
        }
        self.open.push(self.nodes.len());
        self.push(kind, self.at, self.at + 1);
        Ok(())
    }

    fn close(&mut self, index: usize) {
        self.open.pop();
        let (end, next) = (self.at, self.nodes.len());
        if let Some(node) = self.nodes.get_mut(index) {
            node.end = end;
            node.next = next;
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), String> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word.as_bytes()) {
            self.push(kind, self.at, self.at + word.len());
            return Ok(());
        }
        let same = rest.iter().zip(word.bytes()).take_while(|(left, right)| **left == *right);
        let byte = rest.get(same.count()).copied().ok_or_else(cut_short)?;
        Err(invalid(byte, &format!("in literal {word}")))
    }

    fn number(&mut self) -> Result<(), String> {
        let start = self.at;
        let mut end = start + usize::from(self.text.get(start) == Some(&b'-'));
        match self.text.get(end) {
            Some(b'0') => end += 1,
            _ => end = self.digits(end, "in numeric literal")?,
        }
        if self.text.get(end) == Some(&b'.') {
            end = self.digits(end + 1, "after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.text.get(end + 1), Some(b'+' | b'-')));
            end = self.digits(end + 1 + sign, "in exponent of numeric literal")?;
        }
        self.push(Kind::Number, start, end);
        Ok(())
    }

    /// The place behind the digits that must stand at `from`.
    fn digits(&self, from: usize, of: &str) -> Result<usize, String> {
        let rest = self.text.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (count, rest.first()) {
            (0, None) => Err(cut_short()),
            (0, Some(&byte)) => Err(invalid(byte, of)),
            _ => Ok(from + count),
        }
    }

    fn string(&mut self) -> Result<(), String> {
        let start = self.at;
        let mut end = start + 1;
        loop {
            match self.text.get(end).copied().ok_or_else(cut_short)? {
                b'"' => break,
                b'\\' => end = self.escape(end + 1)?,
                byte if byte < b' ' => return Err(invalid(byte, "in string literal")),
                _ => end += 1,
            }
        }
        self.push(Kind::String, start, end + 1);
        Ok(())
    }

    /// The place behind the escape whose letter stands at `at`.
    fn escape(&self, at: usize) -> Result<usize, String> {
        match self.text.get(at).copied().ok_or_else(cut_short)? {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(at + 1),
            b'u' => {
                let digits = self.text.get(at + 1..).unwrap_or_default().iter().take(4);
                match digits.clone().find(|byte| !byte.is_ascii_hexdigit()) {
                    Some(&byte) => Err(invalid(byte, "in \\u hexadecimal character escape")),
                    None if digits.len() < 4 => Err(cut_short()),
                    None => Ok(at + 5),
                }
            }
            byte => Err(invalid(byte, "in string escape code")),
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.nodes.len() + 1;
        self.nodes.push(Node { kind, start, end, next });
        self.at = end;
    }

    /// The next byte that is no blank, which stays to be read.
    fn next_byte(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| is_space(**byte)).count();
        self.text.get(self.at).copied()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn cut_short() -> String {
    "unexpected end of JSON input".to_owned()
}

fn invalid(byte: u8, context: &str) -> String {
    let character = match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => format!("'{}'", char::from(byte).escape_default()),
    };
    format!("invalid character {character} {context}")
}

/// The text of a quoted literal that has been read before.
fn unquote(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains(&b'\\') {
        return repaired(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        text.extend_from_slice(plain);
        let (character, length) = unescape(escape);
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    Cow::Owned(repaired(&text).into_owned())
}

/// The character an escape at the beginning of `text` stands for, and how many bytes it takes.
fn unescape(text: &[u8]) -> (char, usize) {
    match text.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => {
            let first = code_unit(text);
            if let Some(high) = first.checked_sub(0xd800).filter(|high| *high < 0x400)
                && let Some(after) = text.get(6..)
                && after.starts_with(b"\\u")
                && let Some(low) = code_unit(after).checked_sub(0xdc00).filter(|low| *low < 0x400)
            {
                let code = 0x10000 + (high << 10) + low;
                return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
            }
            (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
        }
        Some(&byte) => (char::from(byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn code_unit(escape: &[u8]) -> u32 {
    let digits = escape.get(2..6).unwrap_or_default();
    let text = std::str::from_utf8(digits).unwrap_or_default();
    u32::from_str_radix(text, 16).unwrap_or_default()
}

/// Text with a U+FFFD for each byte that is not part of a character, as Go has it.
fn repaired(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_said_in_gos_words() {
        let check = |text: &str, expected: &str| {
            let error = Json::parse(text.as_bytes(), 3).expect_err(text);
            assert_eq!(error, expected, "{text}");
        };
        check("", "unexpected end of JSON input");
        check("{} x", "invalid character 'x' after top-level value");
        check("{\"a\" 1}", "invalid character '1' after object key");
        check("{\"a\":1,}", "invalid character '}' looking for beginning of object key string");
        check("[1,]", "invalid character ']' looking for beginning of value");
        check("[1 2]", "invalid character '2' after array element");
        check("[1", "unexpected end of JSON input");
        check("nulx", "invalid character 'x' in literal null");
        check("-", "unexpected end of JSON input");
        check("01", "invalid character '1' after top-level value");
        check("1.", "unexpected end of JSON input");
        check("1.x", "invalid character 'x' after decimal point in numeric literal");
        check("1e+", "unexpected end of JSON input");
        check("\"\\x\"", "invalid character 'x' in string escape code");
        check("\"\n\"", "invalid character '\\n' in string literal");
        check("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape");
        check("[[[[]]]]", "exceeded max depth");
    }

    #[test]
    fn values_are_found_again() {
        let text = br#" {"a": [1, {"b": "\ud83d\ude00\u0041\ud800"}], "c": true, "d": null} "#;
        let json = Json::parse(text, 100).unwrap();
        let root = json.root();
        let members: Vec<_> = root.members().collect();
        let keys: Vec<_> =
            members.iter().map(|(key, value)| (key.as_ref(), value.kind())).collect();
        assert_eq!(keys, [("a", Kind::Array), ("c", Kind::Bool), ("d", Kind::Null)]);
        let items: Vec<_> = members[0].1.items().collect();
        assert_eq!(items[0].as_f64(), Some(1.0));
        let (key, value) = items[1].members().next().unwrap();
        assert_eq!((key.as_ref(), value.as_text().unwrap().as_ref()), ("b", "😀A\u{fffd}"));
        assert_eq!(members[1].1.as_bool(), Some(true));
    }

    #[test]
    fn go_jose_minds_keys_that_come_twice_and_numbers_that_overflow() {
        let check = |text: &str, expected: Option<&str>| {
            let json = Json::parse(text.as_bytes(), 100).unwrap();
            assert_eq!(json.root().check_any().err().as_deref(), expected, "{text}");
        };
        check(r#"{"a":1,"A":2,"b":{"a":1},"c":["a","a",{"a":1},{"a":1}]}"#, None);
        check(r#"{"a":1,"\u0061":2}"#, Some("json: duplicate key 'a' in object"));
        check(r#"[{"x":{"k":1,"k":1}}]"#, Some("json: duplicate key 'k' in object"));
        check(r#"{"k":{"x":1},"k":1}"#, Some("json: duplicate key 'k' in object"));
        let overflow = "json: cannot unmarshal number 1e999 into Go value of type float64";
        check("[1e999]", Some(overflow));
        check(r#"[1e999,{"a":1,"a":1}]"#, Some("json: duplicate key 'a' in object"));
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
        let json = Json::parse(deep.as_bytes(), usize::MAX).unwrap();
        assert!(json.root().check_any().is_ok());
    }

    #[test]
    fn broken_bytes_become_one_replacement_each() {
        let json = Json::parse(b"\"a\xff\xe2\x82b\"", 1).unwrap();
        assert_eq!(json.root().as_text().unwrap(), "a\u{fffd}\u{fffd}\u{fffd}b");
    }
}

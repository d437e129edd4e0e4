//! JSON to nodes: one value, or several one after the other.

use jiter::{Jiter, JiterError, Peek};

use super::text::Text;
use super::{At, Key, Node, Value, too_deep};
use crate::{Diagnostic, Limits};

pub(super) fn read(text: &Text<'_>, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut reader = Reader {
        jiter: Jiter::new(text.as_str().as_bytes()),
        text,
        limits,
        known: (0, At { line: 1, column: 1, length: 1 }),
        warnings: Vec::new(),
    };
    let mut documents = Vec::new();
    while reader.jiter.finish().is_err() {
        match reader.value(0) {
            Ok(node) => documents.push(node),
            Err(diagnostic) => {
                reader.warnings.push(*diagnostic);
                break;
            }
        }
    }
    (documents, reader.warnings)
}

struct Reader<'a, 't> {
    jiter: Jiter<'t>,
    text: &'a Text<'t>,
    limits: &'a Limits,
    /// The last byte whose place was asked for: places are found by going on from there.
    known: (usize, At),
    warnings: Vec<Diagnostic>,
}

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

impl Reader<'_, '_> {
    fn value(&mut self, depth: usize) -> Result<Node> {
        let peek = self.jiter.peek().map_err(|error| self.error(&error))?;
        let start = self.jiter.current_index();
        let mut at = self.place(start);
        if depth >= self.limits.depth && matches!(peek, Peek::Array | Peek::Object) {
            return Err(Box::new(too_deep(self.text, at, self.limits)));
        }
        let value = match peek {
            Peek::Null => self.jiter.known_null().map(|()| Value::Null),
            Peek::True | Peek::False => self.jiter.known_bool(peek).map(Value::Bool),
            Peek::String => self.jiter.known_str().map(|text| Value::String(text.to_owned())),
            Peek::Array => return self.sequence(at, depth),
            Peek::Object => return self.mapping(at, depth),
            _ => self
                .jiter
                .known_number_bytes(peek)
                .map(|bytes| Value::Number(String::from_utf8_lossy(bytes).into_owned())),
        };
        let value = value.map_err(|error| self.error(&error))?;
        at.length = self.length(start);
        Ok(Node { value, at })
    }

    fn sequence(&mut self, at: At, depth: usize) -> Result<Node> {
        let mut items = Vec::new();
        let mut next = self.jiter.known_array().map_err(|error| self.error(&error))?;
        while next.is_some() {
            items.push(self.value(depth + 1)?);
            next = self.jiter.array_step().map_err(|error| self.error(&error))?;
        }
        Ok(Node { value: Value::Sequence(items), at })
    }

    fn mapping(&mut self, at: At, depth: usize) -> Result<Node> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        let mut key = self.jiter.known_object().map(|key| key.map(str::to_owned));
        while let Some(name) = key.map_err(|error| self.error(&error))? {
            let key_at = self.key_place(&name);
            let node = self.value(depth + 1)?;
            let entry = (Key { name: name.clone(), at: key_at }, node);
            match seen.get(&name).and_then(|&index: &usize| entries.get_mut(index)) {
                Some(first) => {
                    let message = format!("duplicate field \"{name}\"");
                    self.warnings.push(
                        Diagnostic::warning("parse/duplicate-key", message)
                            .help("the later one counts; remove the other")
                            .at(self.text.label(key_at, ""))
                            .with(self.text.label(first.0.at, "first here")),
                    );
                    *first = entry;
                }
                None => {
                    seen.insert(name, entries.len());
                    entries.push(entry);
                }
            }
            key = self.jiter.next_key().map(|key| key.map(str::to_owned));
        }
        Ok(Node { value: Value::Mapping(entries), at })
    }

    /// The place of the key that was just read: jiter stands behind its colon.
    fn key_place(&mut self, name: &str) -> At {
        let end = self.jiter.current_index();
        let before = self.text.as_str().get(..end).unwrap_or_default();
        let quoted = before.trim_end_matches([' ', '\t', '\r', '\n', ':']);
        let written = name.len() + 2;
        let start = quoted.len().saturating_sub(written).max(self.known.0);
        let length = u32::try_from(name.chars().count() + 2).unwrap_or(u32::MAX);
        At { length, ..self.place(start) }
    }

    fn length(&self, start: usize) -> u32 {
        let text = self.text.as_str().get(start..self.jiter.current_index()).unwrap_or_default();
        u32::try_from(text.chars().count()).unwrap_or(u32::MAX).max(1)
    }

    /// The place of a byte that is not before the last one asked for.
    fn place(&mut self, byte: usize) -> At {
        let (from, mut at) = self.known;
        for c in self.text.as_str().get(from..byte).unwrap_or_default().chars() {
            if c == '\n' {
                at = At { line: at.line + 1, column: 1, length: 1 };
            } else {
                at.column += 1;
            }
        }
        self.known = (byte.max(from), at);
        at
    }

    fn error(&self, error: &JiterError) -> Box<Diagnostic> {
        let at = self.text.at(error.index.min(self.text.as_str().len()));
        let message = format!("this is not JSON: {}", error.error_type);
        Box::new(
            Diagnostic::error("parse/json", message)
                .help("a text that begins with `{` is read as JSON")
                .at(self.text.label(at, "")),
        )
    }
}

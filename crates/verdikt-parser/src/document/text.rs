//! The text of a source: known to be UTF-8 without control characters, with its lines at hand.

use std::sync::Arc;

use super::At;
use crate::{Diagnostic, Label, Limits, Place, Source};

/// A text that can be read, and shown in part.
#[derive(Debug)]
pub struct Text<'a> {
    name: Arc<str>,
    /// Without a byte order mark.
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Text<'a> {
    /// Checks size and encoding.
    ///
    /// # Errors
    /// If the source is too large, or not UTF-8, or holds control characters other than tab and
    /// newline.
    pub fn new(source: &Source<'a>, limits: &Limits) -> Result<Self, Box<Diagnostic>> {
        let name = Arc::clone(&source.name);
        let bytes = source.bytes;
        if bytes.len() > limits.file_bytes {
            let message =
                format!("{name} has {} bytes, the limit is {}", bytes.len(), limits.file_bytes);
            let help = "split it into several files, or raise `--limit-file-bytes`";
            return Err(Box::new(Diagnostic::error("parse/file-too-large", message).help(help)));
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Box::new(
                Diagnostic::error("parse/encoding", format!("{name} is UTF-16"))
                    .help("save it as UTF-8"),
            ));
        }
        if bytes.starts_with(b"\x1f\x8b") {
            return Err(Box::new(
                Diagnostic::error("parse/encoding", format!("{name} is compressed with gzip"))
                    .help(format!("unpack it first: gunzip -c {name} | verdikt validate -")),
            ));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (text, bad) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let (good, rest) =
                    bytes.split_at_checked(error.valid_up_to()).unwrap_or((&[], bytes));
                (std::str::from_utf8(good).unwrap_or_default(), rest.first().copied())
            }
        };
        let starts =
            text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        let text = Self { name, text, lines };
        if let Some(byte) = bad {
            let mut label = text.label(text.at(text.text.len()), "");
            // The line ends where it can be read no further; the mark needs something to stand under.
            label.excerpt.push(char::REPLACEMENT_CHARACTER);
            return Err(Box::new(
                Diagnostic::error("parse/encoding", format!("byte 0x{byte:02x} is not UTF-8"))
                    .help("save the file as UTF-8")
                    .at(label),
            ));
        }
        match text.text.char_indices().find(|&(_, c)| is_forbidden(c)) {
            Some((at, c)) => {
                let message = format!("control characters are not allowed: U+{:04X}", c as u32);
                Err(Box::new(
                    Diagnostic::error("parse/control-character", message)
                        .help("remove it; in a quoted text it can be written as an escape")
                        .at(text.label(text.at(at), "")),
                ))
            }
            None => Ok(text),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The name of its source.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The first character that is not white space.
    pub(super) fn first_character(&self) -> Option<char> {
        self.text.trim_start().chars().next()
    }

    /// The place of a byte.
    pub fn at(&self, byte: usize) -> At {
        let line = self.lines.partition_point(|&start| start <= byte).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..byte).unwrap_or_default();
        At { line: as_u32(line), column: as_u32(before.chars().count() + 1), length: 1 }
    }

    /// Marks a place, with the line it is on.
    pub fn label(&self, at: At, text: impl Into<String>) -> Label {
        // What is missing at the end may be missed on a line that is not there any more.
        let at = match as_u32(self.lines.len()) {
            last if at.line > last => At { line: last, column: 1, length: 1 },
            _ => at,
        };
        let (excerpt, excerpt_column) = self.excerpt(at);
        let place = Place { file: Arc::clone(&self.name), line: at.line, column: at.column };
        let length = at.length.max(1);
        Label { place, length, excerpt, excerpt_column, text: text.into() }
    }

    /// The line of a place, or a part of it around the place if it is long.
    fn excerpt(&self, at: At) -> (String, u32) {
        let line = at.line.saturating_sub(1) as usize;
        let start = self.lines.get(line).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
        let column = at.column.saturating_sub(1) as usize;
        if line.len() <= EXCERPT {
            return (line.to_owned(), 1);
        }
        let skipped = column.saturating_sub(EXCERPT / 2);
        let part = line.chars().skip(skipped).take(EXCERPT).collect();
        (part, as_u32(skipped + 1))
    }
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f')
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Longer lines are shown in part.
const EXCERPT: usize = 160;

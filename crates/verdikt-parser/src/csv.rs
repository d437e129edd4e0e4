//! CSV as Go's `encoding/csv` reads it, over bytes: no comments, no trimming, any number of fields.

use std::borrow::Cow;
use std::fmt;

/// The fields of one record, and the line it starts on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) fields: Vec<Vec<u8>>,
    pub(crate) line: u32,
}

/// A record that cannot be read; nothing after it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Error {
    record_line: u32,
    pub(crate) line: u32,
    /// In bytes, from 1.
    pub(crate) column: u32,
    kind: ErrorKind,
}

#[derive(Debug, PartialEq, Eq)]
enum ErrorKind {
    BareQuote,
    Quote,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record_line, line, column, kind } = self;
        if record_line != line {
            write!(f, "record on line {record_line}; ")?;
        }
        let kind = match kind {
            ErrorKind::BareQuote => "bare \" in non-quoted-field",
            ErrorKind::Quote => "extraneous or missing \" in quoted-field",
        };
        write!(f, "parse error on line {line}, column {column}: {kind}")
    }
}

/// Reads records one after the other; the first error is the last item.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    line: u32,
    failed: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, line: 0, failed: false }
    }

    /// The next line with its newline, `\r\n` shortened to `\n`; empty at the end.
    fn next_line(&mut self) -> Cow<'a, [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        let (line, rest) =
            self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.line += 1;
        if let Some(text) = line.strip_suffix(b"\r\n") {
            return Cow::Owned([text, b"\n"].concat());
        }
        match line.strip_suffix(b"\r") {
            Some(text) if end.is_none() => Cow::Borrowed(text),
            _ => Cow::Borrowed(line),
        }
    }

    fn record(&mut self, first_line: Cow<'a, [u8]>) -> Result<Record, Error> {
        let mut record = Record { fields: Vec::new(), line: self.line };
        let mut at = Cursor { line: first_line, number: self.line, column: 1 };
        loop {
            let (field, more) = if at.line.first() == Some(&b'"') {
                self.quoted(&mut at, record.line)?
            } else {
                self.bare(&mut at, record.line)?
            };
            record.fields.push(field);
            if !more {
                return Ok(record);
            }
        }
    }

    /// A field without quotes, and whether another follows.
    fn bare(&self, at: &mut Cursor<'a>, record_line: u32) -> Result<(Vec<u8>, bool), Error> {
        let comma = at.line.iter().position(|&byte| byte == b',');
        let end = comma.unwrap_or(at.line.len());
        let field = at.line.get(..end).unwrap_or_default();
        let field =
            if comma.is_none() { field.strip_suffix(b"\n").unwrap_or(field) } else { field };
        if let Some(quote) = field.iter().position(|&byte| byte == b'"') {
            let column = at.column + as_u32(quote);
            return Err(Error { record_line, line: self.line, column, kind: ErrorKind::BareQuote });
        }
        let field = field.to_vec();
        at.skip(end + usize::from(comma.is_some()));
        Ok((field, comma.is_some()))
    }

    /// A field in quotes, which may go on over several lines, and whether another follows.
    fn quoted(&mut self, at: &mut Cursor<'a>, record_line: u32) -> Result<(Vec<u8>, bool), Error> {
        let mut field = Vec::new();
        at.skip(1);
        loop {
            if let Some(quote) = at.line.iter().position(|&byte| byte == b'"') {
                field.extend_from_slice(at.line.get(..quote).unwrap_or_default());
                at.skip(quote + 1);
                match *at.line {
                    [b'"', ..] => {
                        field.push(b'"');
                        at.skip(1);
                    }
                    [b',', ..] => {
                        at.skip(1);
                        return Ok((field, true));
                    }
                    [] | [b'\n'] => return Ok((field, false)),
                    _ => {
                        let (line, column) = (self.line, at.column - 1);
                        return Err(Error { record_line, line, column, kind: ErrorKind::Quote });
                    }
                }
            } else if at.line.is_empty() {
                let (line, column) = (at.number, at.column);
                return Err(Error { record_line, line, column, kind: ErrorKind::Quote });
            } else {
                field.extend_from_slice(&at.line);
                at.column += as_u32(at.line.len());
                at.line = self.next_line();
                if !at.line.is_empty() {
                    at.number += 1;
                    at.column = 1;
                }
            }
        }
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed && !self.rest.is_empty() {
            let line = self.next_line();
            if !matches!(*line, [] | [b'\n']) {
                let record = self.record(line);
                self.failed = record.is_err();
                return Some(record);
            }
        }
        None
    }
}

/// What is left of a line, and where it stands.
struct Cursor<'a> {
    line: Cow<'a, [u8]>,
    number: u32,
    column: u32,
}

impl Cursor<'_> {
    fn skip(&mut self, bytes: usize) {
        self.column += as_u32(bytes);
        match &mut self.line {
            Cow::Borrowed(line) => *line = line.get(bytes..).unwrap_or_default(),
            Cow::Owned(line) => drop(line.drain(..bytes.min(line.len()))),
        }
    }
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&[&str]]) {
        let records: Result<Vec<Record>, Error> = Reader::new(text.as_bytes()).collect();
        let fields: Vec<Vec<String>> = records
            .unwrap()
            .into_iter()
            .map(|record| {
                record.fields.into_iter().map(|f| String::from_utf8(f).unwrap()).collect()
            })
            .collect();
        assert_eq!(fields, expected, "{text:?}");
    }

    #[test]
    fn records_as_go_reads_them() {
        check("", &[]);
        check("\n\r\n", &[]);
        check("a,b\n\nc\n", &[&["a", "b"], &["c"]]);
        check("a,b\r\nc,d\r", &[&["a", "b"], &["c", "d"]]);
        check("a\rb,c\n", &[&["a\rb", "c"]]);
        check(" ,\n", &[&[" ", ""]]);
        check("\"a\"\"b\",\"c,d\n e\r\nf\"\n", &[&["a\"b", "c,d\n e\nf"]]);
        check("a,\"\"", &[&["a", ""]]);
        check("#a,b", &[&["#a", "b"]]);
    }

    #[test]
    fn errors_as_go_words_them() {
        for (text, expected) in [
            ("a\"b,c,d", "parse error on line 1, column 2: bare \" in non-quoted-field"),
            (
                "\"a\"b,c,d",
                "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
            ),
            (
                "\"abc,d,e\n",
                "parse error on line 1, column 10: extraneous or missing \" in quoted-field",
            ),
            (
                "x\n\"a\nb",
                "record on line 2; parse error on line 3, column 2: extraneous or missing \" in quoted-field",
            ),
            ("a, \"x\"", "parse error on line 1, column 4: bare \" in non-quoted-field"),
        ] {
            let error = Reader::new(text.as_bytes()).find_map(Result::err).unwrap();
            assert_eq!(error.to_string(), expected, "{text:?}");
        }
    }
}

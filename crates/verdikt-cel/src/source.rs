//! The text of an expression, places in it, and errors as cel-go prints them.
//!
//! Follows cel-go's `common/{source,error,errors}.go`. Places are counted in code points.

use std::fmt::Write as _;

/// A text, by code points.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) chars: Vec<char>,
    /// Where lines after the first begin.
    line_starts: Vec<usize>,
}

/// An error and its place.
#[derive(Debug)]
pub(crate) struct Issue {
    /// Nothing for the text as a whole.
    pub(crate) offset: Option<usize>,
    pub(crate) message: String,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let breaks = chars.iter().enumerate().filter(|(_, char)| **char == '\n');
        let line_starts = breaks.map(|(offset, _)| offset + 1).collect();
        Self { chars, line_starts }
    }

    /// Line from 1, column from 0.
    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.line_starts.get(line)).unwrap_or(&0);
        (line + 1, offset - start)
    }

    /// The text of a line from 1.
    fn line(&self, line: usize) -> Option<String> {
        let start = match line.checked_sub(2) {
            None if line == 1 => 0,
            None => return None,
            Some(index) => *self.line_starts.get(index)?,
        };
        let rest = self.chars.get(start..)?.iter();
        Some(rest.take_while(|char| **char != '\n').collect())
    }

    /// All issues, ordered by place.
    pub(crate) fn render(&self, mut issues: Vec<Issue>) -> String {
        issues.sort_by_key(|issue| issue.offset);
        let more = issues.len().saturating_sub(MAX_ISSUES);
        issues.truncate(MAX_ISSUES);
        let mut lines: Vec<String> = issues.iter().map(|issue| self.render_one(issue)).collect();
        if more > 0 {
            lines.push(format!("{more} more errors were truncated"));
        }
        lines.join("\n")
    }

    fn render_one(&self, issue: &Issue) -> String {
        let Some(offset) = issue.offset else {
            return format!("ERROR: <input>:-1:0: {}", issue.message);
        };
        let (line, column) = self.place(offset);
        let mut text = format!("ERROR: <input>:{line}:{}: {}", column + 1, issue.message);
        let snippet = self.line(line).filter(|snippet| snippet.len() <= MAX_SNIPPET);
        let Some(snippet) = snippet else { return text };
        let snippet = snippet.replace('\t', " ");
        let mut chars = snippet.chars();
        let dots: String = chars.by_ref().take(column).map(|char| wide(char, '.', '．')).collect();
        let mark = chars.next().map_or('^', |char| wide(char, '^', '＾'));
        // Written into a String, which cannot fail.
        _ = write!(text, "\n | {snippet}\n | {dots}{mark}");
        text
    }
}

/// Marks are as wide as what is above them.
const fn wide(above: char, narrow: char, wide: char) -> char {
    if above.len_utf8() > 1 { wide } else { narrow }
}

const MAX_ISSUES: usize = 100;
const MAX_SNIPPET: usize = 16_384;

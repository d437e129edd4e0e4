//! The comments of a YAML text, which its nodes do not hold.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{At, Text};

/// A comment and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    /// What follows the `#`, without the white space around it.
    pub text: &'a str,
    /// Of the `#`, as long as the comment.
    pub at: At,
    /// Whether nothing else stands on its line.
    pub is_alone: bool,
}

/// All comments, in order. A `#` in a text, quoted or in a block, begins none; JSON has none at all.
/// What stands after a mistake is not looked at.
pub fn comments<'a>(text: &Text<'a>) -> Vec<Comment<'a>> {
    let whole = text.as_str();
    if text.first_character() == Some('{') || !whole.contains('#') {
        return Vec::new();
    }
    let scalars = scalars(whole);
    let mut scanner = Scanner { scalars: &scalars, quote: None };
    let lines = whole.split('\n').enumerate();
    lines.filter_map(|(number, line)| scanner.comment_of(line, number + 1)).collect()
}

/// A text of the file, and from where to where it goes: lines from 1, columns from 0.
struct Scalar {
    style: ScalarStyle,
    place: Range<(usize, usize)>,
}

/// Goes through a text line by line.
struct Scanner<'s> {
    /// Those that have not ended yet.
    scalars: &'s [Scalar],
    /// The quote that is open, and whether the character before escapes the next.
    quote: Option<(char, bool)>,
}

impl Scanner<'_> {
    fn comment_of<'a>(&mut self, line: &'a str, number: usize) -> Option<Comment<'a>> {
        // What a backslash at the end of a line escapes is the line break.
        self.quote = self.quote.map(|(quote, _)| (quote, false));
        let mut before = ' ';
        for (column, (byte, c)) in line.char_indices().enumerate() {
            let begins = c == '#' && before.is_whitespace();
            before = c;
            if self.is_text(c, (number, column)) || !begins {
                continue;
            }
            let (lead, comment) = line.split_at_checked(byte)?;
            let comment = comment.trim_end();
            let length = as_u32(comment.chars().count().max(1));
            return Some(Comment {
                text: comment.trim_start_matches('#').trim(),
                at: At { line: as_u32(number), column: as_u32(column + 1), length },
                is_alone: lead.trim().is_empty(),
            });
        }
        None
    }

    /// Whether a character belongs to a text. The end of a quoted one is where its quote closes: what
    /// the parser says includes comments behind it.
    fn is_text(&mut self, c: char, here: (usize, usize)) -> bool {
        if let Some((quote, is_escaped)) = self.quote {
            // Two single quotes are one that closes and one that opens, which comes to the same.
            self.quote = match c {
                _ if is_escaped => Some((quote, false)),
                '\\' if quote == '"' => Some((quote, true)),
                _ if c == quote => None,
                _ => Some((quote, false)),
            };
            return true;
        }
        while let [first, rest @ ..] = self.scalars
            && (first.place.end <= here || (first.is_quoted() && first.place.start < here))
        {
            // The second of two single quotes opens the text again.
            if first.place.end > here && first.style == ScalarStyle::SingleQuoted && c == '\'' {
                self.quote = Some((c, false));
                return true;
            }
            self.scalars = rest;
        }
        let Some(scalar) = self.scalars.first().filter(|scalar| scalar.place.contains(&here))
        else {
            return false;
        };
        if scalar.is_quoted() {
            self.quote = Some((c, false));
        }
        true
    }
}

impl Scalar {
    fn is_quoted(&self) -> bool {
        matches!(self.style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)
    }
}

fn scalars(text: &str) -> Vec<Scalar> {
    let events = Parser::new_from_str(text).map_while(Result::ok);
    events
        .filter_map(|(event, span)| match event {
            Event::Scalar(_, style, ..) => {
                let start = (span.start.line(), span.start.col());
                let end = (span.end.line(), span.end.col());
                Some(Scalar { style, place: start..end })
            }
            _ => None,
        })
        .collect()
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Source};

    fn check(text: &str, expected: &[(&str, u32, u32, bool)]) {
        let text = Text::new(&Source::new("x.yaml", text.as_bytes()), &Limits::default()).unwrap();
        let found: Vec<_> = comments(&text)
            .into_iter()
            .map(|comment| (comment.text, comment.at.line, comment.at.column, comment.is_alone))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn comments_stand_alone_or_behind_something() {
        check(
            "# one\na: b # two\n  ## three\n---\n#\nc: [d, # four\n  e]\n",
            &[
                ("one", 1, 1, true),
                ("two", 2, 6, false),
                ("three", 3, 3, true),
                ("", 5, 1, true),
                ("four", 6, 8, false),
            ],
        );
    }

    #[test]
    fn texts_hold_no_comments() {
        check("a: b#c\n'd # e': \"f # g\n  # h\" # i\n", &[("i", 3, 8, false)]);
        check("a: |\n  one # two\n  # three\nb: c # d\n", &[("d", 4, 6, false)]);
        check("a: >-\n  one\n\n  # two\n# three\nb: c\n", &[("three", 5, 1, true)]);
        check(
            "a: |\n  one\n# two\nb: |\n  # three\n  four\n# five",
            &[("two", 3, 1, true), ("five", 7, 1, true)],
        );
        check(
            "a: 'it''s # b' # c\nd: \"\\\" # e\" # f\n",
            &[("c", 1, 16, false), ("f", 2, 13, false)],
        );
        check("{\"a\": \"b # c\"}\n", &[]);
    }

    #[test]
    fn carriage_returns_and_wide_characters_move_nothing() {
        check("ä: ö # ü\r\nb: '\u{1f600} # x' # y\r\n", &[("ü", 1, 6, false), ("y", 2, 12, false)]);
    }
}

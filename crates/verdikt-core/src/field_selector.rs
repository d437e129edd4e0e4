//! Field selectors such as `metadata.name=web,status.phase!=Failed`, parsed as Kubernetes does.
//!
//! Follows `pkg/fields/selector.go` of apimachinery.

use std::{error, fmt};

/// One term of a field selector: a field that must, or must not, have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The field as written, such as `spec.nodeName`; nothing is trimmed or unescaped.
    pub field: String,
    /// Whether the value is asked for or excluded.
    pub operator: Operator,
    /// The value, unescaped.
    pub value: String,
}

/// How a field relates to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`, also written `==`.
    Equals,
    /// `!=`.
    NotEquals,
}

/// Why a field selector cannot be parsed, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A term without `=`, `==` or `!=`.
    NoOperator {
        /// The whole selector.
        selector: String,
        /// The term at fault.
        term: String,
    },
    /// A backslash in a value before something else than `\`, `,` or `=`, or at its end.
    InvalidEscape(Option<char>),
    /// A `=` in a value without a backslash before it.
    UnescapedCharacter(char),
}

/// Parses a selector into its requirements, sorted by the text of their terms.
///
/// Empty terms, and terms with neither field nor value (`=`), require nothing and are left out.
///
/// # Errors
/// The first term, in sorted order, that is not of the form `field=value` or `field!=value`.
pub fn parse(selector: &str) -> Result<Vec<Requirement>, Error> {
    let mut terms = split_terms(selector);
    terms.sort_unstable();
    let mut requirements = Vec::new();
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        let Some((field, operator, value)) = split_term(term) else {
            return Err(Error::NoOperator { selector: selector.to_owned(), term: term.to_owned() });
        };
        let value = unescape(value)?;
        if !(field.is_empty() && value.is_empty()) {
            requirements.push(Requirement { field: field.to_owned(), operator, value });
        }
    }
    Ok(requirements)
}

/// The one value that `field` must have, if the requirements ask for one; the first counts.
pub fn exact_match<'r>(requirements: &'r [Requirement], field: &str) -> Option<&'r str> {
    requirements
        .iter()
        .find(|requirement| requirement.operator == Operator::Equals && requirement.field == field)
        .map(|requirement| requirement.value.as_str())
}

/// Splits at commas, except those behind an active backslash; backslashes stay.
fn split_terms(selector: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, c) in selector.char_indices() {
        if c == ',' && !is_escaped {
            terms.extend(selector.get(start..at));
            start = at + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    terms.extend(selector.get(start..));
    terms
}

/// Splits at the first operator; at one place `!=` is tried before `==`, and that before `=`.
fn split_term(term: &str) -> Option<(&str, Operator, &str)> {
    let (left, right) = term.split_once('=')?;
    Some(match left.strip_suffix('!') {
        Some(field) => (field, Operator::NotEquals, right),
        None => (left, Operator::Equals, right.strip_prefix('=').unwrap_or(right)),
    })
}

fn unescape(value: &str) -> Result<String, Error> {
    let mut unescaped = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => unescaped.push(escaped),
                other => return Err(Error::InvalidEscape(other)),
            },
            ',' | '=' => return Err(Error::UnescapedCharacter(c)),
            _ => unescaped.push(c),
        }
    }
    Ok(unescaped)
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equals => "=",
            Self::NotEquals => "!=",
        })
    }
}

/// As a term of a selector, with `\`, `,` and `=` escaped in the value.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field, self.operator)?;
        for c in self.value.chars() {
            if matches!(c, '\\' | ',' | '=') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

/// Displays requirements as one selector: terms joined by commas.
#[derive(Clone, Copy, Debug)]
pub struct Joined<'a>(pub &'a [Requirement]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOperator { selector, term } => {
                write!(f, "invalid selector: '{selector}'; can't understand '{term}'")
            }
            Self::InvalidEscape(character) => {
                f.write_str("invalid field selector: invalid escape sequence: \\")?;
                character.map_or(Ok(()), |c| write!(f, "{c}"))
            }
            Self::UnescapedCharacter(c) => {
                // Upstream prints the number of the character, not the character.
                let code = u32::from(*c);
                write!(f, "invalid field selector: unescaped character in value: {code}")
            }
        }
    }
}

impl error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::{Joined, exact_match, parse};

    /// `expected` is the requirements in the string form of a selector, or the error.
    fn check(selector: &str, expected: Result<&str, &str>) {
        let parsed = parse(selector);
        let text = parsed.map(|r| Joined(&r).to_string()).map_err(|error| error.to_string());
        assert_eq!(text.as_deref().map_err(String::as_str), expected, "{selector}");
    }

    #[test]
    fn terms_are_sorted_as_text() {
        check("b=1,a!=2,a=3", Ok("a!=2,a=3,b=1"));
        check("metadata.name=a,metadata.name==z", Ok("metadata.name=z,metadata.name=a"));
    }

    #[test]
    fn the_first_operator_splits_a_term() {
        check("a==b", Ok("a=b"));
        check("a!=b", Ok("a!=b"));
        check("a!b=c", Ok("a!b=c"));
        check("!=b", Ok("!=b"));
        check(r"a\=b", Ok(r"a\=b"));
        check(" a = b ", Ok(" a = b "));
        check("a=!b", Ok("a=!b"));
    }

    #[test]
    fn empty_terms_require_nothing() {
        check("", Ok(""));
        check(",,a=,=b,", Ok("=b,a="));
        check("=,!=,==", Ok(""));
    }

    #[test]
    fn values_are_unescaped() {
        assert_eq!(parse(r"a=b\,c\=d\\").unwrap()[0].value, r"b,c=d\");
        check(r"a=b\,c\=d\\,e=f", Ok(r"a=b\,c\=d\\,e=f"));
    }

    #[test]
    fn errors_are_upstreams() {
        check("b,a=1", Err("invalid selector: 'b,a=1'; can't understand 'b'"));
        check(r"a=b\c", Err(r"invalid field selector: invalid escape sequence: \c"));
        check(r"a=b\", Err(r"invalid field selector: invalid escape sequence: \"));
        check("a=b=c", Err("invalid field selector: unescaped character in value: 61"));
        check("a===b", Err("invalid field selector: unescaped character in value: 61"));
        check("!==x", Err("invalid field selector: unescaped character in value: 61"));
    }

    #[test]
    fn exact_match_takes_the_first_equality() {
        let requirements = parse("a!=x,a=y,a=z,b=c").unwrap();
        assert_eq!(exact_match(&requirements, "a"), Some("y"));
        assert_eq!(exact_match(&requirements, "A"), None);
    }
}

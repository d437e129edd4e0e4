//! Regular expressions: Go's, made into those of the `regex` crate.
//!
//! Both are without back-references and run in linear time, but differ in what they accept and in what
//! `\d`, `\w`, `\s` and `\b` mean beyond ASCII. Expressions are read as Go's `regexp/syntax` reads them,
//! with its words for what is wrong, and written anew.

mod class;
mod translate;

use regex::bytes::{Regex, RegexBuilder};

use crate::EvaluationError;

/// Compiles an expression of Go's.
pub(crate) fn compile(pattern: &str) -> Result<Regex, EvaluationError> {
    let translated = translate::translate(pattern).map_err(EvaluationError::new)?;
    RegexBuilder::new(&translated)
        .nest_limit(MAX_NESTING)
        .size_limit(MAX_SIZE)
        .dfa_size_limit(MAX_SIZE)
        .build()
        .map_err(|_| {
            EvaluationError::new(format!("error parsing regexp: expression too large: `{pattern}`"))
        })
}

/// How deep groups may be nested, as in Go.
const MAX_NESTING: u32 = 1000;
/// In bytes, of what is compiled.
const MAX_SIZE: usize = 10 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, text: &str, expected: Option<&str>) {
        let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let found = regex.find(text.as_bytes()).map(|found| found.as_bytes());
        assert_eq!(found, expected.map(str::as_bytes), "{pattern} in {text}");
    }

    fn refuses(pattern: &str, error: &str) {
        let found = compile(pattern).map(|_| ()).unwrap_err().to_string();
        assert_eq!(found, format!("error parsing regexp: {error}"), "{pattern}");
    }

    #[test]
    fn classes_of_letters_are_ascii() {
        finds(r"\d+", "٣3", Some("3"));
        finds(r"\w+", "éa", Some("a"));
        finds(r"[\d\s]+", "x1 2", Some("1 2"));
        finds(r"[^\W]", "éa", Some("a"));
        finds(r"\bb\b", "éb", Some("b"));
        finds(r"\pL+", "éa", Some("éa"));
        finds(r"[[:alpha:]]+", "éa", Some("a"));
        finds(r"\s", "\u{b} ", Some(" "));
    }

    #[test]
    fn what_only_go_has_is_translated() {
        finds(r"\Qa.b\E+", "a.bb", Some("a.bb"));
        finds(r"\Q[", "a[", Some("["));
        finds(r"\101", "A", Some("A"));
        finds(r"a{,5}", "a{,5}", Some("a{,5}"));
        finds(r"x{y", "x{y", Some("x{y"));
        finds("[a&&b]+", "a&b", Some("a&b"));
        finds("[[a]+", "[a", Some("[a"));
        finds("[]a]+", "]a", Some("]a"));
        finds("[^a-]+", "a-b", Some("b"));
        finds("(?U)a+", "aa", Some("a"));
        finds("(?i:A)b", "ab", Some("ab"));
        finds("a #b", "a #b", Some("a #b"));
        finds("(?s).", "\n", Some("\n"));
    }

    #[test]
    fn what_only_the_crate_has_is_refused() {
        refuses("(", "missing closing ): `(`");
        refuses("grace(", "missing closing ): `grace(`");
        refuses(")", "unexpected ): `)`");
        refuses("[", "missing closing ]: `[`");
        refuses("*", "missing argument to repetition operator: `*`");
        refuses("a**", "invalid nested repetition operator: `**`");
        refuses("a{1001}", "invalid repeat count: `{1001}`");
        refuses(r"\C", r"invalid escape sequence: `\C`");
        refuses(r"\u0041", r"invalid escape sequence: `\u`");
        refuses(r"\1", r"invalid escape sequence: `\1`");
        refuses("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
        refuses("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        refuses("[b-a]", "invalid character class range: `b-a`");
        refuses(r"\", "trailing backslash at end of expression: ``");
        refuses(r"\p{Nope}", r"invalid character class range: `\p{Nope}`");
    }
}

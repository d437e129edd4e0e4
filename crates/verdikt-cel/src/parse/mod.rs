//! Text to expressions.
//!
//! Follows cel-go's grammar (`parser/gen/CEL.g4`), `parser/parser.go` and their limits: at most 100,000
//! code points, 250 levels.

mod grammar;
mod lexer;
mod literal;
mod macros;

use crate::ast::{Expr, Id, Kind};
use crate::source::{Issue, Source};

/// An expression and the place of each part of it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) expr: Expr,
    pub(crate) places: Places,
}

/// Where expressions stand, by their id.
#[derive(Debug, Default)]
pub(crate) struct Places {
    offsets: Vec<usize>,
}

impl Places {
    /// A new id, for what stands at an offset.
    pub(crate) fn add(&mut self, offset: usize) -> Id {
        // No more ids than code points times the parts of a macro.
        let id = u32::try_from(self.offsets.len()).unwrap_or(u32::MAX);
        self.offsets.push(offset);
        Id(id)
    }

    /// The offset of an expression.
    pub(crate) fn of(&self, id: Id) -> Option<usize> {
        self.offsets.get(id.index()).copied()
    }

    /// How many ids there are.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }
}

/// Parses a text; all mistakes that were found if it is no expression.
pub(crate) fn parse(source: &Source) -> Result<Parsed, Vec<Issue>> {
    let size = source.chars.len();
    if size > MAX_CODE_POINTS {
        let message = format!(
            "expression code point size exceeds limit: size: {size}, limit {MAX_CODE_POINTS}"
        );
        return Err(vec![Issue { offset: None, message }]);
    }
    let (tokens, issues) = lexer::tokens(&source.chars);
    let mut parser = grammar::Parser::new(&source.chars, tokens, issues);
    let expr = parser.start();
    let (places, issues) = parser.finish();
    match expr {
        Some(expr) if issues.is_empty() => Ok(Parsed { expr, places }),
        _ => Err(issues),
    }
}

/// What stands for an expression that has a mistake, so that parsing goes on.
const fn broken(id: Id) -> Expr {
    Expr { id, kind: Kind::Literal(crate::Value::Null) }
}

const MAX_CODE_POINTS: usize = 100_000;
const MAX_DEPTH: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    fn fails_with(text: &str) -> String {
        let source = Source::new(text);
        parse(&source).map_or_else(|issues| source.render(issues), |_| String::new())
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nested = |open: &str, close: &str, levels: usize| {
            format!("{}1{}", open.repeat(levels), close.repeat(levels))
        };
        assert_eq!(fails_with(&nested("(", ")", 249)), "");
        assert!(fails_with(&nested("(", ")", 250)).contains("recursion limit exceeded: 250"));
        assert_eq!(fails_with(&nested("1 + (", ")", 124)), "");
        assert!(fails_with(&nested("1 + (", ")", 125)).contains("recursion limit exceeded"));
        let long = |levels: usize| format!("a{}", ".b".repeat(levels));
        assert_eq!(fails_with(&long(250)), "");
        assert!(fails_with(&long(251)).contains("max recursion depth exceeded"));
    }

    #[test]
    fn only_two_signs_before_a_number_are_no_literal() {
        assert_eq!(fails_with("-9223372036854775808"), "");
        assert!(fails_with("--9223372036854775808").contains("invalid int literal"));
    }

    #[test]
    fn a_text_beyond_the_limit_is_refused_unread() {
        assert!(fails_with(&" ".repeat(100_001)).contains("size: 100001, limit 100000"));
    }
}

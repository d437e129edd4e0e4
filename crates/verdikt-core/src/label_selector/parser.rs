//! The grammar of label selectors, read token by token.

use std::{collections::BTreeSet, fmt, mem};

use super::{Error, Operator, Problem, Requirement};
use crate::names;

/// Parses a selector into its requirements, sorted by key.
///
/// Requirements with the same key keep their order. Upstream keeps it up to 12 requirements; beyond,
/// its order depends on Go's sorting algorithm.
///
/// # Errors
/// The first token that does not fit, or the first requirement with an invalid key or value.
pub fn parse(selector: &str) -> Result<Vec<Requirement>, Error> {
    let mut parser = Parser::new(selector);
    let mut requirements = Vec::new();
    match parser.ahead {
        Token::End => return Ok(requirements),
        Token::Word(_) | Token::Not => {}
        other => return Err(between(other, ", expected: !, identifier, or 'end of string'")),
    }
    loop {
        requirements.push(parser.requirement()?);
        match parser.advance() {
            Token::End => break,
            Token::Comma => match parser.ahead {
                Token::Word(_) | Token::Not => {}
                other => return Err(between(other, ", expected: identifier after ','")),
            },
            other => return Err(between(other, ", expected: ',' or 'end of string'")),
        }
    }
    requirements.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(requirements)
}

fn between(found: Token<'_>, expected: &'static str) -> Error {
    Error(Problem::BetweenRequirements { found: found.to_string(), expected })
}

fn inside(found: Token<'_>, expected: &'static str) -> Error {
    Error(Problem::InRequirement { found: found.to_string(), expected })
}

/// A selector, one token ahead of what has been understood.
struct Parser<'a> {
    rest: &'a str,
    ahead: Token<'a>,
}

impl<'a> Parser<'a> {
    fn new(selector: &'a str) -> Self {
        let (ahead, rest) = split_token(selector);
        Self { rest, ahead }
    }

    /// Takes the token ahead. Past the end there are only more ends.
    fn advance(&mut self) -> Token<'a> {
        let (ahead, rest) = split_token(self.rest);
        self.rest = rest;
        mem::replace(&mut self.ahead, ahead)
    }

    fn requirement(&mut self) -> Result<Requirement, Error> {
        let is_negated = self.ahead == Token::Not;
        if is_negated {
            self.advance();
        }
        let key = match self.advance() {
            Token::Word(key) => key.to_owned(),
            other => return Err(inside(other, ", expected: identifier")),
        };
        if !names::label_key(&key).is_empty() {
            return Err(Error(Problem::InvalidKey(key)));
        }
        if is_negated {
            return Ok(Requirement { key, operator: Operator::DoesNotExist, values: Vec::new() });
        }
        if matches!(self.ahead, Token::End | Token::Comma) {
            return Ok(Requirement { key, operator: Operator::Exists, values: Vec::new() });
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.set()?,
            _ => vec![self.value()?],
        };
        let requirement = Requirement { key, operator, values };
        if requirement.problems().is_empty() {
            Ok(requirement)
        } else {
            Err(Error(Problem::InvalidValues(requirement)))
        }
    }

    /// The operator behind a key, where alone `in` and `notin` are not ordinary words.
    fn operator(&mut self) -> Result<Operator, Error> {
        Ok(match self.advance() {
            Token::Word("in") => Operator::In,
            Token::Word("notin") => Operator::NotIn,
            Token::Equals => Operator::Equals,
            Token::DoubleEquals => Operator::DoubleEquals,
            Token::NotEquals => Operator::NotEquals,
            Token::Greater => Operator::GreaterThan,
            Token::Less => Operator::LessThan,
            other => return Err(inside(other, ", expected: in, notin, =, ==, !=, gt, lt")),
        })
    }

    /// The value of an exact comparison; a missing one is the empty string.
    fn value(&mut self) -> Result<String, Error> {
        if matches!(self.ahead, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.advance() {
            Token::Word(value) => Ok(value.to_owned()),
            other => Err(inside(other, ", expected: identifier")),
        }
    }

    /// The values in parentheses, sorted; no value before or after a comma is the empty string.
    fn set(&mut self) -> Result<Vec<String>, Error> {
        match self.advance() {
            Token::Open => {}
            other => return Err(inside(other, " expected: '('")),
        }
        match self.ahead {
            Token::Word(_) | Token::Comma | Token::Close => {}
            other => return Err(inside(other, ", expected: ',', ')' or identifier")),
        }
        let mut values = BTreeSet::new();
        loop {
            match self.advance() {
                Token::Word(value) => {
                    values.insert(value);
                    if !matches!(self.ahead, Token::Comma | Token::Close) {
                        return Err(inside(self.ahead, ", expected: ',' or ')'"));
                    }
                }
                Token::Comma => {
                    if values.is_empty() || matches!(self.ahead, Token::Comma | Token::Close) {
                        values.insert("");
                    }
                }
                Token::Close => break,
                other => return Err(inside(other, ", expected: ',', or identifier")),
            }
        }
        if values.is_empty() {
            values.insert("");
        }
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    End,
    Word(&'a str),
    Comma,
    Not,
    Open,
    Close,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
}

/// The symbols; where one begins another, the longer comes first.
const SYMBOLS: [(&str, Token<'static>); 9] = [
    ("==", Token::DoubleEquals),
    ("!=", Token::NotEquals),
    ("=", Token::Equals),
    ("!", Token::Not),
    (",", Token::Comma),
    ("(", Token::Open),
    (")", Token::Close),
    (">", Token::Greater),
    ("<", Token::Less),
];

/// Splits off the first token, after blanks.
///
/// A NUL character ends a word or symbol and is swallowed with it; where a token should start, it
/// ends the selector. Upstream's lexer takes it for the end of its input.
fn split_token(text: &str) -> (Token<'_>, &str) {
    let text = text.trim_start_matches(is_blank);
    if text.is_empty() || text.starts_with('\0') {
        return (Token::End, text);
    }
    let symbol = SYMBOLS
        .iter()
        .find_map(|&(symbol, token)| text.strip_prefix(symbol).map(|rest| (token, rest)));
    let (token, rest) = symbol.unwrap_or_else(|| {
        let ends = |c: char| is_blank(c) || "=!(),><\0".contains(c);
        let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        (Token::Word(word), rest)
    });
    (token, rest.strip_prefix('\0').unwrap_or(rest))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// As written in a selector; nothing for its end.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "",
            Self::Word(word) => word,
            Self::Comma => ",",
            Self::Not => "!",
            Self::Open => "(",
            Self::Close => ")",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// `expected` is the requirements as terms, joined by `;`, or the error.
    fn check(selector: &str, expected: Result<&str, &str>) {
        let parsed = match parse(selector) {
            Ok(terms) => Ok(terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(parsed.as_deref().map_err(String::as_str), expected, "{selector:?}");
    }

    fn check_in_requirement(selector: &str, error: &str) {
        check(selector, Err(&format!("unable to parse requirement: {error}")));
    }

    #[test]
    fn every_operator_is_read() {
        check("", Ok(""));
        check(" a , !b ", Ok("a;!b"));
        check("a=1,b==2,c!=3", Ok("a=1;b==2;c!=3"));
        check("a>1,b<2", Ok("a>1;b<2"));
        check("a in (x),b notin (y,x)", Ok("a in (x);b notin (x,y)"));
        check("example.com/a=b", Ok("example.com/a=b"));
    }

    #[test]
    fn requirements_are_sorted_by_key() {
        check("b,a=2,c,a=1", Ok("a=2;a=1;b;c"));
    }

    #[test]
    fn keywords_are_words_outside_of_operator_position() {
        check("in in (in,notin)", Ok("in in (in,notin)"));
        check("!notin,x=in", Ok("!notin;x=in"));
    }

    #[test]
    fn a_missing_value_is_the_empty_string() {
        check("a=,b==", Ok("a=;b=="));
        check("a in ()", Ok("a in ()"));
        check("a in (,)", Ok("a in ()"));
        check("a in (x,)", Ok("a in (,x)"));
        check("a in (,x)", Ok("a in (,x)"));
        check("a in (x,,y,x)", Ok("a in (,x,y)"));
    }

    #[test]
    fn blanks_separate_and_are_skipped() {
        check("a\tin\r\n( x ,y )", Ok("a in (x,y)"));
        check_in_requirement("a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt");
    }

    #[test]
    fn a_nul_character_ends_a_word_or_the_selector() {
        check("a\0", Ok("a"));
        check("a=\0b", Ok("a=b"));
        check("a, \0=", Err("found '', expected: identifier after ','"));
        check("\0&&", Ok(""));
    }

    #[test]
    fn tokens_out_of_place_between_requirements() {
        check("=a", Err("found '=', expected: !, identifier, or 'end of string'"));
        check(",a", Err("found ',', expected: !, identifier, or 'end of string'"));
        check("a=b c", Err("found 'c', expected: ',' or 'end of string'"));
        check("!a=b", Err("found '=', expected: ',' or 'end of string'"));
        check("a,", Err("found '', expected: identifier after ','"));
        check("a,,b", Err("found ',', expected: identifier after ','"));
    }

    #[test]
    fn tokens_out_of_place_in_a_requirement() {
        check_in_requirement("!", "found '', expected: identifier");
        check_in_requirement("!!a", "found '!', expected: identifier");
        check_in_requirement("a!", "found '!', expected: in, notin, =, ==, !=, gt, lt");
        check_in_requirement("a in x", "found 'x' expected: '('");
        check_in_requirement("a in", "found '' expected: '('");
        check_in_requirement("a in (=", "found '=', expected: ',', ')' or identifier");
        check_in_requirement("a in (", "found '', expected: ',', ')' or identifier");
        check_in_requirement("a in (x y)", "found 'y', expected: ',' or ')'");
        check_in_requirement("a in (x", "found '', expected: ',' or ')'");
        check_in_requirement("a in (x,", "found '', expected: ',', or identifier");
        check_in_requirement("a in (x,!)", "found '!', expected: ',', or identifier");
        check_in_requirement("a==!b", "found '!', expected: identifier");
        check_in_requirement("a===b", "found '=', expected: identifier");
    }

    #[test]
    fn invalid_values_are_reported_with_their_place() {
        let rule = "a valid label must be an empty string or consist of alphanumeric characters, \
            '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
            'MyValue',  or 'my_value',  or '12345', regex used for validation is \
            '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        let integer = "for 'Gt', 'Lt' operators, the value must be an integer";
        check_in_requirement("a>x", &format!("values[0]: Invalid value: \"x\": {integer}"));
        check_in_requirement("a=b/c", &format!("values[0][a]: Invalid value: \"b/c\": {rule}"));
        check_in_requirement(
            "a in (x,-y,/)",
            &format!(
                "[values[0][a]: Invalid value: \"-y\": {rule}, \
                 values[1][a]: Invalid value: \"/\": {rule}]"
            ),
        );
        check_in_requirement("a<-1", &format!("values[0][a]: Invalid value: \"-1\": {rule}"));
    }

    #[test]
    fn invalid_keys_are_reported_without_a_place() {
        let rule = "name part must consist of alphanumeric characters, '-', '_' or '.', and must \
            start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
            '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        check_in_requirement("-a", &format!("<nil>: Invalid value: \"-a\": {rule}"));
        check_in_requirement(
            "/=x",
            &format!(
                "<nil>: Invalid value: \"/\": prefix part must be non-empty; \
                 name part must be non-empty; {rule}"
            ),
        );
    }
}

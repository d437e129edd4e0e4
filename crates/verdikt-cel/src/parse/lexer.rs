//! Text to tokens, as cel-go's `parser/gen/CEL.g4` says.

use crate::source::Issue;

/// A token: what it is, and where it begins and ends in code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A sign or a keyword, by its text.
    Sign(&'static str),
    Int,
    Uint,
    Float,
    String,
    Bytes,
    Ident,
    /// Between backticks.
    Escaped,
    End,
}

/// All tokens of a text, the end included, and what is no token in it.
pub(super) fn tokens(chars: &[char]) -> (Vec<Token>, Vec<Issue>) {
    let mut lexer = Lexer { chars, at: 0, tokens: Vec::new(), issues: Vec::new() };
    while lexer.at < chars.len() {
        lexer.step();
    }
    let end = chars.len();
    lexer.tokens.push(Token { kind: TokenKind::End, start: end, end });
    (lexer.tokens, lexer.issues)
}

struct Lexer<'c> {
    chars: &'c [char],
    at: usize,
    tokens: Vec<Token>,
    issues: Vec<Issue>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) {
        let Some(char) = self.peek(0) else { return };
        match char {
            '\t' | ' ' | '\r' | '\n' | '\u{c}' => self.at += 1,
            '/' if self.peek(1) == Some('/') => {
                while self.peek(0).is_some_and(|char| char != '\n') {
                    self.at += 1;
                }
            }
            _ => self.token(char),
        }
    }

    fn token(&mut self, char: char) {
        let found = match char {
            '0'..='9' => Some(self.number()),
            '.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => Some(self.number()),
            '"' | '\'' => self.string(0).map(|len| (TokenKind::String, len)),
            '`' => self.escaped(),
            'a'..='z' | 'A'..='Z' | '_' => Some(self.word(char)),
            _ => self.sign(),
        };
        let start = self.at;
        match found {
            Some((kind, len)) => {
                self.at += len;
                self.tokens.push(Token { kind, start, end: self.at });
            }
            None => self.unknown(char),
        }
    }

    /// What is no token: one character, or a quoted text that does not end.
    fn unknown(&mut self, char: char) {
        let start = self.at;
        let len = if matches!(char, '"' | '\'' | '`') { self.until_it_fails(char) } else { 1 };
        self.at += len;
        let text: String = self.chars.iter().skip(start).take(len).collect();
        let text = text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
        let message = format!("Syntax error: token recognition error at: '{text}'");
        self.issues.push(Issue { offset: Some(start), message });
    }

    /// How far a quoted text goes before it can be none.
    fn until_it_fails(&self, quote: char) -> usize {
        let mut len = 1;
        while let Some(char) = self.peek(len) {
            if char == '\n' || char == '\r' {
                break;
            }
            if char == '\\' {
                match self.escape(self.at + len) {
                    Some(escape) => len += escape,
                    None => return (len + 2).min(self.chars.len() - self.at),
                }
                continue;
            }
            if quote == '`' && !is_escaped_char(char) {
                return len + 1;
            }
            len += 1;
        }
        len
    }

    fn sign(&self) -> Option<(TokenKind, usize)> {
        let at =
            |sign: &&&'static str| sign.chars().enumerate().all(|(n, c)| self.peek(n) == Some(c));
        SIGNS.iter().find(at).map(|sign| (TokenKind::Sign(sign), sign.len()))
    }

    /// A name, a keyword, or a prefix of a quoted text.
    fn word(&self, char: char) -> (TokenKind, usize) {
        let prefix = match (char, self.peek(1), self.peek(2)) {
            ('r' | 'R', Some('"' | '\''), _) => Some((TokenKind::String, 0)),
            ('b' | 'B', Some('"' | '\''), _) => Some((TokenKind::Bytes, 1)),
            ('b' | 'B', Some('r' | 'R'), Some('"' | '\'')) => Some((TokenKind::Bytes, 1)),
            _ => None,
        };
        if let Some((kind, skip)) = prefix
            && let Some(len) = self.string(skip)
        {
            return (kind, skip + len);
        }
        let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let len = self.count_from(0, is_word);
        let keyword = KEYWORDS.iter().find(|word| {
            word.len() == len && word.chars().enumerate().all(|(n, c)| self.peek(n) == Some(c))
        });
        (keyword.map_or(TokenKind::Ident, |word| TokenKind::Sign(word)), len)
    }

    fn escaped(&self) -> Option<(TokenKind, usize)> {
        let len = self.count_from(1, is_escaped_char);
        let closed = self.peek(len + 1) == Some('`');
        (len > 0 && closed).then_some((TokenKind::Escaped, len + 2))
    }

    /// How many characters from an offset are of a kind.
    fn count_from(&self, offset: usize, is: impl Fn(char) -> bool) -> usize {
        self.chars.iter().skip(self.at + offset).take_while(|char| is(**char)).count()
    }

    fn number(&self) -> (TokenKind, usize) {
        let is_digit = |char: char| char.is_ascii_digit();
        let hex = (self.peek(0) == Some('0') && self.peek(1) == Some('x'))
            .then(|| self.count_from(2, |char| char.is_ascii_hexdigit()))
            .filter(|digits| *digits > 0);
        if let Some(digits) = hex {
            return self.maybe_unsigned(digits + 2);
        }
        let whole = self.count_from(0, is_digit);
        let mut len = whole;
        let fraction =
            if self.peek(len) == Some('.') { self.count_from(len + 1, is_digit) } else { 0 };
        if fraction > 0 {
            len += 1 + fraction;
        }
        if matches!(self.peek(len), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek(len + 1), Some('+' | '-')));
            let digits = self.count_from(len + 1 + sign, is_digit);
            if digits > 0 {
                return (TokenKind::Float, len + 1 + sign + digits);
            }
        }
        if fraction > 0 { (TokenKind::Float, len) } else { self.maybe_unsigned(len) }
    }

    fn maybe_unsigned(&self, len: usize) -> (TokenKind, usize) {
        match self.peek(len) {
            Some('u' | 'U') => (TokenKind::Uint, len + 1),
            _ => (TokenKind::Int, len),
        }
    }

    /// The length of the quoted text that begins after `skip` characters.
    fn string(&self, skip: usize) -> Option<usize> {
        let raw = matches!(self.peek(skip), Some('r' | 'R'));
        let open = skip + usize::from(raw);
        let quote = self.peek(open)?;
        let triple = self.peek(open + 1) == Some(quote) && self.peek(open + 2) == Some(quote);
        // Of the two readings of three quotes the longer one is the token.
        let long = triple.then(|| self.long_string(open, quote, raw)).flatten();
        long.or_else(|| self.short_string(open, quote, raw)).map(|end| end - skip)
    }

    fn short_string(&self, open: usize, quote: char, raw: bool) -> Option<usize> {
        let mut at = open + 1;
        loop {
            match self.peek(at)? {
                char if char == quote => return Some(at + 1),
                '\n' | '\r' => return None,
                '\\' if !raw => at += self.escape(self.at + at)?,
                _ => at += 1,
            }
        }
    }

    fn long_string(&self, open: usize, quote: char, raw: bool) -> Option<usize> {
        let mut at = open + 3;
        loop {
            match self.peek(at)? {
                char if char == quote
                    && self.peek(at + 1) == Some(quote)
                    && self.peek(at + 2) == Some(quote) =>
                {
                    return Some(at + 3);
                }
                '\\' if !raw => at += self.escape(self.at + at)?,
                _ => at += 1,
            }
        }
    }

    /// The length of the escape sequence at a place, if it is one.
    fn escape(&self, at: usize) -> Option<usize> {
        let char = |n: usize| self.chars.get(at + n).copied();
        let hex = |count: usize| {
            (2..2 + count).all(|n| char(n).is_some_and(|char| char.is_ascii_hexdigit()))
        };
        let octal = |n: usize| char(n).is_some_and(|char| matches!(char, '0'..='7'));
        match char(1)? {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`' => Some(2),
            'x' | 'X' => hex(2).then_some(4),
            'u' => hex(4).then_some(6),
            'U' => hex(8).then_some(10),
            '0'..='3' => (octal(2) && octal(3)).then_some(4),
            _ => None,
        }
    }
}

const fn is_escaped_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-' | '/' | ' ')
}

/// Longer ones first.
const SIGNS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!",
    "?", ":", "+", "*", "/", "%",
];
const KEYWORDS: [&str; 4] = ["in", "true", "false", "null"];

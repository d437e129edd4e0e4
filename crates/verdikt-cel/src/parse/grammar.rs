//! Tokens to expressions, by recursive descent.
//!
//! Follows the rules of cel-go's `CEL.g4` and gives expressions the places that `parser/parser.go` gives
//! them. Of each rule cel-go counts how deep it is nested, and of the expression how high it is.

use std::sync::Arc;

use super::lexer::{Token, TokenKind};
use super::{MAX_DEPTH, Places, broken, literal, macros};
use crate::Value;
use crate::ast::{Element, Entry, Expr, Id, Kind, operators};
use crate::names::RESERVED;
use crate::source::Issue;

/// An expression and how many operators and selections lie upon each other in it.
pub(super) struct Tree {
    pub(super) expr: Expr,
    height: usize,
}

/// Nothing if the text cannot be read further; why is among the issues.
type Read<T = Tree> = Option<T>;

pub(super) struct Parser<'c> {
    chars: &'c [char],
    tokens: Vec<Token>,
    at: usize,
    pub(super) places: Places,
    /// How many expressions macros have copied.
    pub(super) copied: usize,
    issues: Vec<Issue>,
    expr_depth: usize,
    relation_depth: usize,
    calc_depth: usize,
}

impl<'c> Parser<'c> {
    pub(super) fn new(chars: &'c [char], tokens: Vec<Token>, issues: Vec<Issue>) -> Self {
        Self {
            chars,
            tokens,
            at: 0,
            places: Places::default(),
            copied: 0,
            issues,
            expr_depth: 0,
            relation_depth: 0,
            calc_depth: 0,
        }
    }

    pub(super) fn finish(self) -> (Places, Vec<Issue>) {
        (self.places, self.issues)
    }

    /// The whole text.
    pub(super) fn start(&mut self) -> Option<Expr> {
        let tree = self.expr()?;
        if self.token().kind != TokenKind::End {
            return self.unexpected("<EOF>");
        }
        Some(tree.expr)
    }

    fn token(&self) -> Token {
        let end = self.chars.len();
        self.tokens.get(self.at).copied().unwrap_or(Token { kind: TokenKind::End, start: end, end })
    }

    fn kind_ahead(&self, ahead: usize) -> TokenKind {
        self.tokens.get(self.at + ahead).map_or(TokenKind::End, |token| token.kind)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token().kind, TokenKind::Sign(found) if found == sign)
    }

    fn next(&mut self) -> Token {
        let token = self.token();
        self.at += 1;
        token
    }

    /// The next token if it is this sign.
    fn take(&mut self, sign: &str) -> Option<Token> {
        self.is_sign(sign).then(|| self.next())
    }

    fn expect(&mut self, sign: &str) -> Read<Token> {
        match self.take(sign) {
            Some(token) => Some(token),
            None => self.unexpected(&format!("'{sign}'")),
        }
    }

    fn text(&self, token: Token) -> String {
        self.chars.iter().skip(token.start).take(token.end - token.start).collect()
    }

    pub(super) fn report(&mut self, offset: usize, message: impl Into<String>) {
        self.issues.push(Issue { offset: Some(offset), message: message.into() });
    }

    fn unexpected<T>(&mut self, expected: &str) -> Read<T> {
        let token = self.token();
        let found = match token.kind {
            TokenKind::End => "<EOF>".to_owned(),
            _ => self.text(token),
        };
        let message = format!("Syntax error: mismatched input '{found}' expecting {expected}");
        self.report(token.start, message);
        None
    }

    fn too_deep<T>(&mut self, message: String) -> Read<T> {
        self.issues.push(Issue { offset: None, message });
        None
    }

    fn check_depth(&mut self, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return self.too_deep(format!("expression recursion limit exceeded: {MAX_DEPTH}"));
        }
        Some(())
    }

    /// One level more upon what is `below`.
    fn raise(&mut self, expr: Expr, below: usize) -> Read {
        let height = below + 1;
        if height > MAX_DEPTH {
            return self.too_deep("max recursion depth exceeded".to_owned());
        }
        Some(Tree { expr, height })
    }

    /// `or ? or : expr`
    fn expr(&mut self) -> Read {
        self.expr_depth += 1;
        self.check_depth(self.expr_depth)?;
        let tree = self.ternary()?;
        self.expr_depth -= 1;
        Some(tree)
    }

    fn ternary(&mut self) -> Read {
        let condition = self.logic(operators::OR)?;
        let Some(question) = self.take("?") else { return Some(condition) };
        let id = self.places.add(question.start);
        let yes = self.logic(operators::OR)?;
        self.expect(":")?;
        let no = self.expr()?;
        let height = condition.height.max(yes.height).max(no.height);
        let args = vec![condition.expr, yes.expr, no.expr];
        self.raise(call(id, operators::CONDITIONAL, args), height)
    }

    /// Terms of `||`, each of terms of `&&`; as one call, however many there are.
    fn logic(&mut self, function: &'static str) -> Read {
        let or = function == operators::OR;
        let sign = if or { "||" } else { "&&" };
        let term = |parser: &mut Self| match or {
            true => parser.logic(operators::AND),
            false => parser.relation(),
        };
        let first = term(self)?;
        let mut height = first.height;
        let mut terms = vec![first.expr];
        let mut id = None;
        while let Some(token) = self.take(sign) {
            let next = term(self)?;
            id = id.or_else(|| Some(self.places.add(token.start)));
            height = height.max(next.height);
            terms.push(next.expr);
        }
        match (id, terms.pop()) {
            (None, Some(only)) => Some(Tree { expr: only, height }),
            (Some(id), Some(last)) => {
                terms.push(last);
                Some(Tree { expr: call(id, function, terms), height })
            }
            (_, None) => None,
        }
    }

    fn relation(&mut self) -> Read {
        self.relation_depth += 1;
        self.check_depth(self.relation_depth)?;
        let mut left = self.calc(0)?;
        while let Some(function) = relation_of(self.token().kind) {
            let id = self.next().start;
            let id = self.places.add(id);
            self.relation_depth += 1;
            self.check_depth(self.relation_depth)?;
            let right = self.calc(0)?;
            self.relation_depth -= 1;
            let height = left.height.max(right.height);
            left = self.raise(call(id, function, vec![left.expr, right.expr]), height)?;
        }
        self.relation_depth -= 1;
        Some(left)
    }

    /// Sums of products, from a precedence on.
    fn calc(&mut self, precedence: u8) -> Read {
        self.calc_depth += 1;
        self.check_depth(self.calc_depth)?;
        let mut left = self.unary()?;
        while let Some((function, binds)) = calc_of(self.token().kind)
            && binds >= precedence
        {
            let id = self.next().start;
            let id = self.places.add(id);
            let right = self.calc(binds + 1)?;
            let height = left.height.max(right.height);
            left = self.raise(call(id, function, vec![left.expr, right.expr]), height)?;
        }
        self.calc_depth -= 1;
        Some(left)
    }

    fn unary(&mut self) -> Read {
        let sign = match self.token().kind {
            TokenKind::Sign(sign @ ("!" | "-")) => sign,
            _ => return self.member(),
        };
        // A single minus before a number belongs to it.
        if sign == "-" && matches!(self.kind_ahead(1), TokenKind::Int | TokenKind::Float) {
            return self.member();
        }
        let first = self.token();
        let mut count = 0_usize;
        while self.take(sign).is_some() {
            count += 1;
        }
        if count.is_multiple_of(2) {
            return self.member();
        }
        let id = self.places.add(first.start);
        let operand = self.member()?;
        let function = if sign == "!" { operators::NOT } else { operators::NEGATE };
        Some(Tree { height: operand.height, expr: call(id, function, vec![operand.expr]) })
    }

    fn member(&mut self) -> Read {
        let mut tree = self.primary()?;
        loop {
            tree = match self.token().kind {
                TokenKind::Sign(".") => self.select(tree)?,
                TokenKind::Sign("[") => self.index(tree)?,
                _ => return Some(tree),
            };
        }
    }

    /// `.field`, `.?field` or `.function(args)`
    fn select(&mut self, operand: Tree) -> Read {
        let dot = self.next();
        let optional = self.take("?").is_some();
        let token = self.token();
        let field = match token.kind {
            TokenKind::Ident => self.text(token),
            TokenKind::Escaped => self.text(token).trim_matches('`').to_owned(),
            _ => return self.unexpected("IDENTIFIER"),
        };
        self.at += 1;
        if !optional && token.kind == TokenKind::Ident && self.is_sign("(") {
            return self.member_call(operand, &field);
        }
        let id = self.places.add(dot.start);
        let kind = if optional {
            let name_id = self.places.add(token.start);
            let name = Expr { id: name_id, kind: Kind::Literal(Value::string(field)) };
            Kind::Call {
                function: operators::OPTIONAL_SELECT.into(),
                target: None,
                args: vec![operand.expr, name],
            }
        } else {
            Kind::Select { operand: Box::new(operand.expr), field: field.into(), test: false }
        };
        self.raise(Expr { id, kind }, operand.height)
    }

    fn member_call(&mut self, target: Tree, function: &str) -> Read {
        let open = self.next();
        let id = self.places.add(open.start);
        let (args, height) = self.arguments()?;
        let expr = macros::call(self, id, function, Some(target.expr), args);
        self.raise(expr, height.max(target.height))
    }

    fn index(&mut self, operand: Tree) -> Read {
        let open = self.next();
        let optional = self.take("?").is_some();
        let id = self.places.add(open.start);
        let index = self.expr()?;
        self.expect("]")?;
        let function = if optional { operators::OPTIONAL_INDEX } else { operators::INDEX };
        let height = operand.height.max(index.height);
        self.raise(call(id, function, vec![operand.expr, index.expr]), height)
    }

    /// What is between parentheses after a function's name.
    fn arguments(&mut self) -> Read<(Vec<Expr>, usize)> {
        let mut args = Vec::new();
        let mut height = 0;
        if self.take(")").is_some() {
            return Some((args, height));
        }
        loop {
            let tree = self.expr()?;
            height = height.max(tree.height);
            args.push(tree.expr);
            if self.take(",").is_none() {
                self.expect(")")?;
                return Some((args, height));
            }
        }
    }

    fn primary(&mut self) -> Read {
        let token = self.token();
        match token.kind {
            TokenKind::Sign("(") => {
                self.at += 1;
                let tree = self.expr()?;
                self.expect(")")?;
                Some(tree)
            }
            TokenKind::Sign("[") => self.list(),
            TokenKind::Sign("{") => self.map(),
            TokenKind::Sign(".") if self.kind_ahead(1) == TokenKind::Ident => self.name(),
            TokenKind::Ident => self.name(),
            _ => self.literal(token),
        }
    }

    fn literal(&mut self, token: Token) -> Read {
        let negative = self.is_sign("-");
        if negative {
            self.at += 1;
        }
        let number = self.token();
        let text = self.text(number);
        let value = match number.kind {
            TokenKind::Int => literal::int(&text, negative),
            TokenKind::Float => literal::float(&text, negative),
            TokenKind::Uint if !negative => literal::uint(&text),
            TokenKind::String if !negative => literal::string(&text).map(Value::String),
            TokenKind::Bytes if !negative => {
                literal::bytes(text.get(1..).unwrap_or_default()).map(Value::Bytes)
            }
            TokenKind::Sign("true") => Ok(Value::Bool(true)),
            TokenKind::Sign("false") => Ok(Value::Bool(false)),
            TokenKind::Sign("null") => Ok(Value::Null),
            _ => return self.unexpected(WHAT_BEGINS_AN_EXPRESSION),
        };
        self.at += 1;
        let id = self.places.add(token.start);
        match value {
            Ok(value) => Some(Tree { expr: Expr { id, kind: Kind::Literal(value) }, height: 0 }),
            Err(message) => {
                self.report(token.start, message);
                Some(Tree { expr: broken(id), height: 0 })
            }
        }
    }

    /// A variable, a function of no target, or the type of a message.
    fn name(&mut self) -> Read {
        let start = self.token();
        let dotted = self.take(".").is_some();
        let token = self.next();
        let word = self.text(token);
        if let Some(tokens) = self.message_ahead() {
            return self.message(start, tokens);
        }
        let name = if dotted { format!(".{word}") } else { word.clone() };
        let open = self.take("(");
        let (args, height) = match open {
            Some(_) => self.arguments()?,
            None => (Vec::new(), 0),
        };
        if RESERVED.contains(&word.as_str()) {
            let id = self.places.add(start.start);
            self.report(start.start, format!("reserved identifier: {word}"));
            return Some(Tree { expr: broken(id), height });
        }
        let expr = match open {
            Some(open) => {
                let id = self.places.add(open.start);
                macros::call(self, id, &name, None, args)
            }
            None => {
                let id = self.places.add(token.start);
                Expr { id, kind: Kind::Ident(name.into()) }
            }
        };
        Some(Tree { expr, height })
    }

    /// How many tokens of `.name` stand before a brace that belongs to them.
    fn message_ahead(&self) -> Option<usize> {
        let mut ahead = 0;
        loop {
            match (self.kind_ahead(ahead), self.kind_ahead(ahead + 1)) {
                (TokenKind::Sign("{"), _) => return Some(ahead),
                (TokenKind::Sign("."), TokenKind::Ident) => ahead += 2,
                _ => return None,
            }
        }
    }

    fn message(&mut self, start: Token, more: usize) -> Read {
        self.at += more;
        let open = self.next();
        let name: String =
            self.chars.iter().skip(start.start).take(open.start - start.start).collect();
        let name: String = name.split_whitespace().collect();
        let id = self.places.add(open.start);
        let mut fields = Vec::new();
        let mut height = 0;
        while self.take("}").is_none() {
            let optional = self.take("?").is_some();
            let token = self.token();
            if !matches!(token.kind, TokenKind::Ident | TokenKind::Escaped) {
                return self.unexpected("IDENTIFIER");
            }
            self.at += 1;
            let colon = self.expect(":")?;
            let field_id = self.places.add(colon.start);
            let value = self.expr()?;
            height = height.max(value.height);
            _ = optional;
            fields.push((field_id, self.text(token).trim_matches('`').into(), value.expr));
            if self.take(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        let expr = Expr { id, kind: Kind::Struct { name: name.into(), fields } };
        Some(Tree { expr, height })
    }

    fn list(&mut self) -> Read {
        let open = self.next();
        let id = self.places.add(open.start);
        let mut elements = Vec::new();
        let mut height = 0;
        while self.take("]").is_none() {
            if elements.is_empty() && self.lone_comma("]") {
                continue;
            }
            let optional = self.take("?").is_some();
            let value = self.expr()?;
            height = height.max(value.height);
            elements.push(Element { value: value.expr, optional });
            if self.take(",").is_none() {
                self.expect("]")?;
                break;
            }
        }
        Some(Tree { expr: Expr { id, kind: Kind::List(elements) }, height })
    }

    fn map(&mut self) -> Read {
        let open = self.next();
        let id = self.places.add(open.start);
        let mut entries = Vec::new();
        let mut height = 0;
        while self.take("}").is_none() {
            if entries.is_empty() && self.lone_comma("}") {
                continue;
            }
            let optional = self.take("?").is_some();
            let key = self.expr()?;
            self.expect(":")?;
            let value = self.expr()?;
            height = height.max(key.height).max(value.height);
            entries.push(Entry { key: key.expr, value: value.expr, optional });
            if self.take(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        Some(Tree { expr: Expr { id, kind: Kind::Map(entries) }, height })
    }

    /// `[,]` is an empty list to the grammar.
    fn lone_comma(&mut self, close: &'static str) -> bool {
        let lone = self.is_sign(",") && self.kind_ahead(1) == TokenKind::Sign(close);
        self.at += usize::from(lone);
        lone
    }
}

pub(super) fn call(id: Id, function: impl Into<Arc<str>>, args: Vec<Expr>) -> Expr {
    Expr { id, kind: Kind::Call { function: function.into(), target: None, args } }
}

fn relation_of(kind: TokenKind) -> Option<&'static str> {
    let TokenKind::Sign(sign) = kind else { return None };
    Some(match sign {
        "<" => operators::LESS,
        "<=" => operators::LESS_EQUALS,
        ">" => operators::GREATER,
        ">=" => operators::GREATER_EQUALS,
        "==" => operators::EQUALS,
        "!=" => operators::NOT_EQUALS,
        "in" => operators::IN,
        _ => return None,
    })
}

fn calc_of(kind: TokenKind) -> Option<(&'static str, u8)> {
    let TokenKind::Sign(sign) = kind else { return None };
    Some(match sign {
        "+" => (operators::ADD, 1),
        "-" => (operators::SUBTRACT, 1),
        "*" => (operators::MULTIPLY, 2),
        "/" => (operators::DIVIDE, 2),
        "%" => (operators::MODULO, 2),
        _ => return None,
    })
}

const WHAT_BEGINS_AN_EXPRESSION: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', \
     NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

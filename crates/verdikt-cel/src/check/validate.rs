//! What is looked at once the types fit: constant arguments, and literals of several types.
//!
//! Follows cel-go's `cel/validator.go` and the validator of `ext/formatting.go`.

use std::collections::HashSet;

use super::Checked;
use crate::ast::{Element, Entry, Expr, Id, Kind, for_each_child, visit};
use crate::library::format_string::{self, Clause};
use crate::library::pattern;
use crate::parse::Parsed;
use crate::source::Issue;
use crate::time::{Duration, Timestamp};
use crate::{Type, Value};

pub(super) fn validate(parsed: &Parsed, checked: &Checked) -> Vec<Issue> {
    let mut exempt = HashSet::new();
    exempt_formatted(&parsed.expr, false, &mut exempt);
    let mut validator = Validator { parsed, checked, issues: Vec::new() };
    visit(&parsed.expr, &mut |expr| match &expr.kind {
        Kind::Call { function, target, args } => {
            validator.constant(function, args);
            if let (Some(target), "format") = (target, &**function) {
                validator.format(expr.id, target, args);
            }
        }
        Kind::List(elements) if !exempt.contains(&expr.id) => validator.list(elements),
        Kind::Map(entries) if !exempt.contains(&expr.id) => validator.map(entries),
        _ => {}
    });
    validator.issues
}

/// Literals inside of calls of `format` may mix types.
fn exempt_formatted(expr: &Expr, inside: bool, exempt: &mut HashSet<Id>) {
    if inside {
        exempt.insert(expr.id);
    }
    let is_format = matches!(&expr.kind, Kind::Call { function, .. } if &**function == "format");
    for_each_child(expr, |child| exempt_formatted(child, inside || is_format, exempt));
}

struct Validator<'p> {
    parsed: &'p Parsed,
    checked: &'p Checked,
    issues: Vec<Issue>,
}

impl Validator<'_> {
    fn report(&mut self, id: Id, message: String) {
        self.issues.push(Issue { offset: self.parsed.places.of(id), message });
    }

    /// The first argument of conversions and of `matches`, if it is constant.
    fn constant(&mut self, function: &str, args: &[Expr]) {
        let Some(Expr { id, kind: Kind::Literal(value) }) = args.first() else { return };
        let valid = match (function, value) {
            ("duration", Value::String(text)) => Duration::parse(text).is_some(),
            ("timestamp", Value::String(text)) => matches!(Timestamp::parse(text), Some(Ok(_))),
            ("timestamp", Value::Int(seconds)) => Timestamp::new(*seconds, 0).is_some(),
            // Called without target, this is the text and not the pattern, to cel-go too.
            ("matches", Value::String(text)) => pattern::compile(text).is_ok(),
            _ => true,
        };
        if !valid {
            self.report(*id, format!("invalid {function} argument"));
        }
    }

    fn mismatch(&mut self, id: Id, expected: &Type, actual: &Type) {
        let (expected, actual) = (expected.checked_name(), actual.checked_name());
        self.report(id, format!("expected type '{expected}' but found '{actual}'"));
    }

    fn type_of(&self, expr: &Expr, optional: bool) -> Type {
        match self.checked.type_of(expr.id) {
            Type::Optional(of) if optional => (**of).clone(),
            ty => ty.clone(),
        }
    }

    fn list(&mut self, elements: &[Element]) {
        let mut first = None;
        for element in elements {
            let ty = self.type_of(&element.value, element.optional);
            match &first {
                None => first = Some(ty),
                Some(first) if *first != ty => {
                    self.mismatch(element.value.id, first, &ty);
                    return;
                }
                Some(_) => {}
            }
        }
    }

    fn map(&mut self, entries: &[Entry]) {
        let mut first: Option<(Type, Type)> = None;
        for entry in entries {
            let key = self.type_of(&entry.key, false);
            let value = self.type_of(&entry.value, entry.optional);
            let Some((first_key, first_value)) = &first else {
                first = Some((key, value));
                continue;
            };
            if *first_key != key {
                self.mismatch(entry.key.id, first_key, &key);
            }
            if *first_value != value {
                self.mismatch(entry.value.id, first_value, &value);
            }
        }
    }

    /// `'%d'.format([...])` with a constant text and a list that is written out.
    fn format(&mut self, id: Id, target: &Expr, args: &[Expr]) {
        let Kind::Literal(Value::String(text)) = &target.kind else { return };
        let [Expr { kind: Kind::List(elements), .. }] = args else { return };
        let each = |index: usize, clause: Clause, _: &mut String| {
            let Some(element) = elements.get(index) else { return Ok(()) };
            match refused(self.checked, clause, &element.value) {
                None => Ok(()),
                Some(at) => {
                    let name = self.checked.type_of(at).runtime_name().to_owned();
                    Err(Refused { at: Some(at), message: clause.refuses(&name) })
                }
            }
        };
        match format_string::walk(text, elements.len(), &mut String::new(), each) {
            Err(refused) => self.report(refused.at.unwrap_or(id), refused.message),
            Ok(used) if used < elements.len() => {
                let given = elements.len();
                let message = format!(
                    "too many arguments supplied to string.format (expected {used}, got {given})"
                );
                self.report(id, message);
            }
            Ok(_) => {}
        }
    }
}

/// Why a text is not formatted, and which argument is at fault.
struct Refused {
    at: Option<Id>,
    message: String,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { at: None, message }
    }
}

/// The expression whose type a clause does not take.
fn refused(checked: &Checked, clause: Clause, expr: &Expr) -> Option<Id> {
    let ty = checked.type_of(expr.id);
    let takes = match clause {
        Clause::String => return refused_as_text(checked, expr),
        Clause::Decimal | Clause::Octal => matches!(ty, Type::Int | Type::Uint),
        Clause::Fixed(_) | Clause::Scientific(_) => matches!(ty, Type::Double | Type::String),
        Clause::Binary => matches!(ty, Type::Int | Type::Uint | Type::Bool),
        Clause::Hex { .. } => matches!(ty, Type::Int | Type::Uint | Type::String | Type::Bytes),
    };
    (!takes && *ty != Type::Dyn).then_some(expr.id)
}

fn refused_as_text(checked: &Checked, expr: &Expr) -> Option<Id> {
    let takes = matches!(
        checked.type_of(expr.id),
        Type::Dyn
            | Type::List(_)
            | Type::Map(..)
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::Bool
            | Type::String
            | Type::Timestamp
            | Type::Bytes
            | Type::Duration
            | Type::Type(_)
            | Type::Null
    );
    if !takes {
        return Some(expr.id);
    }
    match &expr.kind {
        Kind::List(elements) => {
            elements.iter().find_map(|element| refused_as_text(checked, &element.value))
        }
        Kind::Map(entries) => entries.iter().find_map(|entry| {
            refused_as_text(checked, &entry.key).or_else(|| refused_as_text(checked, &entry.value))
        }),
        _ => None,
    }
}

//! Macros: calls that stand for loops and tests.
//!
//! Follows cel-go's `parser/macro.go`, `ext/comprehensions.go` and the macros of `cel/library.go` and
//! `ext/lists.go`. What a macro adds stands at the place of the call.

use std::borrow::Cow;
use std::sync::Arc;

use super::broken;
use super::grammar::{Parser, call as function_call};
use crate::Value;
use crate::ast::{Element, Expr, Fold, Id, Kind, operators, visit};

/// Why a macro cannot be expanded, and which of its arguments is at fault.
type Refused = (Id, Cow<'static, str>);

/// What a call stands for: a loop or a test if it is a macro, else itself.
pub(super) fn call(
    parser: &mut Parser<'_>,
    id: Id,
    function: &str,
    target: Option<Expr>,
    args: Vec<Expr>,
) -> Expr {
    let at = parser.places.of(id).unwrap_or_default();
    let mut expander = Expander { at, parser };
    let expanded = match (target, function) {
        (None, "has") if args.len() == 1 => expander.has(args),
        (Some(target), _) if is_macro(function, args.len()) => {
            expander.member(function, target, args)
        }
        (target, _) => {
            let target = target.map(Box::new);
            return Expr { id, kind: Kind::Call { function: function.into(), target, args } };
        }
    };
    expanded.unwrap_or_else(|(at, message)| {
        let offset = parser.places.of(at).unwrap_or_default();
        parser.report(offset, message);
        broken(id)
    })
}

/// Whether a function of a target is a macro with so many arguments.
fn is_macro(function: &str, args: usize) -> bool {
    match function {
        "all" | "exists" | "exists_one" | "map" => matches!(args, 2 | 3),
        // The name with one variable is newer than Kubernetes' macros.
        "existsOne" => args == 3,
        "transformList" | "transformMap" | "transformMapEntry" => matches!(args, 3 | 4),
        "filter" | "optMap" | "optFlatMap" | "sortBy" => args == 2,
        _ => false,
    }
}

struct Expander<'p, 'c> {
    parser: &'p mut Parser<'c>,
    at: usize,
}

impl Expander<'_, '_> {
    fn has(&mut self, args: Vec<Expr>) -> Result<Expr, Refused> {
        match args.into_iter().next() {
            Some(Expr { kind: Kind::Select { operand, field, .. }, .. }) => {
                Ok(self.expr(Kind::Select { operand, field, test: true }))
            }
            arg => Err((arg.map_or(Id(0), |arg| arg.id), "invalid argument to has() macro".into())),
        }
    }

    fn member(&mut self, function: &str, range: Expr, args: Vec<Expr>) -> Result<Expr, Refused> {
        let two = match function {
            "map" | "filter" | "optMap" | "optFlatMap" | "sortBy" => false,
            "all" | "exists" | "exists_one" | "existsOne" => args.len() == 3,
            _ => true,
        };
        let mut args = args.into_iter();
        // is_macro() counted them.
        let (Some(first), Some(last)) = (args.next(), args.next_back()) else {
            return Err((range.id, "missing argument".into()));
        };
        match function {
            "optMap" | "optFlatMap" => return self.optional_map(function, range, &first, last),
            "sortBy" => return self.sort_by(range, &first, last),
            "filter" => {
                let names = (variable(&first, IDENTIFIER)?, None);
                return Ok(self.map(range, names, Some(last), first));
            }
            _ => {}
        }
        if function == "map" {
            let names = (variable(&first, IDENTIFIER)?, None);
            return Ok(self.map(range, names, args.next(), last));
        }
        let names = match args.next().filter(|_| two) {
            Some(second) => variables(&first, &second)?,
            None => (variable(&first, SIMPLE_NAME)?, None),
        };
        let filter = args.next();
        Ok(match function {
            "transformList" => self.map(range, names, filter, last),
            "transformMap" => self.transform_map(range, names, true, filter, last),
            "transformMapEntry" => self.transform_map(range, names, false, filter, last),
            _ => self.quantifier(function, range, names, last),
        })
    }

    fn expr(&mut self, kind: Kind) -> Expr {
        Expr { id: self.parser.places.add(self.at), kind }
    }

    fn call(&mut self, function: &'static str, args: Vec<Expr>) -> Expr {
        let id = self.parser.places.add(self.at);
        function_call(id, function, args)
    }

    fn literal(&mut self, value: Value) -> Expr {
        self.expr(Kind::Literal(value))
    }

    fn ident(&mut self, name: &str) -> Expr {
        self.expr(Kind::Ident(name.into()))
    }

    fn accumulator(&mut self) -> Expr {
        self.ident(ACCUMULATOR)
    }

    fn quantifier(&mut self, function: &str, range: Expr, names: Names, test: Expr) -> Expr {
        let accumulator = self.accumulator();
        let (initial, condition, step, result) = match function {
            "all" => {
                let condition = self.call(operators::NOT_STRICTLY_FALSE, vec![accumulator.clone()]);
                let step = self.call(operators::AND, vec![accumulator.clone(), test]);
                (Value::Bool(true), condition, step, accumulator)
            }
            "exists" => {
                let not = self.call(operators::NOT, vec![accumulator.clone()]);
                let condition = self.call(operators::NOT_STRICTLY_FALSE, vec![not]);
                let step = self.call(operators::OR, vec![accumulator.clone(), test]);
                (Value::Bool(false), condition, step, accumulator)
            }
            _ => {
                let one = self.literal(Value::Int(1));
                let more = self.call(operators::ADD, vec![accumulator.clone(), one.clone()]);
                let step = self.call(operators::CONDITIONAL, vec![test, more, accumulator.clone()]);
                let result = self.call(operators::EQUALS, vec![accumulator, one]);
                (Value::Int(0), self.literal(Value::Bool(true)), step, result)
            }
        };
        let initial = self.literal(initial);
        self.fold(range, names, initial, condition, step, result)
    }

    fn map(&mut self, range: Expr, names: Names, filter: Option<Expr>, transform: Expr) -> Expr {
        let initial = self.expr(Kind::List(Vec::new()));
        let accumulator = self.accumulator();
        let one = self.expr(Kind::List(vec![Element { value: transform, optional: false }]));
        let step = self.call(operators::ADD, vec![accumulator, one]);
        self.filtered(range, names, initial, filter, step)
    }

    fn transform_map(
        &mut self,
        range: Expr,
        names: Names,
        key: bool,
        filter: Option<Expr>,
        transform: Expr,
    ) -> Expr {
        let initial = self.expr(Kind::Map(Vec::new()));
        let mut args = vec![self.accumulator()];
        if key {
            args.push(self.ident(&names.0));
        }
        args.push(transform);
        let step = self.call(operators::MAP_INSERT, args);
        self.filtered(range, names, initial, filter, step)
    }

    /// A loop that takes its step for what passes the filter.
    fn filtered(
        &mut self,
        range: Expr,
        names: Names,
        initial: Expr,
        filter: Option<Expr>,
        step: Expr,
    ) -> Expr {
        let condition = self.literal(Value::Bool(true));
        let accumulator = self.accumulator();
        let step = match filter {
            None => step,
            Some(filter) => {
                self.call(operators::CONDITIONAL, vec![filter, step, accumulator.clone()])
            }
        };
        self.fold(range, names, initial, condition, step, accumulator)
    }

    fn fold(
        &mut self,
        range: Expr,
        names: Names,
        initial: Expr,
        condition: Expr,
        step: Expr,
        result: Expr,
    ) -> Expr {
        let (variable, second) = names;
        let accumulator = ACCUMULATOR.into();
        self.expr(Kind::Fold(Box::new(Fold {
            range,
            variable,
            second,
            accumulator,
            initial,
            condition,
            step,
            result,
        })))
    }

    /// A loop over nothing, which gives `name` a value for `result`.
    fn bind(&mut self, name: &Arc<str>, value: Expr, result: Expr) -> Expr {
        let range = self.expr(Kind::List(Vec::new()));
        let condition = self.literal(Value::Bool(false));
        let step = self.ident(name);
        self.expr(Kind::Fold(Box::new(Fold {
            range,
            variable: UNUSED.into(),
            second: None,
            accumulator: Arc::clone(name),
            initial: value,
            condition,
            step,
            result,
        })))
    }

    /// The target is evaluated twice, as in cel-go; what that copies of the text is bounded.
    fn optional_map(
        &mut self,
        function: &str,
        target: Expr,
        one: &Expr,
        transform: Expr,
    ) -> Result<Expr, Refused> {
        let wrap = function == "optMap";
        let Kind::Ident(name) = &one.kind else {
            return Err((one.id, if wrap { OPT_MAP_NAME } else { OPT_FLAT_MAP_NAME }.into()));
        };
        let mut size = 0;
        visit(&target, &mut |_| size += 1);
        self.parser.copied += size;
        if self.parser.copied > MAX_COPIED {
            return Err((target.id, "expression is too large once its macros are expanded".into()));
        }
        let has_value = self.member_call("hasValue", target.clone(), Vec::new());
        let value = self.member_call("value", target, Vec::new());
        let bound = self.bind(name, value, transform);
        let mapped = if wrap { self.call("optional.of", vec![bound]) } else { bound };
        let none = self.call("optional.none", Vec::new());
        Ok(self.call(operators::CONDITIONAL, vec![has_value, mapped, none]))
    }

    fn member_call(&mut self, function: &'static str, target: Expr, args: Vec<Expr>) -> Expr {
        let target = Some(Box::new(target));
        self.expr(Kind::Call { function: function.into(), target, args })
    }

    fn sort_by(&mut self, target: Expr, one: &Expr, key: Expr) -> Result<Expr, Refused> {
        if !matches!(
            target.kind,
            Kind::List(_)
                | Kind::Select { .. }
                | Kind::Ident(_)
                | Kind::Fold(_)
                | Kind::Call { .. }
        ) {
            return Err((target.id, SORT_BY_TARGET.into()));
        }
        let name = variable(one, IDENTIFIER)?;
        let list = self.ident(SORT_BY_INPUT);
        let keys = self.map(list.clone(), (name, None), None, key);
        let sorted = self.member_call(operators::SORT_BY_KEYS, list, vec![keys]);
        Ok(self.bind(&SORT_BY_INPUT.into(), target, sorted))
    }
}

/// The variables of a loop.
type Names = (Arc<str>, Option<Arc<str>>);

fn variable(arg: &Expr, message: &'static str) -> Result<Arc<str>, Refused> {
    match &arg.kind {
        Kind::Ident(name) if is_accumulator(name) => Err((arg.id, OVERWRITES.into())),
        Kind::Ident(name) => Ok(Arc::clone(name)),
        _ => Err((arg.id, message.into())),
    }
}

fn variables(one: &Expr, two: &Expr) -> Result<Names, Refused> {
    let name = |arg: &Expr| match &arg.kind {
        Kind::Ident(name) => Ok(Arc::clone(name)),
        _ => Err((arg.id, SIMPLE_NAME.into())),
    };
    let (first, second) = (name(one)?, name(two)?);
    if first == second {
        return Err((two.id, format!("duplicate variable name: {first}").into()));
    }
    for (name, arg) in [(&first, one), (&second, two)] {
        if is_accumulator(name) {
            return Err((arg.id, OVERWRITES.into()));
        }
    }
    Ok((first, Some(second)))
}

fn is_accumulator(name: &str) -> bool {
    name == ACCUMULATOR || name == "__result__"
}

/// How many expressions macros may copy.
const MAX_COPIED: usize = 100_000;

/// No text can name these.
const ACCUMULATOR: &str = "@result";
const SORT_BY_INPUT: &str = "@__sortBy_input__";
const UNUSED: &str = "#unused";

const SIMPLE_NAME: &str = "argument must be a simple name";
const IDENTIFIER: &str = "argument is not an identifier";
const OVERWRITES: &str = "iteration variable overwrites accumulator variable";
const OPT_MAP_NAME: &str = "optMap() variable name must be a simple identifier";
const OPT_FLAT_MAP_NAME: &str = "optFlatMap() variable name must be a simple identifier";
const SORT_BY_TARGET: &str = "sortBy can only be applied to a list, identifier, comprehension, call \
     or select expression";

//! Gives each expression a type, and each name and call what it stands for.
//!
//! Follows cel-go's `checker/checker.go`.

mod unify;
mod validate;

use std::sync::Arc;

use crate::Type;
use crate::ast::{Expr, Fold, Id, Kind, operators};
use crate::library::{FUNCTIONS, Function};
use crate::parse::Parsed;
use crate::source::Issue;
use unify::{Unifier, is_dyn, unwrap_optional};

/// What a name or a call stands for.
#[derive(Debug, Clone)]
pub(crate) enum Reference {
    /// A variable of the environment.
    Variable(Arc<str>),
    /// A variable of a loop.
    Local(Arc<str>),
    /// A type, by its name.
    Type(&'static str),
    /// A function; one of its overloads, if it is known which.
    Function {
        function: &'static Function,
        overload: Option<usize>,
        /// What looks like a target is part of the function's name.
        qualified: bool,
    },
}

/// What was found out about expressions, by their id.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) types: Vec<Option<Type>>,
    pub(crate) references: Vec<Option<Reference>>,
}

impl Checked {
    pub(crate) fn type_of(&self, id: Id) -> &Type {
        self.types.get(id.index()).and_then(Option::as_ref).unwrap_or(&Type::Dyn)
    }

    pub(crate) fn reference(&self, id: Id) -> Option<&Reference> {
        self.references.get(id.index()).and_then(Option::as_ref)
    }
}

/// Checks an expression; all mistakes that were found if its types do not fit.
pub(crate) fn check(
    parsed: &Parsed,
    variables: &[(Arc<str>, Type)],
) -> Result<Checked, Vec<Issue>> {
    let count = parsed.places.len();
    let mut checker = Checker {
        parsed,
        variables,
        locals: Vec::new(),
        unifier: Unifier::default(),
        checked: Checked { types: vec![None; count], references: vec![None; count] },
        issues: Vec::new(),
    };
    checker.check(&parsed.expr);
    if !checker.issues.is_empty() {
        return Err(checker.issues);
    }
    for ty in checker.checked.types.iter_mut().flatten() {
        *ty = checker.unifier.substitute(ty, true);
    }
    let checked = checker.checked;
    let issues = validate::validate(parsed, &checked);
    if issues.is_empty() { Ok(checked) } else { Err(issues) }
}

struct Checker<'p> {
    parsed: &'p Parsed,
    variables: &'p [(Arc<str>, Type)],
    /// Variables of loops, innermost last.
    locals: Vec<(Arc<str>, Type)>,
    unifier: Unifier,
    checked: Checked,
    issues: Vec<Issue>,
}

impl Checker<'_> {
    fn report(&mut self, id: Id, message: String) {
        self.issues.push(Issue { offset: self.parsed.places.of(id), message });
    }

    fn undeclared(&mut self, id: Id, name: &str) -> Type {
        self.report(id, format!("undeclared reference to '{name}' (in container '')"));
        Type::Error
    }

    fn mismatch(&mut self, id: Id, expected: &Type, actual: &Type) {
        let (expected, actual) = (expected.checked_name(), actual.checked_name());
        self.report(id, format!("expected type '{expected}' but found '{actual}'"));
    }

    fn refer(&mut self, id: Id, reference: Reference) {
        if let Some(slot) = self.checked.references.get_mut(id.index()) {
            *slot = Some(reference);
        }
    }

    /// The type of an expression, which is remembered.
    fn check(&mut self, expr: &Expr) -> Type {
        let ty = match &expr.kind {
            Kind::Literal(value) => Type::of_literal(value),
            Kind::Ident(name) => self.ident(expr.id, name),
            Kind::Select { operand, field, test } => self.select(expr, operand, field, *test),
            Kind::Call { function, target, args } => {
                self.call(expr.id, function, target.as_deref(), args)
            }
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries),
            Kind::Struct { name, .. } => self.undeclared(expr.id, name),
            Kind::Fold(fold) => self.fold(fold),
        };
        if let Some(slot) = self.checked.types.get_mut(expr.id.index()) {
            *slot = Some(ty.clone());
        }
        ty
    }

    fn ident(&mut self, id: Id, name: &Arc<str>) -> Type {
        if let Some((found, ty)) = self.locals.iter().rfind(|(local, _)| local == name) {
            let (found, ty) = (Arc::clone(found), ty.clone());
            self.refer(id, Reference::Local(found));
            return ty;
        }
        let global = name.strip_prefix('.').unwrap_or(name);
        self.global(id, global).unwrap_or_else(|| self.undeclared(id, name))
    }

    /// A variable of the environment, or a type.
    fn global(&mut self, id: Id, name: &str) -> Option<Type> {
        let variables = self.variables;
        if let Some((found, ty)) = variables.iter().find(|(variable, _)| **variable == *name) {
            self.refer(id, Reference::Variable(Arc::clone(found)));
            return Some(ty.clone());
        }
        let (name, ty) = Type::by_name(name)?;
        self.refer(id, Reference::Type(name));
        Some(Type::Type(Some(Box::new(ty))))
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, test: bool) -> Type {
        if !test
            && let Some(name) = qualified_name(expr)
            && !self.begins_with_local(&name)
            && let Some(ty) = self.global(expr.id, name.trim_start_matches('.'))
        {
            return ty;
        }
        let ty = self.select_field(expr.id, operand, field, false);
        if test { Type::Bool } else { self.unifier.substitute(&ty, false) }
    }

    fn begins_with_local(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        self.locals.iter().any(|(local, _)| **local == *first)
    }

    fn select_field(&mut self, id: Id, operand: &Expr, field: &str, optional: bool) -> Type {
        let ty = self.check(operand);
        let ty = self.unifier.substitute(&ty, false);
        let (target, is_optional) = unwrap_optional(&ty);
        let result = match target {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(object) => match object.field(field) {
                Some(ty) => ty.clone(),
                None => {
                    self.report(id, format!("undefined field '{field}'"));
                    Type::Error
                }
            },
            Type::Param(_) => {
                self.unifier.is_assignable(&Type::Dyn, target);
                Type::Dyn
            }
            // Values of libraries are objects to cel-go, of which no field is declared.
            Type::Opaque(name) if !name.starts_with("net.") => {
                self.report(id, format!("unexpected failed resolution of '{name}'"));
                Type::Error
            }
            Type::Dyn | Type::Any | Type::Error => Type::Dyn,
            other => {
                let name = other.checked_name();
                self.report(id, format!("type '{name}' does not support field selection"));
                Type::Dyn
            }
        };
        if is_optional || optional { Type::optional(result) } else { result }
    }

    fn call(&mut self, id: Id, name: &str, target: Option<&Expr>, args: &[Expr]) -> Type {
        if name == operators::OPTIONAL_SELECT {
            return self.optional_select(id, args);
        }
        let mut types: Vec<Type> = args.iter().map(|arg| self.check(arg)).collect();
        let Some(target) = target else {
            return match FUNCTIONS.get(name.strip_prefix('.').unwrap_or(name)) {
                Some(function) => self.resolve(id, function, None, args, &types, false),
                None => self.undeclared(id, name),
            };
        };
        let qualified = qualified_name(target)
            .and_then(|prefix| FUNCTIONS.get(format!("{prefix}.{name}").trim_start_matches('.')));
        if let Some(function) = qualified {
            return self.resolve(id, function, None, args, &types, true);
        }
        types.insert(0, self.check(target));
        match FUNCTIONS.get(name) {
            Some(function) => self.resolve(id, function, Some(target), args, &types, false),
            None => self.undeclared(id, name),
        }
    }

    fn optional_select(&mut self, id: Id, args: &[Expr]) -> Type {
        let [operand, Expr { kind: Kind::Literal(field), .. }] = args else { return Type::Error };
        let field = field.as_str().unwrap_or_default();
        let ty = self.select_field(id, operand, field, true);
        if let Some(function) = FUNCTIONS.get(operators::OPTIONAL_SELECT) {
            self.refer(id, Reference::Function { function, overload: Some(0), qualified: false });
        }
        self.unifier.substitute(&ty, false)
    }

    /// Finds the overloads that take these types; the first gives the result its type, unless another
    /// disagrees.
    fn resolve(
        &mut self,
        id: Id,
        function: &'static Function,
        target: Option<&Expr>,
        args: &[Expr],
        types: &[Type],
        qualified: bool,
    ) -> Type {
        if matches!(function.name, operators::AND | operators::OR) {
            return self.logic(id, function, args, types);
        }
        let mut found: Vec<usize> = Vec::new();
        let mut result: Option<Type> = None;
        for (index, overload) in function.overloads.iter().enumerate() {
            if overload.member != target.is_some() {
                continue;
            }
            let (params, returned) = self.unifier.instantiate(&overload.params, &overload.result);
            if !self.unifier.are_assignable(types, &params) {
                continue;
            }
            found.push(index);
            let returned = self.unifier.substitute(&returned, false);
            result = Some(match result {
                None => returned,
                Some(result) if !is_dyn(&result) && result != returned => Type::Dyn,
                Some(result) => result,
            });
        }
        let Some(result) = result else {
            let types: Vec<Type> =
                types.iter().map(|ty| self.unifier.substitute(ty, true)).collect();
            let signature = signature(&types, target.is_some());
            let name = function.name;
            let message =
                format!("found no matching overload for '{name}' applied to '{signature}'");
            self.report(id, message);
            return Type::Error;
        };
        let overload = match found[..] {
            [only] => Some(only),
            _ => None,
        };
        self.refer(id, Reference::Function { function, overload, qualified });
        result
    }

    fn logic(
        &mut self,
        id: Id,
        function: &'static Function,
        args: &[Expr],
        types: &[Type],
    ) -> Type {
        let mut result = Type::Bool;
        for (arg, ty) in args.iter().zip(types) {
            if !self.unifier.is_assignable(ty, &Type::Bool) {
                self.mismatch(arg.id, &Type::Bool, ty);
                result = Type::Error;
            }
        }
        self.refer(id, Reference::Function { function, overload: Some(0), qualified: false });
        result
    }

    fn list(&mut self, elements: &[crate::ast::Element]) -> Type {
        let mut joined = None;
        for element in elements {
            let ty = self.check(&element.value);
            let ty = self.maybe_optional(&element.value, ty, element.optional);
            joined = Some(self.join(joined, ty));
        }
        Type::list(joined.unwrap_or_else(|| self.unifier.fresh()))
    }

    fn map(&mut self, entries: &[crate::ast::Entry]) -> Type {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            let key = self.check(&entry.key);
            keys = Some(self.join(keys, key));
            let value = self.check(&entry.value);
            let value = self.maybe_optional(&entry.value, value, entry.optional);
            values = Some(self.join(values, value));
        }
        match (keys, values) {
            (Some(key), Some(value)) => Type::map(key, value),
            _ => Type::map(self.unifier.fresh(), self.unifier.fresh()),
        }
    }

    /// What an optional element is once it is there.
    fn maybe_optional(&mut self, expr: &Expr, ty: Type, optional: bool) -> Type {
        match ty {
            Type::Optional(inner) if optional => *inner,
            ty if optional && !is_dyn(&ty) => {
                self.mismatch(expr.id, &Type::optional(ty.clone()), &ty);
                ty
            }
            ty => ty,
        }
    }

    /// The more general of two types of one list or map.
    fn join(&mut self, previous: Option<Type>, current: Type) -> Type {
        let Some(previous) = previous else { return current };
        if self.unifier.is_assignable(&previous, &current) {
            return unify::most_general(previous, current);
        }
        // Literals of several types are found later, where calls of `format` are exempt.
        Type::Dyn
    }

    fn fold(&mut self, fold: &Fold) -> Type {
        let range = self.check(&fold.range);
        let accumulated = self.check(&fold.initial);
        let range = self.unifier.substitute(&range, false);
        let (first, second) = self.variables_of(fold, &range);
        let outer = self.locals.len();
        self.locals.push((Arc::clone(&fold.accumulator), accumulated.clone()));
        self.locals.push((Arc::clone(&fold.variable), first));
        if let Some(name) = &fold.second {
            self.locals.push((Arc::clone(name), second));
        }
        let condition = self.check(&fold.condition);
        self.assert(&fold.condition, &Type::Bool, &condition);
        let step = self.check(&fold.step);
        self.assert(&fold.step, &accumulated, &step);
        self.locals.truncate(outer + 1);
        let result = self.check(&fold.result);
        self.locals.truncate(outer);
        self.unifier.substitute(&result, false)
    }

    /// The types of a loop's variables; the second counts only in a loop of two.
    fn variables_of(&mut self, fold: &Fold, range: &Type) -> (Type, Type) {
        match range {
            Type::List(of) if fold.second.is_some() => (Type::Int, (**of).clone()),
            Type::List(of) => ((**of).clone(), Type::Error),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.unifier.is_assignable(&Type::Dyn, range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let name = other.checked_name();
                let message = format!(
                    "expression of type '{name}' cannot be range of a comprehension (must be list, map, \
                     or dynamic)"
                );
                self.report(fold.range.id, message);
                (Type::Error, Type::Error)
            }
        }
    }

    fn assert(&mut self, expr: &Expr, expected: &Type, actual: &Type) {
        if !self.unifier.is_assignable(expected, actual) {
            self.mismatch(expr.id, expected, actual);
        }
    }
}

/// `a.b.c` if an expression is nothing but names.
fn qualified_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.to_string()),
        Kind::Select { operand, field, test: false } => {
            qualified_name(operand).map(|name| format!("{name}.{field}"))
        }
        _ => None,
    }
}

/// `target.(args)` as errors show it.
fn signature(types: &[Type], member: bool) -> String {
    let names: Vec<String> = types.iter().map(Type::checked_name).collect();
    match names.split_first() {
        Some((target, args)) if member => format!("{target}.({})", args.join(", ")),
        _ => format!("({})", names.join(", ")),
    }
}

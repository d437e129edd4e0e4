//! Expressions as they are parsed: macros are expanded, names are not yet resolved.

use std::sync::Arc;

use crate::Value;

/// What an expression is called while it is compiled; its place is found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) u32);

impl Id {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A constant.
    Literal(Value),
    /// A name; one that begins with a dot is looked up outside of all comprehensions.
    Ident(Arc<str>),
    /// `operand.field`, or whether it is there.
    Select { operand: Box<Expr>, field: Arc<str>, test: bool },
    /// `function(args)` or `target.function(args)`; operators are functions.
    Call { function: Arc<str>, target: Option<Box<Expr>>, args: Vec<Expr> },
    /// `[elements]`
    List(Vec<Element>),
    /// `{entries}`
    Map(Vec<Entry>),
    /// `name{fields}`
    Struct { name: Arc<str>, fields: Vec<(Id, Arc<str>, Expr)> },
    /// A loop.
    Fold(Box<Fold>),
}

/// An element of a list.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// An entry of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A loop over a range: while the condition holds, the step makes the next accumulated value.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    pub(crate) range: Expr,
    pub(crate) variable: Arc<str>,
    pub(crate) second: Option<Arc<str>>,
    pub(crate) accumulator: Arc<str>,
    pub(crate) initial: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

/// Calls something with each expression directly below this one.
pub(crate) fn for_each_child<'e>(expr: &'e Expr, mut call: impl FnMut(&'e Expr)) {
    match &expr.kind {
        Kind::Literal(_) | Kind::Ident(_) => {}
        Kind::Select { operand, .. } => call(operand),
        Kind::Call { target, args, .. } => {
            target.iter().for_each(|target| call(target));
            args.iter().for_each(call);
        }
        Kind::List(elements) => elements.iter().for_each(|element| call(&element.value)),
        Kind::Map(entries) => entries.iter().for_each(|entry| {
            call(&entry.key);
            call(&entry.value);
        }),
        Kind::Struct { fields, .. } => fields.iter().for_each(|(_, _, value)| call(value)),
        Kind::Fold(fold) => {
            [&fold.range, &fold.initial, &fold.condition, &fold.step, &fold.result]
                .into_iter()
                .for_each(call);
        }
    }
}

/// Calls something with an expression and everything below it, outermost first.
pub(crate) fn visit<'e>(expr: &'e Expr, call: &mut impl FnMut(&'e Expr)) {
    call(expr);
    for_each_child(expr, |child| visit(child, call));
}

/// Names of operators, as functions.
pub(crate) mod operators {
    pub(crate) const CONDITIONAL: &str = "_?_:_";
    pub(crate) const AND: &str = "_&&_";
    pub(crate) const OR: &str = "_||_";
    pub(crate) const NOT: &str = "!_";
    pub(crate) const EQUALS: &str = "_==_";
    pub(crate) const NOT_EQUALS: &str = "_!=_";
    pub(crate) const LESS: &str = "_<_";
    pub(crate) const LESS_EQUALS: &str = "_<=_";
    pub(crate) const GREATER: &str = "_>_";
    pub(crate) const GREATER_EQUALS: &str = "_>=_";
    pub(crate) const ADD: &str = "_+_";
    pub(crate) const SUBTRACT: &str = "_-_";
    pub(crate) const MULTIPLY: &str = "_*_";
    pub(crate) const DIVIDE: &str = "_/_";
    pub(crate) const MODULO: &str = "_%_";
    pub(crate) const NEGATE: &str = "-_";
    pub(crate) const INDEX: &str = "_[_]";
    pub(crate) const OPTIONAL_INDEX: &str = "_[?_]";
    pub(crate) const OPTIONAL_SELECT: &str = "_?._";
    pub(crate) const IN: &str = "@in";
    pub(crate) const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";
    pub(crate) const MAP_INSERT: &str = "cel.@mapInsert";
    pub(crate) const SORT_BY_KEYS: &str = "@sortByAssociatedKeys";
}

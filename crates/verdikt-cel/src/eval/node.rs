//! A planned expression.

use std::sync::Arc;

use crate::Value;
use crate::cost::Rule;
use crate::library::Function;

/// A planned expression.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Value),
    Attribute(Box<Attribute>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Equal(Box<[Node; 2]>, bool),
    /// Errors are true.
    NotStrictlyFalse(Box<Node>),
    Call(Box<Call>),
    /// Whether a value is one of constants; costs nothing.
    InConstants(Box<(Node, Vec<Value>)>),
    /// `or`, and `orValue` if the value is taken out.
    OptionalOr {
        sides: Box<[Node; 2]>,
        value: bool,
    },
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Fold(Box<Fold>),
}

/// A call of a function.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: &'static Function,
    pub(super) overload: Option<usize>,
    pub(super) args: Vec<Node>,
    pub(super) rule: Rule,
}

/// A value and what is selected from it.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) root: Root,
    pub(super) qualifiers: Vec<Qualifier>,
    /// Whether the last of the qualifiers is there, not what it is.
    pub(super) test: bool,
}

/// What is selected from.
#[derive(Debug)]
pub(super) enum Root {
    /// A variable of the environment, by its number.
    Variable(usize),
    /// A variable of a loop, by its number.
    Local(usize),
    /// The value of an expression.
    Value(Node),
    /// One of two values.
    Conditional(Box<(Node, Node, Node)>),
}

/// What is selected.
#[derive(Debug)]
pub(super) struct Qualifier {
    pub(super) key: KeyNode,
    /// Nothing is selected if it is not there, instead of an error.
    pub(super) optional: bool,
}

/// By what is selected.
#[derive(Debug)]
pub(super) enum KeyNode {
    Constant(Value),
    Node(Node),
}

/// A loop.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) range: Node,
    pub(super) accumulator: usize,
    pub(super) variable: usize,
    pub(super) second: Option<usize>,
    pub(super) initial: Node,
    pub(super) condition: Node,
    pub(super) step: Step,
    pub(super) result: Node,
}

/// How a loop makes its next value.
#[derive(Debug)]
pub(super) enum Step {
    Node(Node),
    /// `@result + [...]` and `insert(@result, ...)`: what was accumulated is changed in place.
    Grow {
        filter: Option<Node>,
        call: Call,
    },
}

/// The name of a variable of the environment.
pub(super) type Name = Arc<str>;

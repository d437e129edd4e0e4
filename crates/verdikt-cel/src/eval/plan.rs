//! Checked expressions to plans.
//!
//! Follows cel-go's `interpreter/planner.go` and `decorators.go`: selections upon each other are one
//! attribute, lists, maps and conversions of constants are constants, and so is what `in` looks through.

use std::sync::Arc;

use super::node::{Attribute, Call, Fold, KeyNode, Name, Node, Qualifier, Root, Step};
use super::select::check_key;
use crate::ast::{Element, Entry, Expr, Fold as FoldExpr, Id, Kind, operators};
use crate::check::{Checked, Reference};
use crate::cost::Rule;
use crate::library::{Function, conversion, operator, pattern, regex};
use crate::meter::{Evaluated, Meter, Patterns};
use crate::value::Map;
use crate::{EvaluationError, Type, Value};

/// A planned expression and what it needs to be evaluated.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) root: Node,
    /// How many variables loops have.
    pub(super) locals: usize,
    pub(super) patterns: Arc<Patterns>,
}

/// Plans an expression; an error if a constant part of it has no value.
pub(crate) fn plan(expr: &Expr, checked: &Checked, variables: &[(Name, Type)]) -> Evaluated<Plan> {
    let mut planner = Planner {
        checked,
        variables,
        scopes: Vec::new(),
        locals: 0,
        patterns: Patterns::new(),
        meter: Meter::new(FOLDING_LIMIT, Arc::default()),
    };
    let root = planner.plan(expr)?;
    Ok(Plan { root, locals: planner.locals, patterns: Arc::new(planner.patterns) })
}

struct Planner<'c> {
    checked: &'c Checked,
    variables: &'c [(Name, Type)],
    /// Variables of loops and their numbers, innermost last.
    scopes: Vec<(Name, usize)>,
    locals: usize,
    patterns: Patterns,
    meter: Meter,
}

impl Planner<'_> {
    fn plan(&mut self, expr: &Expr) -> Evaluated<Node> {
        Ok(match &expr.kind {
            Kind::Literal(value) => Node::Constant(value.clone()),
            Kind::Ident(_) => self.reference(expr.id)?,
            Kind::Select { operand, field, test } => self.select(expr.id, operand, field, *test)?,
            Kind::Call { function, target, args } => {
                self.call(expr.id, function, target.as_deref(), args)?
            }
            Kind::List(elements) => self.list(elements)?,
            Kind::Map(entries) => self.map(entries)?,
            // The checker refuses messages.
            Kind::Struct { .. } => return Err(EvaluationError::no_such_overload()),
            Kind::Fold(fold) => self.fold(fold)?,
        })
    }

    /// A name, which was found to be something.
    fn reference(&self, id: Id) -> Evaluated<Node> {
        let root = match self.checked.reference(id) {
            Some(Reference::Type(name)) => return Ok(Node::Constant(Value::Type((*name).into()))),
            Some(Reference::Variable(name)) => {
                self.variables.iter().position(|(known, _)| known == name).map(Root::Variable)
            }
            Some(Reference::Local(name)) => {
                let found = self.scopes.iter().rfind(|(known, _)| known == name);
                found.map(|(_, number)| Root::Local(*number))
            }
            _ => None,
        };
        let root = root.ok_or_else(|| EvaluationError::new("no such attribute(s)"))?;
        Ok(Node::Attribute(Box::new(Attribute { root, qualifiers: Vec::new(), test: false })))
    }

    /// What is selected from: an attribute is continued, anything else begins one.
    fn attribute(&mut self, operand: &Expr) -> Evaluated<Box<Attribute>> {
        Ok(match self.plan(operand)? {
            Node::Attribute(attribute) if !attribute.test => attribute,
            node => {
                Box::new(Attribute { root: Root::Value(node), qualifiers: Vec::new(), test: false })
            }
        })
    }

    fn select(&mut self, id: Id, operand: &Expr, field: &Arc<str>, test: bool) -> Evaluated<Node> {
        if self.checked.reference(id).is_some() {
            return self.reference(id);
        }
        let mut attribute = self.attribute(operand)?;
        let key = KeyNode::Constant(Value::String(Arc::clone(field)));
        attribute.qualifiers.push(Qualifier { key, optional: false });
        attribute.test = test;
        Ok(Node::Attribute(attribute))
    }

    fn index(&mut self, args: &[Expr], optional: bool) -> Evaluated<Node> {
        let [operand, index] = args else { return Err(EvaluationError::no_such_overload()) };
        let mut attribute = self.attribute(operand)?;
        let key = match self.plan(index)? {
            Node::Constant(value) => {
                check_key(&value)?;
                KeyNode::Constant(value)
            }
            node => KeyNode::Node(node),
        };
        attribute.qualifiers.push(Qualifier { key, optional });
        Ok(Node::Attribute(attribute))
    }

    fn call(
        &mut self,
        id: Id,
        name: &str,
        target: Option<&Expr>,
        args: &[Expr],
    ) -> Evaluated<Node> {
        match name {
            operators::INDEX => return self.index(args, false),
            operators::OPTIONAL_INDEX | operators::OPTIONAL_SELECT => {
                return self.index(args, true);
            }
            _ => {}
        }
        let Some(Reference::Function { function, overload, qualified }) =
            self.checked.reference(id)
        else {
            return Err(EvaluationError::no_such_overload());
        };
        let (function, overload) = (*function, *overload);
        let target = target.filter(|_| !qualified);
        let args: Vec<Node> =
            target.into_iter().chain(args).map(|arg| self.plan(arg)).collect::<Evaluated<_>>()?;
        self.planned_call(function, overload, args)
    }

    fn planned_call(
        &mut self,
        function: &'static Function,
        overload: Option<usize>,
        args: Vec<Node>,
    ) -> Evaluated<Node> {
        let args = match function.name {
            operators::AND => return Ok(Node::And(args)),
            operators::OR => return Ok(Node::Or(args)),
            operators::EQUALS | operators::NOT_EQUALS => match <[Node; 2]>::try_from(args) {
                Ok(sides) => {
                    return Ok(Node::Equal(Box::new(sides), function.name == operators::EQUALS));
                }
                Err(args) => args,
            },
            "or" | "orValue" => match <[Node; 2]>::try_from(args) {
                Ok(sides) => {
                    let value = function.name == "orValue";
                    return Ok(Node::OptionalOr { sides: Box::new(sides), value });
                }
                Err(args) => args,
            },
            operators::CONDITIONAL => match <[Node; 3]>::try_from(args) {
                Ok([condition, yes, no]) => return Ok(conditional(condition, yes, no)),
                Err(args) => args,
            },
            operators::NOT_STRICTLY_FALSE => match <[Node; 1]>::try_from(args) {
                Ok([arg]) => return Ok(Node::NotStrictlyFalse(Box::new(arg))),
                Err(args) => args,
            },
            operators::IN => match self.in_constants(function, overload, args) {
                Ok(node) => return Ok(node),
                Err(args) => args,
            },
            _ => args,
        };
        self.constant_pattern(function, &args)?;
        if conversion::is_conversion(function.name)
            && let [Node::Constant(value)] = args.as_slice()
        {
            let value = function.call(overload, &mut self.meter, std::slice::from_ref(value))?;
            return Ok(Node::Constant(value));
        }
        let id = overload.and_then(|index| function.overloads.get(index)).map(|found| found.id);
        let rule = Rule::of(function.name, id);
        Ok(Node::Call(Box::new(Call { function, overload, args, rule })))
    }

    /// A pattern that is constant is compiled now, and refused now.
    fn constant_pattern(&mut self, function: &Function, args: &[Node]) -> Evaluated<()> {
        let pattern = regex::pattern_index(function.name).and_then(|index| args.get(index));
        if let Some(Node::Constant(Value::String(source))) = pattern
            && !self.patterns.contains_key(source)
        {
            let compiled = pattern::compile(source)?;
            self.patterns.insert(Arc::clone(source), compiled);
        }
        Ok(())
    }

    /// `in` a constant list of plain values; the arguments if it is none.
    fn in_constants(
        &self,
        function: &Function,
        overload: Option<usize>,
        args: Vec<Node>,
    ) -> Result<Node, Vec<Node>> {
        let in_list = overload
            .and_then(|index| function.overloads.get(index))
            .is_some_and(|overload| overload.id == "in_list");
        let is_plain = |value: &Value| {
            matches!(
                value,
                Value::Bool(_)
                    | Value::Int(_)
                    | Value::Uint(_)
                    | Value::Double(_)
                    | Value::String(_)
            )
        };
        match <[Node; 2]>::try_from(args) {
            Ok([value, Node::Constant(Value::List(list))])
                if in_list && list.iter().all(is_plain) =>
            {
                if list.is_empty() {
                    return Ok(Node::Constant(Value::Bool(false)));
                }
                Ok(Node::InConstants(Box::new((value, list.as_slice().to_vec()))))
            }
            Ok([value, list]) => Err(vec![value, list]),
            Err(args) => Err(args),
        }
    }

    fn list(&mut self, elements: &[Element]) -> Evaluated<Node> {
        let nodes: Vec<(Node, bool)> = elements
            .iter()
            .map(|element| Ok((self.plan(&element.value)?, element.optional)))
            .collect::<Evaluated<_>>()?;
        let constants: Option<Vec<Value>> = nodes
            .iter()
            .map(|(node, optional)| match node {
                Node::Constant(value) if !optional => Some(value.clone()),
                _ => None,
            })
            .collect();
        Ok(constants.map_or(Node::List(nodes), |values| Node::Constant(Value::list(values))))
    }

    fn map(&mut self, entries: &[Entry]) -> Evaluated<Node> {
        let nodes: Vec<(Node, Node, bool)> = entries
            .iter()
            .map(|entry| Ok((self.plan(&entry.key)?, self.plan(&entry.value)?, entry.optional)))
            .collect::<Evaluated<_>>()?;
        let constants: Option<Vec<_>> = nodes
            .iter()
            .map(|(key, value, optional)| match (key, value) {
                (Node::Constant(key), Node::Constant(value)) if !optional => {
                    Some((crate::Key::of(key)?, value.clone()))
                }
                _ => None,
            })
            .collect();
        Ok(constants
            .map_or(Node::Map(nodes), |entries| Node::Constant(Value::Map(Map::new(entries)))))
    }

    fn declare(&mut self, name: &Name) -> usize {
        let number = self.locals;
        self.locals += 1;
        self.scopes.push((Arc::clone(name), number));
        number
    }

    fn fold(&mut self, fold: &FoldExpr) -> Evaluated<Node> {
        let initial = self.plan(&fold.initial)?;
        let range = self.plan(&fold.range)?;
        let outer = self.scopes.len();
        let accumulator = self.declare(&fold.accumulator);
        let variable = self.declare(&fold.variable);
        let second = fold.second.as_ref().map(|name| self.declare(name));
        let condition = self.plan(&fold.condition)?;
        let step = self.plan(&fold.step)?;
        self.scopes.truncate(outer + 1);
        let result = self.plan(&fold.result)?;
        self.scopes.truncate(outer);
        let step = grow(step, accumulator);
        Ok(Node::Fold(Box::new(Fold {
            range,
            accumulator,
            variable,
            second,
            initial,
            condition,
            step,
            result,
        })))
    }
}

fn conditional(condition: Node, yes: Node, no: Node) -> Node {
    let root = Root::Conditional(Box::new((condition, yes, no)));
    Node::Attribute(Box::new(Attribute { root, qualifiers: Vec::new(), test: false }))
}

/// Whether a node is what a loop has accumulated, and nothing else.
fn is_local(node: &Node, number: usize) -> bool {
    matches!(node, Node::Attribute(attribute)
        if attribute.qualifiers.is_empty()
            && matches!(attribute.root, Root::Local(found) if found == number))
}

/// A step that only adds to what was accumulated, which then need not be copied.
fn grow(step: Node, accumulator: usize) -> Step {
    let grows = |node: &Node| match node {
        Node::Call(call) => {
            matches!(call.function.name, operators::ADD | operators::MAP_INSERT)
                && call.args.first().is_some_and(|arg| is_local(arg, accumulator))
        }
        _ => false,
    };
    let filtered = |attribute: &Attribute| match &attribute.root {
        Root::Conditional(parts) => {
            attribute.qualifiers.is_empty() && grows(&parts.1) && is_local(&parts.2, accumulator)
        }
        _ => false,
    };
    match step {
        Node::Call(call) if grows_call(&call, accumulator) => {
            Step::Grow { filter: None, call: *call }
        }
        Node::Attribute(attribute) if filtered(&attribute) => match attribute.root {
            Root::Conditional(parts) => match *parts {
                (filter, Node::Call(call), _) => Step::Grow { filter: Some(filter), call: *call },
                (filter, yes, no) => Step::Node(conditional(filter, yes, no)),
            },
            root => Step::Node(Node::Attribute(Box::new(Attribute { root, ..*attribute }))),
        },
        node => Step::Node(node),
    }
}

fn grows_call(call: &Call, accumulator: usize) -> bool {
    matches!(call.function.name, operators::ADD | operators::MAP_INSERT)
        && call.args.first().is_some_and(|arg| is_local(arg, accumulator))
}

/// Sums what a growing step does without a copy.
pub(super) fn grown(
    meter: &mut Meter,
    call: &Call,
    accumulated: Value,
    args: &[Value],
) -> Evaluated<Value> {
    match (call.function.name, args) {
        (operators::ADD, [value]) => operator::add(meter, accumulated, value),
        (operators::MAP_INSERT, [key, value]) => operator::insert(meter, accumulated, key, value),
        (operators::MAP_INSERT, [entries]) => operator::insert_all(meter, accumulated, entries),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

/// What folding constants may cost; they are no larger than the text.
const FOLDING_LIMIT: u64 = 1_000_000;

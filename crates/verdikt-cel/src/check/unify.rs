//! Whether types fit, and what that says about those still to be found out.
//!
//! Follows cel-go's `checker/types.go` and `checker/mapping.go`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Type;

/// What types to be found out are known to be.
#[derive(Debug, Default)]
pub(super) struct Unifier {
    known: HashMap<Arc<str>, Type>,
    /// What was known before, newest last, so that a failed attempt leaves nothing behind.
    trail: Vec<(Arc<str>, Option<Type>)>,
    next: usize,
}

impl Unifier {
    /// A type to be found out that nothing is known of.
    pub(super) fn fresh(&mut self) -> Type {
        let name = format!("_var{}", self.next);
        self.next += 1;
        Type::Param(name.into())
    }

    /// The types of an overload with types of its own to be found out.
    pub(super) fn instantiate(&mut self, params: &[Type], result: &Type) -> (Vec<Type>, Type) {
        let mut names: Vec<(Arc<str>, Type)> = Vec::new();
        let mut own = |ty: &Type| self.with_fresh(ty, &mut names);
        let params = params.iter().map(&mut own).collect();
        (params, own(result))
    }

    fn with_fresh(&mut self, ty: &Type, names: &mut Vec<(Arc<str>, Type)>) -> Type {
        match ty {
            Type::Param(name) => match names.iter().find(|(known, _)| known == name) {
                Some((_, fresh)) => fresh.clone(),
                None => {
                    let fresh = self.fresh();
                    names.push((Arc::clone(name), fresh.clone()));
                    fresh
                }
            },
            Type::List(of) => Type::list(self.with_fresh(of, names)),
            Type::Optional(of) => Type::optional(self.with_fresh(of, names)),
            Type::Map(key, value) => {
                Type::map(self.with_fresh(key, names), self.with_fresh(value, names))
            }
            Type::Type(Some(of)) => Type::Type(Some(Box::new(self.with_fresh(of, names)))),
            other => other.clone(),
        }
    }

    /// Whether the first type can be used as the second.
    pub(super) fn is_assignable(&mut self, from: &Type, to: &Type) -> bool {
        self.attempt(|unifier| unifier.assign(from, to))
    }

    /// Whether each of the first types can be used as the second of its place.
    pub(super) fn are_assignable(&mut self, from: &[Type], to: &[Type]) -> bool {
        from.len() == to.len()
            && self
                .attempt(|unifier| from.iter().zip(to).all(|(from, to)| unifier.assign(from, to)))
    }

    fn attempt(&mut self, fits: impl FnOnce(&mut Self) -> bool) -> bool {
        self.trail.clear();
        if fits(self) {
            return true;
        }
        while let Some((name, before)) = self.trail.pop() {
            match before {
                Some(before) => self.known.insert(name, before),
                None => self.known.remove(&name),
            };
        }
        false
    }

    fn learn(&mut self, name: &Arc<str>, ty: Type) {
        let before = self.known.insert(Arc::clone(name), ty);
        self.trail.push((Arc::clone(name), before));
    }

    fn assign(&mut self, from: &Type, to: &Type) -> bool {
        if let Type::Param(name) = to {
            match self.substitutes(from, to, name) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Param(name) = from {
            return self.substitutes(to, from, name).0;
        }
        if is_dyn_or_error(from) || is_dyn_or_error(to) {
            return true;
        }
        match (from, to) {
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::List(from), Type::List(to)) | (Type::Optional(from), Type::Optional(to)) => {
                self.assign(from, to)
            }
            (Type::Map(key, value), Type::Map(to_key, to_value)) => {
                self.assign(key, to_key) && self.assign(value, to_value)
            }
            (Type::Type(_), Type::Type(_)) => true,
            _ => from == to,
        }
    }

    /// Whether a type may stand for one to be found out, and whether that one is known already.
    fn substitutes(&mut self, ty: &Type, param: &Type, name: &Arc<str>) -> (bool, bool) {
        if ty == param {
            return (true, true);
        }
        let Some(known) = self.known.get(name).cloned() else {
            if self.occurs(param, ty) {
                return (false, false);
            }
            self.learn(name, ty.clone());
            return (true, false);
        };
        if *ty == known {
            return (true, true);
        }
        if self.assign(ty, &known) {
            let general = most_general(ty.clone(), known);
            if !self.occurs(param, &general) {
                self.learn(name, general);
            }
            return (true, true);
        }
        (false, true)
    }

    /// Whether a type to be found out is part of another.
    fn occurs(&self, param: &Type, within: &Type) -> bool {
        if param == within {
            return true;
        }
        match within {
            Type::Param(name) => {
                self.known.get(name).is_some_and(|known| self.occurs(param, known))
            }
            Type::List(of) | Type::Optional(of) | Type::Type(Some(of)) => self.occurs(param, of),
            Type::Map(key, value) => self.occurs(param, key) || self.occurs(param, value),
            _ => false,
        }
    }

    /// A type with what is known put in; with `dyn` for what is not, if that is all there will be.
    pub(super) fn substitute(&self, ty: &Type, unknown_is_dyn: bool) -> Type {
        let inner = |ty: &Type| self.substitute(ty, unknown_is_dyn);
        match ty {
            Type::Param(name) => match self.known.get(name) {
                Some(known) => inner(known),
                None if unknown_is_dyn => Type::Dyn,
                None => ty.clone(),
            },
            Type::List(of) => Type::list(inner(of)),
            Type::Optional(of) => Type::optional(inner(of)),
            Type::Map(key, value) => Type::map(inner(key), inner(value)),
            Type::Type(Some(of)) => Type::Type(Some(Box::new(inner(of)))),
            other => other.clone(),
        }
    }
}

pub(super) const fn is_dyn(ty: &Type) -> bool {
    matches!(ty, Type::Dyn | Type::Any)
}

const fn is_dyn_or_error(ty: &Type) -> bool {
    matches!(ty, Type::Dyn | Type::Any | Type::Error)
}

const fn is_nullable(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Null
            | Type::Optional(_)
            | Type::Object(_)
            | Type::Opaque(_)
            | Type::Duration
            | Type::Timestamp
    )
}

/// What is inside of an optional type, and whether it is one.
pub(super) fn unwrap_optional(ty: &Type) -> (&Type, bool) {
    match ty {
        Type::Optional(of) => (of, true),
        other => (other, false),
    }
}

/// The more general of two types that fit each other.
pub(super) fn most_general(left: Type, right: Type) -> Type {
    if is_less_specific(&left, &right) { left } else { right }
}

fn is_less_specific(left: &Type, right: &Type) -> bool {
    if is_dyn(left) || matches!(left, Type::Param(_)) {
        return true;
    }
    if is_dyn(right) || matches!(right, Type::Param(_)) {
        return false;
    }
    match (left, right) {
        (Type::List(left), Type::List(right)) | (Type::Optional(left), Type::Optional(right)) => {
            is_less_specific(left, right)
        }
        (Type::Map(key, value), Type::Map(other_key, other_value)) => {
            is_less_specific(key, other_key) && is_less_specific(value, other_value)
        }
        (Type::Type(_), Type::Type(_)) => true,
        _ => left == right,
    }
}

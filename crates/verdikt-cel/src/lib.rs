//! Kubernetes' dialect of the Common Expression Language: expressions are parsed, checked, metered and
//! evaluated as kube-apiserver does it for expressions that are stored.
//!
//! Knows nothing of policy: an [`Env`] says what an expression may name, a [`Program`] is an expression
//! that was checked, and a [`Value`] is what it evaluates to.

mod ast;
mod check;
mod cost;
mod env;
mod error;
mod eval;
mod library;
mod meter;
mod names;
mod number;
mod parse;
mod program;
mod source;
mod time;
mod types;
mod value;

pub use env::Env;
pub use error::{CompileError, EvaluationError, Refused};
pub use library::{Cidr, NamedFormat, Quantity, Semver, Url};
pub use program::Program;
pub use types::{ObjectType, Type};
pub use value::{Duration, Key, LazyMap, List, Map, Object, Opaque, Timestamp, Value};

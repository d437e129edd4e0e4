//! Compiles expressions, with what they may name.
//!
//! Follows apiserver's `pkg/authentication/cel/compile.go`.

use std::sync::{Arc, LazyLock};

use verdikt_cel::{Env, ObjectType, Program, Type};

use super::field_error::FieldError;

/// What an expression is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// A part of the user, of any type.
    Mapping,
    /// A rule over the claims.
    ClaimRule,
    /// A rule over the user.
    UserRule,
}

pub(super) fn compile(source: &str, path: &str, purpose: Purpose) -> Result<Program, FieldError> {
    let env = match purpose {
        Purpose::Mapping | Purpose::ClaimRule => &*CLAIMS,
        Purpose::UserRule => &*USER,
    };
    let compiled = env.compile(source);
    let output_type = match &compiled {
        Ok(program) => program.output_type(),
        Err(error) => error.output_type().ok_or_else(|| {
            FieldError::invalid_text(path, source, format!("compilation failed: {error}"))
        })?,
    };
    match purpose {
        Purpose::ClaimRule | Purpose::UserRule if *output_type != Type::Bool => {
            Err(FieldError::invalid_text(path, source, "must evaluate to bool"))
        }
        _ => compiled.map_err(|error| {
            let problem = format!("Internal error: program instantiation failed: {error}");
            FieldError::worded(path, problem)
        }),
    }
}

static CLAIMS: LazyLock<Env> =
    LazyLock::new(|| Env::kubernetes().variable("claims", Type::map(Type::String, Type::Any)));

static USER: LazyLock<Env> = LazyLock::new(|| {
    let strings = || Type::list(Type::String);
    let fields = [
        ("username", Type::String),
        ("uid", Type::String),
        ("groups", strings()),
        ("extra", Type::map(Type::String, strings())),
    ];
    let fields = fields.map(|(name, ty)| (name.to_owned(), ty)).into();
    let user = ObjectType { name: "kubernetes.UserInfo".to_owned(), fields };
    Env::kubernetes().variable("user", Type::Object(Arc::new(user)))
});

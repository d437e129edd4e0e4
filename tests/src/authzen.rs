//! AuthZEN's addresses, and the parts that its messages are made of.

use std::path::Path;

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::Access;

use crate::http::Running;

/// One question.
pub const EVALUATION: &str = "/access/v1/evaluation";
/// Many at once.
pub const EVALUATIONS: &str = "/access/v1/evaluations";
/// Who may?
pub const SUBJECTS: &str = "/access/v1/search/subject";
/// To what?
pub const RESOURCES: &str = "/access/v1/search/resource";
/// What else?
pub const ACTIONS: &str = "/access/v1/search/action";
/// Where the others are.
pub const METADATA: &str = "/.well-known/authzen-configuration";

/// A server of `policies/authzen`, open to everyone.
///
/// # Panics
/// If the policy cannot be loaded.
pub fn example() -> Running {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authzen/manifests");
    let engine = Engine::builder().policy_dir(folder).build().unwrap();
    Running::start(engine, |options| options.access = Access::Open)
}

/// A subject.
pub fn user(name: &str) -> Value {
    json!({"type": "user", "id": name})
}

/// A resource.
pub fn record(name: &str) -> Value {
    json!({"type": "record", "id": name})
}

/// A question.
pub fn of(subject: &Value, action: &str, resource: &Value) -> Value {
    json!({"subject": subject, "action": {"name": action}, "resource": resource})
}

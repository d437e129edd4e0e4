//! What `cargo run` serves does what its comments say.

use std::path::{Path, PathBuf};

use verdikt::{Attributes, Credentials, Engine, Mode};

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/quickstart")
}

#[test]
fn developers_work_in_the_shop_and_operators_restart() {
    let engine = Engine::builder()
        .policy_dir(quickstart().join("manifests"))
        .token_auth_file(quickstart().join("tokens.csv"))
        .authorization_modes([Mode::Rbac, Mode::Abac])
        .authorization_policy_file(quickstart().join("abac.jsonl"))
        .build()
        .unwrap();
    for (token, verb, resource, namespace, expected) in [
        ("jane-token", "list", "pods", "shop", true),
        ("jane-token", "delete", "pods", "shop", false),
        ("jane-token", "list", "pods", "bank", false),
        ("olga-token", "delete", "pods", "bank", true),
        ("ci-token", "get", "secrets", "ci", true),
        ("ci-token", "create", "secrets", "ci", false),
    ] {
        let request = Attributes { namespace, ..Attributes::default() };
        let request = Attributes { verb, resource, resource_request: true, ..request };
        let decision = engine.decide(&Credentials::bearer(token), &request).unwrap();
        assert_eq!(decision.is_allowed(), expected, "{token} {verb} {resource} {namespace}");
    }
    assert!(engine.status().loaded.warnings.is_empty());
}

//! Embeds the engine: `cargo run -p verdikt --example embed`.
//!
//! A program that has its own way of knowing its users asks `authorize`; one that receives credentials
//! asks `decide`. Both answer from the same compiled policy.

use verdikt::{Attributes, Credentials, Decision, Engine, User};

const POLICY: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: web}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployers, namespace: web}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
"#;

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().manifest("policy.yaml", POLICY).build()?;

    let jane = User::new("jane", ["dev"]);
    let request = Attributes {
        api_group: "apps",
        namespace: "web",
        name: "shop",
        ..Attributes::resource(&jane, "patch", "deployments")
    };
    println!(
        "may jane of group dev patch deployment shop in web? {}",
        answer(&engine.authorize(&request))
    );

    // Nobody in particular: system:anonymous, unless anonymous access is off.
    let decision = engine.decide(&Credentials::none(), &request)?;
    let name = decision.user().map_or("nobody", |user| &user.name);
    println!("may {name}? {}", answer(&decision));

    // New policy, live for the next request.
    engine.replace_manifests([("policy.yaml", POLICY.replace("patch", "update"))])?;
    println!("may jane, once the role lost `patch`? {}", answer(&engine.authorize(&request)));
    Ok(())
}

/// Reasons are put in words only when asked for; NoOpinion has none when no rule came into question.
fn answer(decision: &Decision<'_>) -> String {
    let (effect, revision) = (decision.effect(), decision.revision());
    format!("{effect:?}, at revision {revision}. {}", decision.reason_text())
}

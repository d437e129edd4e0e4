//! The Node authorizer in the engine: random events, reloads beside events, and what it costs to change.

use proptest::collection::vec;
use proptest::prelude::*;
use verdikt::parser::node::Pod;
use verdikt::{Attributes, Engine, Mode, NodeEvent, PolicySet, Reload, User};
use verdikt_fuzz::case;
use verdikt_fuzz::node_world::{self, NodeQuestion, Step};
use verdikt_fuzz::reference::node::Graph;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn index_and_walked_graph_agree(bytes in vec(any::<u8>(), 0..3_000)) {
        case::node_events(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_one_by_one_equal_loading_what_was_read(bytes in vec(any::<u8>(), 0..2_000)) {
        let changed = engine(PolicySet::default());
        let mut reference = Graph::default();
        for step in node_world::steps(&bytes) {
            if let Step::Event(event) = step {
                reference.apply(&event);
                changed.apply(event);
            }
        }
        let loaded = engine(reference.objects());
        for question in node_world::reads() {
            prop_assert_eq!(answer(&changed, &question), answer(&loaded, &question), "{:?}", question);
        }
    }
}

fn engine(objects: PolicySet) -> Engine {
    Engine::builder().authorization_modes([Mode::Node]).objects(objects).build().unwrap()
}

fn answer(engine: &Engine, question: &NodeQuestion) -> (bool, String) {
    let request = question.attributes();
    let decision = engine.authorize(&request);
    (decision.is_allowed(), decision.reason_text())
}

fn pod(name: &str, secret: &str) -> Pod {
    Pod {
        namespace: "web".to_owned(),
        name: name.to_owned(),
        node_name: "n1".to_owned(),
        secrets: vec![secret.to_owned()],
        ..Pod::default()
    }
}

fn manifest(name: &str, secret: &str) -> String {
    format!(
        "kind: Pod\napiVersion: v1\nmetadata: {{namespace: web, name: {name}}}\n\
         spec: {{nodeName: n1, imagePullSecrets: [name: {secret}]}}\n"
    )
}

fn reads(engine: &Engine, secret: &str) -> bool {
    let user = User::new("system:node:n1", ["system:nodes"]);
    let request = Attributes {
        namespace: "web",
        name: secret,
        ..Attributes::resource(&user, "get", "secrets")
    };
    engine.authorize(&request).is_allowed()
}

#[test]
fn an_event_is_a_new_revision_if_it_changes_anything() {
    let engine = engine(PolicySet::default());
    let added = || NodeEvent::Added(pod("a", "s").into());
    assert_eq!(engine.apply(added()).0, 2);
    assert_eq!(engine.apply(added()).0, 2, "again");
    assert_eq!(engine.apply(NodeEvent::Updated(pod("a", "t").into())).0, 2, "not looked at");
    assert_eq!(engine.apply(NodeEvent::Deleted(pod("b", "s").into())).0, 2, "not there");
    assert!(reads(&engine, "s"));
    let both = [NodeEvent::Added(pod("b", "t").into()), NodeEvent::Deleted(pod("a", "s").into())];
    assert_eq!(engine.apply_all(both).0, 3);
    assert!(reads(&engine, "t") && !reads(&engine, "s"));
    assert_eq!(engine.revision().0, 3);
}

#[test]
fn a_snapshot_does_not_change_with_events() {
    let engine = engine(PolicySet { pods: vec![pod("a", "s")], ..PolicySet::default() });
    let snapshot = engine.snapshot();
    engine.apply(NodeEvent::Deleted(pod("a", "s").into()));
    assert!(!reads(&engine, "s"));
    let user = User::new("system:node:n1", ["system:nodes"]);
    let request =
        Attributes { namespace: "web", name: "s", ..Attributes::resource(&user, "get", "secrets") };
    assert!(snapshot.is_allowed(&request));
}

#[test]
fn without_the_mode_events_change_nothing() {
    let engine = Engine::builder().build().unwrap();
    assert_eq!(engine.apply(NodeEvent::Added(pod("a", "s").into())).0, 1);
    assert!(!reads(&engine, "s"));
}

#[test]
fn files_and_events_are_kept_side_by_side() {
    let engine = Engine::builder()
        .authorization_modes([Mode::Node, Mode::Rbac])
        .manifest("pods.yaml", manifest("file", "s"))
        .build()
        .unwrap();
    engine.apply(NodeEvent::Added(pod("event", "e").into()));
    assert!(reads(&engine, "s") && reads(&engine, "e"));

    let reload = |text: String| engine.replace_manifests([("pods.yaml", text)]);
    assert!(
        matches!(reload(manifest("file", "t")), Ok(Reload::Changed(revision)) if revision.0 == 3)
    );
    assert!(reads(&engine, "t") && reads(&engine, "e") && !reads(&engine, "s"));

    // A file that is refused changes nothing, neither now nor with the next event.
    assert!(reload("kind: Pod\napiVersion: v1\nmetadata: {name: 5}\n".to_owned()).is_err());
    engine.apply(NodeEvent::Deleted(pod("event", "e").into()));
    assert!(reads(&engine, "t") && !reads(&engine, "e"));

    engine.apply(NodeEvent::Deleted(pod("file", "t").into()));
    assert!(!reads(&engine, "t"));
    assert!(reload(manifest("file", "u")).is_ok());
    assert!(reads(&engine, "u"), "it is back with the next change of the files");
}

#[test]
fn the_explanation_says_what_leads_to_the_object() {
    let engine =
        engine(PolicySet { pods: vec![pod("a", "s"), pod("b", "s")], ..PolicySet::default() });
    let user = User::new("system:node:n1", ["system:nodes"]);
    let request =
        Attributes { namespace: "web", name: "s", ..Attributes::resource(&user, "get", "secrets") };
    let explanation = engine.explain(&request);
    let path = &explanation.paths[0];
    assert!(path.decides);
    assert_eq!(path.authorizer, "node");
    assert_eq!(path.subject, r#"Node "n1""#);
    assert_eq!(path.rule, "2 ways lead from pods on the node to secret `web/s`");
    let rules = engine.rules_for(&user, "web");
    assert!(rules.incomplete);
    assert_eq!(
        rules.evaluation_error().as_deref(),
        Some("node authorizer does not support user rule resolution")
    );
}

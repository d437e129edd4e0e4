//! What holds for any policy and any request: tables and reference interpreter agree, and a policy
//! that was changed is the policy that would have been loaded.

use proptest::collection::vec;
use proptest::prelude::*;
use verdikt::{Engine, Identity, PolicySet, Reload};
use verdikt_fuzz::case;
use verdikt_fuzz::world::{Question, World};
use verdikt_tests::policy::to_manifest;

/// Enough bytes for a world of twenty questions; a shorter list is a smaller world.
fn world_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..1_200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn tables_and_reference_agree(bytes in world_bytes()) {
        case::authenticate_authorize(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_equals_a_rebuild(before in world_bytes(), after in world_bytes()) {
        let [before, after] = [before, after].map(|bytes| World::plain(&bytes));
        let manifest = to_manifest(&after.policy);
        let changed = engine(&to_manifest(&before.policy));
        let reload = changed.replace_manifests([("world.json", manifest.clone())]).unwrap();
        let rebuilt = engine(&manifest);

        let (left, right) = (changed.snapshot(), rebuilt.snapshot());
        prop_assert_eq!(left.digest(), right.digest());
        if let Reload::Changed(revision) = reload {
            prop_assert_eq!(revision, changed.revision());
        }
        let questions: Vec<Question> = [before.questions, after.questions].concat();
        for question in &questions {
            let (got, want) = (answer(&changed, question), answer(&rebuilt, question));
            prop_assert_eq!(got, want, "{:#?}\n{}", question, manifest);
        }
    }

    #[test]
    fn a_manifest_is_read_as_the_objects_it_was_written_from(bytes in world_bytes()) {
        let world = World::plain(&bytes);
        let manifest = to_manifest(&world.policy);
        let read = engine(&manifest);
        let made = Engine::builder().objects(world.policy.clone()).build().unwrap();
        for question in &world.questions {
            prop_assert_eq!(answer(&read, question), answer(&made, question), "{}", manifest);
        }
    }

    #[test]
    fn resolving_the_subjects_first_changes_no_answer(bytes in world_bytes()) {
        let world = World::new(&bytes);
        let engine = Engine::builder().objects(world.policy).build().unwrap();
        for question in &world.questions {
            let identity = Identity::new(question.user.clone(), engine.hash_key());
            let mut resolved = question.attributes();
            resolved.user = Some((&identity).into());
            let raw = question.attributes();
            let (raw, resolved) = (engine.authorize(&raw), engine.authorize(&resolved));
            prop_assert_eq!(raw.effect(), resolved.effect());
            prop_assert_eq!(raw.reason(), resolved.reason());
        }
    }
}

fn engine(manifest: &str) -> Engine {
    Engine::builder()
        .manifest("world.json", manifest)
        .build()
        .unwrap_or_else(|error| panic!("{error}\n{manifest}"))
}

/// Everything an engine says to one question.
fn answer(engine: &Engine, question: &Question) -> (bool, String, String) {
    let request = question.attributes();
    let decision = engine.authorize(&request);
    let rules = engine.rules_for(&question.user, request.namespace);
    (decision.is_allowed(), decision.reason_text(), format!("{rules:?}"))
}

#[test]
fn a_world_is_not_refused_for_what_it_is_made_of() {
    let bytes: Vec<u8> = (0..=255).cycle().take(2_000).collect();
    let policy: PolicySet = World::plain(&bytes).policy;
    assert!(!policy.role_bindings.is_empty());
    engine(&to_manifest(&policy));
}

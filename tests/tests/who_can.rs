//! Who can? Asked of any policy, the answer is everyone whom the authorizers allow, and nobody else.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use verdikt::{Asked, Attributes, Engine, Mode, User, WhoCan};
use verdikt_fuzz::world::World;

/// An engine of a world, by RBAC and ABAC.
fn engine(world: &World) -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let abac = folder.path().join("abac.jsonl");
    std::fs::write(&abac, verdikt_tests::policy::to_abac_lines(&world.abac)).unwrap();
    Engine::builder()
        .objects(world.policy.clone())
        .authorization_policy_file(abac)
        .authorization_modes([Mode::Abac, Mode::Rbac])
        .build()
        .unwrap()
}

/// Users who may be anybody: those of the questions, each of whom with each other's groups.
fn users(world: &World) -> Vec<User> {
    let names: BTreeSet<&String> = world.questions.iter().map(|asked| &asked.user.name).collect();
    let groups: BTreeSet<&Vec<String>> =
        world.questions.iter().map(|asked| &asked.user.groups).collect();
    let of = |name: &String| {
        let name = name.clone();
        groups.iter().map(move |groups| User::new(name.clone(), groups.iter().cloned())).collect()
    };
    names.into_iter().flat_map(|name| -> Vec<User> { of(name) }).collect()
}

fn may(found: &WhoCan, user: &User, namespace: &str) -> bool {
    found.subjects.iter().any(|holder| {
        holder.subject.is(user)
            && holder.grants.iter().any(|grant| grant.namespace.covers(namespace))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_can_and_the_decisions_agree(bytes in vec(any::<u8>(), 0..1_200)) {
        let world = World::new(&bytes);
        let engine = engine(&world);
        let users = users(&world);
        for question in &world.questions {
            let request = question.request;
            let there = engine.who_can(&request, Asked::There);
            let everywhere = engine.who_can(&request, Asked::Everywhere);
            prop_assert!(!there.incomplete && !everywhere.incomplete);
            for user in &users {
                let allows = |namespace: &'static str| {
                    let user = Some(user.into());
                    engine.authorize(&Attributes { user, namespace, ..request }).is_allowed()
                };
                let found = there.subjects.iter().any(|holder| holder.subject.is(user));
                prop_assert_eq!(found, allows(request.namespace), "{:?} {:#?} {:#?}", user, request, there);
                if !request.resource_request {
                    continue;
                }
                let asked = Attributes { user: Some(user.into()), ..request };
                let objects = engine.snapshot().objects(&asked);
                for namespace in ["", "a", "b", "*", "a:b", "other"] {
                    for name in ["", "web", "db", "*", "other"] {
                        let there = Attributes { namespace, name, ..asked };
                        prop_assert_eq!(
                            objects.contain(namespace, name), engine.snapshot().is_allowed(&there),
                            "{:#?} {:#?}", there, objects
                        );
                    }
                    prop_assert_eq!(
                        may(&everywhere, user, namespace), allows(namespace),
                        "{:?} in {:?} {:#?} {:#?}", user, namespace, request, everywhere
                    );
                }
            }
        }
    }
}

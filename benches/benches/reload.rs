//! Loading a policy from text, and swapping it while it serves.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use verdikt::Engine;
use verdikt_bench::floor::Floor;
use verdikt_bench::world::World;

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    let floor = Floor::new();
    group.bench_function("floor (4096 look-ups)", |bencher| bencher.iter(|| floor.pass()));
    let largest = if std::env::args().any(|arg| arg == "--test") { 1_000 } else { 100_000 };
    for bindings in [100, 1_000, 10_000, 100_000].into_iter().filter(|&size| size <= largest) {
        let policy = World::new(bindings).policy;
        group.bench_function(BenchmarkId::new("compile", bindings), |bencher| {
            bencher.iter(|| Engine::builder().objects(policy.clone()).build());
        });
        let text = manifest(bindings);
        group.bench_function(BenchmarkId::new("parse and compile", bindings), |bencher| {
            bencher.iter(|| Engine::builder().manifest("world.yaml", text.clone()).build());
        });
        let Ok(engine) = Engine::builder().manifest("world.yaml", text.clone()).build() else {
            continue;
        };
        let other = format!("{text}---\n# Another text, so that there is something to swap.\n");
        group.bench_function(BenchmarkId::new("swap", bindings), |bencher| {
            bencher.iter(|| {
                for text in [&other, &text] {
                    std::hint::black_box(
                        engine.replace_manifests([("world.yaml", text.as_str())]).is_ok(),
                    );
                }
            });
        });
    }
    group.finish();
}

/// Bindings as YAML, the way they are written by hand.
fn manifest(bindings: usize) -> String {
    let binding = |index: usize| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  \
             name: binding-{index}\n  namespace: namespace-{}\nsubjects:\n- kind: User\n  \
             apiGroup: rbac.authorization.k8s.io\n  name: user-{index}\nroleRef:\n  \
             apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: reader\n",
            index / 50,
        )
    };
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  \
                name: reader\nrules:\n- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n";
    std::iter::once(role.to_owned()).chain((0..bindings).map(binding)).collect()
}

criterion_group!(benches, load);
criterion_main!(benches);

//! What authorizers that have no opinion add to a decision of RBAC.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use verdikt::{Engine, Mode};
use verdikt_bench::measure::decide_raw;
use verdikt_bench::world::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]
fn chain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chain");
    let World { policy, requests } = World::new(10_000);
    group.throughput(Throughput::Elements(requests.len() as u64));
    for (name, modes) in [
        ("RBAC", &[Mode::Rbac] as &[Mode]),
        ("AlwaysDeny,RBAC", &[Mode::AlwaysDeny, Mode::Rbac]),
        ("Node,RBAC", &[Mode::Node, Mode::Rbac]),
        ("Node,AlwaysDeny,RBAC", &[Mode::Node, Mode::AlwaysDeny, Mode::Rbac]),
    ] {
        let builder = Engine::builder().objects(policy.clone());
        let engine = builder.authorization_modes(modes.to_vec()).build();
        let engine = engine.expect("a made world loads");
        group.bench_function(name, |bencher| bencher.iter(|| decide_raw(&engine, &requests)));
    }
    group.finish();
}

criterion_group!(benches, chain);
criterion_main!(benches);

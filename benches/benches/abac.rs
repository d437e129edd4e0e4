//! What a decision of the ABAC authorizer costs beside the floor.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use verdikt::Mode;
use verdikt_bench::floor::Floor;
use verdikt_bench::lines::LineWorld;
use verdikt_bench::measure::decide_raw;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]
fn lines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("abac");
    let floor = Floor::new();
    group.throughput(Throughput::Elements(floor.len() as u64));
    group.bench_function("floor", |bencher| bencher.iter(|| floor.pass()));

    let world = LineWorld::new(10_000).expect("a made world loads");
    let engine = world.engine(|builder| builder.authorization_modes([Mode::Abac]));
    let engine = engine.expect("a made world loads");
    group.throughput(Throughput::Elements(world.requests.len() as u64));
    group.bench_function("decide/10000", |bencher| {
        bencher.iter(|| decide_raw(&engine, &world.requests));
    });
    group.finish();
}

criterion_group!(benches, lines);
criterion_main!(benches);

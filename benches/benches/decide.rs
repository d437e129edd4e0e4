//! A decision at every size, from strings and with subjects resolved, with the floor beside them.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use verdikt::Engine;
use verdikt_bench::floor::Floor;
use verdikt_bench::measure::{decide_raw, decide_resolved, resolve};
use verdikt_bench::world::World;

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    group.sample_size(20);
    let floor = Floor::new();
    group.throughput(Throughput::Elements(floor.len() as u64));
    group.bench_function("floor", |bencher| bencher.iter(|| floor.pass()));
    for bindings in sizes() {
        let World { policy, requests } = World::new(bindings);
        let Ok(engine) = Engine::builder().objects(policy).build() else { continue };
        let resolved = resolve(&engine, &requests);
        group.throughput(Throughput::Elements(requests.len() as u64));
        group.bench_function(BenchmarkId::new("raw", bindings), |bencher| {
            bencher.iter(|| decide_raw(&engine, &requests));
        });
        group.bench_function(BenchmarkId::new("resolved", bindings), |bencher| {
            bencher.iter(|| decide_resolved(&engine, &resolved));
        });
    }
    group.finish();
}

/// Run once to see that they work (`--test`), the benches keep to small worlds.
fn sizes() -> impl Iterator<Item = usize> {
    let largest = if std::env::args().any(|arg| arg == "--test") { 1_000 } else { 1_000_000 };
    [100, 1_000, 10_000, 100_000, 1_000_000].into_iter().filter(move |&size| size <= largest)
}

criterion_group!(benches, decide);
criterion_main!(benches);

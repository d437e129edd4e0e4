//! What a decision of the Node authorizer costs beside the floor, and what an event does.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use verdikt::{Engine, Mode, NodeEvent};
use verdikt_bench::floor::Floor;
use verdikt_bench::measure::decide_raw;
use verdikt_bench::nodes::NodeWorld;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn nodes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node");
    let floor = Floor::new();
    group.throughput(Throughput::Elements(floor.len() as u64));
    group.bench_function("floor", |bencher| bencher.iter(|| floor.pass()));

    let NodeWorld { policy, requests } = NodeWorld::new(10_000, 500);
    let pod = policy.pods.first().cloned().unwrap_or_default();
    let build = Engine::builder().authorization_modes([Mode::Node]).objects(policy).build();
    let Ok(engine) = build else { return };
    group.throughput(Throughput::Elements(requests.len() as u64));
    group.bench_function("decide/10000", |bencher| bencher.iter(|| decide_raw(&engine, &requests)));

    group.throughput(Throughput::Elements(2));
    group.bench_function("event/10000", |bencher| {
        bencher.iter(|| {
            engine.apply(NodeEvent::Deleted(pod.clone().into()));
            engine.apply(NodeEvent::Added(pod.clone().into()))
        });
    });
    group.finish();
}

criterion_group!(benches, nodes);
criterion_main!(benches);

//! What the audit trail adds to a decision: off, on with a policy that wants nothing, and in mode batch.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use verdikt_bench::audit::{POLICIES, decide, engine};
use verdikt_bench::world::World;

fn audit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(20);
    let World { policy, requests } = World::new(1_000);
    group.throughput(Throughput::Elements(requests.len() as u64));
    for (name, rules) in POLICIES {
        let Ok(engine) = engine(policy.clone(), rules) else { continue };
        group.bench_function(name, |bencher| bencher.iter(|| decide(&engine, &requests)));
    }
    group.finish();
}

criterion_group!(benches, audit);
criterion_main!(benches);

//! What a credential costs: a remembered token and the certificate of a connection that goes on, with the
//! floor beside them, and a token that is verified, beside its signature alone.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use verdikt_bench::floor::Floor;
use verdikt_bench::tokens::{Connected, Remembered, Verified};

fn authenticate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("authenticate");
    group.sample_size(20);
    let floor = Floor::new();
    group.throughput(Throughput::Elements(floor.len() as u64));
    group.bench_function("floor", |bencher| bencher.iter(|| floor.pass()));
    for length in [40, 1_024] {
        let tokens = Remembered::new(length);
        group.throughput(Throughput::Elements(tokens.len() as u64));
        group.bench_function(BenchmarkId::new("remembered", length), |bencher| {
            bencher.iter(|| tokens.pass());
        });
    }
    if let Ok(connected) = Connected::new() {
        group.throughput(Throughput::Elements(connected.len() as u64));
        group.bench_function("connected", |bencher| bencher.iter(|| connected.pass()));
    }
    group.throughput(Throughput::Elements(1));
    if let Ok(verified) = Verified::new() {
        group.bench_function("signature", |bencher| bencher.iter(|| verified.check_signature()));
        group.bench_function("verified", |bencher| bencher.iter(|| verified.authenticate()));
    }
    group.finish();
}

criterion_group!(benches, authenticate);
criterion_main!(benches);

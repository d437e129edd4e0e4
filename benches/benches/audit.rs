//! What the audit trail adds to a decision: off, on with a policy that wants nothing, and in mode batch.
//!
//! Events go to `/dev/null`: what is measured is what a request waits for, and in mode batch that is
//! never the disk.

use std::time::SystemTime;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use verdikt::audit::{Answer, Arrival, LogOptions, Mode};
use verdikt::{Attributes, Engine};
use verdikt_bench::world::{Request, World};

fn audit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(20);
    let World { policy, requests } = World::new(1_000);
    group.throughput(Throughput::Elements(requests.len() as u64));
    for (name, rules) in [
        ("off", None),
        ("level none", Some("rules: [{level: None}]")),
        ("batch, one event", Some("omitStages: [RequestReceived]\nrules: [{level: Metadata}]")),
        ("batch, two events", Some("rules: [{level: Metadata}]")),
    ] {
        let Some(engine) = engine(policy.clone(), rules) else { continue };
        group.bench_function(name, |bencher| bencher.iter(|| decide(&engine, &requests)));
    }
    group.finish();
}

fn engine(policy: verdikt::PolicySet, rules: Option<&str>) -> Option<Engine> {
    let builder = Engine::builder().objects(policy);
    let Some(rules) = rules else { return builder.build().ok() };
    let file = std::env::temp_dir().join(format!("verdikt-bench-audit-{}", std::process::id()));
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{rules}\n");
    std::fs::write(&file, text).ok()?;
    let mut options = LogOptions::new("/dev/null");
    options.mode = Mode::Batch;
    options.max_size_megabytes = 0;
    let engine = builder.audit_policy_file(&file).audit_log(options).build().ok();
    std::fs::remove_file(file).ok()?;
    engine
}

/// Decides each request, and records it as a front would.
fn decide(engine: &Engine, requests: &[Request]) -> usize {
    let snapshot = engine.snapshot();
    let mut allowed = 0;
    for request in requests {
        let attributes = request.attributes();
        let trail = match engine.is_audited() {
            true => {
                let arrival = arrival(&attributes, request);
                engine.begin_audit(&snapshot, &arrival).ok().flatten()
            }
            false => None,
        };
        let decision = snapshot.authorize(&attributes);
        let is_allowed = decision.is_allowed();
        allowed += usize::from(is_allowed);
        if let Some(mut trail) = trail {
            trail.decided(is_allowed, &decision.reason_text());
            let code = if is_allowed { 200 } else { 403 };
            trail.answered(&Answer { code, ..Answer::default() });
        }
    }
    allowed
}

fn arrival<'a>(attributes: &'a Attributes<'a>, request: &'a Request) -> Arrival<'a> {
    Arrival {
        audit_id: "7ad4c3f0-0d7d-4a7c-9d3b-2f6c0f6f2a11",
        received: SystemTime::now(),
        uri: "/api/v1/namespaces/shop/pods/cart-0",
        source_ips: &[std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)],
        user_agent: "kubectl/v1.37.2 (linux/amd64) kubernetes/0000000",
        user: Some(&request.user),
        request: attributes,
    }
}

criterion_group!(benches, audit);
criterion_main!(benches);

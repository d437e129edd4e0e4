//! Decisions that are recorded as a front would, under one audit policy or another.
//!
//! Events go to `/dev/null`: what is measured is what a request waits for, and in mode batch that is never the
//! disk.

use std::time::{Duration, SystemTime};

use verdikt::audit::{Answer, Arrival, LogOptions, Mode};
use verdikt::{Attributes, Engine, PolicySet};

use crate::world::Request;

/// No audit policy, one that wants nothing, and one event or two for each request.
pub const POLICIES: [(&str, Option<&str>); 4] = [
    ("off", None),
    ("level none", Some("rules: [{level: None}]")),
    ("batch, one event", Some("omitStages: [RequestReceived]\nrules: [{level: Metadata}]")),
    ("batch, two events", Some("rules: [{level: Metadata}]")),
];

/// An engine in mode batch, with these rules.
///
/// # Errors
/// If the file of the rules cannot be written, or there is something wrong with it.
pub fn engine(
    policy: PolicySet,
    rules: Option<&str>,
) -> Result<Engine, Box<dyn std::error::Error>> {
    let builder = Engine::builder().objects(policy);
    let Some(rules) = rules else { return Ok(builder.build()?) };
    let file = std::env::temp_dir().join(format!("verdikt-bench-audit-{}", std::process::id()));
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{rules}\n");
    std::fs::write(&file, text)?;
    let mut options = LogOptions::new("/dev/null");
    options.mode = Mode::Batch;
    options.max_size_megabytes = 0;
    let engine = builder.audit_policy_file(&file).audit_log(options).build();
    std::fs::remove_file(file)?;
    Ok(engine?)
}

/// Decides each request, and records it; gives how many are allowed.
pub fn decide(engine: &Engine, requests: &[Request]) -> u64 {
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
        allowed += u64::from(is_allowed);
        if let Some(mut trail) = trail {
            trail.decided(is_allowed, decision.reason_text());
            let code = if is_allowed { 200 } else { 403 };
            trail.answered(&Answer { code, ..Answer::default() });
        }
    }
    allowed
}

/// Waits until everything is written; how many events found no room.
pub fn drain(engine: &Engine) -> u64 {
    engine.flush_audit(Duration::from_secs(10));
    engine.status().audit.map_or(0, |audit| audit.dropped)
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

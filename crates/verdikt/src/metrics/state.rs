//! What serves and how reloads of policy went, for which upstream has no names; and the audit trail.

use std::collections::BTreeMap;
use std::sync::Arc;

use verdikt_authn::oidc::KeySetFetches;
use verdikt_core::metrics::{Counter, Family, Gauge, Metrics, Reading};

use super::{SERVER_ID, now, seconds};
use crate::audit::AuditStatus;
use crate::status::Counts;
use crate::{Engine, Status};

/// How reloads of policy went.
#[derive(Clone, Debug)]
pub(crate) struct PolicyReloads {
    good: (Arc<Counter>, Arc<Gauge>),
    bad: (Arc<Counter>, Arc<Gauge>),
    last_is_good: Arc<Gauge>,
}

impl PolicyReloads {
    /// Those of an engine that has just been built, and so has good policy.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let of = |status| {
            let labels = [("status", status)];
            (metrics.counter(&RELOADS, &labels), metrics.gauge(&LAST_RELOAD, &labels))
        };
        let last_is_good = metrics.gauge(&LAST_IS_GOOD, &[]);
        last_is_good.set(1.0);
        Self { good: of("success"), bad: of("failure"), last_is_good }
    }

    /// Counts an attempt that changed something: what serves, or what is wrong with what does not.
    pub(crate) fn count(&self, is_good: bool) {
        let (count, time) = if is_good { &self.good } else { &self.bad };
        count.add(1);
        time.set(now());
        self.last_is_good.set(f64::from(u8::from(is_good)));
    }
}

/// What is known when somebody asks, and need not be kept.
pub(super) fn read(engine: &Engine) -> Vec<Reading> {
    let status = engine.status();
    let version = [("version", env!("CARGO_PKG_VERSION")), ("kubernetes", "v1.37")];
    let loaded = &status.loaded;
    let mut all = vec![
        Reading::new(BUILD).with(&version, 1.0),
        Reading::new(REVISION).with(&[], number(status.revision)),
        Reading::new(TABLES).with(&[], number(loaded.table_bytes)),
        Reading::new(UNUSABLE_ISSUERS).with(&[], number(status.issuer_problems.len())),
        of_counts(&loaded.counts),
    ];
    all.extend(audit_families(&status));
    all.extend(key_set_families(&engine.snapshot().authentication.issuers.fetches()));
    all
}

fn of_counts(counts: &Counts) -> Reading {
    let by_kind = [
        ("ManifestFile", counts.manifest_files),
        ("Role", counts.roles),
        ("ClusterRole", counts.cluster_roles),
        ("RoleBinding", counts.role_bindings),
        ("ClusterRoleBinding", counts.cluster_role_bindings),
        ("ServiceAccount", counts.service_accounts),
        ("Secret", counts.secrets),
        ("Pod", counts.pods),
        ("BoundToNode", counts.bound_to_nodes),
        ("AbacPolicy", counts.abac_policies),
        ("Token", counts.tokens),
        ("BasicUser", counts.basic_users),
        ("Skipped", counts.skipped.values().sum()),
    ];
    let with = |reading: Reading, (kind, count): (_, usize)| {
        reading.with(&[("kind", kind)], number(count))
    };
    by_kind.into_iter().fold(Reading::new(OBJECTS), with)
}

/// Follows apiserver's `plugin/pkg/authenticator/token/oidc/metrics.go`. Issuers that are no longer configured are not
/// told of, as upstream.
fn key_set_families(fetches: &[KeySetFetches]) -> impl Iterator<Item = Reading> {
    let server = ("apiserver_id_hash", SERVER_ID.as_str());
    let (mut last, mut info) = (Reading::new(KEYS_FETCHED), Reading::new(KEY_SETS));
    for of in fetches {
        let issuer = ("jwt_issuer_hash", of.issuer_hash.as_str());
        for (result, time) in [("success", of.last_success), ("failure", of.last_failure)] {
            if let Some(time) = time {
                last = last.with(&[("result", result), issuer, server], seconds(time));
            }
        }
        if let Some(hash) = &of.key_set_hash {
            info = info.with(&[issuer, server, ("hash", hash)], 1.0);
        }
    }
    [last, info].into_iter().filter(|reading| !reading.samples.is_empty())
}

/// Follows apiserver's `pkg/audit/metrics.go`; the counters are those of the trail itself.
fn audit_families(status: &Status) -> Vec<Reading> {
    let plain = |family, value: u64| Reading::new(family).with(&[], number(value));
    let Some(audit) = &status.audit else {
        return vec![plain(AUDIT_EVENTS, 0), plain(AUDIT_REJECTED, 0)];
    };
    let AuditStatus { levels, lost, dropped, too_large, .. } = audit;
    let in_log = lost.saturating_sub(dropped + too_large);
    let errors = [("buffered", *dropped), ("log", in_log), ("truncate", *too_large)].into();
    let by = |family, label, counts: &BTreeMap<&'static str, u64>| {
        let counts = counts.iter().filter(|(_, count)| **count > 0);
        counts.fold(Reading::new(family), |reading, (name, count)| {
            reading.with(&[(label, name)], number(*count))
        })
    };
    let all = vec![
        plain(AUDIT_EVENTS, audit.events),
        plain(AUDIT_REJECTED, audit.rejected),
        by(AUDIT_LEVELS, "level", levels),
        by(AUDIT_ERRORS, "plugin", &errors),
        plain(AUDIT_STORED, audit.stored),
        plain(AUDIT_LOST, audit.lost),
        plain(AUDIT_DROPPED, audit.dropped),
        plain(AUDIT_WRITE_ERRORS, audit.write_errors),
        plain(AUDIT_QUEUED, audit.queued),
        plain(AUDIT_QUEUED_BYTES, audit.queued_bytes),
    ];
    all.into_iter().filter(|reading| !reading.samples.is_empty()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

const BUILD: Family =
    Family::gauge("verdikt_build_info", "Which verdikt this is, and the Kubernetes it answers as.");
const REVISION: Family = Family::gauge("verdikt_policy_revision", "Which state of policy serves.");
const OBJECTS: Family =
    Family::gauge("verdikt_policy_objects", "What the policy that serves was made of, by kind.");
const TABLES: Family =
    Family::gauge("verdikt_policy_table_bytes", "Bytes of the compiled tables on the heap.");
const UNUSABLE_ISSUERS: Family = Family::gauge(
    "verdikt_unusable_issuers",
    "Issuers of tokens that have not said yet where their keys are.",
);
const RELOADS: Family = Family::counter(
    "verdikt_policy_reloads_total",
    "Reloads of policy that changed what serves, or were refused for something new.",
);
const LAST_RELOAD: Family = Family::gauge(
    "verdikt_policy_last_reload_timestamp_seconds",
    "When policy was last reloaded, by how that went.",
);
const LAST_IS_GOOD: Family = Family::gauge(
    "verdikt_policy_last_reload_successful",
    "1 if what the files say serves, 0 if it was refused and the last good policy serves.",
);
const KEYS_FETCHED: Family = Family::gauge(
    "apiserver_authentication_jwt_authenticator_jwks_fetch_last_timestamp_seconds",
    "[ALPHA] Timestamp of the last successful or failed JWKS fetch split by result, api server identity and jwt issuer for the JWT authenticator.",
);
const KEY_SETS: Family = Family::gauge(
    "apiserver_authentication_jwt_authenticator_jwks_fetch_last_key_set_info",
    "[ALPHA] Information about the last JWKS fetched by the JWT authenticator with hash as label, split by api server identity and jwt issuer.",
);
const AUDIT_EVENTS: Family = Family::counter(
    "apiserver_audit_event_total",
    "[ALPHA] Counter of audit events generated and sent to the audit backend.",
);
const AUDIT_ERRORS: Family = Family::counter(
    "apiserver_audit_error_total",
    "[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
);
const AUDIT_LEVELS: Family = Family::counter(
    "apiserver_audit_level_total",
    "[ALPHA] Counter of policy levels for audit events (1 per request).",
);
const AUDIT_REJECTED: Family = Family::counter(
    "apiserver_audit_requests_rejected_total",
    "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
);
const AUDIT_STORED: Family =
    Family::counter("verdikt_audit_stored_total", "Audit events that are where they should be.");
const AUDIT_LOST: Family =
    Family::counter("verdikt_audit_lost_total", "Audit events that are lost.");
const AUDIT_DROPPED: Family = Family::counter(
    "verdikt_audit_dropped_total",
    "Audit events that a full queue had no room for; among those that are lost.",
);
const AUDIT_WRITE_ERRORS: Family = Family::counter(
    "verdikt_audit_write_errors_total",
    "Attempts to write audit events that failed; the events need not be lost.",
);
const AUDIT_QUEUED: Family =
    Family::gauge("verdikt_audit_queued_events", "Audit events that wait to be written.");
const AUDIT_QUEUED_BYTES: Family =
    Family::gauge("verdikt_audit_queued_bytes", "Bytes of the audit events that wait.");

//! How reloads of the two configuration files went.
//!
//! Follows `pkg/server/options/{authorizationconfig,authenticationconfig}/metrics` of apiserver.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use verdikt_core::metrics::{Family, Metrics};

use super::server_id::sha256_label;
use super::{SERVER_ID, now};

/// What is counted of one of the files, and what became of it when it was looked at last.
#[derive(Clone, Debug)]
pub(crate) struct ConfigurationFamilies {
    reloads: Family,
    last: Family,
    info: Family,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// The hash of a file, and whether it was good.
type Seen = ([u8; 32], bool);

impl ConfigurationFamilies {
    /// Those of an AuthorizationConfiguration.
    pub(crate) fn authorization() -> Self {
        Self::new(
            Family::counter(
                "apiserver_authorization_config_controller_automatic_reloads_total",
                "[BETA] Total number of automatic reloads of authorization configuration split by status and apiserver identity.",
            ),
            Family::gauge(
                "apiserver_authorization_config_controller_automatic_reload_last_timestamp_seconds",
                "[BETA] Timestamp of the last automatic reload of authorization configuration split by status and apiserver identity.",
            ),
            Family::gauge(
                "apiserver_authorization_config_controller_last_config_info",
                "[ALPHA] Information about the last applied authorization configuration with hash as label, split by apiserver identity.",
            ),
        )
    }

    /// Those of an AuthenticationConfiguration.
    pub(crate) fn authentication() -> Self {
        Self::new(
            Family::counter(
                "apiserver_authentication_config_controller_automatic_reloads_total",
                "[BETA] Total number of automatic reloads of authentication configuration split by status and apiserver identity.",
            ),
            Family::gauge(
                "apiserver_authentication_config_controller_automatic_reload_last_timestamp_seconds",
                "[BETA] Timestamp of the last automatic reload of authentication configuration split by status and apiserver identity.",
            ),
            Family::gauge(
                "apiserver_authentication_config_controller_last_config_info",
                "[ALPHA] Information about the last applied authentication configuration with hash as label, split by apiserver identity.",
            ),
        )
    }

    fn new(reloads: Family, last: Family, info: Family) -> Self {
        Self { reloads, last, info, seen: Arc::default() }
    }

    /// Counts what came of a file that is not as it was, or fares otherwise than before. The first look at
    /// it, when an engine is built, is no reload.
    pub(crate) fn observe(&self, metrics: &Metrics, text: &[u8], is_good: bool) {
        let is = Some((Sha256::digest(text).into(), is_good));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == is {
            return;
        }
        let is_first = std::mem::replace(&mut *seen, is).is_none();
        let server = ("apiserver_id_hash", SERVER_ID.as_str());
        if !is_first {
            let status = if is_good { "success" } else { "failure" };
            let labels = [("status", status), server];
            metrics.counter(&self.reloads, &labels).add(1);
            metrics.gauge(&self.last, &labels).set(now());
        }
        if is_good {
            let hash = sha256_label(text);
            metrics.set_info(&self.info, &["apiserver_id_hash"], &[server, ("hash", &hash)]);
        }
    }
}

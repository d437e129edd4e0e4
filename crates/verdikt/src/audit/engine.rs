//! What the engine says about the audit trail.

use std::time::Duration;

use super::{Arrival, AuditStatus, NotStored, Trail};
use crate::{Engine, Snapshot};

impl Engine {
    /// An id for a request that brings none, in the form of a random UUID.
    pub fn new_audit_id(&self) -> String {
        self.0.audit_ids.next()
    }

    /// Whether anything is recorded at all.
    #[inline]
    pub fn is_audited(&self) -> bool {
        self.0.auditor.is_some()
    }

    /// Whether recording may wait for a disk, so that it is not to be done where others wait for it.
    pub fn audit_blocks(&self) -> bool {
        self.0.auditor.as_ref().is_some_and(|auditor| auditor.is_blocking())
    }

    /// Records that a request is there, and begins its trail; none if the policy of `snapshot` has no
    /// interest in it. Whoever sent it must be known by now; nothing has been decided.
    ///
    /// # Errors
    /// If the arrival could not be stored, and the mode is `blocking-strict`: the request must fail.
    #[inline]
    pub fn begin_audit(
        &self,
        snapshot: &Snapshot,
        arrival: &Arrival<'_>,
    ) -> Result<Option<Trail>, NotStored> {
        match (&self.0.auditor, &snapshot.audit_policy) {
            (Some(auditor), Some(policy)) => auditor.begin(policy, arrival),
            _ => Ok(None),
        }
    }

    /// The trail of a request whose sender could not be identified. There is nothing in it but the
    /// answer.
    pub fn audit_unidentified(&self, snapshot: &Snapshot, arrival: &Arrival<'_>) -> Option<Trail> {
        match (&self.0.auditor, &snapshot.audit_policy) {
            (Some(auditor), Some(policy)) => auditor.unidentified(policy, arrival),
            _ => None,
        }
    }

    /// Waits until all events so far are where they should be, at most so long; whether they are.
    pub fn flush_audit(&self, most: Duration) -> bool {
        self.0.auditor.as_ref().is_none_or(|auditor| auditor.flush(most))
    }

    pub(crate) fn audit_status(&self) -> Option<AuditStatus> {
        self.0.auditor.as_ref().map(|auditor| auditor.status())
    }
}

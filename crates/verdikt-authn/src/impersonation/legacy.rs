//! Impersonation with the gate `ConstrainedImpersonation` off, as it was before 1.36.
//!
//! Follows `impersonation.go` of apiserver's `pkg/endpoints/filters/impersonation`.

use verdikt_core::{Attributes, Requester, User, groups};

use super::checks::{AUTHENTICATION, Answer, Ask};
use super::headers::Wanted;
use super::{Forbidden, Gate, Impersonated, add_system_group, names};

/// One check for each part of the user; the first that is refused ends it.
pub(super) fn impersonate(
    authorize: &dyn Fn(&Attributes<'_>) -> Answer,
    requestor: Requester<'_>,
    wanted: &Wanted,
) -> Result<Impersonated, Forbidden> {
    let ask = Ask { authorize, gate: Gate::Legacy, requestor, verb: "impersonate" };
    let core = ("", "");
    let Wanted { name, uid, groups, extra } = wanted;
    let mut groups = groups.clone();
    match names::service_account(name) {
        Some((namespace, name)) => {
            let question = ask.about(core, "serviceaccounts", name);
            ask.allowed(&Attributes { namespace, ..question })?;
            if groups.is_empty() {
                groups = groups::of_service_accounts(namespace).to_vec();
            }
        }
        None => ask.allowed(&ask.about(core, "users", name))?,
    }
    for group in &wanted.groups {
        ask.allowed(&ask.about(core, "groups", group))?;
    }
    for (key, values) in extra {
        for value in values {
            let question = ask.about(AUTHENTICATION, "userextras", value);
            ask.allowed(&Attributes { subresource: key, ..question })?;
        }
    }
    if !uid.is_empty() {
        ask.allowed(&ask.about(AUTHENTICATION, "uids", uid))?;
    }
    let mut user = User { name: name.clone(), uid: uid.clone(), groups, extra: extra.clone() };
    add_system_group(&mut user);
    Ok(Impersonated { user, constraint: "" })
}

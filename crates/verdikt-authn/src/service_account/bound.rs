//! What makes a bound token good: its times, and that what it is bound to is still there.
//!
//! Follows `pkg/serviceaccount/claims.go` (`validator.Validate`) and apiserver's
//! `pkg/authentication/serviceaccount/util.go` for the user. Binding to webhook configurations is behind
//! a feature gate that is off in 1.37.

use std::borrow::Cow;

use verdikt_core::User;

use super::Config;
use super::claims::{BoundClaims, PublicClaims, Reference};
use super::objects::{Object, Objects};
use crate::time::Moment;

/// Why a token is refused.
type Refusal = Cow<'static, str>;

/// The user, and the moment from which the token is no longer good.
pub(super) fn validate(
    config: &Config,
    now: Moment,
    public: &PublicClaims,
    private: &BoundClaims,
) -> Result<(User, Option<Moment>), Refusal> {
    check_times(now, public)?;
    let mut until = public.expiry.map(Moment::from_unix);
    if let Some(objects) = &config.objects {
        check_objects(objects, now, private, &mut until)?;
    }
    if private.is_webhook {
        return Err(Cow::Borrowed(
            "feature gate \"APIServerWebhookAuthenticationToken\" is disabled, but token is \
             webhook bound",
        ));
    }
    Ok((user(public, private), until))
}

fn check_times(now: Moment, claims: &PublicClaims) -> Result<(), Refusal> {
    let latest = now.plus_seconds(LEEWAY);
    let is_to_come =
        |seconds: Option<i64>| seconds.is_some_and(|seconds| latest < Moment::from_unix(seconds));
    let is_over =
        claims.expiry.is_some_and(|expiry| now.plus_seconds(-LEEWAY) > Moment::from_unix(expiry));
    let refusal = if is_to_come(claims.not_before) {
        "service account token is not valid yet"
    } else if is_over {
        "service account token has expired"
    } else if is_to_come(claims.issued_at) {
        "service account token is issued in the future"
    } else {
        return Ok(());
    };
    Err(Cow::Borrowed(refusal))
}

fn check_objects(
    objects: &Objects,
    now: Moment,
    claims: &BoundClaims,
    until: &mut Option<Moment>,
) -> Result<(), Refusal> {
    let BoundClaims { namespace, service_account: account, .. } = claims;
    let found = objects.service_account(namespace, &account.name)?;
    if found.uid != account.uid {
        return Err(format!(
            "service account UID ({}) does not match claim ({})",
            found.uid, account.uid
        )
        .into());
    }
    if is_gone(found, now, until) {
        let name = &account.name;
        return Err(format!("service account {namespace}/{name} has been deleted").into());
    }
    let mut check = |kind: &str, reference: &Reference, found: Option<&Object>| {
        check_bound(kind, reference, found, now, until)
    };
    if let Some(secret) = &claims.secret {
        let found = objects.secret(namespace, &secret.name).map(|secret| &secret.object);
        check("secret", secret, found)?;
    }
    if let Some(pod) = &claims.pod {
        check("pod", pod, objects.pod(namespace, &pod.name))?;
    }
    // The node of a pod's token is only a remark about the pod.
    if let (Some(node), None) = (&claims.node, &claims.pod) {
        check("node", node, objects.node(&node.name))?;
    }
    Ok(())
}

fn check_bound(
    kind: &str,
    reference: &Reference,
    found: Option<&Object>,
    now: Moment,
    until: &mut Option<Moment>,
) -> Result<(), Refusal> {
    let invalidated = Cow::Borrowed("service account token has been invalidated");
    let Some(found) = found else { return Err(invalidated) };
    if found.uid != reference.uid {
        let (actual, claimed) = (&found.uid, &reference.uid);
        return Err(format!(
            "{kind} UID ({actual}) does not match service account {kind} ref claim ({claimed})"
        )
        .into());
    }
    if is_gone(found, now, until) { Err(invalidated) } else { Ok(()) }
}

/// Whether an object was deleted longer ago than the leeway; if it will be, `until` says when at last.
fn is_gone(object: &Object, now: Moment, until: &mut Option<Moment>) -> bool {
    let Some(deletion) = object.deletion else { return false };
    if let super::objects::Deletion::At(at) = deletion {
        let last = at.plus_seconds(LEEWAY);
        *until = Some(until.map_or(last, |until| until.min(last)));
    }
    deletion.is_before(now.plus_seconds(-LEEWAY))
}

fn user(public: &PublicClaims, private: &BoundClaims) -> User {
    let BoundClaims { namespace, service_account, pod, node, .. } = private;
    let mut user = super::legacy::user(namespace, &service_account.name, &service_account.uid);
    let mut extra = |key: &str, value: &str| {
        user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value.to_owned()]);
    };
    if let Some(pod) = pod.as_ref().filter(|pod| !pod.name.is_empty() && !pod.uid.is_empty()) {
        extra("pod-name", &pod.name);
        extra("pod-uid", &pod.uid);
    }
    if !public.id.is_empty() {
        extra("credential-id", &format!("JTI={}", public.id));
    }
    if let Some(node) = node.as_ref().filter(|node| !node.name.is_empty()) {
        extra("node-name", &node.name);
        if !node.uid.is_empty() {
            extra("node-uid", &node.uid);
        }
    }
    user
}

/// Seconds by which clocks may differ, and for which deleted objects are still good.
const LEEWAY: i64 = 60;

//! What makes a legacy token good: that its Secret is there and holds it, and its service account too.
//!
//! Follows `pkg/serviceaccount/legacy.go` and apiserver's `pkg/authentication/serviceaccount/util.go`.
//! No times are checked, even if the token has some. The Secret is not labelled with the day of its last
//! use, as upstream does: nothing is ever written here.

use std::borrow::Cow;

use verdikt_core::{User, names, users};

use super::Config;
use super::claims::{LegacyClaims, PublicClaims};
use super::metrics::TokenMetrics;
use super::objects::{INVALID_SINCE, Objects};

/// Why a token is refused.
type Refusal = Cow<'static, str>;

pub(super) fn validate(
    config: &Config,
    metrics: &TokenMetrics,
    token: &str,
    public: &PublicClaims,
    private: &LegacyClaims,
) -> Result<User, Refusal> {
    let LegacyClaims { namespace, secret_name, service_account_name, service_account_uid } =
        private;
    for (claim, missing) in [
        (&public.subject, "sub claim is missing"),
        (namespace, "namespace claim is missing"),
        (secret_name, "secretName claim is missing"),
        (service_account_name, "serviceAccountName claim is missing"),
        (service_account_uid, "serviceAccountUID claim is missing"),
    ] {
        if claim.is_empty() {
            return Err(Cow::Borrowed(missing));
        }
    }
    if split_username(&public.subject) != Some((namespace, service_account_name)) {
        return Err(Cow::Borrowed("sub claim is invalid"));
    }
    match &config.objects {
        Some(objects) if config.lookup => check_objects(objects, metrics, token, private)?,
        _ => {}
    }
    Ok(user(namespace, service_account_name, service_account_uid))
}

fn check_objects(
    objects: &Objects,
    metrics: &TokenMetrics,
    token: &str,
    claims: &LegacyClaims,
) -> Result<(), Refusal> {
    let LegacyClaims { namespace, secret_name, service_account_name: name, .. } = claims;
    let secret = objects
        .secret(namespace, secret_name)
        .filter(|secret| secret.object.deletion.is_none())
        .ok_or(Cow::Borrowed("Token has been invalidated"))?;
    if !secret.token.as_ref().is_some_and(|copy| copy.matches(token.as_bytes())) {
        return Err(Cow::Borrowed("Token does not match server's copy"));
    }
    let account = objects.service_account(namespace, name)?;
    if account.deletion.is_some() {
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted").into());
    }
    if account.uid != claims.service_account_uid {
        let (actual, claimed) = (&account.uid, &claims.service_account_uid);
        return Err(
            format!("ServiceAccount UID ({actual}) does not match claim ({claimed})").into()
        );
    }
    if secret.is_invalid {
        metrics.invalidated();
        return Err(format!(
            "the token in secret {namespace}/{secret_name} for service account {namespace}/{name} \
             has been marked invalid. Use tokens from the TokenRequest API or manually created \
             secret-based tokens, or remove the '{INVALID_SINCE}' label from the secret to \
             temporarily allow use of this token"
        )
        .into());
    }
    Ok(())
}

/// The user a service account is.
pub(super) fn user(namespace: &str, name: &str, uid: &str) -> User {
    let mut user = User::service_account(namespace, name);
    uid.clone_into(&mut user.uid);
    user
}

/// Namespace and name of the service account with this user name, if it is one.
fn split_username(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) =
        username.strip_prefix(users::SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    let is_good = is_label(namespace) && names::dns1123_subdomain(name).is_empty();
    is_good.then_some((namespace, name))
}

fn is_label(name: &str) -> bool {
    name.len() <= 63 && !name.contains('.') && names::dns1123_subdomain(name).is_empty()
}

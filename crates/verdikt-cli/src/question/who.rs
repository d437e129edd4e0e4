//! Who asks: a user as `kubectl --as` would have it, or whoever a token belongs to.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use verdikt::{Credentials, Engine, Outcome, User, groups, users};

use crate::failure::Failure;
use crate::output::{BAD, Output};
use crate::report::printable;

/// Who asks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Who")]
pub(super) struct WhoFlags {
    #[command(flatten)]
    named: AsFlags,
    /// Bearer token to authenticate; without it and --as, the request has no credentials
    #[arg(long, value_name = "TOKEN", conflicts_with = "user")]
    token: Option<String>,
}

/// A user that is named, not authenticated.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Who")]
pub(crate) struct AsFlags {
    /// User; groups Kubernetes gives to every such user are added
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// Group of the user; repeatable
    #[arg(long = "as-group", value_name = "GROUP", requires = "user")]
    groups: Vec<String>,
    /// UID of the user
    #[arg(
        long = "as-uid",
        value_name = "UID",
        requires = "user",
        default_value = "",
        hide_default_value = true
    )]
    uid: String,
    /// Extra field of the user; repeatable
    #[arg(long = "as-user-extra", value_name = "KEY=VALUE", requires = "user",
          value_parser = key_and_value)]
    extra: Vec<(String, String)>,
}

impl AsFlags {
    /// The user, if one is named.
    pub(crate) fn user(&self) -> Option<User> {
        let AsFlags { user, groups, uid, extra } = self;
        user.as_ref().map(|name| impersonated(name, groups, uid, extra))
    }
}

impl WhoFlags {
    /// Who asks, or why nobody knows.
    pub(super) fn user(&self, engine: &Engine) -> Result<User, Unauthorized> {
        if let Some(user) = self.named.user() {
            return Ok(user);
        }
        let header = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let credentials = header.as_ref().map_or_else(Credentials::default, |header| {
            Credentials::authorization(header.as_bytes())
        });
        match engine.authenticate(&credentials) {
            Outcome::Authenticated(authenticated) => Ok(authenticated.user().clone()),
            Outcome::Failed(error) => Err(Unauthorized::new(&error.to_string())),
            Outcome::NoOpinion => Err(Unauthorized::new("no authenticator knows the credentials")),
        }
    }
}

/// The answer to credentials that are refused, which a server would answer with 401.
#[derive(Debug, Serialize)]
pub(crate) struct Unauthorized {
    allowed: bool,
    reason: String,
}

impl Unauthorized {
    fn new(error: &str) -> Self {
        Self { allowed: false, reason: format!("Unauthorized: {error}") }
    }

    /// Says so in the form that was asked for.
    pub(crate) fn show(&self, output: Output) -> Result<ExitCode, Failure> {
        output
            .write(self, |refused| format!("{BAD}no{BAD:#} - {}\n", printable(&refused.reason)))?;
        Ok(ExitCode::from(1))
    }
}

/// The user that `kubectl --as` makes: kube-apiserver adds the groups that follow from the name.
fn impersonated(name: &str, named: &[String], uid: &str, extra: &[(String, String)]) -> User {
    let mut all = named.to_vec();
    if named.is_empty()
        && let Some((namespace, _)) = service_account(name)
    {
        all.extend(groups::of_service_accounts(namespace));
    }
    // Whoever is named as unauthenticated is not authenticated as well.
    let is_anonymous = name == users::ANONYMOUS;
    let is_in = |group: &str| all.iter().any(|other| other == group);
    if is_anonymous && !is_in(groups::UNAUTHENTICATED) {
        all.push(groups::UNAUTHENTICATED.to_owned());
    } else if !is_anonymous && !is_in(groups::UNAUTHENTICATED) && !is_in(groups::AUTHENTICATED) {
        all.push(groups::AUTHENTICATED.to_owned());
    }
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (key, value) in extra {
        fields.entry(key.clone()).or_default().push(value.clone());
    }
    User { uid: uid.to_owned(), extra: fields, ..User::new(name, all) }
}

/// Namespace and name of a service account's user name.
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(users::SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is expected")?;
    // As kube-apiserver reads the header this would be sent in.
    Ok((key.to_lowercase(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impersonation_adds_the_groups_kubernetes_adds() {
        let groups_of = |name: &str, named: &[&str]| {
            let named: Vec<String> = named.iter().map(|&group| group.to_owned()).collect();
            impersonated(name, &named, "", &[]).groups.join(" ")
        };
        assert_eq!(groups_of("jane", &["dev"]), "dev system:authenticated");
        assert_eq!(groups_of("system:anonymous", &[]), "system:unauthenticated");
        assert_eq!(groups_of("jane", &["system:authenticated"]), "system:authenticated");
        assert_eq!(groups_of("jane", &["system:unauthenticated"]), "system:unauthenticated");
        assert_eq!(
            groups_of("system:serviceaccount:web:shop", &[]),
            "system:serviceaccounts system:serviceaccounts:web system:authenticated"
        );
        assert_eq!(groups_of("system:serviceaccount:web:shop", &["x"]), "x system:authenticated");
        assert_eq!(groups_of("system:serviceaccount:web", &[]), "system:authenticated");
    }
}

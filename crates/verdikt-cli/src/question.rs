//! The question of `check` and `explain`, in the words of `kubectl auth can-i`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use verdikt::resource_types::{self, ResourceType};
use verdikt::{Attributes, Credentials, Engine, Outcome, Selectors, User, groups, users};

use crate::failure::Failure;
use crate::output::{BAD, Output};
use crate::report::printable;

/// Who wants to do what.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Question")]
pub(crate) struct QuestionFlags {
    /// get, list, watch, create, update, patch, delete, …; of a URL the HTTP method in lower case
    verb: String,
    /// TYPE, TYPE/NAME or a URL path such as /healthz; TYPE may be short (deploy), and may have its
    /// API group (deployments.apps)
    #[arg(value_name = "TYPE[/NAME]|URL")]
    what: String,
    /// Namespace of the object
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,
    /// In all namespaces at once
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Subresource, such as log or status
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    subresource: String,
    /// Field selector of a list, watch or deletecollection
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    field_selector: String,
    /// Label selector of a list, watch or deletecollection
    #[arg(
        short = 'l',
        long = "selector",
        value_name = "SELECTOR",
        default_value = "",
        hide_default_value = true
    )]
    label_selector: String,
    #[command(flatten)]
    who: WhoFlags,
}

/// Who asks: a user as `kubectl --as` would have it, or whoever a token belongs to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Who")]
struct WhoFlags {
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
    /// Bearer token to authenticate; without it and --as, the request has no credentials
    #[arg(long, value_name = "TOKEN", conflicts_with = "user")]
    token: Option<String>,
}

/// The question, ready to be asked.
#[derive(Debug)]
pub(crate) struct Question {
    verb: String,
    target: Target,
    selectors: Option<Selectors>,
}

#[derive(Debug)]
enum Target {
    Path(String),
    Resource {
        api_group: String,
        api_version: String,
        resource: String,
        subresource: String,
        namespace: String,
        name: String,
    },
}

impl QuestionFlags {
    /// Understands the question; what is odd about it goes to standard error.
    pub(crate) fn question(&self) -> io::Result<Question> {
        let selectors = Selectors::parse(&self.field_selector, &self.label_selector);
        let target = if self.what.starts_with('/') {
            Target::Path(self.what.clone())
        } else {
            self.resource()?
        };
        self.warn_of_verb(&target)?;
        let selectors = Some(selectors).filter(|selectors| !selectors.is_empty());
        Ok(Question { verb: self.verb.clone(), target, selectors })
    }

    fn resource(&self) -> io::Result<Target> {
        let (written, name) = self.what.split_once('/').unwrap_or((&self.what, ""));
        let TypeName { resource, version, group, known } = TypeName::parse(written);
        if known.is_none() && group.is_none() && resource != "*" {
            warn(&format!(
                "{resource:?} is no type every cluster has; asked as written, in the core \
                           group (write TYPE.GROUP for another)"
            ))?;
        }
        let is_cluster_wide = known.is_some_and(|known| !known.namespaced);
        if is_cluster_wide && self.namespace != "default" {
            let group = known.map_or("", |known| known.api_group);
            warn(&format!("resource {resource:?} is not namespace scoped in group {group:?}"))?;
        }
        let namespace =
            if is_cluster_wide || self.all_namespaces { "" } else { self.namespace.as_str() };
        Ok(Target::Resource {
            api_group: known.map_or_else(|| group.unwrap_or_default(), |k| k.api_group.to_owned()),
            api_version: version.unwrap_or_default(),
            resource,
            subresource: self.subresource.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    fn warn_of_verb(&self, target: &Target) -> io::Result<()> {
        let known: &[&str] = match target {
            Target::Path(_) => &["get", "put", "post", "head", "options", "delete", "patch", "*"],
            Target::Resource { .. } => &[
                "get",
                "list",
                "watch",
                "create",
                "update",
                "patch",
                "delete",
                "deletecollection",
                "use",
                "bind",
                "escalate",
                "impersonate",
                "approve",
                "sign",
                "attest",
                "*",
            ],
        };
        let verb = &self.verb;
        let is_known = known.contains(&verb.as_str()) || verb.starts_with("impersonate");
        if is_known { Ok(()) } else { warn(&format!("verb {verb:?} is not a known verb")) }
    }

    /// Who asks, or why nobody knows.
    pub(crate) fn user(&self, engine: &Engine) -> Result<User, Unauthorized> {
        let WhoFlags { user, groups, uid, extra, token } = &self.who;
        if let Some(name) = user {
            return Ok(impersonated(name, groups, uid, extra));
        }
        let header = token.as_ref().map(|token| format!("Bearer {token}"));
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

impl Question {
    pub(crate) fn attributes<'a>(&'a self, user: &'a User) -> Attributes<'a> {
        let verb = &self.verb;
        match &self.target {
            Target::Path(path) => Attributes::non_resource(user, verb, path),
            Target::Resource { api_group, api_version, resource, subresource, namespace, name } => {
                Attributes {
                    namespace,
                    api_group,
                    api_version,
                    subresource,
                    name,
                    selectors: self.selectors.as_ref(),
                    ..Attributes::resource(user, verb, resource)
                }
            }
        }
    }

    /// The question in a few words: `get pods/web -n dev`.
    pub(crate) fn words(&self) -> String {
        let Self { verb, target, .. } = self;
        let words = match target {
            Target::Path(path) => format!("{verb} {path}"),
            Target::Resource { api_group, resource, subresource, namespace, name, .. } => {
                let of = |separator, part: &str| {
                    if part.is_empty() { String::new() } else { format!("{separator}{part}") }
                };
                let group = of(".", api_group);
                let subresource = of("/", subresource);
                let name = of(" ", name);
                let namespace = of(" in ", namespace);
                format!("{verb} {resource}{group}{subresource}{name}{namespace}")
            }
        };
        printable(&words)
    }
}

/// A type as it is written: `pods`, `deploy`, `deployments.apps`, `deployments.v1.apps`.
struct TypeName {
    resource: String,
    version: Option<String>,
    group: Option<String>,
    known: Option<&'static ResourceType>,
}

impl TypeName {
    fn parse(written: &str) -> Self {
        let written = written.to_lowercase();
        let (name, rest) = match written.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (written.as_str(), None),
        };
        let (version, group) = match rest.map(|rest| rest.split_once('.').unwrap_or((rest, ""))) {
            Some((version, group)) if is_version(version) => (Some(version), Some(group)),
            _ => (None, rest),
        };
        let known = resource_types::find(name, group);
        Self {
            resource: known.map_or(name, |known| known.resource).to_owned(),
            version: version.map(str::to_owned),
            group: group.map(str::to_owned),
            known,
        }
    }
}

/// Whether a word is an API version, such as v1 or v1beta2.
fn is_version(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = word.strip_prefix('v') else { return false };
    let stages = ["alpha", "beta"].into_iter().find_map(|stage| rest.split_once(stage));
    stages.map_or_else(|| digits(rest), |(major, minor)| digits(major) && digits(minor))
}

/// The user that `kubectl --as` makes: kube-apiserver adds the groups that follow from the name.
fn impersonated(name: &str, named: &[String], uid: &str, extra: &[(String, String)]) -> User {
    let mut all = named.to_vec();
    if named.is_empty()
        && let Some((namespace, _)) = service_account(name)
    {
        all.push("system:serviceaccounts".to_owned());
        all.push(format!("system:serviceaccounts:{namespace}"));
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
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is expected")?;
    // As kube-apiserver reads the header this would be sent in.
    Ok((key.to_lowercase(), value.to_owned()))
}

fn warn(text: &str) -> io::Result<()> {
    writeln!(anstream::stderr(), "warning: {}", printable(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_for_kubectl() {
        let check = |written, resource, version: Option<&str>, group: &str| {
            let found = TypeName::parse(written);
            let api_group = found.known.map_or_else(
                || found.group.unwrap_or_default(),
                |known| known.api_group.to_owned(),
            );
            assert_eq!((found.resource.as_str(), found.version.as_deref()), (resource, version));
            assert_eq!(api_group, group, "{written}");
        };
        check("pods", "pods", None, "");
        check("Pod", "pods", None, "");
        check("deploy", "deployments", None, "apps");
        check("deployments.apps", "deployments", None, "apps");
        check("deployments.v1.apps", "deployments", Some("v1"), "apps");
        check("pods.v1", "pods", Some("v1"), "");
        check(
            "virtualservices.networking.istio.io",
            "virtualservices",
            None,
            "networking.istio.io",
        );
        check("foos.v2beta1.example.com", "foos", Some("v2beta1"), "example.com");
        check("foos.vault.io", "foos", None, "vault.io");
        check("*", "*", None, "");
    }

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

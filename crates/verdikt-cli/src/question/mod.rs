//! The question of `check` and `explain`, in the words of `kubectl auth can-i`.

mod type_name;
mod who;

use std::io::{self, Write as _};

use clap::Args;
use verdikt::{Attributes, Engine, Selectors, User};

use self::type_name::TypeName;
pub(crate) use self::who::AsFlags;
use self::who::{Unauthorized, WhoFlags};
use crate::report::printable;

/// Who wants to do what.
#[derive(Args, Clone, Debug)]
pub(crate) struct QuestionFlags {
    #[command(flatten)]
    what: WhatFlags,
    #[command(flatten, next_help_heading = "Question")]
    who: WhoFlags,
}

/// What is to be done, whoever does it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Question")]
pub(crate) struct WhatFlags {
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
        self.what.question()
    }

    /// Who asks, or the refusal of their credentials.
    pub(crate) fn user(&self, engine: &Engine) -> Result<User, Unauthorized> {
        self.who.user(engine)
    }
}

impl WhatFlags {
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

    /// The selectors of fields and of labels, as they are written.
    pub(crate) fn selectors(&self) -> [&str; 2] {
        [&self.field_selector, &self.label_selector]
    }

    /// Whether it is asked of all namespaces.
    pub(crate) fn of_all_namespaces(&self) -> bool {
        self.all_namespaces
    }
}

impl Question {
    pub(crate) fn attributes<'a>(&'a self, user: &'a User) -> Attributes<'a> {
        Attributes { user: Some(user.into()), ..self.request() }
    }

    /// What is to be done, by nobody yet.
    pub(crate) fn request(&self) -> Attributes<'_> {
        let verb = &self.verb;
        match &self.target {
            Target::Path(path) => Attributes { verb, path, ..Attributes::default() },
            Target::Resource { api_group, api_version, resource, subresource, namespace, name } => {
                Attributes {
                    namespace,
                    api_group,
                    api_version,
                    subresource,
                    name,
                    selectors: self.selectors.as_ref(),
                    verb,
                    resource,
                    resource_request: true,
                    ..Attributes::default()
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

fn warn(text: &str) -> io::Result<()> {
    writeln!(anstream::stderr(), "warning: {}", printable(text))
}

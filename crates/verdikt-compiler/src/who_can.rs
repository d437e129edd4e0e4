//! Who can? The vocabulary of the question that is asked backwards: no user, and all subjects for an answer.
//!
//! Each authorizer answers in a `who_can.rs` of its own. What they say is exact: a user may do what was asked if
//! and only if one of the subjects is theirs ([`Subject::is`]).

use serde::{Serialize, Serializer};
use verdikt_core::{User, users};

/// Whom policy names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Subject {
    /// What kind of subject it is.
    pub kind: Kind,
    /// Its name; empty for everyone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Namespace of a service account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// A group that the user must be in as well (ABAC has such subjects, and nodes are).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
}

/// Kinds of subjects, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// Anyone at all, without credentials, too.
    Everyone,
    /// All members of a group.
    Group,
    /// A user by name.
    User,
    /// The user that a service account is.
    ServiceAccount,
}

/// In which namespaces something is asked, or permitted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// For the cluster as a whole and in every namespace.
    Everywhere,
    /// For the cluster as a whole alone.
    Cluster,
    /// In one namespace.
    Namespace(String),
}

/// Where the question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// In the namespace of the request, or, if it has none, for the cluster as a whole.
    There,
    /// There, and in every namespace.
    Everywhere,
}

impl Subject {
    /// Anyone.
    pub fn everyone() -> Self {
        Self::of(Kind::Everyone, "")
    }

    /// The members of a group.
    pub fn group(name: &str) -> Self {
        Self::of(Kind::Group, name)
    }

    /// A user, which is a service account if it is called like one.
    pub fn user(name: &str) -> Self {
        let account = name
            .strip_prefix(users::SERVICE_ACCOUNT_PREFIX)
            .and_then(|account| account.split_once(':'));
        match account {
            Some((namespace, name)) => {
                Self { namespace: namespace.to_owned(), ..Self::of(Kind::ServiceAccount, name) }
            }
            None => Self::of(Kind::User, name),
        }
    }

    /// A service account.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        // Of namespaces and names with colons several make one user.
        Self::user(&User::service_account(namespace, name).name)
    }

    /// A user, if in a group.
    pub fn member(name: &str, group: &str) -> Self {
        Self { group: group.to_owned(), ..Self::user(name) }
    }

    fn of(kind: Kind, name: &str) -> Self {
        let none = String::new;
        Self { kind, name: name.to_owned(), namespace: none(), group: none() }
    }

    /// The name of the user; none for groups and everyone.
    pub fn user_name(&self) -> Option<String> {
        match self.kind {
            Kind::Everyone | Kind::Group => None,
            Kind::User => Some(self.name.clone()),
            Kind::ServiceAccount => Some(User::service_account(&self.namespace, &self.name).name),
        }
    }

    /// Whether a user is meant.
    pub fn is(&self, user: &User) -> bool {
        let is_named = match self.kind {
            Kind::Everyone => true,
            Kind::Group => user.is_in(&self.name),
            Kind::User | Kind::ServiceAccount => self.user_name().as_deref() == Some(&user.name),
        };
        is_named && (self.group.is_empty() || user.is_in(&self.group))
    }
}

/// `Group "dev"`, `ServiceAccount "shop/web"`, `User "jane" in Group "dev"`.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, namespace, group } = self;
        match kind {
            Kind::Everyone => f.write_str("everyone")?,
            Kind::ServiceAccount => {
                write!(f, "ServiceAccount {:?}", format!("{namespace}/{name}"))?
            }
            kind => write!(f, "{kind:?} {name:?}")?,
        }
        if group.is_empty() { Ok(()) } else { write!(f, " in Group {group:?}") }
    }
}

impl Scope {
    /// The namespace of a policy, where `*` is any.
    pub(crate) fn of(namespace: &str) -> Self {
        match namespace {
            "*" => Self::Everywhere,
            "" => Self::Cluster,
            name => Self::Namespace(name.to_owned()),
        }
    }

    /// Whether a request with this namespace, or without one, lies in it.
    pub fn covers(&self, namespace: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Cluster => namespace.is_empty(),
            Self::Namespace(name) => name == namespace,
        }
    }
}

/// As ABAC writes namespaces: `*`, an empty text, or the name.
impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Everywhere => "*",
            Self::Cluster => "",
            Self::Namespace(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_is_a_user_of_that_name() {
        let account = Subject::user("system:serviceaccount:a:b:ci");
        assert_eq!(account.to_string(), r#"ServiceAccount "a/b:ci""#);
        assert_eq!(account.user_name().as_deref(), Some("system:serviceaccount:a:b:ci"));
        assert_eq!(Subject::user("system:serviceaccount:a").kind, Kind::User);
    }

    #[test]
    fn a_subject_is_whom_it_names() {
        let jane = User::new("jane", ["dev"]);
        let check = |subject: Subject, expected: bool| {
            assert_eq!(subject.is(&jane), expected, "{subject}");
        };
        check(Subject::everyone(), true);
        check(Subject::group("dev"), true);
        check(Subject::group("ops"), false);
        check(Subject::user("jane"), true);
        check(Subject::user("dev"), false);
        check(Subject::member("jane", "dev"), true);
        check(Subject::member("jane", "ops"), false);
    }
}

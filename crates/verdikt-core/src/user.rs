//! Who a request comes from, once a credential has been accepted.

use std::collections::BTreeMap;

use crate::same;

/// An authenticated (or anonymous) user, as Kubernetes' `user.Info`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name that `User` subjects and ABAC lines refer to; may be empty.
    pub name: String,
    /// An identifier that stays with this user when the name is given to another; often empty.
    pub uid: String,
    /// Groups in the authenticator's order; duplicates are kept, as upstream does.
    pub groups: Vec<String>,
    /// Further facts, such as `authentication.kubernetes.io/credential-id`; never looked at by RBAC.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user with a name and groups, without uid and extra.
    pub fn new<G: Into<String>>(
        name: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        Self {
            name: name.into(),
            groups: groups.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The user that a service account is, in the groups that all of its namespace are in. Its tokens give it
    /// `system:authenticated` besides, as those of everyone.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let user = format!("{}{namespace}:{name}", users::SERVICE_ACCOUNT_PREFIX);
        Self::new(user, groups::of_service_accounts(namespace))
    }

    /// The user of a request without credentials: `system:anonymous` in `system:unauthenticated`.
    pub fn anonymous() -> Self {
        Self::new(users::ANONYMOUS, [groups::UNAUTHENTICATED])
    }

    /// Whether the user is a member of `group` (exact comparison).
    #[inline]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|member| same(member.as_bytes(), group.as_bytes()))
    }
}

/// Names of users that Kubernetes itself knows.
pub mod users {
    /// A request without credentials.
    pub const ANONYMOUS: &str = "system:anonymous";
    /// Behind it come the namespace of a service account, `:`, and its name.
    pub const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
}

/// Names of groups that Kubernetes itself knows.
pub mod groups {
    /// Members may do everything, before any authorizer is asked.
    pub const MASTERS: &str = "system:masters";
    /// Everyone whose credential was accepted.
    pub const AUTHENTICATED: &str = "system:authenticated";
    /// Requests without credentials.
    pub const UNAUTHENTICATED: &str = "system:unauthenticated";
    /// The nodes of the cluster.
    pub const NODES: &str = "system:nodes";

    /// Those that the service accounts of a namespace are in.
    pub fn of_service_accounts(namespace: &str) -> [String; 2] {
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
    }
}

//! Authorization modes, spelt as kube-apiserver's `--authorization-mode` spells them.

use std::fmt;
use std::str::FromStr;

/// An authorizer that can be put into the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Allows everything.
    AlwaysAllow,
    /// Has no opinion on anything, and says `Everything is forbidden.`.
    AlwaysDeny,
    /// Policy lines of `--authorization-policy-file`.
    Abac,
    /// Roles and bindings of the policy folders.
    Rbac,
    /// What is bound to each node: pods, volumes and the like, from the policy folders and from events.
    Node,
    /// Whoever answers at the server of `--authorization-webhook-config-file`.
    Webhook,
}

impl Mode {
    /// The spelling of the flag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlwaysAllow => "AlwaysAllow",
            Self::AlwaysDeny => "AlwaysDeny",
            Self::Abac => "ABAC",
            Self::Rbac => "RBAC",
            Self::Node => "Node",
            Self::Webhook => "Webhook",
        }
    }

    /// The authorizer's name in joined reasons: the mode in lower case; that of a webhook which flags
    /// name is `default`.
    pub fn authorizer_name(self) -> &'static str {
        match self {
            Self::AlwaysAllow => "alwaysallow",
            Self::AlwaysDeny => "alwaysdeny",
            Self::Abac => "abac",
            Self::Rbac => "rbac",
            Self::Node => "node",
            Self::Webhook => "default",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    /// Case counts, as upstream.
    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Ok(match text {
            "AlwaysAllow" => Self::AlwaysAllow,
            "AlwaysDeny" => Self::AlwaysDeny,
            "ABAC" => Self::Abac,
            "RBAC" => Self::Rbac,
            "Node" => Self::Node,
            "Webhook" => Self::Webhook,
            _ => return Err(UnknownMode(text.to_owned())),
        })
    }
}

/// A mode that Kubernetes does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMode(String);

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "authorization-mode {:?} is not a valid mode", self.0)
    }
}

impl std::error::Error for UnknownMode {}

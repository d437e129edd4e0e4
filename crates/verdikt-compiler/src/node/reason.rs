//! Why the Node authorizer has no opinion: as data, and in Kubernetes' own words when someone asks.

use verdikt_core::{Attributes, GoQuoted};

use super::lookup::node_name;

/// Why a request is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The user is no node.
    NotANode,
    /// No rule permits it, and upstream has no words for that.
    Unsaid,
    /// Words that are always the same.
    Said(&'static str),
    /// The user has the prefix and the group of nodes, but no name.
    NamelessNode,
    /// Nothing leads from the object to the node.
    NoRelationship,
    /// All nodes were to be read.
    AllNodes,
    /// Another node was to be read.
    OtherNode,
    /// A verb that PodCertificateRequests do not have for nodes.
    CertificateRequestVerb,
}

impl Refusal {
    /// In Kubernetes' words, about the request that was refused; may be empty.
    pub fn text(self, request: &Attributes<'_>) -> String {
        let node = request.user.and_then(|user| node_name(user.user())).unwrap_or_default();
        match self {
            Self::NotANode | Self::Unsaid => String::new(),
            Self::Said(text) => text.to_owned(),
            Self::NamelessNode => {
                let user = request.user.map_or("", |user| &user.user().name);
                format!("unknown node for user {}", GoQuoted(user))
            }
            Self::NoRelationship => {
                format!("no relationship found between node '{node}' and this object")
            }
            Self::AllNodes => {
                format!("node '{node}' cannot read all nodes, only its own Node object")
            }
            Self::OtherNode => {
                format!("node '{node}' cannot read '{}', only its own Node object", request.name)
            }
            Self::CertificateRequestVerb => {
                format!("nodes may not {} podcertificaterequests", request.verb)
            }
        }
    }
}

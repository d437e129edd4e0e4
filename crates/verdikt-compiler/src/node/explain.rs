//! Why a node may or may not do something, for people.

use verdikt_core::Attributes;

use super::index::Index;
use super::lookup::{Ground, node_name};
use super::record::Kind;

/// Why a request of a node is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// `Node "n1"`.
    pub node: String,
    /// What permits it, in a sentence.
    pub rule: String,
}

impl Index {
    /// What allows the request, if anything does.
    pub fn explain(&self, request: &Attributes<'_>) -> Option<Explanation> {
        let ground = self.lookup(request).ok()?;
        let node = node_name(request.user?.user())?;
        let Attributes { verb, resource, .. } = *request;
        let rule = match ground {
            Ground::Reached => self.way(node, request),
            Ground::OwnName => format!("a node may {verb} {resource} under its own name"),
            Ground::OwnSelector => {
                format!("a node may {verb} {resource} selected by `spec.nodeName={node}`")
            }
            Ground::Everyone => format!(
                "every node may {verb} {resource}; which of them is for the admission plugin \
                 NodeRestriction to say"
            ),
            Ground::Rule => format!("every node may {verb} {resource}, whatever runs on it"),
        };
        Some(Explanation { node: format!("Node {node:?}"), rule })
    }

    fn way(&self, node: &str, request: &Attributes<'_>) -> String {
        let Attributes { namespace, name, .. } = *request;
        let Some(kind) = kind(request) else { return String::new() };
        let ways = self.ways(node, kind, namespace, name);
        let word = kind.word();
        let object =
            if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
        match kind {
            Kind::Pod
            | Kind::VolumeAttachment
            | Kind::ResourceSlice
            | Kind::PodCertificateRequest => {
                format!("{word} `{object}` is bound to the node")
            }
            _ if ways == 1 => format!("one pod on the node leads to {word} `{object}`"),
            _ => format!("{ways} ways lead from pods on the node to {word} `{object}`"),
        }
    }
}

/// The kind of object that a resource is, of those that are reached.
fn kind(request: &Attributes<'_>) -> Option<Kind> {
    Some(match (request.api_group, request.resource) {
        ("", "secrets") => Kind::Secret,
        ("", "configmaps") => Kind::ConfigMap,
        ("", "pods") => Kind::Pod,
        ("", "serviceaccounts") => Kind::ServiceAccount,
        ("", "persistentvolumeclaims") => Kind::Claim,
        ("", "persistentvolumes") => Kind::Volume,
        ("storage.k8s.io", "volumeattachments") => Kind::VolumeAttachment,
        ("resource.k8s.io", "resourceclaims") => Kind::ResourceClaim,
        ("resource.k8s.io", "resourceslices") => Kind::ResourceSlice,
        ("certificates.k8s.io", "podcertificaterequests") => Kind::PodCertificateRequest,
        _ => return None,
    })
}

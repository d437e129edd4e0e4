//! Objects that say which node may read what, as far as the Node authorizer looks at them.
//!
//! Follows `plugin/pkg/auth/authorizer/node/graph.go` and the visitors it calls
//! (`pkg/api/v1/pod/util.go`, `pkg/api/v1/persistentvolume/util.go`): a list here holds what a visitor
//! would come by, without empty names and without doubles.

use crate::{Origin, PolicySet};

/// A Pod: what it refers to, all in its own namespace, and the node it is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`; empty in most manifests.
    pub uid: String,
    /// `metadata.deletionTimestamp`, if it is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Whether the annotation `kubernetes.io/config.mirror` is there, whatever its value: the pod is
    /// the image of a file on the node, and grants nothing but itself.
    pub is_mirror: bool,
    /// `spec.nodeName`; empty until it is scheduled.
    pub node_name: String,
    /// `spec.serviceAccountName`; the deprecated `serviceAccount` is not read.
    pub service_account: String,
    /// Secrets: those pulled images with, in the environment, and of volumes.
    pub secrets: Vec<String>,
    /// ConfigMaps, likewise.
    pub config_maps: Vec<String>,
    /// PersistentVolumeClaims, those made for generic ephemeral volumes included.
    pub claims: Vec<String>,
    /// ResourceClaims that exist for it as far as its status tells, that for extended resources
    /// included.
    pub resource_claims: Vec<String>,
    /// Number of `spec.ephemeralContainers`, which may grow while the pod runs.
    pub ephemeral_containers: usize,
    /// `status.resourceClaimStatuses`.
    pub claim_statuses: Vec<ClaimStatus>,
    /// `status.extendedResourceClaimStatus`.
    pub extended_claim: Option<ExtendedClaimStatus>,
    /// Where it was read.
    pub origin: Origin,
}

/// Which ResourceClaim was made for an entry of `spec.resourceClaims`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimStatus {
    /// Name of the entry.
    pub name: String,
    /// Name of the claim; none if none is needed.
    pub resource_claim: Option<String>,
}

/// Which ResourceClaim was made for a pod's extended resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedClaimStatus {
    /// Name of the claim.
    pub resource_claim: String,
    /// `requestMappings`, in order.
    pub request_mappings: Vec<RequestMapping>,
}

/// Which request of a claim is for which resource of which container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestMapping {
    /// The container.
    pub container_name: String,
    /// Its extended resource.
    pub resource_name: String,
    /// The request of the claim.
    pub request_name: String,
}

/// A PersistentVolume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersistentVolume {
    /// `metadata.name`.
    pub name: String,
    /// `spec.claimRef`, if it is there: the claim it is bound to.
    pub claim: Option<ObjectName>,
    /// Secrets that a kubelet needs to mount it. Where the volume says no namespace and may leave it
    /// out, it is the claim's.
    pub secrets: Vec<ObjectName>,
    /// Where it was read.
    pub origin: Origin,
}

/// A namespace and a name in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The namespace; may be empty.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// A VolumeAttachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeAttachment {
    /// `metadata.name`.
    pub name: String,
    /// `spec.nodeName`.
    pub node_name: String,
    /// Where it was read.
    pub origin: Origin,
}

/// A ResourceSlice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceSlice {
    /// `metadata.name`.
    pub name: String,
    /// `spec.nodeName`; empty for slices of several nodes.
    pub node_name: String,
    /// Where it was read.
    pub origin: Origin,
}

/// A PodCertificateRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodCertificateRequest {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `spec.nodeName`.
    pub node_name: String,
    /// Where it was read.
    pub origin: Origin,
}

/// An object of one of the kinds the Node authorizer watches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeObject {
    /// A Pod.
    Pod(Box<Pod>),
    /// A PersistentVolume.
    PersistentVolume(PersistentVolume),
    /// A VolumeAttachment.
    VolumeAttachment(VolumeAttachment),
    /// A ResourceSlice.
    ResourceSlice(ResourceSlice),
    /// A PodCertificateRequest.
    PodCertificateRequest(PodCertificateRequest),
}

impl NodeObject {
    /// The kind, as manifests spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pod(_) => "Pod",
            Self::PersistentVolume(_) => "PersistentVolume",
            Self::VolumeAttachment(_) => "VolumeAttachment",
            Self::ResourceSlice(_) => "ResourceSlice",
            Self::PodCertificateRequest(_) => "PodCertificateRequest",
        }
    }
}

macro_rules! from {
    ($($kind:ident),*) => {$(
        impl From<$kind> for NodeObject {
            fn from(object: $kind) -> Self {
                Self::$kind(object)
            }
        }
    )*};
}

impl From<Pod> for NodeObject {
    fn from(pod: Pod) -> Self {
        Self::Pod(Box::new(pod))
    }
}

from!(PersistentVolume, VolumeAttachment, ResourceSlice, PodCertificateRequest);

impl PolicySet {
    /// The objects that the Node authorizer watches, one by one.
    pub fn into_node_objects(self) -> impl Iterator<Item = NodeObject> {
        let pods = self.pods.into_iter().map(NodeObject::from);
        pods.chain(self.persistent_volumes.into_iter().map(NodeObject::from))
            .chain(self.volume_attachments.into_iter().map(NodeObject::from))
            .chain(self.resource_slices.into_iter().map(NodeObject::from))
            .chain(self.pod_certificate_requests.into_iter().map(NodeObject::from))
    }
}

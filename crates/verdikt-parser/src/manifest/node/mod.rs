//! Kinds the Node authorizer watches. Only what it looks at is read, and no field is unknown: a pod has
//! hundreds that mean nothing here.

mod fields;
mod pod;
#[cfg(test)]
mod tests;
mod volume;

use self::fields::NO_FIELDS;
use super::Reader;
use super::decode::Field;
use super::rbac::Meta;
use crate::Origin;
use crate::document::Node;
use crate::node::{PodCertificateRequest, ResourceSlice, VolumeAttachment};

/// How objects of one kind are read.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    group: &'static str,
    kind: &'static str,
    versions: &'static [&'static str],
}

impl Kind {
    /// The kind of that name in the group of `api_version`, whatever the version, with whether the
    /// version is one that Kubernetes has.
    pub(super) fn find(api_version: &str, kind: &str) -> Option<(Self, bool)> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let found = KINDS.iter().find(|known| known.kind == kind && known.group == group)?;
        Some((*found, found.versions.contains(&version)))
    }

    /// Whether lists of objects of `api_version` are opened.
    pub(super) fn is_group(api_version: &str) -> bool {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        !group.is_empty() && KINDS.iter().any(|known| known.group == group)
    }

    /// What to write instead of a version that is not known.
    pub(super) fn help(self) -> String {
        let version = self.versions.first().copied().unwrap_or_default();
        match self.group {
            "" => format!("write {version}"),
            group => format!("write {group}/{version}"),
        }
    }

    pub(super) fn read(self, reader: &mut Reader<'_>, node: &Node, origin: Origin) {
        match self.kind {
            "Pod" => reader.pod(node, origin),
            "PersistentVolume" => reader.persistent_volume(node, origin),
            "VolumeAttachment" => reader.volume_attachment(node, origin),
            "ResourceSlice" => reader.resource_slice(node, origin),
            _ => reader.pod_certificate_request(node, origin),
        }
    }
}

/// The newest version of each first.
const KINDS: &[Kind] = &[
    Kind { group: "", kind: "Pod", versions: &["v1"] },
    Kind { group: "", kind: "PersistentVolume", versions: &["v1"] },
    Kind {
        group: "storage.k8s.io",
        kind: "VolumeAttachment",
        versions: &["v1", "v1beta1", "v1alpha1"],
    },
    Kind {
        group: "resource.k8s.io",
        kind: "ResourceSlice",
        versions: &["v1", "v1beta2", "v1beta1", "v1alpha3"],
    },
    Kind {
        group: "certificates.k8s.io",
        kind: "PodCertificateRequest",
        versions: &["v1", "v1beta1", "v1alpha1"],
    },
];

impl Reader<'_> {
    fn volume_attachment(&mut self, node: &Node, origin: Origin) {
        let (meta, node_name) = self.bound_to_node(node, "VolumeAttachment");
        self.check_cluster_scoped(&meta, node.at);
        let object = VolumeAttachment { name: meta.name, node_name, origin };
        self.manifest.volume_attachments.push(object);
    }

    fn resource_slice(&mut self, node: &Node, origin: Origin) {
        let (meta, node_name) = self.bound_to_node(node, "ResourceSlice");
        self.check_cluster_scoped(&meta, node.at);
        let object = ResourceSlice { name: meta.name, node_name, origin };
        self.manifest.resource_slices.push(object);
    }

    fn pod_certificate_request(&mut self, node: &Node, origin: Origin) {
        let (meta, node_name) = self.bound_to_node(node, "PodCertificateRequest");
        let namespace = self.namespace(&meta, node.at);
        let object = PodCertificateRequest { name: meta.name, namespace, node_name, origin };
        self.manifest.pod_certificate_requests.push(object);
    }

    /// The metadata, and `spec.nodeName`, which is all that matters of these kinds.
    fn bound_to_node(&mut self, node: &Node, of: &'static str) -> (Meta, String) {
        let object = self.decoder.entries(node, Field { of, path: "" });
        let meta = node.get("metadata").map(|node| self.meta(node)).unwrap_or_default();
        let spec = self.decoder.map(object, "spec", Field { of, path: "" }).unwrap_or(NO_FIELDS);
        let node_name = self.decoder.text(spec, "nodeName", Field { of, path: "spec" });
        (meta, node_name)
    }
}

//! PersistentVolumes: the claim they are bound to, and the secrets a kubelet needs to mount them.
//!
//! Follows `pkg/api/v1/persistentvolume/util.go`.

use super::fields::{Fields, NO_FIELDS};
use crate::Origin;
use crate::document::Node;
use crate::manifest::Reader;
use crate::manifest::decode::{Decoder, Field};
use crate::node::{ObjectName, PersistentVolume};

impl Reader<'_> {
    pub(super) fn persistent_volume(&mut self, node: &Node, origin: Origin) {
        let object = Field { of: "PersistentVolume", path: "" };
        let fields = self.decoder.entries(node, object);
        let meta = node.get("metadata").map(|node| self.meta(node)).unwrap_or_default();
        self.check_cluster_scoped(&meta, node.at);
        let spec = self.decoder.map(fields, "spec", object).unwrap_or(NO_FIELDS);
        let claim = self.decoder.map(spec, "claimRef", SPEC).map(|reference| {
            let at = Field { of: "ObjectReference", path: "spec.claimRef" };
            ObjectName {
                namespace: self.decoder.text(reference, "namespace", at),
                name: self.decoder.text(reference, "name", at),
            }
        });
        let claim_namespace = claim.as_ref().map_or("", |claim| claim.namespace.as_str());
        let mut secrets = self.decoder.volume_source(spec, claim_namespace);
        secrets.retain(|secret| !secret.name.is_empty());
        secrets.sort_unstable();
        secrets.dedup();
        let volume = PersistentVolume { name: meta.name, claim, secrets, origin };
        self.manifest.persistent_volumes.push(volume);
    }
}

impl Decoder<'_> {
    /// A volume has one source. Should it have several, the first of this order counts.
    fn volume_source(&mut self, spec: Fields<'_>, claim_namespace: &str) -> Vec<ObjectName> {
        for (source, namespace) in SOURCES {
            let Some(fields) = self.map(spec, source, SPEC) else { continue };
            if source == "azureFile" {
                let namespace = self.text(fields, "secretNamespace", SPEC);
                let name = self.text(fields, "secretName", SPEC);
                return vec![ObjectName { namespace: or(namespace, claim_namespace), name }];
            }
            let mut secrets = Vec::new();
            let references = if source == "csi" { CSI_REFERENCES } else { &["secretRef"] };
            for reference in references {
                let Some(fields) = self.map(fields, reference, SPEC) else { continue };
                let mut secret = ObjectName {
                    namespace: self.text(fields, "namespace", SPEC),
                    name: self.text(fields, "name", SPEC),
                };
                if let Namespace::OrThatOfTheClaim = namespace {
                    secret.namespace = or(secret.namespace, claim_namespace);
                }
                secrets.push(secret);
            }
            return secrets;
        }
        Vec::new()
    }
}

fn or(namespace: String, default: &str) -> String {
    if namespace.is_empty() { default.to_owned() } else { namespace }
}

/// Which namespace a secret is in.
#[derive(Clone, Copy)]
enum Namespace {
    /// The one that is written, even if it is none.
    AsWritten,
    /// The one that is written, or that of the claim.
    OrThatOfTheClaim,
}

const SOURCES: [(&str, Namespace); 9] = [
    ("azureFile", Namespace::OrThatOfTheClaim),
    ("cephfs", Namespace::OrThatOfTheClaim),
    ("cinder", Namespace::AsWritten),
    ("flexVolume", Namespace::OrThatOfTheClaim),
    ("rbd", Namespace::OrThatOfTheClaim),
    ("scaleIO", Namespace::OrThatOfTheClaim),
    ("iscsi", Namespace::OrThatOfTheClaim),
    ("storageos", Namespace::AsWritten),
    ("csi", Namespace::AsWritten),
];

/// Those for the controller are not for kubelets.
const CSI_REFERENCES: &[&str] =
    &["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"];

const SPEC: Field<'static> = Field { of: "PersistentVolumeSpec", path: "spec" };

//! Pods: everything they refer to.
//!
//! Follows `pkg/api/v1/pod/util.go` (secrets and config maps), component-helpers'
//! `storage/ephemeral` (claims of ephemeral volumes) and dynamic-resource-allocation's
//! `resourceclaim` (resource claims).

use std::collections::HashSet;

use super::fields::{Fields, NO_FIELDS};
use crate::Origin;
use crate::document::Node;
use crate::manifest::Reader;
use crate::manifest::decode::{Decoder, Field};
use crate::node::{ClaimStatus, ExtendedClaimStatus, Pod, RequestMapping};

impl Reader<'_> {
    pub(super) fn pod(&mut self, node: &Node, origin: Origin) {
        let object = Field { of: "Pod", path: "" };
        let fields = self.decoder.entries(node, object);
        let meta = node.get("metadata").map(|node| self.meta(node)).unwrap_or_default();
        let namespace = self.namespace(&meta, node.at);
        let decoder = &mut self.decoder;
        let spec = decoder.map(fields, "spec", object).unwrap_or(NO_FIELDS);
        let status = decoder.map(fields, "status", object).unwrap_or(NO_FIELDS);
        let mut pod = Pod {
            is_mirror: meta.annotations.contains_key(MIRROR),
            name: meta.name,
            namespace,
            uid: meta.uid,
            deletion_timestamp: meta.deletion_timestamp,
            node_name: decoder.text(spec, "nodeName", SPEC),
            service_account: decoder.text(spec, "serviceAccountName", SPEC),
            claim_statuses: decoder.claim_statuses(status),
            extended_claim: decoder.extended_claim(status),
            origin,
            ..Pod::default()
        };
        for reference in decoder.maps(spec, "imagePullSecrets", SPEC) {
            let at = Field { of: "LocalObjectReference", path: "spec.imagePullSecrets" };
            pod.secrets.push(decoder.text(reference, "name", at));
        }
        decoder.containers(spec, &mut pod);
        decoder.volumes(spec, &mut pod);
        decoder.resource_claims(spec, &mut pod);
        let lists =
            [&mut pod.secrets, &mut pod.config_maps, &mut pod.claims, &mut pod.resource_claims];
        for list in lists {
            keep_names(list);
        }
        self.manifest.pods.push(pod);
    }
}

impl Decoder<'_> {
    fn containers(&mut self, spec: Fields<'_>, pod: &mut Pod) {
        for (name, of, path) in CONTAINERS {
            let containers = self.maps(spec, name, SPEC);
            if name == "ephemeralContainers" {
                pod.ephemeral_containers = containers.len();
            }
            for container in containers {
                self.environment(container, Field { of, path }, pod);
            }
        }
    }

    fn environment(&mut self, container: Fields<'_>, at: Field<'_>, pod: &mut Pod) {
        for source in self.maps(container, "envFrom", at) {
            let reference = |this: &mut Self, name, list: &mut Vec<String>| {
                if let Some(reference) = this.map(source, name, ENV_FROM) {
                    list.push(this.text(reference, "name", ENV_FROM));
                }
            };
            reference(self, "secretRef", &mut pod.secrets);
            reference(self, "configMapRef", &mut pod.config_maps);
        }
        for variable in self.maps(container, "env", at) {
            let Some(source) = self.map(variable, "valueFrom", ENV) else { continue };
            let reference = |this: &mut Self, name, list: &mut Vec<String>| {
                if let Some(reference) = this.map(source, name, VALUE_FROM) {
                    list.push(this.text(reference, "name", VALUE_FROM));
                }
            };
            reference(self, "secretKeyRef", &mut pod.secrets);
            reference(self, "configMapKeyRef", &mut pod.config_maps);
        }
    }

    fn volumes(&mut self, spec: Fields<'_>, pod: &mut Pod) {
        for volume in self.maps(spec, "volumes", SPEC) {
            self.volume_secrets(volume, pod);
            self.volume_config_maps(volume, pod);
            if let Some(claim) = self.map(volume, "persistentVolumeClaim", VOLUME) {
                let at = Field { of: "PersistentVolumeClaimVolumeSource", path: "spec.volumes" };
                pod.claims.push(self.text(claim, "claimName", at));
            } else if self.map(volume, "ephemeral", VOLUME).is_some() {
                let name = self.text(volume, "name", VOLUME);
                pod.claims.push(format!("{}-{name}", pod.name));
            }
        }
    }

    /// A volume has one source. Should it have several, the first of this order counts.
    fn volume_secrets(&mut self, volume: Fields<'_>, pod: &mut Pod) {
        for (source, names) in SECRET_SOURCES {
            let Some(fields) = self.map(volume, source, VOLUME) else { continue };
            match names {
                Secret::Name(name) => pod.secrets.push(self.text(fields, name, VOLUME)),
                Secret::Reference(name) => {
                    if let Some(reference) = self.map(fields, name, VOLUME) {
                        pod.secrets.push(self.text(reference, "name", VOLUME));
                    }
                }
                Secret::Projected => {
                    self.projected(fields, "secret", &mut pod.secrets);
                }
            }
            return;
        }
    }

    fn volume_config_maps(&mut self, volume: Fields<'_>, pod: &mut Pod) {
        if let Some(fields) = self.map(volume, "projected", VOLUME) {
            self.projected(fields, "configMap", &mut pod.config_maps);
        } else if let Some(fields) = self.map(volume, "configMap", VOLUME) {
            pod.config_maps.push(self.text(fields, "name", VOLUME));
        }
    }

    fn projected(&mut self, fields: Fields<'_>, kind: &str, into: &mut Vec<String>) {
        for source in self.maps(fields, "sources", PROJECTED) {
            if let Some(fields) = self.map(source, kind, PROJECTED) {
                into.push(self.text(fields, "name", PROJECTED));
            }
        }
    }

    /// Claims by name, and those made from templates as far as the status names them.
    fn resource_claims(&mut self, spec: Fields<'_>, pod: &mut Pod) {
        let at = Field { of: "PodResourceClaim", path: "spec.resourceClaims" };
        for claim in self.maps(spec, "resourceClaims", SPEC) {
            if let Some(name) = self.text_if_any(claim, "resourceClaimName", at) {
                pod.resource_claims.push(name);
            } else if self.text_if_any(claim, "resourceClaimTemplateName", at).is_some() {
                let name = self.text(claim, "name", at);
                let status = pod.claim_statuses.iter().find(|status| status.name == name);
                pod.resource_claims.extend(status.and_then(|status| status.resource_claim.clone()));
            }
        }
        let extended = pod.extended_claim.as_ref().map(|status| status.resource_claim.clone());
        pod.resource_claims.extend(extended);
    }

    fn claim_statuses(&mut self, status: Fields<'_>) -> Vec<ClaimStatus> {
        let at = Field { of: "PodResourceClaimStatus", path: "status.resourceClaimStatuses" };
        let statuses = self.maps(status, "resourceClaimStatuses", STATUS);
        let read = statuses.into_iter().map(|status| ClaimStatus {
            name: self.text(status, "name", at),
            resource_claim: self.text_if_any(status, "resourceClaimName", at),
        });
        read.collect()
    }

    fn extended_claim(&mut self, status: Fields<'_>) -> Option<ExtendedClaimStatus> {
        let path = "status.extendedResourceClaimStatus";
        let at = Field { of: "PodExtendedResourceClaimStatus", path };
        let status = self.map(status, "extendedResourceClaimStatus", STATUS)?;
        let resource_claim = self.text(status, "resourceClaimName", at);
        let mappings = self.maps(status, "requestMappings", at);
        let at = Field { of: "ContainerExtendedResourceRequest", path };
        let read = mappings.into_iter().map(|mapping| RequestMapping {
            container_name: self.text(mapping, "containerName", at),
            resource_name: self.text(mapping, "resourceName", at),
            request_name: self.text(mapping, "requestName", at),
        });
        Some(ExtendedClaimStatus { request_mappings: read.collect(), resource_claim })
    }
}

/// Takes out what is empty, and all but the first of what is there more than once. Upstream keeps doubles
/// apart in the index it has for crowds, and so leaves a grant behind when such a pod goes.
fn keep_names(names: &mut Vec<String>) {
    if names.len() < 8 {
        let mut kept: Vec<String> = Vec::with_capacity(names.len());
        for name in names.drain(..) {
            if !name.is_empty() && !kept.contains(&name) {
                kept.push(name);
            }
        }
        *names = kept;
        return;
    }
    let mut seen = HashSet::new();
    names.retain(|name| !name.is_empty() && seen.insert(name.clone()));
}

/// Where the name of a volume's secret stands.
enum Secret {
    /// In a field of that name.
    Name(&'static str),
    /// In the reference of that name.
    Reference(&'static str),
    /// In each of its sources.
    Projected,
}

const SECRET_SOURCES: [(&str, Secret); 11] = [
    ("azureFile", Secret::Name("secretName")),
    ("cephfs", Secret::Reference("secretRef")),
    ("cinder", Secret::Reference("secretRef")),
    ("flexVolume", Secret::Reference("secretRef")),
    ("projected", Secret::Projected),
    ("rbd", Secret::Reference("secretRef")),
    ("secret", Secret::Name("secretName")),
    ("scaleIO", Secret::Reference("secretRef")),
    ("iscsi", Secret::Reference("secretRef")),
    ("storageos", Secret::Reference("secretRef")),
    ("csi", Secret::Reference("nodePublishSecretRef")),
];

/// In the order in which upstream visits them.
const CONTAINERS: [(&str, &str, &str); 3] = [
    ("initContainers", "Container", "spec.initContainers"),
    ("containers", "Container", "spec.containers"),
    ("ephemeralContainers", "EphemeralContainer", "spec.ephemeralContainers"),
];

const MIRROR: &str = "kubernetes.io/config.mirror";
const SPEC: Field<'static> = Field { of: "PodSpec", path: "spec" };
const STATUS: Field<'static> = Field { of: "PodStatus", path: "status" };
const VOLUME: Field<'static> = Field { of: "Volume", path: "spec.volumes" };
const PROJECTED: Field<'static> =
    Field { of: "ProjectedVolumeSource", path: "spec.volumes.projected" };
const ENV_FROM: Field<'static> = Field { of: "EnvFromSource", path: "spec.containers.envFrom" };
const ENV: Field<'static> = Field { of: "EnvVar", path: "spec.containers.env" };
const VALUE_FROM: Field<'static> =
    Field { of: "EnvVarSource", path: "spec.containers.env.valueFrom" };

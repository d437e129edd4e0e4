//! What files say, beside what events say.
//!
//! Files are read as a whole: each reload brings all of their objects. So those of them that are no
//! longer there go, those that are different are read again (all of them, whatever upstream would look at
//! in an update: the outcome is that of loading the files afresh), and the rest is not touched. Of an
//! object that was heard of in an event, the event counts; it comes back under the files once it has been
//! deleted by an event and the files still have it at the next reload.

use std::collections::HashSet;

use verdikt_core::HashKey;
use verdikt_parser::PolicySet;

use super::graph::{Graph, Id, Source};
use super::record::Kind;

impl Graph {
    /// All objects of a policy, and room for them.
    pub fn of_files(policy: &PolicySet, key: &HashKey) -> Self {
        let pods = policy.pods.iter().map(|pod| {
            let lists = [&pod.secrets, &pod.config_maps, &pod.claims, &pod.resource_claims];
            2 + lists.iter().map(|list| list.len()).sum::<usize>()
        });
        // Pods of a node share accounts and config maps.
        let mut graph = Self::with_capacity(key, pods.sum::<usize>() / 2);
        graph.replace_files(policy);
        graph
    }

    /// The objects of files are these from now on; tells whether any node may reach more or less.
    pub fn replace_files(&mut self, policy: &PolicySet) -> bool {
        let mut stale = self.ids_of_files();
        let mut changed = false;
        for pod in policy.pods.iter().filter(|pod| !pod.node_name.is_empty()) {
            let id = self.find(Kind::Pod, &pod.namespace, &pod.name);
            let source = id.and_then(|id| self.pods.get(&id)).map(|pod| pod.source);
            if keep(id, source, &mut stale) {
                changed |= self.read_pod(pod, Source::Files);
            }
        }
        for volume in policy.persistent_volumes.iter().filter(|volume| volume.claim.is_some()) {
            let id = self.find(Kind::Volume, "", &volume.name);
            let source = id.and_then(|id| self.volumes.get(&id)).map(|volume| volume.source);
            if keep(id, source, &mut stale) {
                changed |= self.read_volume(volume, Source::Files);
            }
        }
        changed |= self.read_bound_of_files(policy, &mut stale);
        let mut stale: Vec<Id> = stale.into_iter().collect();
        stale.sort_unstable();
        for id in stale {
            changed |= match self.kind(id) {
                Kind::Pod => self.drop_pod(id),
                Kind::Volume => self.drop_volume(id),
                _ => self.drop_bound(id),
            };
        }
        changed
    }

    /// Those that name their node themselves.
    fn read_bound_of_files(&mut self, policy: &PolicySet, stale: &mut HashSet<Id>) -> bool {
        let mut changed = false;
        let attachments = policy.volume_attachments.iter().map(|attachment| {
            ((Kind::VolumeAttachment, "", attachment.name.as_str()), attachment.node_name.as_str())
        });
        let slices = policy.resource_slices.iter().map(|slice| {
            ((Kind::ResourceSlice, "", slice.name.as_str()), slice.node_name.as_str())
        });
        let requests = policy.pod_certificate_requests.iter().map(|request| {
            let (namespace, name) = (request.namespace.as_str(), request.name.as_str());
            ((Kind::PodCertificateRequest, namespace, name), request.node_name.as_str())
        });
        for bound in attachments.chain(slices).chain(requests) {
            let (kind, namespace, name) = bound.0;
            let id = self.find(kind, namespace, name);
            let source = id.and_then(|id| self.bound.get(&id)).map(|bound| bound.source);
            if keep(id, source, stale) {
                changed |= self.read_bound(bound, Source::Files);
            }
        }
        changed
    }

    fn ids_of_files(&self) -> HashSet<Id> {
        let pods = self.pods.iter().map(|(id, pod)| (id, pod.source));
        let volumes = self.volumes.iter().map(|(id, volume)| (id, volume.source));
        let bound = self.bound.iter().map(|(id, bound)| (id, bound.source));
        let all = pods.chain(volumes).chain(bound);
        all.filter(|(_, source)| *source == Source::Files).map(|(id, _)| *id).collect()
    }
}

/// Whether what files say of an object counts.
fn keep(id: Option<Id>, source: Option<Source>, stale: &mut HashSet<Id>) -> bool {
    if let Some(id) = id {
        stale.remove(&id);
    }
    source != Some(Source::Events)
}

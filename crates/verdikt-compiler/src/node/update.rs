//! Events: one object came, changed or went, and the pairs follow.
//!
//! Follows `plugin/pkg/auth/authorizer/node/graph_populator.go` in which changes are looked at, and
//! `graph.go` in what is read of an object. What is read takes the place of all that was there before.

use verdikt_parser::node::{
    NodeObject, PersistentVolume, Pod, PodCertificateRequest, ResourceSlice, VolumeAttachment,
};

use super::graph::{Bound, Graph, Id, PodState, Seen, Source, Volume};
use super::record::Kind;

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is there. One that was there before is read again.
    Added(NodeObject),
    /// It is different from before; one that was not there before counts as added. Some updates are not
    /// looked at, as upstream: fields that an API server lets nobody change are not read again.
    Updated(NodeObject),
    /// It is gone; this is its last state.
    Deleted(NodeObject),
}

impl Graph {
    /// Takes note of an event; tells whether any node may reach more or less than before.
    pub fn apply(&mut self, event: &Event) -> bool {
        match event {
            Event::Added(object) => self.added(object, Source::Events),
            Event::Updated(object) => self.updated(object),
            Event::Deleted(object) => self.deleted(object),
        }
    }

    fn added(&mut self, object: &NodeObject, source: Source) -> bool {
        match object {
            NodeObject::Pod(pod) => self.read_pod(pod, source),
            NodeObject::PersistentVolume(volume) => self.read_volume(volume, source),
            other => match bound_to_node(other) {
                Some(bound) => self.read_bound(bound, source),
                None => false,
            },
        }
    }

    fn updated(&mut self, object: &NodeObject) -> bool {
        let source = Source::Events;
        match object {
            NodeObject::Pod(pod) if self.is_unchanged(pod) => {
                self.see_again(pod);
                false
            }
            NodeObject::ResourceSlice(ResourceSlice { name, .. }) => {
                self.read_if_new(object, (Kind::ResourceSlice, "", name))
            }
            NodeObject::PodCertificateRequest(request) => {
                let PodCertificateRequest { namespace, name, .. } = request;
                self.read_if_new(object, (Kind::PodCertificateRequest, namespace, name))
            }
            _ => self.added(object, source),
        }
    }

    /// Of slices and certificate requests updates are not looked at: nobody can change their nodes.
    fn read_if_new(&mut self, object: &NodeObject, (kind, namespace, name): Name<'_>) -> bool {
        let known = self.find(kind, namespace, name).and_then(|id| self.bound.get_mut(&id));
        if let Some(bound) = known {
            bound.source = Source::Events;
            return false;
        }
        self.added(object, Source::Events)
    }

    fn deleted(&mut self, object: &NodeObject) -> bool {
        match object {
            NodeObject::Pod(pod) => {
                let id = self.find(Kind::Pod, &pod.namespace, &pod.name);
                if pod.node_name.is_empty() {
                    // What it granted when it had a node stays, as upstream.
                    self.forget_seen(id);
                    return false;
                }
                id.is_some_and(|id| self.drop_pod(id))
            }
            NodeObject::PersistentVolume(volume) => {
                let id = self.find(Kind::Volume, "", &volume.name);
                id.is_some_and(|id| self.drop_volume(id))
            }
            other => bound_to_node(other).is_some_and(|((kind, namespace, name), _)| {
                let id = self.find(kind, namespace, name);
                id.is_some_and(|id| self.drop_bound(id))
            }),
        }
    }

    /// Whether an update of a pod is one that upstream does not look at.
    fn is_unchanged(&self, pod: &Pod) -> bool {
        let id = self.find(Kind::Pod, &pod.namespace, &pod.name);
        let Some(state) = id.and_then(|id| self.pods.get(&id)) else { return false };
        let Some(seen) = &state.seen else { return false };
        self.index.is(state.node, Kind::Node, "", &pod.node_name)
            && *seen.uid == *pod.uid
            && pod.ephemeral_containers <= seen.ephemeral_containers
            && *seen.claim_statuses == *pod.claim_statuses
            && seen.extended_claim.as_deref() == pod.extended_claim.as_ref()
    }

    fn see_again(&mut self, pod: &Pod) {
        let id = self.find(Kind::Pod, &pod.namespace, &pod.name);
        if let Some(state) = id.and_then(|id| self.pods.get_mut(&id)) {
            state.source = Source::Events;
            state.seen = Some(Seen::of(pod));
        }
    }

    /// A pod that is seen without a node is not read, but the next update is held against that.
    fn forget_seen(&mut self, id: Option<Id>) {
        if let Some(state) = id.and_then(|id| self.pods.get_mut(&id)) {
            state.seen = None;
        }
    }

    pub(super) fn read_pod(&mut self, pod: &Pod, source: Source) -> bool {
        if pod.node_name.is_empty() {
            let id = self.find(Kind::Pod, &pod.namespace, &pod.name);
            self.forget_seen(id);
            return false;
        }
        let id = self.hold(Kind::Pod, &pod.namespace, &pod.name);
        let node = self.hold(Kind::Node, "", &pod.node_name);
        let objects = self.hold_references(pod, id);
        let state = PodState { source, node, objects, seen: Some(Seen::of(pod)) };
        if let Some(known) = self.pods.get_mut(&id)
            && (known.node, &known.objects) == (node, &state.objects)
        {
            let old = std::mem::replace(known, state);
            self.let_go_of_pod(&old);
            return false;
        }
        // First the new ways, so that what stays is never gone.
        self.link_pod(node, &state.objects);
        if let Some(old) = self.pods.insert(id, state) {
            self.unlink_pod(old.node, &old.objects);
            self.let_go_of_pod(&old);
        }
        true
    }

    /// Ids of what a pod grants to its node, each held once: itself (which `own` holds already) and what
    /// it refers to.
    fn hold_references(&mut self, pod: &Pod, own: Id) -> Box<[Id]> {
        let mut ids = vec![own];
        // What nodes could make themselves must not grant them anything else.
        if !pod.is_mirror {
            let account = std::slice::from_ref(&pod.service_account);
            let lists: [(Kind, &[String]); 5] = [
                (Kind::ServiceAccount, account),
                (Kind::Secret, &pod.secrets),
                (Kind::ConfigMap, &pod.config_maps),
                (Kind::Claim, &pod.claims),
                (Kind::ResourceClaim, &pod.resource_claims),
            ];
            for (kind, names) in lists {
                let names = names.iter().filter(|name| !name.is_empty());
                ids.extend(names.map(|name| self.hold(kind, &pod.namespace, name)));
            }
        }
        self.each_once(ids)
    }

    /// Sorted, with doubles let go of.
    fn each_once(&mut self, mut ids: Vec<Id>) -> Box<[Id]> {
        ids.sort_unstable();
        let mut once: Vec<Id> = Vec::with_capacity(ids.len());
        for id in ids {
            if once.last() == Some(&id) {
                self.release(id);
            } else {
                once.push(id);
            }
        }
        once.into()
    }

    fn let_go_of_pod(&mut self, pod: &PodState) {
        self.release(pod.node);
        self.release_all(&pod.objects);
    }

    pub(super) fn drop_pod(&mut self, id: Id) -> bool {
        let Some(pod) = self.pods.remove(&id) else { return false };
        self.unlink_pod(pod.node, &pod.objects);
        self.let_go_of_pod(&pod);
        true
    }

    pub(super) fn read_volume(&mut self, volume: &PersistentVolume, source: Source) -> bool {
        let PersistentVolume { name, claim, secrets, .. } = volume;
        let Some(claim) = claim else {
            let id = self.find(Kind::Volume, "", name);
            return id.is_some_and(|id| self.drop_volume(id));
        };
        let id = self.hold(Kind::Volume, "", name);
        let claim = self.hold(Kind::Claim, &claim.namespace, &claim.name);
        let mut grants = vec![id];
        for secret in secrets.iter().filter(|secret| !secret.name.is_empty()) {
            grants.push(self.hold(Kind::Secret, &secret.namespace, &secret.name));
        }
        let new = Volume { source, claim, grants: self.each_once(grants) };
        if let Some(known) = self.volumes.get_mut(&id)
            && (known.claim, &known.grants) == (claim, &new.grants)
        {
            // Most updates of a volume are about other things, and must not touch each of its nodes.
            let old = std::mem::replace(known, new);
            self.let_go_of_volume(&old);
            return false;
        }
        let old = self.unlink_volume(id);
        self.link_volume(id, new);
        if let Some(old) = old {
            self.let_go_of_volume(&old);
        }
        true
    }

    fn let_go_of_volume(&mut self, volume: &Volume) {
        self.release(volume.claim);
        self.release_all(&volume.grants);
    }

    pub(super) fn drop_volume(&mut self, id: Id) -> bool {
        let Some(volume) = self.unlink_volume(id) else { return false };
        self.let_go_of_volume(&volume);
        true
    }

    pub(super) fn read_bound(&mut self, bound: (Name<'_>, &str), source: Source) -> bool {
        let ((kind, namespace, name), node) = bound;
        let id = self.hold(kind, namespace, name);
        let node = (!node.is_empty()).then(|| self.hold(Kind::Node, "", node));
        let old = self.bound.insert(id, Bound { source, node });
        let before = old.as_ref().and_then(|old| old.node);
        if before != node {
            if let Some(node) = node {
                self.add(node, id);
            }
            if let Some(before) = before {
                self.remove(before, id);
            }
        }
        if let Some(old) = old {
            self.let_go_of_bound(id, &old);
        }
        before != node
    }

    fn let_go_of_bound(&mut self, id: Id, bound: &Bound) {
        if let Some(node) = bound.node {
            self.release(node);
        }
        self.release(id);
    }

    pub(super) fn drop_bound(&mut self, id: Id) -> bool {
        let Some(bound) = self.bound.remove(&id) else { return false };
        if let Some(node) = bound.node {
            self.remove(node, id);
        }
        self.let_go_of_bound(id, &bound);
        bound.node.is_some()
    }
}

impl Seen {
    fn of(pod: &Pod) -> Self {
        Self {
            uid: pod.uid.as_str().into(),
            ephemeral_containers: pod.ephemeral_containers,
            claim_statuses: pod.claim_statuses.as_slice().into(),
            extended_claim: pod.extended_claim.clone().map(Box::new),
        }
    }
}

/// Kind, namespace and name.
pub(super) type Name<'a> = (Kind, &'a str, &'a str);

/// An object that names its node itself, and that node, which may be none.
fn bound_to_node(object: &NodeObject) -> Option<(Name<'_>, &str)> {
    match object {
        NodeObject::VolumeAttachment(VolumeAttachment { name, node_name, .. }) => {
            Some(((Kind::VolumeAttachment, "", name), node_name))
        }
        NodeObject::ResourceSlice(ResourceSlice { name, node_name, .. }) => {
            Some(((Kind::ResourceSlice, "", name), node_name))
        }
        NodeObject::PodCertificateRequest(request) => {
            let PodCertificateRequest { namespace, name, node_name, .. } = request;
            Some(((Kind::PodCertificateRequest, namespace, name), node_name))
        }
        _ => None,
    }
}

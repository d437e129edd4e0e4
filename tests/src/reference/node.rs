//! The Node authorizer, as a graph that is walked for each decision.
//!
//! Read against `plugin/pkg/auth/authorizer/node`: objects are vertices, edges lead towards nodes, and
//! whoever wants to know walks them.

use std::collections::{BTreeMap, BTreeSet};

use verdikt_compiler::node::Event;
use verdikt_core::field_selector::Operator;
use verdikt_core::{Attributes, User};
use verdikt_parser::PolicySet;
use verdikt_parser::node::NodeObject;

use super::Answer;

/// Kind, namespace and name.
pub type Vertex = (&'static str, String, String);

/// All objects, and what leads where.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: BTreeSet<(Vertex, Vertex)>,
    /// The last state of each object.
    seen: BTreeMap<Vertex, NodeObject>,
    /// The state of each object that its edges come from.
    read: BTreeMap<Vertex, NodeObject>,
}

impl Graph {
    /// Takes note of an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Added(object) => {
                self.seen.insert(vertex(object), object.clone());
                self.read(object);
            }
            Event::Updated(object) => {
                let old = self.seen.insert(vertex(object), object.clone());
                if old.is_none_or(|old| is_looked_at(&old, object)) {
                    self.read(object);
                }
            }
            Event::Deleted(object) => {
                self.seen.remove(&vertex(object));
                if !is_pod_without_node(object) {
                    self.remove(&vertex(object));
                }
            }
        }
    }

    /// The objects that edges come from: loading them gives this graph.
    pub fn objects(&self) -> PolicySet {
        let mut set = PolicySet::default();
        for object in self.read.values() {
            match object.clone() {
                NodeObject::Pod(object) => set.pods.push(*object),
                NodeObject::PersistentVolume(object) => set.persistent_volumes.push(object),
                NodeObject::VolumeAttachment(object) => set.volume_attachments.push(object),
                NodeObject::ResourceSlice(object) => set.resource_slices.push(object),
                NodeObject::PodCertificateRequest(object) => {
                    set.pod_certificate_requests.push(object);
                }
                other => panic!("no set holds a {}", other.kind()),
            }
        }
        set
    }

    fn remove(&mut self, vertex: &Vertex) {
        self.edges.retain(|(from, to)| from != vertex && to != vertex);
        self.read.remove(vertex);
    }

    fn read(&mut self, object: &NodeObject) {
        if is_pod_without_node(object) {
            return;
        }
        let own = vertex(object);
        self.remove(&own);
        self.read.insert(own.clone(), object.clone());
        let node = |name: &str| ("node", String::new(), name.to_owned());
        match object {
            NodeObject::Pod(pod) => {
                self.edges.insert((own.clone(), node(&pod.node_name)));
                if pod.is_mirror {
                    return;
                }
                let account = std::slice::from_ref(&pod.service_account);
                for (kind, names) in [
                    ("serviceaccount", account),
                    ("secret", &pod.secrets),
                    ("configmap", &pod.config_maps),
                    ("pvc", &pod.claims),
                    ("resourceclaim", &pod.resource_claims),
                ] {
                    for name in names.iter().filter(|name| !name.is_empty()) {
                        let from = (kind, pod.namespace.clone(), name.clone());
                        self.edges.insert((from, own.clone()));
                    }
                }
            }
            NodeObject::PersistentVolume(volume) => {
                let Some(claim) = &volume.claim else { return };
                let claim = ("pvc", claim.namespace.clone(), claim.name.clone());
                self.edges.insert((own.clone(), claim));
                for secret in volume.secrets.iter().filter(|secret| !secret.name.is_empty()) {
                    let from = ("secret", secret.namespace.clone(), secret.name.clone());
                    self.edges.insert((from, own.clone()));
                }
            }
            other => {
                if let Some(name) = node_of(other).filter(|name| !name.is_empty()) {
                    self.edges.insert((own, node(name)));
                }
            }
        }
    }

    /// Whether some path leads from the object to the node.
    fn has_path(&self, kind: &'static str, request: &Attributes<'_>, node: &str) -> bool {
        let mut ahead: Vec<Vertex> =
            vec![(kind, request.namespace.to_owned(), request.name.to_owned())];
        let mut visited = BTreeSet::new();
        while let Some(vertex) = ahead.pop() {
            if vertex.0 == "node" && vertex.2 == node {
                return true;
            }
            let next = self.edges.iter().filter(|(from, _)| *from == vertex);
            ahead.extend(next.map(|(_, to)| to.clone()).filter(|to| visited.insert(to.clone())));
        }
        false
    }

    /// What the authorizer answers, and why.
    pub fn authorize(&self, request: &Attributes<'_>) -> Answer {
        let Some(node) = request.user.and_then(|user| node_name(user.user())) else {
            return Answer::no_opinion("");
        };
        if node.is_empty() {
            return Answer::no_opinion("unknown node for user \"system:node:\"");
        }
        if request.resource_request {
            match (request.api_group, request.resource) {
                ("", "secrets") => return self.read_namespaced("secret", request, node),
                ("", "configmaps") => return self.read_namespaced("configmap", request, node),
                ("", "persistentvolumeclaims") if request.subresource == "status" => {
                    return match request.verb {
                        "update" | "patch" => self.path("pvc", request, node),
                        _ => Answer::no_opinion("can only get/update/patch this type"),
                    };
                }
                ("", "persistentvolumeclaims") => return self.get("pvc", request, node),
                ("", "persistentvolumes") => return self.get("pv", request, node),
                ("resource.k8s.io", "resourceclaims") => {
                    return self.get("resourceclaim", request, node);
                }
                ("storage.k8s.io", "volumeattachments") => {
                    return self.get("volumeattachment", request, node);
                }
                ("", "serviceaccounts") => return self.service_account(request, node),
                ("coordination.k8s.io", "leases") => return lease(request, node),
                ("storage.k8s.io", "csinodes") => return csi_node(request, node),
                ("resource.k8s.io", "resourceslices") => return self.slice(request, node),
                ("", "nodes") => return own_node(request, node),
                ("", "pods") => return self.pod(request, node),
                ("certificates.k8s.io", "podcertificaterequests") => {
                    return self.certificate_request(request, node);
                }
                _ => {}
            }
        }
        if rules_allow(request) { Answer::allow("") } else { Answer::no_opinion("") }
    }

    fn path(&self, kind: &'static str, request: &Attributes<'_>, node: &str) -> Answer {
        if request.name.is_empty() {
            return Answer::no_opinion("No Object name found");
        }
        if self.has_path(kind, request, node) {
            return Answer::allow("");
        }
        Answer::no_opinion(format!("no relationship found between node '{node}' and this object"))
    }

    fn get(&self, kind: &'static str, request: &Attributes<'_>, node: &str) -> Answer {
        if request.verb != "get" {
            return Answer::no_opinion("can only get individual resources of this type");
        }
        if !request.subresource.is_empty() {
            return Answer::no_opinion("cannot get subresource");
        }
        self.path(kind, request, node)
    }

    fn read_namespaced(&self, kind: &'static str, request: &Attributes<'_>, node: &str) -> Answer {
        if !["get", "list", "watch"].contains(&request.verb) {
            return Answer::no_opinion("can only read resources of this type");
        }
        if !request.subresource.is_empty() {
            return Answer::no_opinion("cannot read subresource");
        }
        if request.namespace.is_empty() {
            return Answer::no_opinion("can only read namespaced object of this type");
        }
        self.path(kind, request, node)
    }

    fn service_account(&self, request: &Attributes<'_>, node: &str) -> Answer {
        if request.verb == "get" && request.subresource.is_empty() {
            return self.read_namespaced("serviceaccount", request, node);
        }
        if request.verb != "create" || request.name.is_empty() {
            return Answer::no_opinion("can only create tokens for individual service accounts");
        }
        if request.subresource != "token" {
            return Answer::no_opinion("can only create token subresource of serviceaccount");
        }
        self.path("serviceaccount", request, node)
    }

    fn slice(&self, request: &Attributes<'_>, node: &str) -> Answer {
        if !request.subresource.is_empty() {
            return Answer::no_opinion("cannot authorize ResourceSlice subresources");
        }
        match request.verb {
            "create" => Answer::allow(""),
            "get" | "update" | "patch" | "delete" => self.path("resourceslice", request, node),
            "watch" | "list" | "deletecollection" if selects_node(request, node) => {
                Answer::allow("")
            }
            "watch" | "list" | "deletecollection" => Answer::no_opinion(
                "can only list/watch/deletecollection resourceslices with nodeName field selector",
            ),
            _ => Answer::no_opinion(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, \
                 create, update, patch, delete, deletecollection",
            ),
        }
    }

    fn pod(&self, request: &Attributes<'_>, node: &str) -> Answer {
        match (request.subresource, request.verb) {
            ("", "get") => self.get("pod", request, node),
            ("", "list" | "watch") if selects_node(request, node) => Answer::allow(""),
            ("", "list" | "watch") if request.name.is_empty() => {
                Answer::no_opinion("can only list/watch pods with spec.nodeName field selector")
            }
            ("", "list" | "watch") => self.path("pod", request, node),
            ("", "create" | "delete") => Answer::allow(""),
            ("status", "update" | "patch") => Answer::allow(""),
            ("eviction", "create") => Answer::allow(""),
            _ => Answer::no_opinion(""),
        }
    }

    fn certificate_request(&self, request: &Attributes<'_>, node: &str) -> Answer {
        if !request.subresource.is_empty() {
            return Answer::no_opinion(
                "nodes may not access the status subresource of PodCertificateRequests",
            );
        }
        match request.verb {
            "create" => Answer::allow(""),
            "get" => self.path("podcertificaterequest", request, node),
            "list" | "watch" if selects_node(request, node) => Answer::allow(""),
            "list" | "watch" => Answer::no_opinion(
                "can only list/watch podcertificaterequests with nodeName field selector",
            ),
            verb => Answer::no_opinion(format!("nodes may not {verb} podcertificaterequests")),
        }
    }
}

fn lease(request: &Attributes<'_>, node: &str) -> Answer {
    if !["get", "create", "update", "patch", "delete"].contains(&request.verb) {
        return Answer::no_opinion("can only get, create, update, patch, or delete a node lease");
    }
    if request.namespace != "kube-node-lease" {
        return Answer::no_opinion(
            "can only access leases in the \"kube-node-lease\" system namespace",
        );
    }
    if request.verb != "create" && request.name != node {
        return Answer::no_opinion(
            "can only access node lease with the same name as the requesting node",
        );
    }
    Answer::allow("")
}

fn csi_node(request: &Attributes<'_>, node: &str) -> Answer {
    match request.subresource {
        "" => {
            if !["get", "create", "update", "patch", "delete"].contains(&request.verb) {
                return Answer::no_opinion(
                    "can only get, create, update, patch, or delete a CSINode",
                );
            }
        }
        "status" => {
            return Answer::no_opinion("CSINode status access requires CSIVolumeHealth feature");
        }
        _ => return Answer::no_opinion("cannot authorize CSINode subresources"),
    }
    if request.verb != "create" && request.name != node {
        return Answer::no_opinion(
            "can only access CSINode with the same name as the requesting node",
        );
    }
    Answer::allow("")
}

fn own_node(request: &Attributes<'_>, node: &str) -> Answer {
    let Attributes { subresource, verb, name, .. } = *request;
    if subresource.is_empty() {
        if ["create", "update", "patch"].contains(&verb) {
            return Answer::allow("");
        }
        if ["get", "list", "watch"].contains(&verb) {
            if name == node {
                return Answer::allow("");
            }
            if name.is_empty() {
                return Answer::no_opinion(format!(
                    "node '{node}' cannot read all nodes, only its own Node object"
                ));
            }
            return Answer::no_opinion(format!(
                "node '{node}' cannot read '{name}', only its own Node object"
            ));
        }
    }
    if subresource == "status" && ["update", "patch"].contains(&verb) {
        return Answer::allow("");
    }
    Answer::no_opinion("")
}

/// The name of a node user; none for anybody else.
fn node_name(user: &User) -> Option<&str> {
    let is_node = user.groups.iter().any(|group| group == "system:nodes");
    user.name.strip_prefix("system:node:").filter(|_| is_node)
}

fn selects_node(request: &Attributes<'_>, node: &str) -> bool {
    let Some(Ok(fields)) = request.selectors.map(|selectors| selectors.fields.as_ref()) else {
        return false;
    };
    fields.iter().any(|field| {
        field.field == "spec.nodeName" && field.operator == Operator::Equals && field.value == node
    })
}

/// The static rules, all of them and as they are written.
fn rules_allow(request: &Attributes<'_>) -> bool {
    let resource = match request.subresource {
        "" => request.resource.to_owned(),
        subresource => format!("{}/{subresource}", request.resource),
    };
    request.resource_request
        && NODE_RULES.iter().any(|(verbs, groups, resources)| {
            verbs.contains(&request.verb)
                && groups.contains(&request.api_group)
                && resources.contains(&resource.as_str())
        })
}

/// Whether an update is one that is read.
fn is_looked_at(old: &NodeObject, new: &NodeObject) -> bool {
    match (old, new) {
        (NodeObject::Pod(old), NodeObject::Pod(new)) => {
            old.node_name != new.node_name
                || old.uid != new.uid
                || new.ephemeral_containers > old.ephemeral_containers
                || old.claim_statuses != new.claim_statuses
                || old.extended_claim != new.extended_claim
        }
        (NodeObject::VolumeAttachment(old), NodeObject::VolumeAttachment(new)) => {
            old.node_name != new.node_name
        }
        (_, NodeObject::ResourceSlice(_) | NodeObject::PodCertificateRequest(_)) => false,
        _ => true,
    }
}

fn is_pod_without_node(object: &NodeObject) -> bool {
    matches!(object, NodeObject::Pod(pod) if pod.node_name.is_empty())
}

fn node_of(object: &NodeObject) -> Option<&str> {
    match object {
        NodeObject::VolumeAttachment(object) => Some(&object.node_name),
        NodeObject::ResourceSlice(object) => Some(&object.node_name),
        NodeObject::PodCertificateRequest(object) => Some(&object.node_name),
        _ => None,
    }
}

fn vertex(object: &NodeObject) -> Vertex {
    let (kind, namespace, name) = match object {
        NodeObject::Pod(object) => ("pod", object.namespace.as_str(), &object.name),
        NodeObject::PersistentVolume(object) => ("pv", "", &object.name),
        NodeObject::VolumeAttachment(object) => ("volumeattachment", "", &object.name),
        NodeObject::ResourceSlice(object) => ("resourceslice", "", &object.name),
        NodeObject::PodCertificateRequest(object) => {
            ("podcertificaterequest", object.namespace.as_str(), &object.name)
        }
        other => panic!("no vertex is a {}", other.kind()),
    };
    (kind, namespace.to_owned(), name.clone())
}

/// Verbs, groups and resources of `NodeRules`, in its order.
type NodeRule = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);
const READ: &[&str] = &["get", "list", "watch"];
const NODE_RULES: &[NodeRule] = &[
    (&["create"], &["authentication.k8s.io"], &["tokenreviews"]),
    (
        &["create"],
        &["authorization.k8s.io"],
        &["subjectaccessreviews", "localsubjectaccessreviews"],
    ),
    (READ, &[""], &["services"]),
    (&["create", "get", "list", "watch"], &[""], &["nodes"]),
    (&["update", "patch"], &[""], &["nodes/status"]),
    (&["update", "patch"], &[""], &["nodes"]),
    (&["create", "update", "patch"], &["", "events.k8s.io"], &["events"]),
    (READ, &[""], &["pods"]),
    (&["create", "delete"], &[""], &["pods"]),
    (&["update", "patch"], &[""], &["pods/status"]),
    (&["create"], &[""], &["pods/eviction"]),
    (READ, &[""], &["secrets", "configmaps"]),
    (&["get"], &[""], &["persistentvolumeclaims", "persistentvolumes"]),
    (&["get"], &[""], &["endpoints"]),
    (
        &["create", "get", "list", "watch"],
        &["certificates.k8s.io"],
        &["certificatesigningrequests"],
    ),
    (&["get", "create", "update", "patch", "delete"], &["coordination.k8s.io"], &["leases"]),
    (&["get"], &["storage.k8s.io"], &["volumeattachments"]),
    (&["create"], &[""], &["serviceaccounts/token"]),
    (&["get", "update", "patch"], &[""], &["persistentvolumeclaims/status"]),
    (&["get", "watch", "list"], &["storage.k8s.io"], &["csidrivers"]),
    (&["get", "create", "update", "patch", "delete"], &["storage.k8s.io"], &["csinodes"]),
    (READ, &["node.k8s.io"], &["runtimeclasses"]),
    (&["get"], &["resource.k8s.io"], &["resourceclaims"]),
    (&["deletecollection"], &["resource.k8s.io"], &["resourceslices"]),
    (READ, &["certificates.k8s.io"], &["clustertrustbundles"]),
    (&["get"], &[""], &["serviceaccounts"]),
    (&["get", "list", "watch", "create"], &["certificates.k8s.io"], &["podcertificaterequests"]),
];

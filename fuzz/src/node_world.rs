//! Small clusters of pods and volumes that come, change and go, made from whatever bytes there are.
//!
//! There are few names, so that pods share secrets, volumes share claims, and events about one object
//! come often, in any order and twice.

use verdikt_compiler::node::Event;
use verdikt_core::{Attributes, Selectors, User};
use verdikt_parser::node::{
    ClaimStatus, ExtendedClaimStatus, NodeObject, ObjectName, PersistentVolume, Pod,
    PodCertificateRequest, RequestMapping, ResourceSlice, VolumeAttachment,
};

use crate::world::{Choices, Words};

/// What happens, in order.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few of either")]
pub enum Step {
    /// An event.
    Event(Event),
    /// A question.
    Question(NodeQuestion),
}

/// A question of a node, or of someone like it.
#[derive(Clone, Debug)]
pub struct NodeQuestion {
    /// Who asks.
    pub user: User,
    /// Selectors, if there are any.
    pub selectors: Option<Selectors>,
    /// What is asked for; without user and selectors.
    pub request: Attributes<'static>,
}

impl NodeQuestion {
    /// What is asked for, by the question's own user.
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes {
            user: Some((&self.user).into()),
            selectors: self.selectors.as_ref(),
            ..self.request
        }
    }
}

/// The steps these bytes describe; any bytes describe some.
pub fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut choices = Choices::new(bytes);
    let mut steps = Vec::new();
    while choices.are_left() && steps.len() < MAX_STEPS {
        steps.push(match choices.up_to(2) {
            0 => Step::Question(question(&mut choices)),
            _ => Step::Event(event(&mut choices)),
        });
    }
    steps
}

/// All questions whether a node may get an object that something could lead to.
pub fn reads() -> impl Iterator<Item = NodeQuestion> {
    let nodes = NODES.plain.iter();
    nodes.flat_map(|node| READS.iter().map(move |resource| (*node, *resource))).flat_map(
        |(node, (api_group, resource, namespaces, names))| {
            let places =
                namespaces.iter().flat_map(|place| names.iter().map(|name| (*place, *name)));
            places.map(move |(namespace, name)| NodeQuestion {
                user: User::new(format!("system:node:{node}"), ["system:nodes"]),
                selectors: None,
                request: Attributes {
                    verb: "get",
                    api_group,
                    resource,
                    namespace,
                    name,
                    resource_request: true,
                    ..Attributes::default()
                },
            })
        },
    )
}

fn event(choices: &mut Choices<'_>) -> Event {
    let kind = choices.up_to(4);
    let object = object(choices);
    match kind {
        0 | 1 => Event::Added(object),
        2 | 3 => Event::Updated(object),
        _ => Event::Deleted(object),
    }
}

fn object(choices: &mut Choices<'_>) -> NodeObject {
    match choices.up_to(6) {
        0..=2 => pod(choices).into(),
        3 => volume(choices).into(),
        4 => VolumeAttachment {
            name: choices.text(BOUND),
            node_name: choices.text(NODES),
            ..VolumeAttachment::default()
        }
        .into(),
        5 => ResourceSlice {
            name: choices.text(BOUND),
            node_name: choices.text(NODES),
            ..ResourceSlice::default()
        }
        .into(),
        _ => PodCertificateRequest {
            namespace: choices.text(NAMESPACES),
            name: choices.text(BOUND),
            node_name: choices.text(NODES),
            ..PodCertificateRequest::default()
        }
        .into(),
    }
}

fn pod(choices: &mut Choices<'_>) -> Pod {
    let name = |choices: &mut Choices<'_>| choices.text(OBJECTS);
    Pod {
        namespace: choices.text(NAMESPACES),
        name: choices.text(PODS),
        uid: choices.text(UIDS),
        node_name: choices.text(NODES),
        is_mirror: choices.up_to(7) == 7,
        service_account: choices.text(OBJECTS),
        secrets: choices.list(3, name),
        config_maps: choices.list(2, name),
        claims: choices.list(2, name),
        resource_claims: choices.list(2, name),
        ephemeral_containers: choices.up_to(2),
        claim_statuses: choices.list(1, |choices| ClaimStatus {
            name: choices.text(OBJECTS),
            resource_claim: choices.flag().then(|| choices.text(OBJECTS)),
        }),
        extended_claim: choices.flag().then(|| ExtendedClaimStatus {
            resource_claim: choices.text(OBJECTS),
            request_mappings: choices.list(1, |choices| RequestMapping {
                container_name: choices.text(OBJECTS),
                ..RequestMapping::default()
            }),
        }),
        ..Pod::default()
    }
}

fn volume(choices: &mut Choices<'_>) -> PersistentVolume {
    let object = |choices: &mut Choices<'_>| ObjectName {
        namespace: choices.text(NAMESPACES),
        name: choices.text(OBJECTS),
    };
    PersistentVolume {
        name: choices.text(BOUND),
        claim: (choices.up_to(4) < 4).then(|| object(choices)),
        secrets: choices.list(3, object),
        ..PersistentVolume::default()
    }
}

fn question(choices: &mut Choices<'_>) -> NodeQuestion {
    let groups: &[&str] = match choices.up_to(7) {
        7 => &["system:authenticated"],
        _ => &["system:authenticated", "system:nodes"],
    };
    let is_path = choices.up_to(15) == 15;
    let (api_group, resource) = *choices.one_of(RESOURCES);
    NodeQuestion {
        user: User::new(choices.word(USERS), groups.iter().copied()),
        selectors: choices.flag().then(|| Selectors::parse(choices.word(SELECTORS), "")),
        request: Attributes {
            verb: choices.word(VERBS),
            api_group,
            resource,
            subresource: choices.word(SUBRESOURCES),
            namespace: choices.word(REQUEST_NAMESPACES),
            name: choices.word(NAMES),
            path: "/api",
            resource_request: !is_path,
            ..Attributes::default()
        },
    }
}

const MAX_STEPS: usize = 400;

const fn words(plain: &'static [&'static str]) -> Words {
    Words { plain, odd: &[] }
}

const NAMESPACES: Words = words(&["a", "b", ""]);
const PODS: Words = words(&["p1", "p2", "p3", "p4"]);
const UIDS: Words = words(&["1", "2"]);
const NODES: Words = words(&["n1", "n2", "n:3", ""]);
const OBJECTS: Words = words(&["o1", "o2", "o3", ""]);
const BOUND: Words = words(&["o1", "o2"]);
const NAMES: Words = words(&["o1", "o2", "o3", "p1", "p2", "p3", "p4", "n1", "n2", ""]);
const REQUEST_NAMESPACES: Words = words(&["a", "b", "", "kube-node-lease"]);
const USERS: Words = words(&[
    "system:node:n1",
    "system:node:n2",
    "system:node:n:3",
    "system:node:none",
    "system:node:",
    "system:node",
    "jane",
]);
const SELECTORS: Words = words(&[
    "spec.nodeName=n1",
    "spec.nodeName==n2,x=y",
    "spec.nodeName!=n1",
    "spec.nodeName=",
    "metadata.name=o1",
    "a=b=c",
]);
const VERBS: Words = words(&[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "escalate",
    "",
]);
const SUBRESOURCES: Words = words(&["", "", "", "", "status", "token", "eviction", "log"]);

const RESOURCES: &[(&str, &str)] = &[
    ("", "secrets"),
    ("", "configmaps"),
    ("", "pods"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "serviceaccounts"),
    ("resource.k8s.io", "resourceclaims"),
    ("resource.k8s.io", "resourceslices"),
    ("storage.k8s.io", "volumeattachments"),
    ("certificates.k8s.io", "podcertificaterequests"),
    ("storage.k8s.io", "csinodes"),
    ("coordination.k8s.io", "leases"),
    ("", "nodes"),
    ("", "services"),
    ("", "endpoints"),
    ("", "events"),
    ("events.k8s.io", "events"),
    ("node.k8s.io", "runtimeclasses"),
    ("storage.k8s.io", "csidrivers"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("certificates.k8s.io", "clustertrustbundles"),
    ("", "pods/status"),
    ("", "serviceaccounts/token"),
    ("", "persistentvolumeclaims/status"),
    ("", "nodes/status"),
    ("", "pods/eviction"),
    ("apps", "secrets"),
    ("", ""),
];

type Read = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);
const READS: &[Read] = &[
    ("", "secrets", &["a", "b"], &["o1", "o2", "o3"]),
    ("", "configmaps", &["a", "b"], &["o1", "o2", "o3"]),
    ("", "persistentvolumeclaims", &["a", "b", ""], &["o1", "o2", "o3"]),
    ("", "serviceaccounts", &["a", "b"], &["o1", "o2", "o3"]),
    ("resource.k8s.io", "resourceclaims", &["a", "b", ""], &["o1", "o2", "o3"]),
    ("", "pods", &["a", "b", ""], &["p1", "p2", "p3", "p4"]),
    ("", "persistentvolumes", &[""], &["o1", "o2"]),
    ("resource.k8s.io", "resourceslices", &[""], &["o1", "o2"]),
    ("storage.k8s.io", "volumeattachments", &[""], &["o1", "o2"]),
    ("certificates.k8s.io", "podcertificaterequests", &["a", "b", ""], &["o1", "o2"]),
];

//! Clusters full of pods, made from a seed, and what their nodes ask for.
//!
//! A world of N pods has N/50 namespaces. Ten pods each belong to an app, with an account, a config map
//! and a secret of its own; all pods of a namespace share a pull secret and `kube-root-ca.crt`. One pod in
//! five has a claim of its own, bound to a volume, and all volumes of a namespace share a secret. Of the
//! requests 65 % are for what a pod on the node refers to, the rest for what only other nodes need.

use fastrand::Rng;
use verdikt::parser::node::{ObjectName, PersistentVolume, Pod};
use verdikt::{PolicySet, User};

use crate::world::{Question, Request};

/// Pods and volumes, and requests of nodes.
pub struct NodeWorld {
    /// Pods and volumes.
    pub policy: PolicySet,
    /// 4,096 requests, or 65,536 from a million pods on.
    pub requests: Vec<Request>,
}

impl NodeWorld {
    /// A world with this many pods on this many nodes, always the same.
    pub fn new(pods: usize, nodes: usize) -> Self {
        let mut rng = Rng::with_seed(0x6e6f_6465);
        let nodes = nodes.max(2);
        let mut policy = PolicySet::default();
        for index in 0..pods.max(1) {
            policy.pods.push(pod(index, rng.usize(..nodes)));
            policy.persistent_volumes.extend(volume(index));
        }
        let count = if pods >= 1_000_000 { 65_536 } else { 4_096 };
        let requests: Vec<Request> = (0..count)
            .map(|index| {
                let at = rng.usize(..policy.pods.len());
                let pod = &policy.pods[at];
                let node = if index % 100 < 65 {
                    pod.node_name.clone()
                } else {
                    node_name(rng.usize(..nodes))
                };
                request(&mut rng, pod, at, &node)
            })
            .collect();
        let mut requests = requests;
        rng.shuffle(&mut requests);
        // Fresh allocations in the order of use, as a server would have them.
        Self { policy, requests: requests.to_vec() }
    }
}

fn pod(index: usize, node: usize) -> Pod {
    let (namespace, app) = (namespace(index), index / 10);
    Pod {
        namespace,
        name: format!("app-{app}-5d4f8c7b9-{index:05}"),
        uid: format!("00000000-0000-4000-8000-{index:012}"),
        node_name: node_name(node),
        service_account: format!("app-{app}"),
        secrets: vec!["registry-credentials".to_owned(), format!("app-{app}-tls")],
        config_maps: vec!["kube-root-ca.crt".to_owned(), format!("app-{app}-config")],
        claims: has_claim(index).then(|| format!("data-{index}")).into_iter().collect(),
        ..Pod::default()
    }
}

fn volume(index: usize) -> Option<PersistentVolume> {
    has_claim(index).then(|| PersistentVolume {
        name: format!("pvc-00000000-0000-4000-9000-{index:012}"),
        claim: Some(ObjectName { namespace: namespace(index), name: format!("data-{index}") }),
        secrets: vec![ObjectName { namespace: namespace(index), name: "csi-node".to_owned() }],
        ..PersistentVolume::default()
    })
}

/// What the kubelet of `node` asks for, of what this pod needs.
fn request(rng: &mut Rng, pod: &Pod, index: usize, node: &str) -> Request {
    let has_claim = has_claim(index);
    let (resource, name) = match rng.u8(..10) {
        0..2 => ("secrets", pod.secrets[1].clone()),
        2..5 => ("configmaps", pod.config_maps[1].clone()),
        5..7 => ("serviceaccounts", pod.service_account.clone()),
        7 if has_claim => ("persistentvolumeclaims", pod.claims[0].clone()),
        8 if has_claim => ("secrets", "csi-node".to_owned()),
        _ => ("pods", pod.name.clone()),
    };
    let is_token = resource == "serviceaccounts";
    let question = Question {
        verb: if is_token { "create" } else { "get" }.to_owned(),
        group: String::new(),
        resource: resource.to_owned(),
        subresource: if is_token { "token" } else { "" }.to_owned(),
        namespace: pod.namespace.clone(),
        name,
    };
    let groups = ["system:nodes", "system:authenticated"];
    Request { user: User::new(format!("system:node:{node}"), groups), question }
}

fn namespace(index: usize) -> String {
    format!("team-{:05}", index / 50)
}

fn node_name(index: usize) -> String {
    format!("ip-10-0-{}-{}.ec2.internal", index / 256, index % 256)
}

fn has_claim(index: usize) -> bool {
    index.is_multiple_of(5)
}

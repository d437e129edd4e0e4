//! Worlds as files: one object a line in JSON, and the requests with what verdikt decides.
//!
//! `benches/go` loads them into Kubernetes' own authorizers, which must decide the same.

use std::error::Error;
use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};
use verdikt::parser::node::{PersistentVolume, Pod};
use verdikt::parser::rbac::{Binding, PolicyRule, Subject};
use verdikt::{Engine, Mode, PolicySet};
use verdikt_bench::lines::LineWorld;
use verdikt_bench::nodes::NodeWorld;
use verdikt_bench::world::{Request, World as BindingWorld};

/// The worlds there are.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum World {
    /// Roles and bindings.
    Rbac,
    /// Pods and volumes.
    Node,
    /// Lines of an ABAC file.
    Abac,
}

/// Writes `objects.jsonl` or `policy.jsonl`, and `requests.jsonl`.
pub(crate) fn write(
    world: World,
    size: usize,
    nodes: usize,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    create_dir_all(folder)?;
    let (engine, requests) = match world {
        World::Rbac => {
            let BindingWorld { policy, requests } = BindingWorld::new(size);
            write_objects(folder, &policy)?;
            (Engine::builder().objects(policy).build()?, requests)
        }
        World::Node => {
            let NodeWorld { policy, requests } = NodeWorld::new(size, nodes);
            write_objects(folder, &policy)?;
            let builder = Engine::builder().objects(policy);
            (builder.authorization_modes([Mode::Node]).build()?, requests)
        }
        World::Abac => {
            let world = LineWorld::new(size)?;
            std::fs::write(folder.join("policy.jsonl"), world.text())?;
            let engine = world.engine(|builder| builder.authorization_modes([Mode::Abac]))?;
            (engine, world.requests)
        }
    };
    let decided = requests.iter().map(|request| {
        let allowed = engine.authorize(&request.attributes()).is_allowed();
        request_json(request, allowed)
    });
    write_lines(&folder.join("requests.jsonl"), decided)
}

fn write_objects(folder: &Path, policy: &PolicySet) -> Result<(), Box<dyn Error>> {
    let role = |kind: &str, name: &str, namespace: &str, rules: &[PolicyRule]| {
        let rules: Vec<Value> = rules.iter().map(rule_json).collect();
        json!({
            "apiVersion": RBAC, "kind": kind, "metadata": metadata(name, namespace), "rules": rules,
        })
    };
    let roles = policy.roles.iter().map(|it| role("Role", &it.name, &it.namespace, &it.rules));
    let cluster_roles =
        policy.cluster_roles.iter().map(|it| role("ClusterRole", &it.name, "", &it.rules));
    let bindings = policy.role_bindings.iter().map(|it| binding_json("RoleBinding", it));
    let cluster_bindings =
        policy.cluster_role_bindings.iter().map(|it| binding_json("ClusterRoleBinding", it));
    let pods = policy.pods.iter().map(pod_json);
    let volumes = policy.persistent_volumes.iter().map(volume_json);
    let all = roles.chain(cluster_roles).chain(bindings).chain(cluster_bindings);
    write_lines(&folder.join("objects.jsonl"), all.chain(pods).chain(volumes))
}

fn rule_json(rule: &PolicyRule) -> Value {
    json!({
        "verbs": rule.verbs,
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
    })
}

fn binding_json(kind: &str, binding: &Binding) -> Value {
    let subject = |it: &Subject| {
        let group = if it.kind == "ServiceAccount" { "" } else { RBAC_GROUP };
        json!({
            "kind": it.kind, "name": it.name, "namespace": it.namespace, "apiGroup": group,
        })
    };
    let subjects: Vec<Value> = binding.subjects.iter().map(subject).collect();
    let role = &binding.role_ref;
    json!({
        "apiVersion": RBAC,
        "kind": kind,
        "metadata": metadata(&binding.name, &binding.namespace),
        "subjects": subjects,
        "roleRef": { "apiGroup": RBAC_GROUP, "kind": role.kind, "name": role.name },
    })
}

/// A pod that refers to what it should, each by a volume of its own.
fn pod_json(pod: &Pod) -> Value {
    let mut volumes = Vec::new();
    let mut add = |source: &str, field: &str, name: &str| {
        let volume = format!("volume-{}", volumes.len());
        volumes.push(json!({ "name": volume, source: { field: name } }));
    };
    pod.secrets.iter().for_each(|name| add("secret", "secretName", name));
    pod.config_maps.iter().for_each(|name| add("configMap", "name", name));
    pod.claims.iter().for_each(|name| add("persistentVolumeClaim", "claimName", name));
    let mut metadata = metadata(&pod.name, &pod.namespace);
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("uid".to_owned(), json!(pod.uid));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "nodeName": pod.node_name,
            "serviceAccountName": pod.service_account,
            "volumes": volumes,
            "containers": [{ "name": "app", "image": "app" }],
        },
    })
}

/// A volume of the driver whose secrets a kubelet reads, bound to its claim.
fn volume_json(volume: &PersistentVolume) -> Value {
    let claim = volume.claim.as_ref().map(|it| json!({"namespace": it.namespace, "name": it.name}));
    let secret = volume.secrets.first();
    let secret = secret.map(|it| json!({ "namespace": it.namespace, "name": it.name }));
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": metadata(&volume.name, ""),
        "spec": {
            "claimRef": claim,
            "csi": {
                "driver": "csi.example.com",
                "volumeHandle": volume.name,
                "nodePublishSecretRef": secret,
            },
        },
    })
}

fn request_json(request: &Request, allowed: bool) -> Value {
    let Request { user, question } = request;
    json!({
        "user": user.name,
        "groups": user.groups,
        "verb": question.verb,
        "apiGroup": question.group,
        "resource": question.resource,
        "subresource": question.subresource,
        "namespace": question.namespace,
        "name": question.name,
        "allowed": allowed,
    })
}

fn metadata(name: &str, namespace: &str) -> Value {
    match namespace {
        "" => json!({ "name": name }),
        _ => json!({ "name": name, "namespace": namespace }),
    }
}

fn write_lines(path: &Path, lines: impl Iterator<Item = Value>) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    Ok(file.flush()?)
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

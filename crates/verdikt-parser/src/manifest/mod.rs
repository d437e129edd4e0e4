//! Documents to objects: which kind each is, lists opened, and what has nothing to do with access passed
//! over and counted.

mod core;
mod decode;
mod node;
mod rbac;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::decode::{Decoder, Field};
use crate::document::{self, At, Node, Text};
use crate::node::{PersistentVolume, Pod, PodCertificateRequest, ResourceSlice, VolumeAttachment};
use crate::rbac::{Binding, ClusterRole, Role};
use crate::{Diagnostic, Limits, Origin, Source};

pub use self::core::{ClusterNode, Secret, ServiceAccount};
pub use self::decode::nearest;

/// How manifests are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// The namespace of objects that need one and say none, as kubectl takes it from its context.
    pub default_namespace: Option<String>,
    /// Whether objects are defaulted and held against the rules of the API server.
    pub validate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            default_namespace: Some("default".to_owned()),
            validate: true,
        }
    }
}

impl Options {
    /// Objects exactly as they are written, with what an API server would refuse: neither defaults
    /// nor validation.
    pub fn wire() -> Self {
        Self { default_namespace: None, validate: false, ..Self::default() }
    }
}

/// The objects of one text, in its order.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Manifest {
    /// Roles.
    pub roles: Vec<Role>,
    /// ClusterRoles.
    pub cluster_roles: Vec<ClusterRole>,
    /// RoleBindings.
    pub role_bindings: Vec<Binding>,
    /// ClusterRoleBindings.
    pub cluster_role_bindings: Vec<Binding>,
    /// ServiceAccounts.
    pub service_accounts: Vec<ServiceAccount>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Nodes.
    pub nodes: Vec<ClusterNode>,
    /// Pods.
    pub pods: Vec<Pod>,
    /// PersistentVolumes.
    pub persistent_volumes: Vec<PersistentVolume>,
    /// VolumeAttachments.
    pub volume_attachments: Vec<VolumeAttachment>,
    /// ResourceSlices.
    pub resource_slices: Vec<ResourceSlice>,
    /// PodCertificateRequests.
    pub pod_certificate_requests: Vec<PodCertificateRequest>,
    /// Objects of other kinds, counted by `apiVersion/kind`.
    pub skipped: BTreeMap<String, usize>,
}

/// Reads the objects of a text. All mistakes are found at once; an object with a mistake in it is kept
/// as far as it could be read, so that what refers to it is not reported as well.
pub fn parse_manifest(source: &Source<'_>, options: &Options) -> (Manifest, Vec<Diagnostic>) {
    let limits = &options.limits;
    let (documents, mut found) = document::read(source, limits);
    if documents.is_empty() && found.is_empty() {
        let message = format!("{} holds no object", source.name);
        let help = "remove it, or write what it was meant to hold";
        found.push(Diagnostic::warning("parse/no-objects", message).help(help));
    }
    let Ok(text) = Text::new(source, limits) else { return (Manifest::default(), found) };
    let mut reader = Reader {
        decoder: Decoder { text: &text, found: Vec::new() },
        options,
        manifest: Manifest::default(),
        objects: 0,
    };
    for document in &documents {
        reader.object(document, None, 0);
    }
    found.append(&mut reader.decoder.found);
    let manifest = reader.manifest;
    (manifest, bounded(found, limits.diagnostics))
}

/// The first `most`, and how many were left out.
fn bounded(mut found: Vec<Diagnostic>, most: usize) -> Vec<Diagnostic> {
    let left_out = found.len().saturating_sub(most);
    if left_out > 0 {
        let is_error = found.iter().skip(most).any(Diagnostic::is_error);
        found.truncate(most);
        let message = format!("{left_out} more findings are not shown");
        let make = if is_error { Diagnostic::error } else { Diagnostic::warning };
        found.push(make("parse/more-findings", message));
    }
    found
}

struct Reader<'a> {
    decoder: Decoder<'a>,
    options: &'a Options,
    manifest: Manifest,
    objects: usize,
}

impl Reader<'_> {
    /// One object. `of_list` are the apiVersion and kind of items of a typed list, which may say none.
    fn object(&mut self, node: &Node, of_list: Option<(&str, &str)>, depth: usize) {
        let entries = self.decoder.entries(node, Field { of: "Object", path: "" });
        if entries.is_empty() {
            return;
        }
        let mut text_of = |name: &str| {
            node.get(name)
                .map(|node| self.decoder.string(node, Field { of: "TypeMeta", path: name }))
        };
        let (api_version, kind) = (text_of("apiVersion"), text_of("kind"));
        let api_version = api_version.or_else(|| of_list.map(|(version, _)| version.to_owned()));
        let kind = kind.or_else(|| of_list.map(|(_, kind)| kind.to_owned()));
        let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
            return self.missing(node, "Kind", "add a line `kind: …`");
        };
        let Some(api_version) = api_version.filter(|version| !version.is_empty()) else {
            return self.missing(node, "apiVersion", "add a line `apiVersion: …`");
        };
        self.typed(node, &api_version, &kind, depth);
    }

    fn typed(&mut self, node: &Node, api_version: &str, kind: &str, depth: usize) {
        let is_rbac = api_version.starts_with("rbac.authorization.k8s.io/");
        let version = api_version.rsplit('/').next().unwrap_or_default();
        match kind.strip_suffix("List") {
            Some(item) if is_rbac || api_version == "v1" || node::Kind::is_group(api_version) => {
                return self.list(node, (api_version, item), depth);
            }
            _ => {}
        }
        if let Some((known, is_version)) = node::Kind::find(api_version, kind) {
            return self.watched(node, known, is_version, api_version, kind);
        }
        let is_ours = match kind {
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => is_rbac,
            "ServiceAccount" | "Secret" | "Node" => api_version == "v1",
            _ => false,
        };
        if !is_ours {
            *self.manifest.skipped.entry(format!("{api_version}/{kind}")).or_default() += 1;
            return;
        }
        if is_rbac && version != "v1" && version != "v1beta1" {
            let help = "write rbac.authorization.k8s.io/v1";
            return self.unknown_version(node, api_version, kind, help);
        }
        if !self.count(node.at) {
            return;
        }
        let origin = self.origin(node);
        match kind {
            "Role" => self.role(node, origin),
            "ClusterRole" => self.cluster_role(node, origin),
            "RoleBinding" => self.binding(node, origin, true),
            "ClusterRoleBinding" => self.binding(node, origin, false),
            "ServiceAccount" => self.service_account(node, origin),
            "Node" => self.cluster_node(node, origin),
            _ => self.secret(node, origin),
        }
    }

    /// An object of a kind that the Node authorizer watches.
    fn watched(
        &mut self,
        node: &Node,
        known: node::Kind,
        is_version: bool,
        api_version: &str,
        kind: &str,
    ) {
        if !is_version {
            return self.unknown_version(node, api_version, kind, &known.help());
        }
        if self.count(node.at) {
            let origin = self.origin(node);
            known.read(self, node, origin);
        }
    }

    fn origin(&self, node: &Node) -> Origin {
        Origin { file: Arc::clone(self.decoder.text.name()), line: node.at.line }
    }

    fn unknown_version(&mut self, node: &Node, api_version: &str, kind: &str, help: &str) {
        let at = node.get("apiVersion").map_or(node.at, |node| node.at);
        let message = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
        self.decoder.error("parse/unknown-version", message, help, at);
    }

    /// `List`, whose items say what they are, or `RoleList`, whose items need not.
    fn list(&mut self, node: &Node, of: (&str, &str), depth: usize) {
        if depth >= self.options.limits.depth {
            let message = format!("lists of objects nest deeper than {depth} levels");
            return self.decoder.error("parse/too-deep", message, "take them apart", node.at);
        }
        let Some(items) = node.get("items") else { return };
        let of_items = if of.1.is_empty() { None } else { Some(of) };
        for item in self.decoder.items(items, Field { of: "List", path: "items" }) {
            self.object(item, of_items, depth + 1);
        }
    }

    /// Counts an object; false if there are more than allowed.
    fn count(&mut self, at: At) -> bool {
        self.objects += 1;
        let most = self.options.limits.objects;
        if self.objects == most + 1 {
            let message = format!("the file holds more than {most} objects");
            let help = "split it into several files, or raise `--limit-objects`";
            self.decoder.error("parse/too-many-objects", message, help, at);
        }
        self.objects <= most
    }

    fn missing(&mut self, node: &Node, what: &str, help: &str) {
        let start = self.decoder.text.label(node.at, "").excerpt;
        let message = format!("Object '{what}' is missing in '{start}'");
        self.decoder.error("parse/missing-kind", message, help, node.at);
    }
}

//! Everything that was read, in one value.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::node::{PersistentVolume, Pod, PodCertificateRequest, ResourceSlice, VolumeAttachment};
use crate::rbac::{Binding, ClusterRole, Role};
use crate::{ClusterNode, Diagnostic, Label, Manifest, Origin, Place, Secret, ServiceAccount};

/// All objects of a policy, whatever files they came from. At most one object of each kind,
/// namespace and name, if it was made by [`PolicySet::from_manifests`].
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// Roles.
    pub roles: Vec<Role>,
    /// ClusterRoles, not yet aggregated.
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
    /// Objects of other kinds that were passed over, counted by `apiVersion/kind`.
    pub skipped: BTreeMap<String, usize>,
}

impl PolicySet {
    /// Puts manifests together. Of two objects of one kind, namespace and name the later one stays,
    /// with a warning; bindings to roles that do not exist stay, with a warning.
    pub fn from_manifests(
        manifests: impl IntoIterator<Item = Manifest>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut set = Self::default();
        for manifest in manifests {
            set.roles.extend(manifest.roles);
            set.cluster_roles.extend(manifest.cluster_roles);
            set.role_bindings.extend(manifest.role_bindings);
            set.cluster_role_bindings.extend(manifest.cluster_role_bindings);
            set.service_accounts.extend(manifest.service_accounts);
            set.secrets.extend(manifest.secrets);
            set.nodes.extend(manifest.nodes);
            set.pods.extend(manifest.pods);
            set.persistent_volumes.extend(manifest.persistent_volumes);
            set.volume_attachments.extend(manifest.volume_attachments);
            set.resource_slices.extend(manifest.resource_slices);
            set.pod_certificate_requests.extend(manifest.pod_certificate_requests);
            for (kind, count) in manifest.skipped {
                *set.skipped.entry(kind).or_default() += count;
            }
        }
        let mut found = Vec::new();
        last_of_each("Role", &mut set.roles, &mut found);
        last_of_each("ClusterRole", &mut set.cluster_roles, &mut found);
        last_of_each("RoleBinding", &mut set.role_bindings, &mut found);
        last_of_each("ClusterRoleBinding", &mut set.cluster_role_bindings, &mut found);
        last_of_each("ServiceAccount", &mut set.service_accounts, &mut found);
        last_of_each("Secret", &mut set.secrets, &mut found);
        last_of_each("Node", &mut set.nodes, &mut found);
        last_of_each("Pod", &mut set.pods, &mut found);
        last_of_each("PersistentVolume", &mut set.persistent_volumes, &mut found);
        last_of_each("VolumeAttachment", &mut set.volume_attachments, &mut found);
        last_of_each("ResourceSlice", &mut set.resource_slices, &mut found);
        last_of_each("PodCertificateRequest", &mut set.pod_certificate_requests, &mut found);
        set.find_missing_roles(&mut found);
        (set, found)
    }

    /// Adds the objects of another set, as they are.
    pub fn extend(&mut self, other: Self) {
        self.roles.extend(other.roles);
        self.cluster_roles.extend(other.cluster_roles);
        self.role_bindings.extend(other.role_bindings);
        self.cluster_role_bindings.extend(other.cluster_role_bindings);
        self.service_accounts.extend(other.service_accounts);
        self.secrets.extend(other.secrets);
        self.nodes.extend(other.nodes);
        self.pods.extend(other.pods);
        self.persistent_volumes.extend(other.persistent_volumes);
        self.volume_attachments.extend(other.volume_attachments);
        self.resource_slices.extend(other.resource_slices);
        self.pod_certificate_requests.extend(other.pod_certificate_requests);
        for (kind, count) in other.skipped {
            *self.skipped.entry(kind).or_default() += count;
        }
    }

    /// Whether there is no object in it; objects of other kinds do not count.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
            && self.cluster_roles.is_empty()
            && self.role_bindings.is_empty()
            && self.cluster_role_bindings.is_empty()
            && self.service_accounts.is_empty()
            && self.secrets.is_empty()
            && self.nodes.is_empty()
            && self.pods.is_empty()
            && self.persistent_volumes.is_empty()
            && self.volume_attachments.is_empty()
            && self.resource_slices.is_empty()
            && self.pod_certificate_requests.is_empty()
    }

    fn find_missing_roles(&self, found: &mut Vec<Diagnostic>) {
        let cluster_roles: HashSet<&str> =
            self.cluster_roles.iter().map(|role| role.name.as_str()).collect();
        let roles: HashSet<(&str, &str)> =
            self.roles.iter().map(|role| (role.namespace.as_str(), role.name.as_str())).collect();
        for binding in self.cluster_role_bindings.iter().chain(&self.role_bindings) {
            let name = binding.role_ref.name.as_str();
            let exists = match binding.role_ref.kind.as_str() {
                "ClusterRole" => cluster_roles.contains(name),
                "Role" => roles.contains(&(binding.namespace.as_str(), name)),
                // Reported where it was read.
                _ => true,
            };
            if !exists {
                found.push(missing_role(binding));
            }
        }
    }
}

fn missing_role(binding: &Binding) -> Diagnostic {
    let Binding { name, namespace, role_ref, origin, .. } = binding;
    let (kind, role) = (&role_ref.kind, &role_ref.name);
    let (of, inside) = match namespace.as_str() {
        "" => ("ClusterRoleBinding", String::new()),
        namespace => ("RoleBinding", format!(" in namespace `{namespace}`")),
    };
    let place = if kind == "Role" { inside.as_str() } else { "" };
    let message =
        format!("{of} `{name}`{inside} refers to {kind} `{role}`{place}, which does not exist");
    Diagnostic::warning("rbac/unknown-role-ref", message)
        .help(
            "it grants nothing until there is such a role; add the role, or correct the reference",
        )
        .at(label(origin, ""))
}

/// What can be told apart by namespace and name.
trait Object {
    fn identity(&self) -> (&str, &str);
    fn origin(&self) -> &Origin;
}

macro_rules! object {
    ($($kind:ty),*) => {$(
        impl Object for $kind {
            fn identity(&self) -> (&str, &str) {
                (&self.namespace, &self.name)
            }

            fn origin(&self) -> &Origin {
                &self.origin
            }
        }
    )*};
}

object!(Role, Binding, ServiceAccount, Secret, Pod, PodCertificateRequest);

macro_rules! cluster_object {
    ($($kind:ty),*) => {$(
        impl Object for $kind {
            fn identity(&self) -> (&str, &str) {
                ("", &self.name)
            }

            fn origin(&self) -> &Origin {
                &self.origin
            }
        }
    )*};
}

cluster_object!(ClusterRole, ClusterNode, PersistentVolume, VolumeAttachment, ResourceSlice);

/// Keeps the last object of each identity, where the last one stands.
fn last_of_each<T: Object>(kind: &str, objects: &mut Vec<T>, found: &mut Vec<Diagnostic>) {
    let mut last: HashMap<(&str, &str), usize> = HashMap::with_capacity(objects.len());
    let mut superseded = HashSet::new();
    for (index, object) in objects.iter().enumerate() {
        if let Some(earlier) = last.insert(object.identity(), index)
            && let Some(first) = objects.get(earlier)
        {
            superseded.insert(earlier);
            found.push(duplicate(kind, first, object));
        }
    }
    if superseded.is_empty() {
        return;
    }
    let mut index = 0;
    objects.retain(|_| {
        index += 1;
        !superseded.contains(&(index - 1))
    });
}

fn duplicate<T: Object>(kind: &str, first: &T, second: &T) -> Diagnostic {
    let (namespace, name) = second.identity();
    let inside =
        if namespace.is_empty() { String::new() } else { format!(" in namespace `{namespace}`") };
    let message = format!("{kind} `{name}`{inside} is there twice; the later one counts");
    Diagnostic::warning("policy/duplicate-object", message)
        .help("remove one of the two")
        .at(label(second.origin(), "counts"))
        .with(label(first.origin(), "does not count"))
}

/// A label that shows a line without its text, which is not kept.
fn label(origin: &Origin, text: &str) -> Label {
    let place = Place { file: origin.file.clone(), line: origin.line.max(1), column: 1 };
    Label { place, length: 1, excerpt: String::new(), excerpt_column: 1, text: text.to_owned() }
}

//! Roles and bindings to a [`Table`].

use std::sync::Arc;

use hashbrown::HashMap;
use rayon::slice::ParallelSliceMut;
use verdikt_core::HashKey;
use verdikt_parser::rbac::{Binding, PolicyRule, Subject};
use verdikt_parser::{Diagnostic, Origin, PolicySet};

use super::aggregate::aggregate;
use super::permission_builder::PermissionBuilder;
use super::set::{SetId, Sets};
use super::table::{
    BindingRecord, Entries, Entry, Grant, NO_ROLE, NamespaceId, Namespaces, PlaceRecord,
    RoleRecord, SubjectKey, SubjectKind, SubjectRecord, Table,
};
use crate::intern::Interner;

impl Table {
    /// Compiles roles and bindings; ClusterRoles with an `aggregationRule` are aggregated first.
    ///
    /// Takes what an API server would refuse as well, and treats it as Kubernetes' authorizer would:
    /// unknown kinds match nobody, missing roles permit nothing. Warnings come for roles whose
    /// selectors cannot be used; an error only for a policy beyond 4 GiB of names.
    pub fn compile(policy: &PolicySet, key: &HashKey) -> (Self, Vec<Diagnostic>) {
        let (aggregated, errors) = aggregate(&policy.cluster_roles);
        let mut diagnostics: Vec<Diagnostic> =
            errors.iter().map(|error| error.diagnostic()).collect();

        let mut compiler = Compiler::new(key);
        for (role, rules) in policy.cluster_roles.iter().zip(&aggregated) {
            let cache_key = role.name.clone();
            compiler.role(RoleKind::ClusterRole, cache_key, rules, &role.origin);
        }
        for role in &policy.roles {
            let cache_key = role_key(&role.namespace, &role.name);
            compiler.role(RoleKind::Role, cache_key, &role.rules, &role.origin);
        }
        for binding in sorted(&policy.cluster_role_bindings) {
            compiler.binding(binding, "");
        }
        compiler.cluster_bindings = as_u32(compiler.bindings.len());
        // No request asks in the namespace of a RoleBinding that has none.
        let visible = |binding: &&Binding| !binding.namespace.is_empty();
        for binding in sorted(&policy.role_bindings).into_iter().filter(visible) {
            compiler.binding(binding, &binding.namespace);
        }
        let table = compiler.finish();
        if table.names.overflowed() {
            let message = "the policy holds more than 4 GiB of names";
            diagnostics.push(
                Diagnostic::error("policy/too-large", message)
                    .help("split it over several engines, or shorten the names"),
            );
        }
        (table, diagnostics)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum RoleKind {
    Role,
    ClusterRole,
}

struct Compiler<'p> {
    key: &'p HashKey,
    permissions: PermissionBuilder<'p>,
    sets: Sets,
    /// Lists of rules already seen, so that a thousand equal Roles are worked out once.
    rule_lists: HashMap<&'p [PolicyRule], (Arc<[PolicyRule]>, SetId)>,
    roles: Vec<RoleRecord>,
    role_ids: HashMap<(RoleKind, String), u32>,
    namespaces: Namespaces,
    names: Interner,
    bindings: Vec<BindingRecord>,
    cluster_bindings: u32,
    subjects: Vec<SubjectRecord>,
    pending: Vec<Pending>,
    files: Vec<Arc<str>>,
    file_ids: HashMap<Arc<str>, u32>,
}

/// A grant on its way into an [`Entry`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    namespace: Option<NamespaceId>,
    subject: SubjectKey,
    binding: u32,
}

impl<'p> Compiler<'p> {
    fn new(key: &'p HashKey) -> Self {
        Self {
            key,
            permissions: PermissionBuilder::new(key),
            sets: Sets::default(),
            rule_lists: HashMap::new(),
            roles: Vec::new(),
            role_ids: HashMap::new(),
            namespaces: Namespaces::default(),
            names: Interner::default(),
            bindings: Vec::new(),
            cluster_bindings: 0,
            subjects: Vec::new(),
            pending: Vec::new(),
            files: Vec::new(),
            file_ids: HashMap::new(),
        }
    }

    fn role(&mut self, kind: RoleKind, cache_key: String, rules: &'p [PolicyRule], at: &Origin) {
        let Self { rule_lists, permissions, sets, .. } = self;
        let (rules, set) = rule_lists.entry(rules).or_insert_with_key(|rules| {
            let content = permissions.content(rules, sets.names_mut());
            (Arc::from(*rules), sets.add(content))
        });
        let (rules, set) = (Arc::clone(rules), *set);
        let place = self.place(at);
        let id = as_u32(self.roles.len());
        self.roles.push(RoleRecord { rules, set, place });
        // Of two roles of one name the later counts, as in the API server's cache.
        self.role_ids.insert((kind, cache_key), id);
    }

    fn binding(&mut self, binding: &Binding, namespace: &str) {
        let key = self.key;
        let role = self.role_id(binding, namespace);
        let id = as_u32(self.bindings.len());
        let first_subject = as_u32(self.subjects.len());
        for subject in &binding.subjects {
            self.subject(subject, namespace, id);
        }
        let record = BindingRecord {
            name: self.names.push(&binding.name),
            namespace: self.names.intern(namespace, key),
            role_kind: self.names.intern(&binding.role_ref.kind, key),
            role_name: self.names.intern(&binding.role_ref.name, key),
            role,
            subjects: (first_subject, as_u32(self.subjects.len())),
            place: self.place(&binding.origin),
        };
        self.bindings.push(record);
    }

    /// A Role is looked up under `namespace/name`, and under the bare name where there is no
    /// namespace: a ClusterRoleBinding to the Role `ns/name` finds it, as in Kubernetes' cache.
    fn role_id(&self, binding: &Binding, namespace: &str) -> u32 {
        let name = &binding.role_ref.name;
        let key = match binding.role_ref.kind.as_str() {
            "ClusterRole" => (RoleKind::ClusterRole, name.clone()),
            "Role" => (RoleKind::Role, role_key(namespace, name)),
            _ => return NO_ROLE,
        };
        self.role_ids.get(&key).copied().unwrap_or(NO_ROLE)
    }

    fn subject(&mut self, subject: &Subject, binding_namespace: &str, binding: u32) {
        let key = self.key;
        let kind = match subject.kind.as_str() {
            "User" => SubjectKind::User,
            "Group" => SubjectKind::Group,
            "ServiceAccount" => SubjectKind::ServiceAccount,
            _ => SubjectKind::Other,
        };
        let namespace =
            if subject.namespace.is_empty() { binding_namespace } else { &subject.namespace };
        let name = self.names.intern(&subject.name, key);
        self.subjects.push(SubjectRecord {
            kind,
            name,
            namespace: self.names.intern(namespace, key),
        });
        let subject_key = match kind {
            SubjectKind::User => SubjectKey::User(name),
            SubjectKind::Group => SubjectKey::Group(name),
            SubjectKind::ServiceAccount if !namespace.is_empty() => {
                let user = format!("system:serviceaccount:{namespace}:{}", subject.name);
                SubjectKey::User(self.names.intern(&user, key))
            }
            SubjectKind::ServiceAccount | SubjectKind::Other => return,
        };
        let namespace = match binding_namespace {
            "" => None,
            namespace => Some(self.namespaces.intern(namespace, key)),
        };
        self.pending.push(Pending { namespace, subject: subject_key, binding });
    }

    fn place(&mut self, origin: &Origin) -> PlaceRecord {
        let next = as_u32(self.files.len());
        let file = *self.file_ids.entry_ref(&origin.file).or_insert(next);
        if file == next {
            self.files.push(Arc::clone(&origin.file));
        }
        PlaceRecord { file, line: origin.line }
    }

    fn finish(mut self) -> Table {
        let permissions = self.permissions.finish();
        self.sets.finish(&permissions);
        let mut table = Table {
            key: self.key.clone(),
            permissions,
            sets: self.sets,
            cluster: Entries::default(),
            namespaced: Entries::default(),
            grants: Vec::new(),
            namespaces: self.namespaces,
            names: self.names,
            bindings: self.bindings,
            lacks_roles: false,
            cluster_bindings: self.cluster_bindings,
            subjects: self.subjects,
            roles: self.roles,
            files: self.files,
        };
        table.lacks_roles = table.bindings.iter().any(|binding| table.role_of(binding).is_none());
        table.add_entries(self.pending);
        table
    }
}

impl Table {
    /// Groups the grants by namespace and subject. A subject that a binding names twice counts once.
    fn add_entries(&mut self, mut pending: Vec<Pending>) {
        pending.par_sort_unstable();
        pending.dedup();
        let subjects =
            |a: &Pending, b: &Pending| (a.namespace, a.subject) == (b.namespace, b.subject);
        let (mut cluster, mut namespaced) = (Vec::new(), Vec::new());
        for group in pending.chunk_by(subjects) {
            let Some((first, more)) = group.split_first() else { continue };
            let start = as_u32(self.grants.len());
            let more: Vec<Grant> = more.iter().map(|pending| self.grant(pending)).collect();
            self.grants.extend(more);
            let first_grant = self.grant(first);
            let entry = Entry {
                hash: self.entry_hash(first),
                first: first_grant,
                more: (start, as_u32(self.grants.len())),
                subject: first.subject,
                name: self.names.span(first.subject.name()),
                namespace: first.namespace.unwrap_or_default(),
            };
            match first.namespace {
                None => cluster.push(entry),
                Some(_) => namespaced.push(entry),
            }
        }
        self.cluster = Entries::new(cluster);
        self.namespaced = Entries::new(namespaced);
    }

    fn grant(&self, pending: &Pending) -> Grant {
        let binding = pending.binding;
        let role = self.binding(binding).and_then(|record| self.role_of(record));
        Grant { binding, set: role.map_or(SetId::MISSING, |role| role.set) }
    }

    fn entry_hash(&self, pending: &Pending) -> u64 {
        let subject = match pending.subject {
            SubjectKey::User(name) => self.key.user(self.names.str(name)),
            SubjectKey::Group(name) => self.key.group(self.names.str(name)),
        };
        match pending.namespace {
            None => subject,
            Some(namespace) => Entry::hash_in(subject, namespace),
        }
    }
}

/// By namespace, then by name, comparing bytes; stable, for what an API server would not keep twice.
fn sorted(bindings: &[Binding]) -> Vec<&Binding> {
    let mut sorted: Vec<&Binding> = bindings.iter().collect();
    sorted.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    sorted
}

fn role_key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

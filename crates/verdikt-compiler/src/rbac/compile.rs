//! Roles and bindings to a [`Table`], all at once; `update.rs` has what changes one.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};
use verdikt_core::HashKey;
use verdikt_parser::rbac::{Binding, ClusterRole, PolicyRule, Role};
use verdikt_parser::{Diagnostic, Origin, PolicySet};

use super::aggregate::aggregate;
use super::event::Told;
use super::grants::{Grant, GrantSlot, Grants};
use super::ids::{IdSlot, Ids};
use super::permission::Permissions;
use super::permission_builder::PermissionBuilder;
use super::record::{self, PlaceRecord, SERVICE_ACCOUNT, SubjectKind, SubjectRecord, write};
use super::records::{BindingId, PER_PAGE, Records, write_page};
use super::roles::{RoleId, RoleKind, Roles, write_key};
use super::set::{SetId, Sets};
use super::table::{Table, hash_in};
use crate::cow::CowVec;
use crate::number::as_u32;
use crate::paged::Paged;

/// A [`Table`], and what changing it needs beside it.
#[derive(Clone, Debug)]
pub struct Compiler {
    pub(super) table: Table,
    pub(super) role_ids: Ids,
    /// How many bindings refer to each role.
    pub(super) uses: Vec<u32>,
    pub(super) free_roles: Vec<RoleId>,
    pub(super) binding_ids: Ids,
    pub(super) free_bindings: Vec<BindingId>,
    pub(super) files: HashMap<Arc<str>, u32>,
    /// What events brought.
    pub(super) told: Arc<Told>,
    /// All ClusterRoles as they are written: any may select any other by its labels.
    pub(super) cluster_roles: Arc<Vec<ClusterRole>>,
}

/// A role as it is to be: its kind, the name under which it is kept, its rules, and where it stands.
pub(super) struct NewRole<'p> {
    pub(super) kind: RoleKind,
    pub(super) key: String,
    pub(super) rules: Cow<'p, [PolicyRule]>,
    pub(super) origin: &'p Origin,
}

/// A binding and its namespace, which is empty for a ClusterRoleBinding whatever it says itself.
pub(super) type NewBinding<'p> = (&'p str, &'p Binding);

impl Table {
    /// Compiles roles and bindings; see [`Compiler::new`].
    pub fn compile(policy: &PolicySet, key: &HashKey) -> (Self, Vec<Diagnostic>) {
        let (compiler, diagnostics) = Compiler::new(policy, key);
        (compiler.table, diagnostics)
    }
}

impl Compiler {
    /// Compiles roles and bindings; ClusterRoles with an `aggregationRule` are aggregated first.
    ///
    /// Takes what an API server would refuse as well, and treats it as Kubernetes' authorizer would:
    /// unknown kinds match nobody, missing roles permit nothing. Warnings come for roles whose
    /// selectors cannot be used, and an error for rules beyond 4 GiB of words. Of two objects of one
    /// kind and name the later counts.
    pub fn new(policy: &PolicySet, key: &HashKey) -> (Self, Vec<Diagnostic>) {
        let mut compiler = Self {
            table: Table {
                key: key.clone(),
                permissions: Arc::new(Permissions::default()),
                sets: Arc::new(Sets::default()),
                roles: Roles::default(),
                bindings: Records::default(),
                cluster: Grants::default(),
                namespaced: Grants::default(),
                files: CowVec::new(),
            },
            role_ids: Ids::with_capacity(policy.cluster_roles.len() + policy.roles.len()),
            uses: Vec::new(),
            free_roles: Vec::new(),
            binding_ids: Ids::default(),
            free_bindings: Vec::new(),
            files: HashMap::new(),
            told: Arc::default(),
            cluster_roles: Arc::new(policy.cluster_roles.clone()),
        };
        let (roles, mut diagnostics) = cluster_roles(&policy.cluster_roles);
        let mut lists = RuleLists::default();
        for role in roles.into_iter().chain(policy.roles.iter().map(role)) {
            let rules = lists.list(&role.rules);
            compiler.put_role(&role, rules);
        }
        compiler.compile_roles();
        diagnostics.extend(compiler.too_large());
        let cluster = policy.cluster_role_bindings.iter().map(in_cluster);
        let namespaced = policy.role_bindings.iter().filter_map(in_namespace);
        compiler.add_bindings(&cluster.chain(namespaced).collect::<Vec<_>>());
        (compiler, diagnostics)
    }

    /// The tables as they are. A copy of them costs next to nothing, and stays as it is.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Works out anew what all roles permit.
    pub(super) fn compile_roles(&mut self) {
        let (roles, key) = (self.table.roles.clone(), self.table.key.clone());
        let mut permissions = PermissionBuilder::new(&key);
        let mut sets = Sets::default();
        // So that a thousand equal Roles are worked out once.
        let mut known: HashMap<&[PolicyRule], SetId> = HashMap::new();
        let mut ids = Vec::with_capacity(self.uses.len());
        for role in roles.iter() {
            ids.push(role.rules.as_deref().map_or(SetId::MISSING, |rules| {
                *known.entry(rules).or_insert_with(|| {
                    let content = permissions.content(rules, sets.names_mut());
                    sets.add(content)
                })
            }));
        }
        let permissions = permissions.finish();
        sets.finish(&permissions);
        self.table.roles.set_all(ids);
        self.table.permissions = Arc::new(permissions);
        self.table.sets = Arc::new(sets);
    }

    /// What is wrong if rules hold more words than can be numbered; those that came last are not found.
    pub(super) fn too_large(&self) -> Option<Diagnostic> {
        self.table.permissions.words.overflowed().then(|| {
            Diagnostic::error("policy/too-large", "rules hold more than 4 GiB of words")
                .help("split the policy over several engines, or shorten the names")
        })
    }

    /// Adds all bindings to a table that has none.
    fn add_bindings(&mut self, bindings: &[NewBinding<'_>]) {
        let roles = self.roles_of(bindings);
        let places: Vec<PlaceRecord> =
            bindings.iter().map(|(_, binding)| self.place(&binding.origin)).collect();
        let key = &self.table.key;
        let chunks: Vec<Chunk> = bindings
            .par_chunks(PER_PAGE * PAGES_PER_CHUNK)
            .enumerate()
            .map(|(chunk, bindings)| {
                let first = chunk * PER_PAGE * PAGES_PER_CHUNK;
                let of = |index: usize| {
                    let role = roles.get(index).copied().unwrap_or_default();
                    (role, places.get(index).copied().unwrap_or_default())
                };
                Chunk::of(bindings, first, of, key)
            })
            .collect();
        let pages = chunks.iter().flat_map(|chunk| chunk.pages.iter().cloned());
        self.table.bindings = Records::of(pages, as_u32(bindings.len()));
        let gather = |of: fn(&Chunk) -> &Vec<GrantSlot>| {
            chunks.iter().flat_map(|chunk| of(chunk).iter().copied()).collect()
        };
        let records = &self.table.bindings;
        self.table.cluster = Grants::of(gather(|chunk| &chunk.cluster), records);
        self.table.namespaced = Grants::of(gather(|chunk| &chunk.namespaced), records);
        let ids: Vec<IdSlot> = chunks.iter().flat_map(|chunk| chunk.ids.iter().copied()).collect();
        self.binding_ids = Paged::of(&ids);
        for role in roles {
            self.use_role(role);
        }
        self.drop_doubles(ids);
    }

    /// Of bindings that have namespace and name in common, takes all away but the last.
    fn drop_doubles(&mut self, mut ids: Vec<IdSlot>) {
        ids.par_sort_unstable_by_key(IdSlot::order);
        let records = &self.table.bindings;
        let name = |id: &IdSlot| record::key(records.bytes(id.id()));
        let mut doubles = Vec::new();
        for group in ids.chunk_by_mut(|first, second| first.has_hash_of(second)) {
            if group.len() > 1 {
                group.sort_by_key(|id| records.order(id.id()));
                let windows = group.array_windows();
                let earlier = windows.filter(|[first, second]| name(first) == name(second));
                doubles.extend(earlier.map(|[first, _]| first.id()));
            }
        }
        for id in doubles {
            self.drop_binding(id);
        }
    }

    /// The role that each binding refers to; those that are not there get a number first.
    fn roles_of(&mut self, bindings: &[NewBinding<'_>]) -> Vec<RoleId> {
        let known: Vec<Option<RoleId>> = bindings
            .par_chunks(PER_PAGE * PAGES_PER_CHUNK)
            .map(|bindings| {
                let mut key = String::new();
                let find = |binding| self.find_role(binding, &mut key);
                bindings.iter().map(find).collect::<Vec<_>>()
            })
            .flatten_iter()
            .collect();
        let ids = known.into_iter().zip(bindings);
        ids.map(|(known, binding)| known.unwrap_or_else(|| self.role_of(binding))).collect()
    }

    /// The number of the file and the line of a place.
    pub(super) fn place(&mut self, origin: &Origin) -> PlaceRecord {
        let file = match self.files.get(&*origin.file) {
            Some(&file) => file,
            None => {
                let file = as_u32(self.table.files.push(Arc::clone(&origin.file)));
                self.files.insert(Arc::clone(&origin.file), file);
                file
            }
        };
        PlaceRecord { file, line: origin.line }
    }
}

/// Some pages of bindings, compiled by themselves.
#[derive(Default)]
struct Chunk {
    pages: Vec<Arc<[u8]>>,
    cluster: Vec<GrantSlot>,
    namespaced: Vec<GrantSlot>,
    ids: Vec<IdSlot>,
}

impl Chunk {
    /// Of bindings that have numbers from `first` on.
    fn of(
        bindings: &[NewBinding<'_>],
        first: usize,
        role_and_place: impl Fn(usize) -> (RoleId, PlaceRecord),
        key: &HashKey,
    ) -> Self {
        let mut chunk = Self::default();
        let mut bytes = Vec::new();
        let mut user = Vec::new();
        let mut index = first;
        for page in bindings.chunks(PER_PAGE) {
            bytes.clear();
            let mut ends = Vec::with_capacity(PER_PAGE);
            for (namespace, binding) in page {
                let scope = key.text(namespace);
                let (role, place) = role_and_place(index);
                let id = as_u32(index);
                let grants =
                    if namespace.is_empty() { &mut chunk.cluster } else { &mut chunk.namespaced };
                write(binding, namespace, role, place, &mut bytes, |at, subject| {
                    if let Some(hash) =
                        subject_hash(subject, scope_of(namespace, scope), key, &mut user)
                    {
                        let grant = Grant { role, binding: id, subject: at };
                        grants.push(GrantSlot::new(hash, grant));
                    }
                });
                ends.push(bytes.len());
                chunk.ids.push(IdSlot::new(HashKey::pair(scope, key.text(&binding.name)), id));
                index += 1;
            }
            let mut start = 0;
            let records: Vec<&[u8]> = ends
                .iter()
                .map(|&end| bytes.get(std::mem::replace(&mut start, end)..end).unwrap_or_default())
                .collect();
            chunk.pages.push(write_page(&records));
        }
        chunk
    }
}

/// The hash of a namespace, if it is one: bindings of the cluster have none.
pub(super) fn scope_of(namespace: &str, hash: u64) -> Option<u64> {
    (!namespace.is_empty()).then_some(hash)
}

/// The hash under which a subject's grants are found; none for a subject that is nobody. `user` is room
/// for a name.
pub(super) fn subject_hash(
    subject: SubjectRecord<'_>,
    scope: Option<u64>,
    key: &HashKey,
    user: &mut Vec<u8>,
) -> Option<u64> {
    let hash = match subject.kind {
        SubjectKind::User => key.user(subject.name()),
        SubjectKind::Group => key.group(subject.name()),
        SubjectKind::ServiceAccount if !subject.namespace.is_empty() => {
            user.clear();
            for part in [SERVICE_ACCOUNT, subject.namespace, b":", subject.name] {
                user.extend_from_slice(part);
            }
            key.user(std::str::from_utf8(user).unwrap_or_default())
        }
        SubjectKind::ServiceAccount | SubjectKind::Other => return None,
    };
    Some(scope.map_or(hash, |scope| hash_in(hash, scope)))
}

/// Lists of rules, equal ones shared.
#[derive(Default)]
pub(super) struct RuleLists(HashSet<Arc<[PolicyRule]>>);

impl RuleLists {
    pub(super) fn list(&mut self, rules: &[PolicyRule]) -> Arc<[PolicyRule]> {
        if let Some(known) = self.0.get(rules) {
            return Arc::clone(known);
        }
        let new = Arc::from(rules);
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// All ClusterRoles with their rules aggregated, and what is wrong with selectors.
pub(super) fn cluster_roles(roles: &[ClusterRole]) -> (Vec<NewRole<'_>>, Vec<Diagnostic>) {
    let (aggregated, errors) = aggregate(roles);
    let new = roles.iter().zip(aggregated).map(|(role, rules)| {
        let ClusterRole { name, origin, .. } = role;
        NewRole { kind: RoleKind::ClusterRole, key: name.clone(), rules, origin }
    });
    (new.collect(), errors.iter().map(|error| error.diagnostic()).collect())
}

pub(super) fn role(Role { namespace, name, rules, origin, .. }: &Role) -> NewRole<'_> {
    let mut key = String::new();
    write_key(RoleKind::Role, namespace, name, &mut key);
    NewRole { kind: RoleKind::Role, key, rules: Cow::Borrowed(rules), origin }
}

/// A ClusterRoleBinding has no namespace, whatever it says itself.
pub(super) fn in_cluster(binding: &Binding) -> NewBinding<'_> {
    ("", binding)
}

/// A RoleBinding, but for one that has no namespace: no request asks there.
pub(super) fn in_namespace(binding: &Binding) -> Option<NewBinding<'_>> {
    (!binding.namespace.is_empty()).then_some((&binding.namespace, binding))
}

/// Enough for a thread to be worth waking, and few enough to share the work well.
const PAGES_PER_CHUNK: usize = 64;

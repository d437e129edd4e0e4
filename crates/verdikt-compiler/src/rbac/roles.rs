//! Roles as bindings refer to them, by number, whether or not there is such a role.

use std::sync::Arc;

use verdikt_parser::rbac::PolicyRule;

use super::record::{PlaceRecord, Record};
use super::set::SetId;
use crate::cow::CowVec;
use crate::number::as_u32;

/// Number of a role that is there, or that a binding refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleId(pub(super) u32);

/// What kind of role a binding refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RoleKind {
    Role,
    ClusterRole,
    /// Any other text, which permits nothing.
    Unsupported,
    /// A number that is not in use.
    #[default]
    Free,
}

/// A role, or what stands for one that is not there.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleRecord {
    pub(super) kind: RoleKind,
    /// The kind of an unsupported one, as it is written.
    pub(super) kind_text: Arc<str>,
    /// The name; that of a Role behind its namespace and a slash. Under that Kubernetes' cache keeps it,
    /// so that a ClusterRoleBinding to the Role `ns/name` finds it.
    pub(super) key: Arc<str>,
    /// None if there is no such role. Equal lists are shared.
    pub(super) rules: Option<Arc<[PolicyRule]>>,
    pub(super) place: PlaceRecord,
}

/// All roles of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    records: CowVec<RoleRecord>,
    /// What each permits, apart from the rest: all that a decision needs of it.
    sets: Arc<Vec<SetId>>,
    /// How many are not there.
    missing: usize,
}

impl Roles {
    /// What the role permits.
    #[inline]
    pub(super) fn set(&self, id: RoleId) -> SetId {
        self.sets.get(id.0 as usize).copied().unwrap_or(SetId::MISSING)
    }

    pub(super) fn get(&self, id: RoleId) -> Option<&RoleRecord> {
        self.records.get(id.0 as usize)
    }

    /// Whether bindings may refer to a role that is not there.
    pub(super) fn lacks_any(&self) -> bool {
        self.missing > 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RoleRecord> {
        self.records.iter()
    }

    /// Adds a role.
    pub(super) fn push(&mut self, record: RoleRecord, set: SetId) -> RoleId {
        self.missing += usize::from(record.is_missing());
        Arc::make_mut(&mut self.sets).push(set);
        RoleId(as_u32(self.records.push(record)))
    }

    /// Puts another role in the place of one.
    pub(super) fn replace(&mut self, id: RoleId, record: RoleRecord, set: SetId) {
        let index = id.0 as usize;
        let (Some(old), Some(old_set)) =
            (self.records.get_mut(index), Arc::make_mut(&mut self.sets).get_mut(index))
        else {
            return;
        };
        self.missing += usize::from(record.is_missing());
        self.missing -= usize::from(old.is_missing());
        (*old, *old_set) = (record, set);
    }

    /// Says what each permits, in order of their numbers.
    pub(super) fn set_all(&mut self, sets: Vec<SetId>) {
        self.sets = Arc::new(sets);
    }

    /// Bytes on the heap; shared lists of rules are left out.
    pub(super) fn heap_bytes(&self) -> usize {
        let keys: usize = self.records.iter().map(|role| role.key.len() + 16).sum();
        self.records.heap_bytes() + self.sets.capacity() * size_of::<SetId>() + keys
    }
}

impl RoleKind {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "Role" => Self::Role,
            "ClusterRole" => Self::ClusterRole,
            _ => Self::Unsupported,
        }
    }

    /// As a binding writes it; one that is not supported has a text of its own.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
            Self::Unsupported | Self::Free => "",
        }
    }
}

impl RoleRecord {
    /// The kind, as a binding writes it.
    pub(super) fn kind(&self) -> &str {
        if self.kind == RoleKind::Unsupported { &self.kind_text } else { self.kind.text() }
    }

    fn is_missing(&self) -> bool {
        self.kind != RoleKind::Free && self.rules.is_none()
    }

    /// The name by which this binding refers to it.
    pub(super) fn name_in(&self, binding: Record<'_>) -> &str {
        let own = || {
            let key = self.key.strip_prefix(binding.namespace)?;
            key.strip_prefix('/')
        };
        match self.kind {
            RoleKind::Role if !binding.namespace.is_empty() => own().unwrap_or(&self.key),
            _ => &self.key,
        }
    }
}

/// The name under which a role is kept: see [`RoleRecord::key`].
pub(super) fn write_key(kind: RoleKind, namespace: &str, name: &str, key: &mut String) {
    key.clear();
    if kind == RoleKind::Role && !namespace.is_empty() {
        key.push_str(namespace);
        key.push('/');
    }
    key.push_str(name);
}

//! The numbers of roles, and roles that come, change and go.

use std::sync::Arc;

use verdikt_core::HashKey;
use verdikt_parser::rbac::PolicyRule;

use super::compile::{Compiler, NewBinding, NewRole, RuleLists};
use super::roles::{RoleId, RoleKind, RoleRecord, write_key};
use super::set::SetId;

impl Compiler {
    /// The role that a binding refers to, which gets a number if it has none.
    pub(super) fn role_of(&mut self, binding: &NewBinding<'_>) -> RoleId {
        let mut key = String::new();
        self.find_role(binding, &mut key).unwrap_or_else(|| {
            let kind_text = &binding.1.role_ref.kind;
            let kind = RoleKind::of(kind_text);
            let kind_text = match kind {
                RoleKind::Unsupported => kind_text.as_str().into(),
                _ => Arc::default(),
            };
            self.add_role(RoleRecord { kind, kind_text, key: key.into(), ..RoleRecord::default() })
        })
    }

    /// The role that a binding refers to, if it has a number; `key` becomes its name.
    pub(super) fn find_role(
        &self,
        &(namespace, binding): &NewBinding<'_>,
        key: &mut String,
    ) -> Option<RoleId> {
        let kind_text = &binding.role_ref.kind;
        write_key(RoleKind::of(kind_text), namespace, &binding.role_ref.name, key);
        self.role_id(kind_text, key)
    }

    fn role_id(&self, kind: &str, key: &str) -> Option<RoleId> {
        let is_it = |id| {
            let role = self.table.roles.get(RoleId(id));
            role.is_some_and(|role| (role.kind(), &*role.key) == (kind, key))
        };
        self.role_ids.id(self.role_hash(kind, key), is_it).map(RoleId)
    }

    fn role_hash(&self, kind: &str, key: &str) -> u64 {
        HashKey::pair(self.table.key.text(kind), self.table.key.text(key))
    }

    /// Adds a role, or puts it in the place of the one of its name. What it permits is still to be said.
    pub(super) fn put_role(&mut self, role: &NewRole<'_>, rules: Arc<[PolicyRule]>) -> RoleId {
        let record = RoleRecord {
            kind: role.kind,
            key: role.key.as_str().into(),
            rules: Some(rules),
            place: self.place(role.origin),
            ..RoleRecord::default()
        };
        match self.role_id(record.kind(), &record.key) {
            Some(id) => {
                let set = self.table.roles.set(id);
                self.table.roles.replace(id, record, set);
                id
            }
            None => self.add_role(record),
        }
    }

    fn add_role(&mut self, record: RoleRecord) -> RoleId {
        let hash = self.role_hash(record.kind(), &record.key);
        let id = match self.free_roles.pop() {
            Some(id) => {
                self.table.roles.replace(id, record, SetId::MISSING);
                id
            }
            None => {
                self.uses.push(0);
                self.table.roles.push(record, SetId::MISSING)
            }
        };
        self.role_ids.add(hash, id.0);
        id
    }

    /// Notes that one more binding refers to a role.
    pub(super) fn use_role(&mut self, id: RoleId) {
        if let Some(uses) = self.uses.get_mut(id.0 as usize) {
            *uses += 1;
        }
    }

    /// Notes that a binding refers to a role no longer.
    pub(super) fn let_go_of_role(&mut self, id: RoleId) {
        if let Some(uses) = self.uses.get_mut(id.0 as usize) {
            *uses = uses.saturating_sub(1);
        }
        self.free_role(id);
    }

    /// Gives up the number of a role that is not there and that no binding refers to.
    fn free_role(&mut self, id: RoleId) {
        let Some(role) = self.table.roles.get(id) else { return };
        if role.rules.is_some() || self.uses.get(id.0 as usize).is_none_or(|&uses| uses > 0) {
            return;
        }
        let hash = self.role_hash(role.kind(), &role.key);
        self.role_ids.take_away(hash, id.0);
        self.table.roles.replace(id, RoleRecord::default(), SetId::MISSING);
        self.free_roles.push(id);
    }

    /// Makes the roles these, and no others.
    pub(super) fn update_roles(&mut self, roles: &[NewRole<'_>]) {
        let (ids, mut changed) = self.add_roles(roles);
        let mut is_asked = vec![false; self.uses.len()];
        for id in ids {
            if let Some(is_asked) = is_asked.get_mut(id.0 as usize) {
                *is_asked = true;
            }
        }
        let gone = |(id, is_asked): (u32, bool)| (!is_asked).then_some(RoleId(id));
        for id in (0..).zip(is_asked).filter_map(gone) {
            changed |= self.drop_role(id);
        }
        if changed {
            self.compile_roles();
        }
    }

    /// Adds roles, or puts them in the place of those of their names, and takes one away; tells whether any
    /// has other rules than before.
    pub(super) fn change_roles(
        &mut self,
        roles: &[NewRole<'_>],
        gone: Option<(RoleKind, &str)>,
    ) -> bool {
        let gone = gone.and_then(|(kind, key)| self.role_id(kind.text(), key));
        let is_gone = gone.is_some_and(|id| self.drop_role(id));
        let changed = self.add_roles(roles).1 || is_gone;
        if changed {
            self.compile_roles();
        }
        changed
    }

    /// What the roles permit is still to be worked out, if any has other rules than before.
    fn add_roles(&mut self, roles: &[NewRole<'_>]) -> (Vec<RoleId>, bool) {
        let mut lists = RuleLists::default();
        let mut changed = false;
        let mut add = |role: &NewRole<'_>| {
            let old = self.role_id(role.kind.text(), &role.key);
            let old = old.and_then(|id| self.table.roles.get(id)?.rules.clone());
            let rules = old.filter(|rules| **rules == *role.rules).unwrap_or_else(|| {
                changed = true;
                lists.list(&role.rules)
            });
            self.put_role(role, rules)
        };
        let ids = roles.iter().map(&mut add).collect();
        (ids, changed)
    }

    /// Takes a role away; tells whether it was there.
    fn drop_role(&mut self, id: RoleId) -> bool {
        let Some(old) = self.table.roles.get(id).filter(|role| role.rules.is_some()) else {
            return false;
        };
        let record = RoleRecord { rules: None, ..old.clone() };
        self.table.roles.replace(id, record, SetId::MISSING);
        self.free_role(id);
        true
    }
}

//! Lists of `resourceNames`, each distinct one kept once, however long: asking costs two probes.

use hashbrown::HashTable;
use verdikt_core::HashKey;

use crate::intern::{Interner, StrId};
use crate::number::as_u32;

/// Name of a list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NameListId(u32);

/// All lists of names of a policy.
#[derive(Debug, Default)]
pub(super) struct NameLists {
    names: Interner,
    members: HashTable<(NameListId, StrId)>,
    /// The lists themselves, sorted; only while building.
    lists: Vec<Vec<StrId>>,
    ids: HashTable<NameListId>,
}

impl NameLists {
    /// The id of a name that some list holds.
    #[inline]
    pub(super) fn name(&self, name: &str, key: &HashKey) -> Option<StrId> {
        self.names.get(name, key)
    }

    /// Whether `list` holds `name`.
    #[inline]
    pub(super) fn contains(&self, list: NameListId, name: StrId) -> bool {
        self.members.find(member_hash((list, name)), |&member| member == (list, name)).is_some()
    }

    /// The list of these names; order and repetition do not matter.
    pub(super) fn add(&mut self, names: &[String], key: &HashKey) -> NameListId {
        let names = names.iter().map(|name| self.names.intern(name, key)).collect();
        self.add_ids(names)
    }

    /// The list of all names that `lists` hold.
    pub(super) fn union(&mut self, lists: &[NameListId]) -> NameListId {
        match lists {
            [list] => *list,
            _ => {
                let list_of = |id: &NameListId| self.lists.get(id.0 as usize).into_iter().flatten();
                let names = lists.iter().flat_map(list_of).copied().collect();
                self.add_ids(names)
            }
        }
    }

    fn add_ids(&mut self, mut names: Vec<StrId>) -> NameListId {
        names.sort_unstable();
        names.dedup();
        let Self { lists, ids, members, .. } = self;
        let hash = list_hash(&names);
        let is_it = |id: &NameListId| lists.get(id.0 as usize) == Some(&names);
        if let Some(&id) = ids.find(hash, is_it) {
            return id;
        }
        let id = NameListId(as_u32(lists.len()));
        for &name in &names {
            members
                .insert_unique(member_hash((id, name)), (id, name), |&member| member_hash(member));
        }
        lists.push(names);
        ids.insert_unique(hash, id, |id| {
            lists.get(id.0 as usize).map_or(0, |names| list_hash(names))
        });
        id
    }

    /// Drops what only building needs.
    pub(super) fn finish(&mut self) {
        self.lists = Vec::new();
        self.ids = HashTable::new();
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.names.heap_bytes() + self.members.allocation_size()
    }
}

/// Ids are the policy author's, not a client's: mixing them needs no key.
#[inline]
fn member_hash((list, name): (NameListId, StrId)) -> u64 {
    HashKey::pair(u64::from(list.0), u64::from(name.0))
}

fn list_hash(names: &[StrId]) -> u64 {
    names.iter().fold(0, |hash, name| HashKey::pair(hash, u64::from(name.0)))
}

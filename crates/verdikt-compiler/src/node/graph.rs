//! What is known of all objects, and the pairs that follow from it: the state of the one writer.
//!
//! Invariant (counted-ways): the ways of a pair (node, object) are the number of pods on the node that
//! refer to the object, and for a volume or a secret also of the volumes that are claimed by a claim of
//! any pod on the node and that need it; an object bound to a node itself counts as one.
//!
//! Somebody has to pay for secrets that are reached over claims and volumes. Deciding is what clients ask
//! for, so it is the event: a claim that comes to a node, or leaves it, brings the secrets of its volume
//! (one, nearly always) along, and a volume that is bound to another claim touches each node which that
//! claim is used on (one, unless it may be mounted by many). No event looks at any other object.

use hashbrown::{HashMap, HashSet, HashTable};
use smallvec::SmallVec;
use verdikt_core::HashKey;
use verdikt_parser::node::{ClaimStatus, ExtendedClaimStatus};

use super::index::Index;
use super::record::{Kind, Record};

/// An object, by a small number that belongs to another one once it is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(pub(super) u32);

/// All objects that matter to nodes. Change it with events, and take an [`Index`] of it to decide by.
#[derive(Debug)]
pub struct Graph {
    pub(super) index: Index,
    /// Of each id, its hash and by how many holders it is held; not held, it is free.
    held: Vec<Held>,
    free: Vec<Id>,
    ids: HashTable<Id>,
    pub(super) pods: Map<PodState>,
    pub(super) volumes: Map<Volume>,
    pub(super) bound: Map<Bound>,
    claims: Map<Claim>,
}

/// Ids are not chosen by clients, so that a fast hash will do.
type Map<T> = HashMap<Id, T, foldhash::fast::RandomState>;
type Set = HashSet<Id, foldhash::fast::RandomState>;

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    hash: u64,
    holders: u32,
}

/// Where an object was last heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Files,
    Events,
}

/// A pod that grants something.
#[derive(Debug)]
pub(super) struct PodState {
    pub(super) source: Source,
    pub(super) node: Id,
    /// What it refers to and itself, sorted.
    pub(super) objects: Box<[Id]>,
    /// What the next update is held against; none if the pod was last seen without a node.
    pub(super) seen: Option<Seen>,
}

/// The parts of a pod that upstream compares to find out whether to read it again.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) uid: Box<str>,
    pub(super) ephemeral_containers: usize,
    pub(super) claim_statuses: Box<[ClaimStatus]>,
    pub(super) extended_claim: Option<Box<ExtendedClaimStatus>>,
}

/// A volume that is bound to a claim.
#[derive(Debug)]
pub(super) struct Volume {
    pub(super) source: Source,
    pub(super) claim: Id,
    /// What whoever has the claim may read: the volume and its secrets, sorted.
    pub(super) grants: Box<[Id]>,
}

/// An object that names its node itself.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) source: Source,
    pub(super) node: Option<Id>,
}

/// Where a claim is used, and what for.
#[derive(Debug, Default)]
struct Claim {
    nodes: Set,
    volumes: Set,
}

/// Few, nearly always.
type Few = SmallVec<[Id; 8]>;

impl Graph {
    /// Nothing yet; hashes are made with `key`.
    pub fn new(key: &HashKey) -> Self {
        Self::with_capacity(key, 0)
    }

    /// Nothing yet, with room for about so many pairs of a node and an object.
    pub fn with_capacity(key: &HashKey, pairs: usize) -> Self {
        Self {
            index: Index::new(key.clone(), pairs),
            held: Vec::new(),
            free: Vec::new(),
            ids: HashTable::new(),
            pods: Map::default(),
            volumes: Map::default(),
            bound: Map::default(),
            claims: Map::default(),
        }
    }

    /// What nodes reach now. Cheap: nothing is copied until the next event.
    pub fn index(&self) -> Index {
        self.index.clone()
    }

    /// The id of an object, if anything holds it.
    pub(super) fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Id> {
        let hash = self.index.hash(kind, namespace, name);
        self.ids.find(hash, |&id| self.index.is(id, kind, namespace, name)).copied()
    }

    /// The id of an object, held once more.
    pub(super) fn hold(&mut self, kind: Kind, namespace: &str, name: &str) -> Id {
        let id = self.find(kind, namespace, name).unwrap_or_else(|| {
            let hash = self.index.hash(kind, namespace, name);
            let id = self.place(Record::new(kind, namespace, name), hash);
            let Self { ids, held, .. } = self;
            ids.insert_unique(hash, id, |id| hash_of(held, *id));
            id
        });
        if let Some(held) = self.held.get_mut(id.0 as usize) {
            held.holders += 1;
        }
        id
    }

    fn place(&mut self, record: Record, hash: u64) -> Id {
        let held = Held { hash, holders: 0 };
        if let Some(id) = self.free.pop() {
            let slots =
                (self.index.records.get_mut(id.0 as usize), self.held.get_mut(id.0 as usize));
            if let (Some(slot), Some(slot_held)) = slots {
                (*slot, *slot_held) = (record, held);
            }
            return id;
        }
        self.held.push(held);
        Id(u32::try_from(self.index.records.push(record)).unwrap_or(u32::MAX))
    }

    /// Lets go of an object; what nobody holds is forgotten.
    pub(super) fn release(&mut self, id: Id) {
        let Some(held) = self.held.get_mut(id.0 as usize) else { return };
        held.holders = held.holders.saturating_sub(1);
        if held.holders > 0 {
            return;
        }
        if let Ok(entry) = self.ids.find_entry(held.hash, |&other| other == id) {
            entry.remove();
        }
        if let Some(record) = self.index.records.get_mut(id.0 as usize) {
            *record = Record::default();
        }
        self.free.push(id);
    }

    pub(super) fn release_all(&mut self, ids: &[Id]) {
        for &id in ids {
            self.release(id);
        }
    }

    /// A pod on `node` refers to the objects from now on.
    pub(super) fn link_pod(&mut self, node: Id, objects: &[Id]) {
        for &object in objects {
            let ways = self.add(node, object);
            if ways == 1 && self.kind(object) == Kind::Claim {
                self.claims.entry(object).or_default().nodes.insert(node);
                for volume in self.volumes_of(object) {
                    self.add_grants(node, volume);
                }
            }
        }
    }

    /// It does so no longer.
    pub(super) fn unlink_pod(&mut self, node: Id, objects: &[Id]) {
        for &object in objects {
            let ways = self.remove(node, object);
            if ways == 0 && self.kind(object) == Kind::Claim {
                for volume in self.volumes_of(object) {
                    self.remove_grants(node, volume);
                }
                self.change_claim(object, |claim| claim.nodes.remove(&node));
            }
        }
    }

    /// Whoever has the claim of the volume may read what it needs from now on.
    pub(super) fn link_volume(&mut self, id: Id, volume: Volume) {
        let claim = self.claims.entry(volume.claim).or_default();
        claim.volumes.insert(id);
        let nodes: Vec<Id> = claim.nodes.iter().copied().collect();
        self.volumes.insert(id, volume);
        for node in nodes {
            self.add_grants(node, id);
        }
    }

    /// They may no longer.
    pub(super) fn unlink_volume(&mut self, id: Id) -> Option<Volume> {
        let claim = self.volumes.get(&id)?.claim;
        let nodes: Vec<Id> = self
            .claims
            .get(&claim)
            .into_iter()
            .flat_map(|claim| claim.nodes.iter().copied())
            .collect();
        for node in nodes {
            self.remove_grants(node, id);
        }
        self.change_claim(claim, |claim| claim.volumes.remove(&id));
        self.volumes.remove(&id)
    }

    fn volumes_of(&self, claim: Id) -> Few {
        self.claims
            .get(&claim)
            .into_iter()
            .flat_map(|claim| claim.volumes.iter().copied())
            .collect()
    }

    fn change_claim(&mut self, id: Id, change: impl FnOnce(&mut Claim) -> bool) {
        if let Some(claim) = self.claims.get_mut(&id) {
            change(claim);
            if claim.nodes.is_empty() && claim.volumes.is_empty() {
                self.claims.remove(&id);
            }
        }
    }

    fn add_grants(&mut self, node: Id, volume: Id) {
        for grant in self.grants_of(volume) {
            self.add(node, grant);
        }
    }

    fn remove_grants(&mut self, node: Id, volume: Id) {
        for grant in self.grants_of(volume) {
            self.remove(node, grant);
        }
    }

    fn grants_of(&self, volume: Id) -> Few {
        self.volumes.get(&volume).map(|volume| Few::from_slice(&volume.grants)).unwrap_or_default()
    }

    /// One more way from the node to the object.
    pub(super) fn add(&mut self, node: Id, object: Id) -> u32 {
        self.index.pairs.add(self.hash_of_pair(node, object), node, object)
    }

    /// One less.
    pub(super) fn remove(&mut self, node: Id, object: Id) -> u32 {
        self.index.pairs.remove(self.hash_of_pair(node, object), node, object)
    }

    fn hash_of_pair(&self, node: Id, object: Id) -> u64 {
        HashKey::pair(hash_of(&self.held, node), hash_of(&self.held, object))
    }

    pub(super) fn kind(&self, id: Id) -> Kind {
        self.index.record(id).map_or(Kind::Node, Record::kind)
    }
}

fn hash_of(held: &[Held], id: Id) -> u64 {
    held.get(id.0 as usize).map_or(0, |held| held.hash)
}

//! The policies of an ABAC file to a [`Table`].

use hashbrown::HashTable;
use verdikt_core::HashKey;
use verdikt_parser::abac::Policy;

use super::prefixes::Prefixes;
use super::table::{Entries, Entry, Field, NONE, Shapes, Subject, Table, Target};
use crate::filter::Filter;
use crate::intern::{Interner, StrId};

impl Table {
    /// Compiles policies, which are in the order of their file.
    pub fn compile(policies: &[Policy], key: &HashKey) -> Self {
        let mut table = Self {
            key: key.clone(),
            policies: policies.into(),
            words: Interner::default(),
            prefixes: Prefixes::default(),
            shapes: Shapes::default(),
            members: Filter::default(),
            resources: Entries::default(),
            paths: Entries::default(),
        };
        let mut lists = Lists::default();
        for (index, policy) in (0..MAX_POLICIES).zip(policies) {
            table.add(index, policy, &mut lists);
        }
        table.prefixes = Prefixes::new(lists.prefixes, &table.words);
        table.members = Filter::new(lists.members.iter().copied(), lists.members.len());
        table.resources.know();
        table.paths.know();
        table
    }

    /// Files one policy under its subject and targets.
    fn add(&mut self, index: u32, policy: &Policy, lists: &mut Lists) {
        let Some((subject, subject_hash)) = self.subject_of(policy, lists) else { return };
        let add = |entries: &mut Entries, target, target_hash| {
            let hash = HashKey::pair(subject_hash, target_hash);
            entries.add(Entry { hash, subject, target, first: index, first_writing: NONE }, policy);
        };

        let texts = [&policy.namespace, &policy.resource, &policy.api_group];
        let fields = texts.map(|text| field(text, &mut self.words, &self.key));
        let shape = Shapes::of(&fields);
        self.shapes.insert(shape);
        let hash = Target::resource_hash(texts.map(|text| self.key.text(text)), shape);
        add(&mut self.resources, Target::Resource(fields), hash);

        let (path, hash) = path_target(&policy.non_resource_path, &mut self.words, &self.key);
        add(&mut self.paths, path, hash);
        if let Target::Prefix(prefix) = path {
            lists.prefixes.push(prefix);
        }
    }

    /// Whom a policy is for, and the hash of that; none if it is for nobody.
    fn subject_of(&mut self, policy: &Policy, lists: &mut Lists) -> Option<(Subject, u64)> {
        let Policy { user, group, .. } = policy;
        if user.is_empty() && group.is_empty() {
            // Upstream wants at least one of them to match, so this is nobody, not anyone.
            return None;
        }
        let mut name = |text: &str| match text {
            "" => Field::ANY,
            text => field(text, &mut self.words, &self.key),
        };
        let subject = Subject { user: name(user), group: name(group) };
        let (user_hash, group_hash) = (self.key.user(user), self.key.group(group));
        let hash = match (subject.user, subject.group) {
            (Field::ANY, Field::ANY) => Subject::ANYONE_HASH,
            (_, Field::ANY) => user_hash,
            (Field::ANY, _) => group_hash,
            _ => {
                lists.members.push(user_hash);
                Subject::member_hash(user_hash, group_hash)
            }
        };
        Some((subject, hash))
    }
}

/// What is put in order once all policies are there.
#[derive(Default)]
struct Lists {
    prefixes: Vec<StrId>,
    /// Hashes of users who have to be in a group as well.
    members: Vec<u64>,
}

impl Entries {
    fn add(&mut self, new: Entry, policy: &Policy) {
        let is_it = |entry: &Entry| entry.subject == new.subject && entry.target == new.target;
        let Self { table, .. } = self;
        let entry = table.entry(new.hash, is_it, |entry| entry.hash).or_insert(new).into_mut();
        // INVARIANT (first-in-file): indices ascend, so what is there already stays.
        if !policy.readonly && entry.first_writing == NONE {
            entry.first_writing = new.first;
        }
    }

    /// Fits the filter to the table.
    fn know(&mut self) {
        let hashes = |table: &HashTable<Entry>| table.iter().map(|entry| entry.hash).collect();
        let hashes: Vec<u64> = hashes(&self.table);
        // Twice as roomy as needed: each subject asks it once for each shape, and a false yes costs as
        // much as ten noes.
        self.filter = Filter::new(hashes.iter().copied(), hashes.len() * 2);
    }
}

fn field(text: &str, words: &mut Interner, key: &HashKey) -> Field {
    match text {
        "*" => Field::ANY,
        text => Field::of(words.intern(text, key)),
    }
}

fn path_target(pattern: &str, words: &mut Interner, key: &HashKey) -> (Target, u64) {
    let prefix = pattern.trim_end_matches('*');
    if prefix.len() == pattern.len() {
        (Target::Path(words.intern(pattern, key)), Target::path_hash(pattern, key))
    } else if prefix.is_empty() {
        (Target::AnyPath, Target::ANY_PATH_HASH)
    } else {
        (Target::Prefix(words.intern(prefix, key)), Target::prefix_hash(prefix, key))
    }
}

/// A policy adds up to eight words, whose numbers must fit as well. Whatever is beyond would allow
/// nothing, but so many policies do not fit into memory.
const MAX_POLICIES: u32 = u32::MAX / 8;

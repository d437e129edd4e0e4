//! The policies of an ABAC file to a [`Table`].

use hashbrown::HashTable;
use verdikt_core::HashKey;
use verdikt_parser::abac::Policy;

use super::prefixes::Prefixes;
use super::table::{Entry, Kind, Member, Named, Shapes, Subject, SubjectId, Table, Target};
use crate::intern::{Interner, StrId};

impl Table {
    /// Compiles policies, which are in the order of their file.
    pub fn compile(policies: &[Policy], key: &HashKey) -> Self {
        let mut table = Self {
            key: key.clone(),
            policies: policies.into(),
            names: Interner::default(),
            words: Interner::default(),
            prefixes: Prefixes::default(),
            named: HashTable::new(),
            members: HashTable::new(),
            anyone: Subject { id: SubjectId(0), shapes: Shapes::default() },
            entries: HashTable::new(),
        };
        let mut prefixes = Vec::new();
        for (index, policy) in (0..MAX_POLICIES).zip(policies) {
            prefixes.extend(table.add(index, policy));
        }
        table.prefixes = Prefixes::new(prefixes, &table.words);
        table
    }

    /// Files one policy under its subject and targets. Returns its path prefix, if it has one.
    fn add(&mut self, index: u32, policy: &Policy) -> Option<StrId> {
        let fields = [&policy.namespace, &policy.resource, &policy.api_group];
        let fields = fields.map(|field| (field != "*").then(|| self.word(field)));
        let path = self.path_target(&policy.non_resource_path);
        let subject = self.subject_of(policy)?;
        subject.shapes.insert(&fields);
        let subject = subject.id;
        self.add_entry(subject, Target::Resource(fields), index, policy.readonly);
        self.add_entry(subject, path, index, policy.readonly);
        if let Target::Prefix(prefix) = path { Some(prefix) } else { None }
    }

    /// Whom a policy is for; none if it is for nobody.
    fn subject_of(&mut self, policy: &Policy) -> Option<&mut Subject> {
        match (policy.user.as_str(), policy.group.as_str()) {
            // Upstream wants at least one of them to match, so this is nobody, not anyone.
            ("", "") => None,
            ("" | "*", "" | "*") => Some(&mut self.anyone),
            (user, "" | "*") => Some(&mut self.named_mut(Kind::User, user).subject),
            ("" | "*", group) => Some(&mut self.named_mut(Kind::Group, group).subject),
            (user, group) => Some(&mut self.member_mut(user, group).subject),
        }
    }

    fn named_mut(&mut self, kind: Kind, name: &str) -> &mut Named {
        let subject = self.next_subject();
        let hash = match kind {
            Kind::User => self.key.user(name),
            Kind::Group => self.key.group(name),
        };
        let Self { named, names, .. } = self;
        named
            .entry(hash, |named| named.is(hash, kind, name, names), |named| named.hash)
            .or_insert_with(|| {
                let name = names.push(name);
                Named { hash, kind, name, subject, has_members: false }
            })
            .into_mut()
    }

    fn member_mut(&mut self, user: &str, group: &str) -> &mut Member {
        let user = self.named_mut(Kind::User, user);
        user.has_members = true;
        let user = user.subject.id;
        let group = self.named_mut(Kind::Group, group).subject.id;
        let subject = self.next_subject();
        let is_it = |member: &Member| member.user == user && member.group == group;
        self.members
            .entry(Member::hash(user, group), is_it, |member| {
                Member::hash(member.user, member.group)
            })
            .or_insert(Member { user, group, subject })
            .into_mut()
    }

    /// The subject that will be the next to be added.
    fn next_subject(&self) -> Subject {
        let count = 1 + self.named.len() + self.members.len();
        let id = SubjectId(u32::try_from(count).unwrap_or(u32::MAX));
        Subject { id, shapes: Shapes::default() }
    }

    fn path_target(&mut self, pattern: &str) -> Target {
        let prefix = pattern.trim_end_matches('*');
        if prefix.len() == pattern.len() {
            Target::Path(self.word(pattern))
        } else if prefix.is_empty() {
            Target::AnyPath
        } else {
            Target::Prefix(self.word(prefix))
        }
    }

    fn word(&mut self, text: &str) -> StrId {
        self.words.intern(text, &self.key)
    }

    fn add_entry(&mut self, subject: SubjectId, target: Target, index: u32, readonly: bool) {
        let hash = target.hash(subject);
        let is_it = |entry: &Entry| entry.subject == subject && entry.target == target;
        let entry = self
            .entries
            .entry(hash, is_it, |entry| entry.target.hash(entry.subject))
            .or_insert(Entry { subject, target, first: index, first_writing: None })
            .into_mut();
        // INVARIANT (first-in-file): indices ascend, so what is there already stays.
        if !readonly {
            entry.first_writing.get_or_insert(index);
        }
    }
}

/// A policy adds up to three subjects, whose numbers must fit as well. Whatever is beyond would allow
/// nothing, but so many policies do not fit into memory.
const MAX_POLICIES: u32 = u32::MAX / 4;

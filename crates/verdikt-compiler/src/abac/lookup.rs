//! Finds the first policy of an ABAC file that allows a request.
//!
//! Asks the filter for each subject and each combination of wildcards that policies have, and probes
//! for the few that pass. Allocates nothing, and allows nothing on a hash alone: whatever is found is
//! compared as text.

use verdikt_core::{Attributes, HashKey, User, same};

use super::table::{Entries, Entry, NONE, Shapes, Subject, Table, Target};
use crate::intern::StrId;

impl Table {
    /// Index of the first policy that allows the request, for [`verdikt_core::Reason::AbacPolicy`];
    /// none if ABAC has no opinion. It never denies.
    #[inline]
    pub fn lookup(&self, request: &Attributes<'_>) -> Option<u32> {
        let requester = request.user?;
        let user = requester.user();
        let search = Search { table: self, user, request, read_only: request.is_read_only() };
        let first = match requester.subjects(&self.key) {
            Some(subjects) => {
                let groups = subjects.groups().iter().copied();
                search.among(subjects.name(), groups)
            }
            None => {
                let groups = user.groups.iter().map(|group| self.key.group(group));
                search.among(self.key.user(&user.name), groups)
            }
        };
        (first != NONE).then_some(first)
    }
}

#[derive(Clone, Copy)]
struct Search<'a> {
    table: &'a Table,
    user: &'a User,
    request: &'a Attributes<'a>,
    read_only: bool,
}

impl Search<'_> {
    /// The first policy for any of these subjects.
    #[inline]
    fn among(self, user: u64, groups: impl Iterator<Item = u64> + Clone) -> u32 {
        let Self { table, request, .. } = self;
        let has_members = table.members.may_contain(user);
        let members = groups.clone().filter(move |_| has_members);
        let members = members.map(move |group| Subject::member_hash(user, group));
        let subjects = [Subject::ANYONE_HASH, user].into_iter().chain(groups).chain(members);

        let mut targets = Targets::default();
        if request.resource_request {
            let fields = [request.namespace, request.resource, request.api_group];
            let fields = fields.map(|text| table.key.text(text));
            for shape in table.shapes.iter() {
                targets.push(Target::resource_hash(fields, shape));
            }
            return self.first(&table.resources, subjects, &targets);
        }
        let longest = table.prefixes.longest(request.path, &table.words);
        let prefix_hash = |prefix| Target::prefix_hash(table.words.str(prefix), &table.key);
        let hashes = table
            .prefixes
            .chain(longest)
            .map(prefix_hash)
            .chain([Target::path_hash(request.path, &table.key), Target::ANY_PATH_HASH]);
        let mut first = NONE;
        for hash in hashes {
            if targets.is_full() {
                first = first.min(self.first(&table.paths, subjects.clone(), &targets));
                targets = Targets::default();
            }
            targets.push(hash);
        }
        first.min(self.first(&table.paths, subjects, &targets))
    }

    /// The first policy for any of these subjects and any of these targets.
    #[inline]
    fn first(
        self,
        entries: &Entries,
        mut subjects: impl Iterator<Item = u64>,
        targets: &Targets,
    ) -> u32 {
        let mut first = NONE;
        let mut start = 0;
        loop {
            let mut batch = [0; BATCH];
            let mut candidates = 0_u64;
            let mut len = 0;
            // First all filters are asked, which waits for nothing and guesses nothing.
            for (slot, subject) in batch.iter_mut().zip(&mut subjects) {
                *slot = subject;
                for &target in targets.hashes() {
                    let passes = entries.filter.may_contain(HashKey::pair(subject, target));
                    candidates = candidates << 1 | u64::from(passes);
                }
                len += 1;
            }
            // Targets of the last subject are the lowest bits.
            let count = targets.len.max(1);
            let last = (len * count).wrapping_sub(1);
            while candidates != 0 {
                let at = last.wrapping_sub(candidates.trailing_zeros() as usize);
                candidates &= candidates - 1;
                let subject = batch.get(at / count).copied().unwrap_or_default();
                let target = targets.hashes().get(at % count).copied().unwrap_or_default();
                let hash = HashKey::pair(subject, target);
                first = first.min(self.probe(entries, hash, start + at / count));
            }
            if len < BATCH {
                return first;
            }
            start += BATCH;
        }
    }

    #[inline]
    fn probe(self, entries: &Entries, hash: u64, subject: usize) -> u32 {
        let is_it = |entry: &Entry| entry.hash == hash && self.covers(entry, subject);
        match entries.table.find(hash, is_it) {
            Some(entry) if self.read_only => entry.first,
            Some(entry) => entry.first_writing,
            None => NONE,
        }
    }

    /// Whether the policies of an entry are for this subject and about what is asked, by comparison.
    /// Subjects are anyone, the user, each group, and the user in each group.
    #[inline]
    fn covers(self, entry: &Entry, subject: usize) -> bool {
        let Subject { user, group } = entry.subject;
        if user.text().is_some_and(|name| !self.is(name, &self.user.name)) {
            return false;
        }
        if let Some(name) = group.text() {
            let groups = &self.user.groups;
            let index = subject.checked_sub(2).and_then(|index| index.checked_rem(groups.len()));
            if !index.and_then(|index| groups.get(index)).is_some_and(|group| self.is(name, group))
            {
                return false;
            }
        }
        let Attributes { namespace, resource, api_group, path, .. } = *self.request;
        match entry.target {
            Target::Resource(fields) => fields
                .into_iter()
                .zip([namespace, resource, api_group])
                .all(|(field, asked)| field.text().is_none_or(|text| self.is(text, asked))),
            Target::AnyPath => true,
            Target::Path(text) => self.is(text, path),
            Target::Prefix(text) => path.starts_with(self.table.words.str(text)),
        }
    }

    #[inline]
    fn is(self, word: StrId, text: &str) -> bool {
        let words = &self.table.words;
        same(words.bytes_at(words.span(word)), text.as_bytes())
    }
}

/// Hashes of what a request is about, in the words of the policies.
#[derive(Default)]
struct Targets {
    hashes: [u64; Shapes::MOST],
    len: usize,
}

impl Targets {
    #[inline]
    fn push(&mut self, hash: u64) {
        if let Some(slot) = self.hashes.get_mut(self.len) {
            *slot = hash;
            self.len += 1;
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.len == Shapes::MOST
    }

    #[inline]
    fn hashes(&self) -> &[u64] {
        self.hashes.get(..self.len).unwrap_or_default()
    }
}

/// Subjects in a batch; with all shapes, 64 bits.
const BATCH: usize = 8;

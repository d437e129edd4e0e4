//! Finds the first policy of an ABAC file that allows a request.
//!
//! Costs one probe for the user and for each group, and for each of them that policies name, one more
//! for each combination of wildcards those policies have. Allocates nothing, and allows nothing on a
//! hash alone: names are compared as text, and all else by ids that only equal texts share.

use verdikt_core::{Attributes, Subjects};

use super::table::{Kind, Member, Named, Subject, SubjectId, Table, Target};
use crate::intern::StrId;

impl Table {
    /// Index of the first policy that allows the request, for [`verdikt_core::Reason::AbacPolicy`];
    /// none if ABAC has no opinion. It never denies.
    #[inline]
    pub fn lookup(&self, request: &Attributes<'_>) -> Option<u32> {
        let requester = request.user?;
        let resolved = requester.subjects(&self.key);
        let mut search = Search::new(self, request);
        search.visit(self.anyone);

        let hash = resolved.map_or_else(|| self.key.user(&requester.name), Subjects::name);
        let user = self.find_named(hash, Kind::User, &requester.name);
        if let Some(user) = user {
            search.visit(user.subject);
        }
        for (index, group) in requester.groups.iter().enumerate() {
            let hash = resolved.and_then(|subjects| subjects.groups().get(index).copied());
            let hash = hash.unwrap_or_else(|| self.key.group(group));
            let Some(group) = self.find_named(hash, Kind::Group, group) else { continue };
            search.visit(group.subject);
            if let Some(member) = user.and_then(|user| self.find_member(user, group)) {
                search.visit(member.subject);
            }
        }
        search.first
    }

    #[inline]
    fn find_named(&self, hash: u64, kind: Kind, name: &str) -> Option<&Named> {
        self.named.find(hash, |named| named.is(hash, kind, name, &self.names))
    }

    #[inline]
    fn find_member(&self, user: &Named, group: &Named) -> Option<&Member> {
        if !user.has_members {
            return None;
        }
        let (user, group) = (user.subject.id, group.subject.id);
        let is_it = |member: &Member| member.user == user && member.group == group;
        self.members.find(Member::hash(user, group), is_it)
    }
}

struct Search<'t> {
    table: &'t Table,
    asked: Asked,
    read_only: bool,
    /// The smallest index so far.
    first: Option<u32>,
}

/// What a request is about, in the words of the policies; none is a word that no policy has.
#[derive(Clone, Copy)]
enum Asked {
    /// Namespace, resource and API group.
    Resource([Option<StrId>; 3]),
    Path {
        exact: Option<StrId>,
        longest_prefix: Option<usize>,
    },
}

impl<'t> Search<'t> {
    #[inline]
    fn new(table: &'t Table, request: &Attributes<'_>) -> Self {
        let word = |text: &str| table.words.get(text, &table.key);
        let asked = if request.resource_request {
            Asked::Resource([request.namespace, request.resource, request.api_group].map(word))
        } else {
            let longest_prefix = table.prefixes.longest(request.path, &table.words);
            Asked::Path { exact: word(request.path), longest_prefix }
        };
        Self { table, asked, read_only: request.is_read_only(), first: None }
    }

    /// Looks for policies that are for `subject` and about what is asked.
    #[inline]
    fn visit(&mut self, subject: Subject) {
        match self.asked {
            Asked::Resource(words) => {
                let targets = subject.shapes.iter().filter_map(|shape| resource(words, shape));
                targets.for_each(|target| self.probe(subject.id, target));
            }
            Asked::Path { exact, longest_prefix } => {
                let prefixes = self.table.prefixes.chain(longest_prefix).map(Target::Prefix);
                let targets = prefixes.chain(exact.map(Target::Path)).chain([Target::AnyPath]);
                targets.for_each(|target| self.probe(subject.id, target));
            }
        }
    }

    #[inline]
    fn probe(&mut self, subject: SubjectId, target: Target) {
        let entry = self
            .table
            .entries
            .find(target.hash(subject), |entry| entry.subject == subject && entry.target == target);
        let found = entry
            .and_then(|entry| if self.read_only { Some(entry.first) } else { entry.first_writing });
        self.first = [self.first, found].into_iter().flatten().min();
    }
}

/// The target of this shape that covers the request; none if no policy has a word it would need.
#[inline]
fn resource(words: [Option<StrId>; 3], shape: u32) -> Option<Target> {
    let mut fields = [None; 3];
    for (bit, (field, word)) in fields.iter_mut().zip(words).enumerate() {
        if shape & (1 << bit) != 0 {
            *field = Some(word?);
        }
    }
    Some(Target::Resource(fields))
}

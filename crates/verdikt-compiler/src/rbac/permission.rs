//! What rules permit, as small numbers: patterns, and the classes of requests they tell apart.
//!
//! A *pattern* is one (verb, group, resource) or (verb, URL) that rules name, wildcards included;
//! every distinct one gets a [`PatternId`]. A request matches a handful of patterns, which are its
//! *class*. The classes of all (group, resource, subresource) that policy names, and of all verbs, are
//! worked out ahead, so that a request finds its class with one probe and one index; what no policy
//! names takes a few probes more. Both ways give the same patterns: the rows are filled by asking
//! [`Permissions::match_resource`] and [`Permissions::match_path`] for every verb.

use hashbrown::HashTable;
use smallvec::SmallVec;
use verdikt_core::{Attributes, HashKey, same};

use super::matrix::ClassesByPattern;
use super::verb::{Column, Verbs};
use crate::intern::{Interner, StrId};

/// Name of a pattern; rules that permit the same thing share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PatternId(pub(crate) u32);

impl PatternId {
    /// One of 64 bits, by which most sets that lack a pattern are told without looking into them.
    #[inline]
    pub(crate) fn mask(self) -> u64 {
        1 << (self.0.wrapping_mul(0x9e37_79b1) >> 26)
    }
}

/// The patterns one request matches.
#[derive(Clone, Copy)]
pub(crate) struct Class<'t> {
    /// The union of the patterns' masks.
    pub(crate) mask: u64,
    /// The patterns, none of which comes twice.
    pub(crate) patterns: &'t [PatternId],
    /// Its number, if it was worked out ahead.
    pub(crate) id: Option<u32>,
}

/// Room for the patterns of a request whose class was not worked out ahead.
pub(crate) type Found = SmallVec<[PatternId; 16]>;

/// Every pattern of a policy and the way from a request to its class.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    pub(super) words: Interner,
    pub(super) patterns: HashTable<(Pattern, PatternId)>,
    pub(super) shapes: u16,
    pub(super) verbs: Verbs,
    pub(super) points: HashTable<Point>,
    /// Group, resource and subresource of each point, one after the other.
    pub(super) point_keys: Vec<u8>,
    pub(super) exact_paths: HashTable<PathNode>,
    pub(super) prefixes: HashTable<PathNode>,
    /// Lengths in bytes that prefixes have, longest first.
    pub(super) prefix_lengths: Vec<u32>,
    /// Class of (row, column), row after row.
    pub(super) rows: Vec<u32>,
    /// Where in `class_patterns` a class ends; class 0 has no patterns.
    pub(super) classes: Vec<ClassSpan>,
    pub(super) class_patterns: Vec<PatternId>,
}

/// One (verb, group, resource) or (verb, URL) of the rules, in ids of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern {
    pub(super) verb: u32,
    pub(super) group: u32,
    pub(super) resource: u32,
}

/// A (group, resource, subresource) that policy names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) hash: u64,
    /// Where in [`Permissions::point_keys`] its texts start, and how long each is.
    pub(super) start: u32,
    pub(super) lens: [u16; 3],
    pub(super) row: u32,
}

/// A URL, or a URL prefix, that policy names.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathNode {
    pub(super) hash: u64,
    pub(super) text: StrId,
    pub(super) row: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClassSpan {
    pub(super) mask: u64,
    pub(super) start: u32,
    pub(super) len: u32,
}

impl<'t> Class<'t> {
    const NONE: Self = Self { mask: 0, patterns: &[], id: None };

    fn of(patterns: &'t [PatternId]) -> Self {
        let mask = patterns.iter().fold(0, |mask, pattern| mask | pattern.mask());
        Self { mask, patterns, id: None }
    }
}

impl Permissions {
    /// The class of a request, which may come to lie in `found`.
    #[inline]
    pub(crate) fn class<'t>(
        &'t self,
        request: &Attributes<'_>,
        key: &HashKey,
        found: &'t mut Found,
    ) -> Class<'t> {
        if !request.resource_request {
            return self.path_class(request, key, found);
        }
        let column = self.verbs.column(request.verb, &self.words, key);
        match (self.row(request, key), column) {
            (Some(row), Column::Listed(column)) => self.listed(row, column),
            _ => self.unlisted(request, key, found),
        }
    }

    #[inline]
    fn row(&self, request: &Attributes<'_>, key: &HashKey) -> Option<u32> {
        let Attributes { api_group, resource, subresource, .. } = *request;
        let hash = point_hash(api_group, resource, subresource, key);
        let is_it = |point: &Point| {
            point.hash == hash && point.is(&self.point_keys, api_group, resource, subresource)
        };
        self.points.find(hash, is_it).map(|point| point.row)
    }

    #[cold]
    fn unlisted<'t>(
        &'t self,
        request: &Attributes<'_>,
        key: &HashKey,
        found: &'t mut Found,
    ) -> Class<'t> {
        let verb = self.words.get(request.verb, key);
        let Attributes { api_group, resource, subresource, .. } = *request;
        *found = self.match_resource(verb, api_group, resource, subresource, key);
        Class::of(found)
    }

    fn path_class<'t>(
        &'t self,
        request: &Attributes<'_>,
        key: &HashKey,
        found: &'t mut Found,
    ) -> Class<'t> {
        match self.verbs.column(request.verb, &self.words, key) {
            Column::Listed(column) => match self.path_row(request.path, key) {
                Some(row) => self.listed(row, column),
                None => Class::NONE,
            },
            Column::Unlisted(verb) => {
                *found = self.match_path(Some(verb), request.path, key);
                Class::of(found)
            }
        }
    }

    /// The row of the most specific URL that policy names for `path`: itself, or its longest prefix,
    /// whose row counts the shorter prefixes in.
    fn path_row(&self, path: &str, key: &HashKey) -> Option<u32> {
        if let Some(node) = self.exact_path(path, key) {
            return Some(node.row);
        }
        self.prefixes_of(path, key).next().map(|node| node.row)
    }

    pub(super) fn exact_path(&self, path: &str, key: &HashKey) -> Option<&PathNode> {
        let hash = key.text(path);
        self.exact_paths.find(hash, |node| node.hash == hash && self.words.str(node.text) == path)
    }

    /// The prefixes policy names that `path` starts with, longest first.
    pub(super) fn prefixes_of<'t>(
        &'t self,
        path: &'t str,
        key: &'t HashKey,
    ) -> impl Iterator<Item = &'t PathNode> {
        self.prefix_lengths.iter().filter_map(move |&length| {
            let prefix = path.as_bytes().get(..length as usize)?;
            let hash = key.bytes(prefix);
            self.prefixes.find(hash, |node| {
                node.hash == hash && self.words.str(node.text).as_bytes() == prefix
            })
        })
    }

    #[inline]
    fn listed(&self, row: u32, column: u32) -> Class<'_> {
        let index = row as usize * self.verbs.columns() + column as usize;
        let class = self.rows.get(index).copied().unwrap_or(0);
        let span = self.classes.get(class as usize).copied().unwrap_or_default();
        let patterns = self.class_patterns_of(span);
        Class { mask: span.mask, patterns, id: Some(class) }
    }

    /// The patterns that match a resource request, by asking for each shape of pattern in turn:
    /// verb, group and resource each as named or as a wildcard, `*/subresource` counting as one.
    /// `verb` is none when no rule names it.
    pub(super) fn match_resource(
        &self,
        verb: Option<StrId>,
        group: &str,
        resource: &str,
        subresource: &str,
        key: &HashKey,
    ) -> Found {
        let group = self.words.get(group, key);
        let combined = combined(resource, subresource);
        let combined =
            std::str::from_utf8(&combined).ok().and_then(|text| self.words.get(text, key));
        let star = if subresource.is_empty() { None } else { self.words.get(subresource, key) };
        let resources =
            [combined.map(|id| id.0), star.map(|id| id.0 | STAR_SUBRESOURCE), Some(ANY)];

        let mut found = Found::new();
        for verb in [verb.map(|id| id.0), Some(ANY)].into_iter().flatten() {
            for group in [group.map(|id| id.0), Some(ANY)].into_iter().flatten() {
                for resource in resources.into_iter().flatten() {
                    let pattern = Pattern { verb, group, resource };
                    if self.shapes & pattern.shape() != 0 {
                        found.extend(self.pattern(pattern));
                    }
                }
            }
        }
        found
    }

    /// The patterns that match a request for a path; `verb` is none when no rule names it.
    pub(super) fn match_path(&self, verb: Option<StrId>, path: &str, key: &HashKey) -> Found {
        let mut found = self.match_prefixes(verb, path, key);
        if let Some(node) = self.exact_path(path, key) {
            found.extend(self.url_patterns(verb, node.text.0));
        }
        found
    }

    /// The same without what holds for exactly this path.
    pub(super) fn match_prefixes(&self, verb: Option<StrId>, path: &str, key: &HashKey) -> Found {
        let prefixes = self.prefixes_of(path, key);
        prefixes.flat_map(|node| self.url_patterns(verb, node.text.0 | PREFIX)).collect()
    }

    fn url_patterns(&self, verb: Option<StrId>, resource: u32) -> impl Iterator<Item = PatternId> {
        let verbs = [verb.map(|id| id.0), Some(ANY)].into_iter().flatten();
        verbs.filter_map(move |verb| self.pattern(Pattern { verb, group: URL, resource }))
    }

    /// How many classes were worked out ahead.
    pub(super) fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// The way from patterns to the classes they are in.
    pub(super) fn classes_by_pattern(&self) -> ClassesByPattern {
        let of_class = self.classes.iter().map(|span| self.class_patterns_of(*span));
        ClassesByPattern::new(self.patterns.len(), of_class)
    }

    #[inline]
    fn class_patterns_of(&self, span: ClassSpan) -> &[PatternId] {
        let start = span.start as usize;
        self.class_patterns.get(start..start + span.len as usize).unwrap_or_default()
    }

    pub(super) fn pattern(&self, pattern: Pattern) -> Option<PatternId> {
        let entry = self.patterns.find(pattern.hash(), |(other, _)| *other == pattern)?;
        Some(entry.1)
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.words.heap_bytes()
            + self.patterns.allocation_size()
            + self.points.allocation_size()
            + self.point_keys.capacity()
            + self.exact_paths.allocation_size()
            + self.prefixes.allocation_size()
            + self.rows.capacity() * size_of::<u32>()
            + self.classes.capacity() * size_of::<ClassSpan>()
            + self.class_patterns.capacity() * size_of::<PatternId>()
    }
}

impl Pattern {
    /// Ids are the policy author's, not a client's: mixing them needs no key.
    pub(super) fn hash(self) -> u64 {
        let first = u64::from(self.verb) << 32 | u64::from(self.group);
        HashKey::pair(first, u64::from(self.resource))
    }

    /// One of twelve bits, by which parts are wildcards; shapes no rule has need no probe.
    pub(super) fn shape(self) -> u16 {
        let verb = u16::from(self.verb == ANY);
        let group = u16::from(self.group == ANY);
        let resource = match self.resource {
            ANY => 2,
            id if id & STAR_SUBRESOURCE != 0 => 1,
            _ => 0,
        };
        1 << (resource * 4 + group * 2 + verb)
    }
}

impl Point {
    #[inline]
    pub(super) fn is(&self, keys: &[u8], group: &str, resource: &str, subresource: &str) -> bool {
        let mut at = self.start as usize;
        let parts = [group, resource, subresource];
        self.lens.iter().zip(parts).all(|(&len, part)| {
            let start = at;
            at += usize::from(len);
            keys.get(start..at).is_some_and(|text| same(text, part.as_bytes()))
        })
    }
}

/// Hash of a (group, resource, subresource).
#[inline]
pub(super) fn point_hash(group: &str, resource: &str, subresource: &str, key: &HashKey) -> u64 {
    let hash = HashKey::pair(key.text(group), key.text(resource));
    if subresource.is_empty() { hash } else { HashKey::pair(hash, key.text(subresource)) }
}

/// `resource` or `resource/subresource`, as rules write it; on the heap only if absurdly long.
fn combined(resource: &str, subresource: &str) -> SmallVec<[u8; 256]> {
    let mut text = SmallVec::from_slice(resource.as_bytes());
    if !subresource.is_empty() {
        text.push(b'/');
        text.extend_from_slice(subresource.as_bytes());
    }
    text
}

/// In place of a word's id: every verb, group or resource.
pub(super) const ANY: u32 = u32::MAX;
/// In place of a group's id: the pattern is about URLs.
pub(super) const URL: u32 = u32::MAX - 1;
/// Added to a word's id: that subresource of every resource.
pub(super) const STAR_SUBRESOURCE: u32 = 1 << 31;
/// Added to a word's id: every URL that starts with it.
pub(super) const PREFIX: u32 = 1 << 31;

//! Turns rules into patterns, and patterns into the class rows that requests are looked up in.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashTable;
use verdikt_core::HashKey;
use verdikt_parser::rbac::PolicyRule;

use super::names::{NameListId, NameLists};
use super::permission::{
    ANY, ClassSpan, PREFIX, PathNode, Pattern, PatternId, Permissions, Point, STAR_SUBRESOURCE,
    URL, point_hash,
};
use super::set::Content;
use super::verb::Verbs;
use crate::intern::StrId;
use crate::number::as_u32;

/// Gives every pattern of the rules it is shown an id.
pub(super) struct PermissionBuilder<'k> {
    key: &'k HashKey,
    out: Permissions,
    patterns: Vec<Pattern>,
    verb_uses: BTreeMap<StrId, usize>,
    literals: BTreeSet<(u32, StrId)>,
    paths: BTreeSet<u32>,
}

impl<'k> PermissionBuilder<'k> {
    pub(super) fn new(key: &'k HashKey) -> Self {
        Self {
            key,
            out: Permissions::default(),
            patterns: Vec::new(),
            verb_uses: BTreeMap::new(),
            literals: BTreeSet::new(),
            paths: BTreeSet::new(),
        }
    }

    /// What `rules` permit together.
    pub(super) fn content(&mut self, rules: &[PolicyRule], names: &mut NameLists) -> Content {
        let mut patterns = BTreeSet::new();
        let mut named: BTreeMap<PatternId, Vec<NameListId>> = BTreeMap::new();
        for rule in rules {
            patterns.extend(self.url_patterns(rule));
            let resource_patterns = self.resource_patterns(rule);
            if rule.resource_names.is_empty() {
                patterns.extend(resource_patterns);
            } else if !resource_patterns.is_empty() {
                let list = names.add(&rule.resource_names, self.key);
                for pattern in resource_patterns {
                    named.entry(pattern).or_default().push(list);
                }
            }
        }
        named.retain(|pattern, _| !patterns.contains(pattern));
        let named =
            named.into_iter().map(|(pattern, lists)| (pattern, names.union(&lists))).collect();
        Content { patterns: patterns.into_iter().collect(), named }
    }

    fn resource_patterns(&mut self, rule: &PolicyRule) -> Vec<PatternId> {
        if rule.resources.is_empty() || rule.api_groups.is_empty() {
            return Vec::new();
        }
        let verbs = self.verbs(rule);
        let groups: Vec<u32> =
            rule.api_groups.iter().map(|group| self.word_or_any(group)).collect();
        let mut found = Vec::new();
        for resource in &rule.resources {
            for resource in self.resource_words(resource).into_iter().flatten() {
                for &group in &groups {
                    for &verb in &verbs {
                        found.push(self.pattern(Pattern { verb, group, resource }));
                    }
                }
            }
        }
        found
    }

    /// `*`; or the text itself, which `*/sub` also is: a request may ask for a resource of that name.
    fn resource_words(&mut self, resource: &str) -> [Option<u32>; 2] {
        if resource == "*" {
            return [Some(ANY), None];
        }
        let star = match resource.strip_prefix("*/") {
            None | Some("") => None,
            Some(subresource) => Some(self.word(subresource).0 | STAR_SUBRESOURCE),
        };
        [Some(self.word(resource).0), star]
    }

    fn url_patterns(&mut self, rule: &PolicyRule) -> Vec<PatternId> {
        if rule.non_resource_urls.is_empty() {
            return Vec::new();
        }
        let verbs = self.verbs(rule);
        let mut found = Vec::new();
        for url in &rule.non_resource_urls {
            // `/a**` is the prefix `/a`: all trailing stars go (`NonResourceURLMatches`).
            let resource = match url.strip_suffix('*') {
                Some(prefix) => self.word(prefix.trim_end_matches('*')).0 | PREFIX,
                None => self.word(url).0,
            };
            for &verb in &verbs {
                found.push(self.pattern(Pattern { verb, group: URL, resource }));
            }
        }
        found
    }

    fn verbs(&mut self, rule: &PolicyRule) -> Vec<u32> {
        rule.verbs.iter().map(|verb| self.word_or_any(verb)).collect()
    }

    fn word_or_any(&mut self, text: &str) -> u32 {
        if text == "*" { ANY } else { self.word(text).0 }
    }

    fn word(&mut self, text: &str) -> StrId {
        self.out.words.intern(text, self.key)
    }

    fn pattern(&mut self, pattern: Pattern) -> PatternId {
        if let Some(id) = self.out.pattern(pattern) {
            return id;
        }
        let id = PatternId(as_u32(self.patterns.len()));
        self.patterns.push(pattern);
        self.out.patterns.insert_unique(pattern.hash(), (pattern, id), |(other, _)| other.hash());
        if pattern.verb != ANY {
            *self.verb_uses.entry(StrId(pattern.verb)).or_default() += 1;
        }
        if pattern.group == URL {
            self.paths.insert(pattern.resource);
        } else {
            self.out.shapes |= pattern.shape();
            if pattern.resource & STAR_SUBRESOURCE == 0 {
                self.literals.insert((pattern.group, StrId(pattern.resource)));
            }
        }
        id
    }

    /// Works out the class of every (group, resource, subresource) and URL named, for every verb.
    pub(super) fn finish(mut self) -> Permissions {
        let mut verbs: Vec<(usize, StrId)> =
            self.verb_uses.iter().map(|(&verb, &uses)| (uses, verb)).collect();
        verbs.sort_by_key(|&(uses, verb)| (std::cmp::Reverse(uses), verb));
        let verbs: Vec<StrId> = verbs.into_iter().map(|(_, verb)| verb).collect();
        self.out.verbs = Verbs::new(&verbs, COLUMNS, &self.out.words);
        self.out.classes.push(ClassSpan::default());

        let mut rows = Rows::default();
        self.add_points(&mut rows);
        self.add_paths(&mut rows);
        self.out
    }

    fn add_points(&mut self, rows: &mut Rows) {
        for (group, literal) in self.named_points() {
            let group = self.out.words.str(group).to_owned();
            let text = self.out.words.str(literal).to_owned();
            for (resource, subresource) in splits(&text) {
                self.add_point(&group, resource, subresource, rows);
            }
        }
    }

    fn add_point(&mut self, group: &str, resource: &str, subresource: &str, rows: &mut Rows) {
        let parts = [group, resource, subresource];
        // Texts too long for a point take the slower way, which knows them too.
        let [Ok(a), Ok(b), Ok(c)] = parts.map(|part| u16::try_from(part.len())) else { return };
        let Ok(start) = u32::try_from(self.out.point_keys.len()) else { return };
        let key = self.key;
        let hash = point_hash(group, resource, subresource, key);
        let is_it = |point: &Point| point.is(&self.out.point_keys, group, resource, subresource);
        if self.out.points.find(hash, is_it).is_some() {
            return;
        }
        let row = rows.add(&mut self.out, |out, verb| {
            out.match_resource(verb, group, resource, subresource, key).to_vec()
        });
        self.out.point_keys.extend(parts.iter().flat_map(|part| part.bytes()));
        let point = Point { hash, start, lens: [a, b, c], row };
        self.out.points.insert_unique(hash, point, |point| point.hash);
    }

    /// The (group, resource) pairs named together, and a resource named for every group under each
    /// group that is named, unless those are too many to be worth it.
    fn named_points(&self) -> BTreeSet<(StrId, StrId)> {
        let groups: BTreeSet<StrId> = self
            .patterns
            .iter()
            .filter(|pattern| pattern.group != ANY && pattern.group != URL)
            .map(|pattern| StrId(pattern.group))
            .collect();
        let under_any = self.literals.iter().filter(|(group, _)| *group == ANY).count();
        let spread = under_any.saturating_mul(groups.len()) <= MAX_SPREAD;
        let mut points = BTreeSet::new();
        for &(group, literal) in &self.literals {
            if group != ANY {
                points.insert((StrId(group), literal));
            } else if spread {
                points.extend(groups.iter().map(|&group| (group, literal)));
            }
        }
        points
    }

    fn add_paths(&mut self, rows: &mut Rows) {
        let mut lengths = BTreeSet::new();
        let (prefixes, exact): (Vec<u32>, Vec<u32>) =
            self.paths.iter().partition(|&&path| path & PREFIX != 0);
        for (paths, is_prefix) in [(&prefixes, true), (&exact, false)] {
            for &path in paths {
                let text = StrId(path & !PREFIX);
                let word = self.out.words.str(text);
                let node = PathNode { hash: self.key.text(word), text, row: 0 };
                lengths.extend(is_prefix.then_some(as_u32(word.len())));
                let table: &mut HashTable<PathNode> =
                    if is_prefix { &mut self.out.prefixes } else { &mut self.out.exact_paths };
                table.insert_unique(node.hash, node, |node| node.hash);
            }
        }
        self.out.prefix_lengths = lengths.into_iter().rev().collect();
        // All nodes must be there before the first row is made: rows count shorter prefixes in.
        for (paths, is_prefix) in [(prefixes, true), (exact, false)] {
            for path in paths {
                let text = StrId(path & !PREFIX);
                let word = self.out.words.str(text).to_owned();
                let row = rows.add(&mut self.out, |out, verb| {
                    if is_prefix {
                        // A path that merely has this prefix: what an exact entry of the same text
                        // permits is not for it.
                        out.match_prefixes(verb, &word, self.key).to_vec()
                    } else {
                        out.match_path(verb, &word, self.key).to_vec()
                    }
                });
                let hash = self.key.text(&word);
                let table =
                    if is_prefix { &mut self.out.prefixes } else { &mut self.out.exact_paths };
                if let Some(node) = table.find_mut(hash, |node| node.text == text) {
                    node.row = row;
                }
            }
        }
    }
}

/// Rows of classes, equal ones shared.
#[derive(Default)]
struct Rows {
    rows: BTreeMap<Vec<u32>, u32>,
    classes: BTreeMap<Vec<PatternId>, u32>,
}

impl Rows {
    /// The row whose columns are what `patterns` gives for no verb and for each verb in turn.
    fn add(
        &mut self,
        out: &mut Permissions,
        patterns: impl Fn(&Permissions, Option<StrId>) -> Vec<PatternId>,
    ) -> u32 {
        let verbs: Vec<StrId> = out.verbs.named().to_vec();
        let columns = std::iter::once(None).chain(verbs.into_iter().map(Some));
        let row: Vec<u32> = columns
            .map(|verb| {
                let found = patterns(out, verb);
                self.class(out, found)
            })
            .collect();
        let next = as_u32(self.rows.len());
        let columns = &row;
        if let Some(&known) = self.rows.get(columns) {
            return known;
        }
        out.rows.extend_from_slice(&row);
        self.rows.insert(row, next);
        next
    }

    fn class(&mut self, out: &mut Permissions, mut patterns: Vec<PatternId>) -> u32 {
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.is_empty() {
            return 0;
        }
        if let Some(&known) = self.classes.get(&patterns) {
            return known;
        }
        let id = as_u32(out.classes.len());
        let mask = patterns.iter().fold(0, |mask, pattern| mask | pattern.mask());
        let (start, len) = (as_u32(out.class_patterns.len()), as_u32(patterns.len()));
        out.classes.push(ClassSpan { mask, start, len });
        out.class_patterns.extend_from_slice(&patterns);
        self.classes.insert(patterns, id);
        id
    }
}

/// Every way to read `a/b/c` as resource and subresource: requests may be split anywhere.
fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let with_subresource = text
        .match_indices('/')
        .filter_map(|(at, _)| Some((text.get(..at)?, text.get(at + 1..)?)))
        .filter(|(_, subresource)| !subresource.is_empty());
    std::iter::once((text, "")).chain(with_subresource)
}

/// Verbs that get a column; policies with more make their rarest verbs take the slower way.
const COLUMNS: usize = 62;

/// Resources named for every group are looked up ahead under each group, up to this many points.
const MAX_SPREAD: usize = 65_536;

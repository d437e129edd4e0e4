//! From a path into an object to its place in a file. The texts are read again for that: a policy keeps
//! the line of each object and no more, so that loading a million objects stays cheap.

use std::collections::{BTreeSet, HashMap};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use verdikt_parser::document::{self, At, Node, Text, Value};
use verdikt_parser::{Diagnostic, Label, Limits, Origin, Place, PolicySet, Source};

use super::finding::{Object, Step};

/// A text, and what it holds.
pub(super) struct File<'t> {
    text: &'t Text<'t>,
    documents: Vec<Node>,
}

/// Every object of every file, by where it begins.
pub(super) struct Forest<'f> {
    texts: HashMap<&'f str, &'f Text<'f>>,
    objects: HashMap<(&'f str, u32), Vec<&'f Node>>,
}

/// Lines of a file on which something begins that a finding is in.
pub(super) struct Lines {
    pub(super) file: std::sync::Arc<str>,
    pub(super) lines: BTreeSet<u32>,
}

/// The texts that hold roles and bindings, in order.
pub(super) fn texts<'s>(
    policy: &PolicySet,
    sources: &[Source<'s>],
    limits: &Limits,
) -> Vec<Text<'s>> {
    let of_roles = policy.roles.iter().map(|role| &role.origin);
    let of_cluster_roles = policy.cluster_roles.iter().map(|role| &role.origin);
    let bindings = policy.role_bindings.iter().chain(&policy.cluster_role_bindings);
    let origins = of_roles.chain(of_cluster_roles).chain(bindings.map(|binding| &binding.origin));
    let wanted: BTreeSet<&str> = origins.map(|origin: &Origin| &*origin.file).collect();
    let is_wanted = |source: &&Source<'_>| wanted.contains(&*source.name);
    sources.iter().filter(is_wanted).filter_map(|source| Text::new(source, limits).ok()).collect()
}

/// Reads them.
pub(super) fn read<'t>(
    texts: &'t [Text<'t>],
    sources: &[Source<'_>],
    limits: &Limits,
) -> Vec<File<'t>> {
    let by_name: HashMap<&str, &Source<'_>> =
        sources.iter().map(|source| (&*source.name, source)).collect();
    let read = |text: &'t Text<'t>| {
        let documents = by_name
            .get(&**text.name())
            .map_or_else(Vec::new, |source| document::read(source, limits).0);
        File { text, documents }
    };
    texts.par_iter().map(read).collect()
}

impl<'f> Forest<'f> {
    pub(super) fn new(files: &'f [File<'f>]) -> Self {
        let mut forest = Self { texts: HashMap::new(), objects: HashMap::new() };
        for file in files {
            let name = &**file.text.name();
            forest.texts.insert(name, file.text);
            let mut waiting: Vec<&Node> = file.documents.iter().collect();
            while let Some(node) = waiting.pop() {
                let is_list = node
                    .get("kind")
                    .and_then(Node::as_str)
                    .is_none_or(|kind| kind.ends_with("List"));
                match node.get("items").map(|items| &items.value) {
                    Some(Value::Sequence(items)) if is_list => waiting.extend(items),
                    _ => forest.objects.entry((name, node.at.line)).or_default().push(node),
                }
            }
        }
        forest
    }

    /// The node of an object. Several may begin on one line, so that the name has its say, too.
    pub(super) fn node(&self, object: &Object<'_>) -> Option<&'f Node> {
        let here = self.objects.get(&(&*object.origin.file, object.origin.line))?;
        let is_meant = |node: &&&'f Node| {
            let metadata = node.get("metadata");
            let text = |name| metadata.and_then(|metadata| metadata.get(name)?.as_str());
            let kind = node.get("kind").and_then(Node::as_str);
            kind.is_none_or(|kind| kind == object.kind)
                && text("name").is_none_or(|name| name == object.name)
                && text("namespace").is_none_or(|namespace| namespace == object.namespace)
        };
        here.iter().find(is_meant).or_else(|| here.first()).copied()
    }

    /// The place that a path leads to, or as far on the way to it as there is something; and the lines on
    /// which begins what lies on the way.
    pub(super) fn place(&self, object: &Object<'_>, path: &[Step]) -> (Label, Lines) {
        let Origin { file, line } = object.origin;
        let mut lines = Lines { file: file.clone(), lines: BTreeSet::from([*line]) };
        let Some(mut node) = self.node(object) else {
            return (bare(object.origin), lines);
        };
        let mut at = node.at;
        lines.lines.insert(at.line);
        for step in path {
            let next = match (step, &node.value) {
                (Step::Field(name), Value::Mapping(entries)) => {
                    let entry = entries.iter().find(|(key, _)| key.name == *name);
                    entry.map(|(key, value)| (Some(key.at), value))
                }
                (Step::Item(index), Value::Sequence(items)) => {
                    items.get(*index).map(|item| (None, item))
                }
                _ => None,
            };
            let Some((key, value)) = next else { break };
            // A list begins on the line of its first item, which is not about the others.
            let is_list = matches!(value.value, Value::Sequence(_) | Value::Mapping(_));
            lines.lines.extend(key.map(|at| at.line));
            lines.lines.extend(Some(value.at.line).filter(|_| key.is_none() || !is_list));
            // What holds more is shown by its key: it begins on another line, often.
            at = key.filter(|_| is_list).unwrap_or(value.at);
            node = value;
        }
        (self.label(object.origin, at), lines)
    }

    fn label(&self, origin: &Origin, at: At) -> Label {
        match self.texts.get(&*origin.file) {
            Some(text) => text.label(at, ""),
            None => bare(origin),
        }
    }
}

impl Lines {
    /// Those of a finding that was made elsewhere.
    pub(super) fn of(finding: &Diagnostic) -> Self {
        let place = finding.primary.as_ref().map(|label| &label.place);
        let file = place.map_or_else(|| "".into(), |place| place.file.clone());
        Self { file, lines: place.map(|place| place.line).into_iter().collect() }
    }
}

/// An object that did not come from a text.
fn bare(origin: &Origin) -> Label {
    let place = Place { file: origin.file.clone(), line: origin.line.max(1), column: 1 };
    Label { place, length: 1, excerpt: String::new(), excerpt_column: 1, text: String::new() }
}

//! YAML to nodes, from the events of saphyr-parser; no recursion, whatever the text nests.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::scalar::resolve;
use super::text::Text;
use super::{At, Key, Node, Value, too_deep};
use crate::{Diagnostic, Limits};

pub(super) fn read(text: &Text<'_>, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut builder = Builder {
        text,
        limits,
        open: Vec::new(),
        anchors: HashMap::new(),
        expanded: 0,
        documents: Vec::new(),
        diagnostics: Vec::new(),
    };
    for event in Parser::new_from_str(text.as_str()) {
        let result = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(Box::new(scan_error(text, &error, limits))),
        };
        if let Err(diagnostic) = result {
            builder.diagnostics.push(*diagnostic);
            break;
        }
    }
    (builder.documents, builder.diagnostics)
}

struct Builder<'a, 't> {
    text: &'a Text<'t>,
    limits: &'a Limits,
    /// Lists and maps that have begun, the outermost first.
    open: Vec<Open>,
    /// Nodes with an anchor, and how many nodes each holds.
    anchors: HashMap<usize, (Node, usize)>,
    /// Nodes that aliases have been expanded to so far.
    expanded: usize,
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
}

/// A list or map that has begun.
struct Open {
    at: At,
    anchor: usize,
    content: Content,
    /// Nodes in it so far, itself included.
    nodes: usize,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        seen: HashSet<String>,
        key: Option<Key>,
        merges: Vec<Node>,
    },
}

type Result = std::result::Result<(), Box<Diagnostic>>;

impl Builder<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result {
        let at = place(span);
        match event {
            Event::Scalar(word, style, anchor, tag) => {
                let value = self.scalar(word, style, tag.as_deref(), at)?;
                self.add(Node { value, at }, anchor, 1, style == ScalarStyle::Plain)
            }
            Event::SequenceStart(anchor, _) => self.open(at, anchor, Content::Sequence(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let content = Content::Mapping {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                    merges: Vec::new(),
                };
                self.open(at, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentEnd => {
                // Anchors hold within their document.
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {
                Ok(())
            }
        }
    }

    fn scalar(
        &self,
        word: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        at: At,
    ) -> std::result::Result<Value, Box<Diagnostic>> {
        let suffix = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
        match suffix {
            None if style == ScalarStyle::Plain && tag.is_none() => Ok(resolve(&word)),
            None | Some("str" | "binary") => Ok(Value::String(word.into_owned())),
            Some(wanted) => {
                let value = resolve(&word);
                let fits = matches!(
                    (&value, wanted),
                    (Value::Null, "null")
                        | (Value::Bool(_), "bool")
                        | (Value::Number(_), "int" | "float")
                        | (Value::String(_), "timestamp")
                );
                if fits {
                    return Ok(value);
                }
                let message = format!("cannot decode `{word}` as a !!{wanted}");
                Err(Box::new(Diagnostic::error("parse/yaml", message).at(self.text.label(at, ""))))
            }
        }
    }

    fn open(&mut self, at: At, anchor: usize, content: Content) -> Result {
        if self.open.len() >= self.limits.depth {
            return Err(Box::new(too_deep(self.text, at, self.limits)));
        }
        self.open.push(Open { at, anchor, content, nodes: 1 });
        Ok(())
    }

    fn close(&mut self) -> Result {
        let Some(Open { at, anchor, content, nodes }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, merges, .. } => Value::Mapping(merged(entries, merges)),
        };
        self.add(Node { value, at }, anchor, nodes, false)
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result {
        let Some((node, nodes)) = self.anchors.get(&anchor) else {
            let message = "this alias stands inside what it refers to";
            return Err(Box::new(
                Diagnostic::error("parse/yaml", message).at(self.text.label(at, "")),
            ));
        };
        self.expanded = self.expanded.saturating_add(*nodes);
        if self.expanded > self.limits.alias_nodes {
            let most = self.limits.alias_nodes;
            let message = format!("aliases expand to more than {most} nodes");
            return Err(Box::new(
                Diagnostic::error("parse/alias-expansion", message)
                    .help("write the values out, or raise `--limit-alias-nodes`")
                    .at(self.text.label(at, "")),
            ));
        }
        let (node, nodes) = (Node { at, ..node.clone() }, *nodes);
        self.add(node, 0, nodes, false)
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize, nodes: usize, plain: bool) -> Result {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), nodes));
        }
        let Some(open) = self.open.last_mut() else {
            if node.value != Value::Null {
                self.documents.push(node);
            }
            return Ok(());
        };
        open.nodes += nodes;
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, seen, key, merges } => match key.take() {
                None => {
                    let name = key_text(self.text, &node)?;
                    let is_merge = plain && name == "<<";
                    if !is_merge && !seen.insert(name.clone()) {
                        let message = format!("key \"{name}\" already set in map");
                        let first = entries.iter().find(|(key, _)| key.name == name);
                        let mut found = Diagnostic::error("parse/duplicate-key", message)
                            .help("remove one of the two")
                            .at(self.text.label(node.at, ""));
                        if let Some((first, _)) = first {
                            found = found.with(self.text.label(first.at, "first here"));
                        }
                        self.diagnostics.push(found);
                    }
                    *key = Some(Key { name, at: node.at });
                }
                Some(key) if plain_merge(&key, seen) => merges.push(node),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }
}

/// A `<<` that was not counted among the keys is a merge key.
fn plain_merge(key: &Key, seen: &HashSet<String>) -> bool {
    key.name == "<<" && !seen.contains("<<")
}

/// The entries of merged maps come after, where they are not set already.
fn merged(mut entries: Vec<(Key, Node)>, merges: Vec<Node>) -> Vec<(Key, Node)> {
    if merges.is_empty() {
        return entries;
    }
    let mut seen: HashSet<String> = entries.iter().map(|(key, _)| key.name.clone()).collect();
    let maps = merges.into_iter().flat_map(|node| match node.value {
        Value::Sequence(items) => items,
        _ => vec![node],
    });
    for map in maps {
        if let Value::Mapping(more) = map.value {
            entries.extend(more.into_iter().filter(|(key, _)| seen.insert(key.name.clone())));
        }
    }
    entries
}

fn key_text(text: &Text<'_>, node: &Node) -> std::result::Result<String, Box<Diagnostic>> {
    match &node.value {
        Value::String(name) | Value::Number(name) => Ok(name.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Ok("null".to_owned()),
        Value::Sequence(_) | Value::Mapping(_) => Err(Box::new(
            Diagnostic::error("parse/yaml", "the key of a map must be a text")
                .help("quote it, if it begins with a bracket or brace")
                .at(text.label(node.at, "")),
        )),
    }
}

fn place(span: Span) -> At {
    let as_u32 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let length = span.end.index().saturating_sub(span.start.index());
    let length = if span.start.line() == span.end.line() { length.max(1) } else { 1 };
    At {
        line: as_u32(span.start.line()),
        column: as_u32(span.start.col() + 1),
        length: as_u32(length),
    }
}

fn scan_error(text: &Text<'_>, error: &ScanError, limits: &Limits) -> Diagnostic {
    let mark = error.marker();
    let at = place(Span::empty(*mark));
    let info = error.info();
    // The scanner has a bound of its own on brackets, and reads ahead of the events.
    if info.contains("recursion limit") {
        return too_deep(text, at, limits);
    }
    let help = if info.contains("tab")
        || text.label(at, "").excerpt.trim_start_matches(' ').starts_with('\t')
    {
        "indent with spaces: YAML does not allow tabs there"
    } else if info.contains("quote") || info.contains("EOF") || info.contains("end of stream") {
        "a quote or bracket may not be closed"
    } else {
        "look at the indentation, at quotes and at brackets, here and on the line before"
    };
    Diagnostic::error("parse/yaml", format!("this is not YAML: {info}"))
        .help(help)
        .at(text.label(at, ""))
}

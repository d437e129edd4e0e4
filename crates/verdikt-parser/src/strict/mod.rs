//! Configuration files of components, decoded strictly as kube-apiserver does: a field that nobody knows
//! and a key that comes twice are errors.
//!
//! Follows apimachinery's `pkg/runtime/serializer/{recognizer,json}`. A text that begins with `{` is
//! JSON; any other is YAML, of which the first document alone counts, and whose keys are looked at in
//! the order of the alphabet, because upstream makes JSON of a map.

mod fields;
mod kinds;
mod places;
mod shape;

use crate::document::{self, At, Node, Text, Value};
use crate::{Diagnostic, Limits, Source};

pub(crate) use kinds::of_apiserver;
pub use places::Places;
pub(crate) use shape::{Shape, Struct};

/// A document of a known kind, without a mistake in its form.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) root: Node,
    pub(crate) places: Places,
}

/// What a version and a kind stand for.
pub(crate) enum Kind {
    /// The kind that is wanted.
    Wanted(&'static Struct),
    /// Another that upstream knows.
    Other(&'static Struct),
    /// None that upstream knows.
    Unknown,
}

/// Decodes the one object of a text. `kind_of` says what an apiVersion and a kind stand for.
///
/// # Errors
/// What is wrong, in upstream's words: one finding if the text cannot be decoded at all, otherwise one
/// for each field that is unknown or comes twice.
pub(crate) fn decode(
    source: &Source<'_>,
    limits: &Limits,
    wanted: &str,
    kind_of: impl Fn(&str, &str) -> Kind,
) -> Result<Decoded, Vec<Diagnostic>> {
    let one = |diagnostic: Diagnostic| vec![diagnostic];
    let text = Text::new(source, limits).map_err(|diagnostic| one(*diagnostic))?;
    let is_json = text.as_str().trim_start().starts_with('{');
    let (root, duplicates) = first_document(source, limits, &text)?;
    let meta = type_meta(&root, &text).map_err(one)?;
    let package = meta.version.rsplit('/').next().unwrap_or_default();
    let (shape, is_wanted) = match kind_of(&meta.version, &meta.kind) {
        Kind::Wanted(shape) => (shape, true),
        Kind::Other(shape) => (shape, false),
        Kind::Unknown => return Err(one(meta.unknown(wanted, &text))),
    };
    let order = if is_json { fields::Order::AsWritten } else { fields::Order::Alphabet };
    let places = fields::check(&root, shape, package, &text, &duplicates, order)?;
    if !is_wanted {
        let message = format!("expected {wanted}, got *apiserver.{}", shape.name);
        return Err(one(meta.error("config/other-kind", message, &text)));
    }
    Ok(Decoded { root, places })
}

/// The first document, and the keys that come twice in it.
fn first_document(
    source: &Source<'_>,
    limits: &Limits,
    text: &Text<'_>,
) -> Result<(Node, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (documents, found) = document::read(source, limits);
    let (duplicates, broken): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|found| found.id == "parse/duplicate-key");
    let is_json = text.as_str().trim_start().starts_with('{');
    let mut documents = documents.into_iter();
    match (documents.next(), broken.into_iter().next()) {
        // What stands behind the first YAML document is not looked at, broken or not.
        (Some(first), broken) if broken.is_none() || !is_json => {
            let end = documents.next().map_or(u32::MAX, |second| second.at.line);
            if is_json && end != u32::MAX {
                let message = "couldn't get version/kind; json parse error: invalid character '{' \
                               after top-level value";
                return Err(vec![Diagnostic::error("config/not-one-object", message)]);
            }
            let in_first = |found: &Diagnostic| {
                found.primary.as_ref().is_none_or(|label| label.place.line < end)
            };
            Ok((first, duplicates.into_iter().filter(in_first).collect()))
        }
        (_, Some(broken)) => Err(vec![broken]),
        (_, None) => {
            let message = format!("Object 'Kind' is missing in '{}'", text.as_str());
            Err(vec![Diagnostic::error("config/missing-kind", message)])
        }
    }
}

/// What a document says it is.
struct TypeMeta {
    version: String,
    kind: String,
    at: At,
}

fn type_meta(root: &Node, text: &Text<'_>) -> Result<TypeMeta, Diagnostic> {
    if !matches!(root.value, Value::Mapping(_) | Value::Null) {
        let message = format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of \
             type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
             \"json:\\\"kind,omitempty\\\"\" }}",
            root.kind()
        );
        return Err(error(
            "config/not-an-object",
            message,
            "a map of fields is needed",
            root.at,
            text,
        ));
    }
    let (version, kind) = (meta_field(root, "apiVersion", text)?, meta_field(root, "kind", text)?);
    if version.matches('/').count() > 1 {
        let message = format!("unexpected GroupVersion string: {version}");
        return Err(error("config/version", message, "", root.at, text));
    }
    for (value, name) in [(&kind, "Kind"), (&version, "apiVersion")] {
        if value.rsplit('/').next().unwrap_or_default().is_empty() {
            let message = format!("Object '{name}' is missing in '{}'", text.as_str());
            return Err(error("config/missing-kind", message, "", root.at, text));
        }
    }
    let at = root.get("apiVersion").or_else(|| root.get("kind")).map_or(root.at, |node| node.at);
    Ok(TypeMeta { version, kind, at })
}

/// Upstream finds these two in any case, though the strict decoder then knows only one.
fn meta_field(root: &Node, name: &str, text: &Text<'_>) -> Result<String, Diagnostic> {
    let Value::Mapping(entries) = &root.value else { return Ok(String::new()) };
    let mut found = String::new();
    for (key, node) in entries {
        if !key.name.eq_ignore_ascii_case(name) {
            continue;
        }
        match &node.value {
            Value::String(value) => found.clone_from(value),
            Value::Null => {}
            _ => {
                let message = format!(
                    "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go \
                     struct field .{name} of type string",
                    node.kind()
                );
                return Err(error("config/wrong-type", message, "put it in quotes", node.at, text));
            }
        }
    }
    Ok(found)
}

impl TypeMeta {
    fn unknown(&self, wanted: &str, text: &Text<'_>) -> Diagnostic {
        let message = format!(
            "no kind \"{}\" is registered for version \"{}\" in scheme \"pkg/runtime/scheme.go:111\"",
            self.kind, self.version
        );
        let help = format!("write apiVersion: apiserver.config.k8s.io/v1 and kind: {wanted}");
        error("config/unknown-kind", message, &help, self.at, text)
    }

    fn error(&self, id: &'static str, message: String, text: &Text<'_>) -> Diagnostic {
        error(id, message, "", self.at, text)
    }
}

fn error(id: &'static str, message: String, help: &str, at: At, text: &Text<'_>) -> Diagnostic {
    Diagnostic::error(id, message).help(help).at(text.label(at, ""))
}

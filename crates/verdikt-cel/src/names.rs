//! Names of fields that are no identifiers of the language: `__dot__` and its like.
//!
//! Follows apiserver's `pkg/cel/escaping.go`.

use std::borrow::Cow;

/// What a name stands for if it is one that was escaped; nothing if it stands for itself, or cannot be
/// unescaped.
pub(crate) fn unescape(name: &str) -> Option<String> {
    match unescape_or_keep(name) {
        Some(Cow::Owned(unescaped)) if unescaped != name => Some(unescaped),
        _ => None,
    }
}

/// What a name stands for; nothing if it has a part between double underscores that says nothing.
pub(crate) fn unescape_or_keep(name: &str) -> Option<Cow<'_, str>> {
    if !name.contains("__") {
        return Some(Cow::Borrowed(name));
    }
    let mut unescaped = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, contents, after)) = next_escape(rest) {
        unescaped.push_str(before);
        unescaped.push_str(match contents {
            "underscores" => "__",
            "dot" => ".",
            "dash" => "-",
            "slash" => "/",
            // Of keywords, only a whole name is escaped.
            _ if is_reserved(contents) && contents.len() + 4 == name.len() => contents,
            _ => return None,
        });
        rest = after;
    }
    unescaped.push_str(rest);
    Some(Cow::Owned(unescaped))
}

/// The leftmost `__contents__` whose contents have no underscore: what is before it, they, and what is
/// after it.
fn next_escape(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find("__")?;
        let inside = text.get(start + 2..)?;
        let end = inside.find('_')?;
        if end > 0 && inside.get(end..)?.starts_with("__") {
            return Some((text.get(..start)?, inside.get(..end)?, inside.get(end + 2..)?));
        }
        from = start + 1;
    }
}

fn is_reserved(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "in") || RESERVED.contains(&word)
}

/// Words that neither variables nor functions may have for names, beside the keywords, which never come as
/// names.
pub(crate) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(unescape_or_keep(name).as_deref(), expected, "{name}");
    }

    #[test]
    fn parts_between_double_underscores_are_unescaped_or_make_the_name_unreachable() {
        check("plain", Some("plain"));
        check("a__dot__b", Some("a.b"));
        check("a__dot____dash__b", Some("a.-b"));
        check("a__slash__b__underscores__c", Some("a/b__c"));
        check("__namespace__", Some("namespace"));
        check("a__namespace__", None);
        check("a__x__b", None);
        check("a__b", Some("a__b"));
        check("____", Some("____"));
        check("___dot__", Some("_."));
        check("__a_dot__", Some("__a_dot__"));
    }
}

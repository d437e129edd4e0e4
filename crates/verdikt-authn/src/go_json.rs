//! Texts as Go's JSON encoder writes them.

/// A text in quotes, with what could end a script in HTML escaped.
pub(crate) fn text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}

/// A list of texts.
pub(crate) fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|item| text(item.as_ref())).collect();
    format!("[{}]", texts.join(","))
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_written_as_go_writes_them() {
        let expected = "\"a\\u003cb\\u003e\\u0026\\\"\\\\\u{7f}é\\n\\u0001\\b\\u2028\"";
        assert_eq!(super::text("a<b>&\"\\\u{7f}é\n\u{1}\u{8}\u{2028}"), expected);
        assert_eq!(super::texts(["a", "b"]), r#"["a","b"]"#);
        assert_eq!(super::texts([""; 0]), "[]");
    }
}

//! Shows the lines of findings that are about whole objects, whose text is not kept with them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use verdikt_parser::{Diagnostic, Label};

use super::contents::Text;

/// Gives each label that has a line, but not its text, that text. Every file is looked through once.
pub(crate) fn fill(found: &mut [Diagnostic], texts: &[Text]) {
    let mut wanted: HashMap<Arc<str>, BTreeMap<u32, String>> = HashMap::new();
    for label in found.iter_mut().flat_map(labels).filter(|label| is_bare(label)) {
        let lines = wanted.entry(Arc::clone(&label.place.file)).or_default();
        lines.insert(label.place.line, String::new());
    }
    for text in texts {
        if let Some(lines) = wanted.get_mut(&text.name) {
            read_lines(text, lines);
        }
    }
    for label in found.iter_mut().flat_map(labels).filter(|label| is_bare(label)) {
        let lines = wanted.get(&label.place.file);
        let Some(line) = lines.and_then(|lines| lines.get(&label.place.line)) else { continue };
        label.excerpt.clone_from(line);
        label.length = u32::try_from(line.chars().count()).unwrap_or(1).max(1);
    }
}

fn labels(finding: &mut Diagnostic) -> impl Iterator<Item = &mut Label> {
    finding.primary.iter_mut().chain(&mut finding.related)
}

fn is_bare(label: &Label) -> bool {
    label.excerpt.is_empty() && label.place.line > 0
}

fn read_lines(text: &Text, wanted: &mut BTreeMap<u32, String>) {
    let source = text.source();
    let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source.bytes);
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let mut before = 0;
    for (&number, line) in wanted {
        let skipped = (number - before - 1) as usize;
        let Some(bytes) = lines.nth(skipped) else { return };
        before = number;
        let shown = bytes.get(..bytes.len().min(4 * LONGEST)).unwrap_or(bytes);
        *line = String::from_utf8_lossy(shown).trim_end().chars().take(LONGEST).collect();
    }
}

/// Longer lines are shown in part, as the parser does.
const LONGEST: usize = 160;

#[cfg(test)]
mod tests {
    use verdikt_parser::Place;

    use super::*;

    #[test]
    fn each_label_gets_the_line_it_stands_on() {
        let label = |line| Label {
            place: Place { file: "a.yaml".into(), line, column: 1 },
            length: 1,
            excerpt: String::new(),
            excerpt_column: 1,
            text: String::new(),
        };
        let finding =
            Diagnostic::warning("x", "y").at(label(3)).with(label(1)).with(label(1)).with(label(9));
        let mut found = [finding];
        fill(&mut found, &[Text::new("a.yaml", "\u{feff}one\r\ntwo\nx\u{e9}"), Text::new("b", "")]);
        let shown: Vec<(String, u32)> =
            labels(&mut found[0]).map(|label| (label.excerpt.clone(), label.length)).collect();
        let expected = [("x\u{e9}", 2), ("one", 3), ("one", 3), ("", 1)];
        assert_eq!(shown, expected.map(|(line, length)| (line.to_owned(), length)));
    }
}

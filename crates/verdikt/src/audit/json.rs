//! JSON as Go's `encoding/json` writes it, straight into bytes.

/// A text, which is UTF-8, in quotes. `&`, `<`, `>` and the separators U+2028 and U+2029 are escaped as well, so that
/// the line can stand in HTML, as Go has it.
pub(super) fn string(text: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    let mut rest = text;
    // Most texts have nothing to escape.
    while let Some(at) = first_special(rest) {
        let (clean, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        into.extend_from_slice(clean);
        let taken = match after {
            [0xe2, 0x80, last @ (0xa8 | 0xa9), ..] => {
                escape(if *last == 0xa8 { '\u{2028}' } else { '\u{2029}' }, into);
                3
            }
            // Another character that begins like those.
            [0xe2, ..] => {
                into.push(0xe2);
                1
            }
            [byte, ..] => {
                escape(char::from(*byte), into);
                1
            }
            [] => break,
        };
        rest = after.get(taken..).unwrap_or_default();
    }
    into.extend_from_slice(rest);
    into.push(b'"');
}

/// Where the first byte is that may need an escape. Chunks without any are told by a few vector
/// instructions each: this is where the time of an event would go otherwise.
fn first_special(bytes: &[u8]) -> Option<usize> {
    let clean = clean_chunks::<16>(bytes);
    let clean = clean + clean_chunks::<8>(bytes.get(clean..)?);
    let rest = bytes.get(clean..)?;
    rest.iter().position(|byte| is_special(*byte)).map(|at| clean + at)
}

/// Bytes of the chunks of this size before the first with anything in it.
fn clean_chunks<const SIZE: usize>(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<SIZE>();
    let has_special = |chunk: &[u8; SIZE]| {
        chunk.iter().fold(0, |found, &byte| {
            found
                | u8::from(byte < 0x20)
                | u8::from(byte == b'"')
                | u8::from(byte == b'\\')
                | u8::from(byte == b'&')
                | u8::from(byte == b'<')
                | u8::from(byte == b'>')
                | u8::from(byte == 0xe2)
        }) != 0
    };
    chunks.iter().position(has_special).unwrap_or(chunks.len()) * SIZE
}

fn is_special(byte: u8) -> bool {
    SPECIAL.get(usize::from(byte)).copied().unwrap_or(true)
}

/// The first bytes of characters that may need an escape.
#[expect(clippy::indexing_slicing, reason = "as many bytes as there are entries")]
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = byte < 0x20
            || matches!(byte as u8, b'"' | b'\\' | b'&' | b'<' | b'>')
            // Of U+2028 and U+2029, and of many that need none.
            || byte == 0xe2;
        byte += 1;
    }
    special
};

/// `"name":`, after a comma unless it begins an object.
pub(super) fn key(name: &[u8], into: &mut Vec<u8>) {
    if into.last() != Some(&b'{') {
        into.push(b',');
    }
    string(name, into);
    into.push(b':');
}

/// The same for a name of ours, in which nothing needs an escape.
pub(super) fn field(name: &'static str, into: &mut Vec<u8>) {
    let start: &[u8] = if into.last() == Some(&b'{') { b"\"" } else { b",\"" };
    into.extend_from_slice(start);
    into.extend_from_slice(name.as_bytes());
    into.extend_from_slice(b"\":");
}

/// `"name":"text"`, unless the text is empty.
pub(super) fn member(name: &'static str, text: &[u8], into: &mut Vec<u8>) {
    if !text.is_empty() {
        field(name, into);
        string(text, into);
    }
}

/// A number.
pub(super) fn number(number: impl Into<u32>, into: &mut Vec<u8>) {
    let mut rest: u32 = number.into();
    let mut text = [0; 10];
    let mut length = 0;
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    into.extend_from_slice(text.get(text.len() - length..).unwrap_or_default());
}

/// `["a","b"]`.
pub(super) fn strings<'t>(texts: impl IntoIterator<Item = &'t [u8]>, into: &mut Vec<u8>) {
    into.push(b'[');
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            into.push(b',');
        }
        string(text, into);
    }
    into.push(b']');
}

fn escape(c: char, into: &mut Vec<u8>) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        _ => {
            return into.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        }
    };
    into.extend_from_slice(short.as_bytes());
}

/// JSON that somebody else wrote, its escapes made Go's. Such JSON has these characters in texts alone.
pub(super) fn escaped(json: &str, into: &mut Vec<u8>) {
    for c in json.chars() {
        match c {
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => escape(c, into),
            c => into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_go_does() {
        let check = |text: &str, expected: &str| {
            let mut bytes = Vec::new();
            string(text.as_bytes(), &mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{text:?}");
        };
        check("", "\"\"");
        check("plain ünï 🙂 /", "\"plain ünï 🙂 /\"");
        check("a\"b\\c", r#""a\"b\\c""#);
        check("<&>\u{2028}\u{2029}", r#""\u003c\u0026\u003e\u2028\u2029""#);
        check("€\u{2027}\u{202a}\u{e2}", "\"€\u{2027}\u{202a}\u{e2}\"");
        check("\n\r\t\x08\x0c\0\x7f", "\"\\n\\r\\t\\b\\f\\u0000\x7f\"");
    }

    #[test]
    fn members_are_joined_by_commas() {
        let mut bytes = b"{".to_vec();
        member("a", b"", &mut bytes);
        member("b", b"1", &mut bytes);
        key(b"c", &mut bytes);
        strings([b"x".as_slice(), b""], &mut bytes);
        assert_eq!(bytes, br#"{"b":"1","c":["x",""]"#);
    }
}

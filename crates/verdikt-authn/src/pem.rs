//! Blocks of PEM, told apart from what stands around them.
//!
//! Follows Go's `encoding/pem`, leniency included, so that a file has the same blocks here as there.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// What stands between `-----BEGIN` and `-----END`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// What the first line calls it.
    pub(crate) label: &'a [u8],
    /// Whether lines of the form `key: value` come first.
    pub(crate) has_headers: bool,
    /// The content, decoded; it may be a private key.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// The line of the text on which it begins, from 1.
    pub(crate) line: u32,
}

/// All blocks of a text; what is no block is passed over.
pub(crate) fn blocks(text: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    let mut lines = 1;
    std::iter::from_fn(move || {
        let (mut block, after) = decode(rest)?;
        let passed = rest.len().saturating_sub(after.len());
        block.line += lines - 1;
        lines += line_breaks(rest.get(..passed).unwrap_or_default());
        rest = after;
        Some(block)
    })
}

/// The next block and what follows it.
fn decode(data: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let mut rest = data;
    loop {
        let before_end = find(rest, END)?;
        let begin = rfind(rest.get(..before_end)?, BEGIN);
        // What is not a block is passed over, and with it the END that was found.
        let after_end = rest.get(before_end + END.len()..)?;
        let Some(begin) = begin else {
            rest = after_end;
            continue;
        };
        let at_line_start = begin == 0 || rest.get(begin - 1) == Some(&b'\n');
        let found = block_at(rest.get(begin..)?, before_end.saturating_sub(begin));
        if at_line_start && let Some((mut block, after)) = found {
            let passed = data.len() - rest.len() + begin;
            block.line = 1 + line_breaks(data.get(..passed)?);
            return Some((block, after));
        }
        rest = after_end;
    }
}

/// The block that begins with the first byte of `text`, if it is well formed; the newline before its
/// last line stands at `end`.
fn block_at(text: &[u8], end: usize) -> Option<(Block<'_>, &[u8])> {
    let (line, mut rest) = split_line(text.get(BEGIN.len()..)?);
    let label = line.strip_suffix(DASHES)?;
    let mut has_headers = false;
    loop {
        if rest.is_empty() {
            return None;
        }
        let (line, next) = split_line(rest);
        if !line.contains(&b':') {
            break;
        }
        has_headers = true;
        rest = next;
    }
    let content = match end.checked_sub(text.len() - rest.len()) {
        Some(length) => rest.get(..length)?,
        None if has_headers => return None,
        // An empty block: the newline before its last line is the one after its first.
        None => &[],
    };
    let after = text.get(end + END.len()..)?;
    let after = after.strip_prefix(label)?.strip_prefix(DASHES)?;
    let (line, after) = split_line(after);
    if !line.is_empty() {
        return None;
    }
    let bytes = decode_base64(content)?;
    Some((Block { label, has_headers, bytes, line: 0 }, after))
}

/// The first line without its end and the spaces before that, and what follows.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match text.iter().position(|&byte| byte == b'\n') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (text, &[][..]),
    };
    let mut line =
        if line.len() < text.len() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    while let Some((b' ' | b'\t', before)) = line.split_last() {
        line = before;
    }
    (line, rest)
}

fn decode_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let text = text.iter().copied().filter(|&byte| !is_space(byte));
    let text: Zeroizing<Vec<u8>> = Zeroizing::new(text.collect());
    // As Go: bits that are left over need not be zero.
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, config).decode(text.as_slice()).ok().map(Zeroizing::new)
}

fn line_breaks(text: &[u8]) -> u32 {
    let breaks = text.iter().filter(|&&byte| byte == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).rposition(|window| window == wanted)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, bool, &[u8], u32)]) {
        let found: Vec<_> = blocks(text.as_bytes())
            .map(|block| {
                let label = String::from_utf8(block.label.to_vec()).unwrap();
                (label, block.has_headers, block.bytes.to_vec(), block.line)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|&(label, has, bytes, line)| (label.to_owned(), has, bytes.to_vec(), line))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn blocks_are_found_among_other_text() {
        let one = "-----BEGIN A-----\nAQI=\n-----END A-----\n";
        check(one, &[("A", false, &[1, 2], 1)]);
        check(
            &format!("hello\n{one}x\n{one}"),
            &[("A", false, &[1, 2], 2), ("A", false, &[1, 2], 6)],
        );
        check(&one.replace('\n', "\r\n"), &[("A", false, &[1, 2], 1)]);
        check("-----BEGIN A-----\nAQ I=\n-----END A-----", &[("A", false, &[1, 2], 1)]);
        check("-----BEGIN A-----\nAQJ=\n-----END A----- \t\n", &[("A", false, &[1, 2], 1)]);
    }

    #[test]
    fn headers_are_seen() {
        let text = "-----BEGIN A-----\nProc-Type: 4\nX: y\n\nAQI=\n-----END A-----\n";
        check(text, &[("A", true, &[1, 2], 1)]);
    }

    #[test]
    fn an_empty_block_is_a_block() {
        check("-----BEGIN A-----\n-----END A-----\n", &[("A", false, &[], 1)]);
    }

    #[test]
    fn what_is_broken_is_passed_over() {
        let good = "-----BEGIN A-----\nAQI=\n-----END A-----\n";
        for broken in [
            "-----BEGIN A-----\nAQI=\n-----END B-----\n",
            "-----BEGIN A-----\nAQI\n-----END A-----\n",
            "-----BEGIN A-----\nAQI=\n-----END A----- x\n",
            "-----BEGIN A-----\nAQI=\n",
            " -----BEGIN A-----\nAQI=\n-----END A-----\n",
            "-----BEGIN A\nAQI=\n-----END A-----\n",
        ] {
            check(broken, &[]);
            let line = 1 + u32::try_from(broken.matches('\n').count()).unwrap();
            check(&format!("{broken}{good}"), &[("A", false, &[1, 2], line)]);
        }
    }
}

//! Strings quoted as Go's `%q` quotes them, which is how Kubernetes prints names in messages.

use std::fmt::{self, Write as _};

use crate::printable::is_printable;

/// Displays text the way Go's `strconv.Quote` does: in double quotes, with `"` and `\` escaped and
/// whatever is not printable written as `\n`, `\x00`, `\u200b` or `\U000e0001`.
#[derive(Clone, Copy, Debug)]
pub struct GoQuoted<'a>(pub &'a str);

impl GoQuoted<'_> {
    /// Appends it without its quotes.
    pub fn push_inner(&self, into: &mut String) {
        // Writing to a String does not fail.
        let _ = self.write_inner(into);
    }

    fn write_inner(&self, f: &mut impl fmt::Write) -> fmt::Result {
        // Nearly all names are plain, and written at once.
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let plain = self.0.bytes().position(|byte| !is_plain(byte)).unwrap_or(self.0.len());
        let (plain, rest) = self.0.split_at_checked(plain).unwrap_or(("", self.0));
        f.write_str(plain)?;
        for c in rest.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                _ if is_printable(c) => f.write_char(c)?,
                '\x07' => f.write_str("\\a")?,
                '\x08' => f.write_str("\\b")?,
                '\t' => f.write_str("\\t")?,
                '\n' => f.write_str("\\n")?,
                '\x0b' => f.write_str("\\v")?,
                '\x0c' => f.write_str("\\f")?,
                '\r' => f.write_str("\\r")?,
                '\0'..='\x1f' | '\x7f' => write!(f, "\\x{:02x}", u32::from(c))?,
                '\u{80}'..='\u{ffff}' => write!(f, "\\u{:04x}", u32::from(c))?,
                _ => write!(f, "\\U{:08x}", u32::from(c))?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for GoQuoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.write_inner(f)?;
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::GoQuoted;

    fn check(text: &str, quoted: &str) {
        assert_eq!(GoQuoted(text).to_string(), quoted, "{text:?}");
    }

    #[test]
    fn printable_text_stays_as_it_is() {
        check("", r#""""#);
        check("web-0 's", r#""web-0 's""#);
        check("ünï 漢 🙂 \u{fffd} e\u{301}", "\"ünï 漢 🙂 \u{fffd} e\u{301}\"");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        check(r#"a"b\c"#, r#""a\"b\\c""#);
    }

    #[test]
    fn control_characters_have_short_or_hexadecimal_escapes() {
        check("\x07\x08\t\n\x0b\x0c\r", r#""\a\b\t\n\v\f\r""#);
        check("\0\x1b\x7f", r#""\x00\x1b\x7f""#);
    }

    #[test]
    fn characters_that_do_not_print_show_their_code_point() {
        check("a\u{a0}b\u{ad}\u{85}", r#""a\u00a0b\u00ad\u0085""#);
        check("\u{200b}\u{2028}\u{3000}\u{feff}", r#""\u200b\u2028\u3000\ufeff""#);
        check("\u{e0001}\u{10ffff}", r#""\U000e0001\U0010ffff""#);
    }
}

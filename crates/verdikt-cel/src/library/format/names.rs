//! Names of objects and of labels.
//!
//! Follows apimachinery's `pkg/util/validation/validation.go` and `pkg/api/validate/content/kube.go`.

/// A DNS label of RFC 1123.
pub(super) fn label(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 63);
    if !is_label(text) {
        problems.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            mismatch(LABEL_MESSAGE, LABEL_PATTERN, "'my-name',  or '123-abc'")
        });
    }
    problems
}

/// Labels with dots between them.
pub(super) fn subdomain(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 253);
    if !is_subdomain(text) {
        let pattern = format!("{LABEL_PATTERN}(\\.{LABEL_PATTERN})*");
        problems.push(mismatch(SUBDOMAIN_MESSAGE, &pattern, "'example.com'"));
    }
    problems
}

/// A DNS label of RFC 1035.
pub(super) fn dns1035(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 63);
    if !(is_label(text) && text.starts_with(|char: char| char.is_ascii_lowercase())) {
        let pattern = "[a-z]([-a-z0-9]*[a-z0-9])?";
        problems.push(mismatch(DNS1035_MESSAGE, pattern, "'my-name',  or 'abc-123'"));
    }
    problems
}

/// A label key: a name, which may have a domain in front.
pub(super) fn qualified(text: &str) -> Vec<String> {
    let key = || mismatch(KEY_MESSAGE, KEY_PATTERN, "'MyName',  or 'my.name',  or '123-abc'");
    let mut problems = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        ["", name] => {
            problems.push("prefix part must be non-empty".to_owned());
            name
        }
        [prefix, name] => {
            let of_prefix = subdomain(prefix).into_iter();
            problems.extend(of_prefix.map(|problem| format!("prefix part {problem}")));
            name
        }
        _ => {
            let suffix =
                " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {}{suffix}", key())];
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_key(name) {
        problems.push(format!("name part {}", key()));
    }
    problems
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 63);
    if !text.is_empty() && !is_key(text) {
        let pattern = format!("({KEY_PATTERN})?");
        let examples = "'MyValue',  or 'my_value',  or '12345'";
        problems.push(mismatch(VALUE_MESSAGE, &pattern, examples));
    }
    problems
}

/// A name of which only the beginning is given: a dash may end it.
pub(super) fn prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            // Upstream drops the byte before the dash with it.
            let kept = rest.as_bytes().get(..rest.len() - 1).unwrap_or_default();
            format!("{}a", String::from_utf8_lossy(kept))
        }
        _ => text.to_owned(),
    }
}

fn too_long(text: &str, most: usize) -> Vec<String> {
    let problem = (text.len() > most).then(|| format!("must be no more than {most} characters"));
    problem.into_iter().collect()
}

/// Upstream's words, its two spaces before each `or` included.
fn mismatch(message: &str, pattern: &str, examples: &str) -> String {
    format!("{message} (e.g. {examples}, regex used for validation is '{pattern}')")
}

fn is_label(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    is_framed(text, alphanumeric, |byte| alphanumeric(byte) || *byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_key(text: &str) -> bool {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    is_framed(text, u8::is_ascii_alphanumeric, inside)
}

/// Whether the first and the last byte are of one kind, and all of another.
fn is_framed(text: &str, edge: impl Fn(&u8) -> bool, inside: impl Fn(&u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(&edge) && bytes.last().is_some_and(&edge) && bytes.iter().all(inside)
}

const LABEL_PATTERN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const KEY_PATTERN: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_MESSAGE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters \
     or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_MESSAGE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
     characters, '-' or '.', and must start and end with an alphanumeric character";
const DNS1035_MESSAGE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', \
     start with an alphabetic character, and end with an alphanumeric character";
const KEY_MESSAGE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
     with an alphanumeric character";
const VALUE_MESSAGE: &str = "a valid label must be an empty string or consist of alphanumeric characters, \
     '-', '_' or '.', and must start and end with an alphanumeric character";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_problems_in_upstreams_words() {
        assert_eq!(label("a-b1"), [""; 0]);
        assert_eq!(label("a.b"), ["must not contain dots"]);
        assert_eq!(
            label("Bad_Name"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and \
              must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used \
              for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(dns1035("1a").len(), 1);
        assert_eq!(qualified("example.com/My_Name"), [""; 0]);
        assert_eq!(qualified("/n"), ["prefix part must be non-empty"]);
        assert_eq!(label_value(""), [""; 0]);
        assert_eq!(label(&prefix("my-name-")), [""; 0]);
    }
}

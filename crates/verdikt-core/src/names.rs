//! Kubernetes' rules for label keys, label values and DNS names, with its words for what is wrong.
//!
//! Follows `pkg/api/validate/content` of apimachinery. Each function returns the list of problems;
//! an empty list means that the text is valid. Lengths are in bytes.

/// What is wrong with a label key: a name, after a DNS subdomain and `/` if there is a prefix.
pub fn label_key(key: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let name = match key.split_once('/') {
        None => key,
        Some((_, name)) if name.contains('/') => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')",
                name_rule()
            )];
        }
        Some(("", name)) => {
            problems.push(format!("prefix part {EMPTY}"));
            name
        }
        Some((prefix, name)) => {
            let of_prefix = dns1123_subdomain(prefix);
            problems.extend(of_prefix.into_iter().map(|problem| format!("prefix part {problem}")));
            name
        }
    };
    if name.is_empty() {
        problems.push(format!("name part {EMPTY}"));
    } else if name.len() > LABEL_MAX_LENGTH {
        problems.push(format!("name part {}", too_long(LABEL_MAX_LENGTH)));
    }
    if !is_label_name(name) {
        problems.push(format!("name part {}", name_rule()));
    }
    problems
}

/// What is wrong with a label value, which may be empty.
pub fn label_value(value: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if value.len() > LABEL_MAX_LENGTH {
        problems.push(too_long(LABEL_MAX_LENGTH));
    }
    if !value.is_empty() && !is_label_name(value) {
        problems.push(format!(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' \
             or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or \
             'my_value',  or '12345', regex used for validation is '({LABEL_NAME})?')"
        ));
    }
    problems
}

/// What is wrong with a DNS-1123 subdomain: labels of lower case letters, digits and inner dashes,
/// joined by dots.
pub fn dns1123_subdomain(name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.len() > SUBDOMAIN_MAX_LENGTH {
        problems.push(too_long(SUBDOMAIN_MAX_LENGTH));
    }
    if !name.split('.').all(has_dns_label_characters) {
        problems.push(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '-' or '.', and must start and end with an alphanumeric character (e.g. \
             'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
                .to_owned(),
        );
    }
    problems
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, of any length.
fn has_dns_label_characters(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty()
        && label.bytes().all(is_inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether `name` matches [`LABEL_NAME`], at any length.
fn is_label_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_outer = |c: char| c.is_ascii_alphanumeric();
    name.bytes().all(is_inner) && name.starts_with(is_outer) && name.ends_with(is_outer)
}

// The blanks after the commas of the examples are upstream's.
fn name_rule() -> String {
    format!(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
         alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
         validation is '{LABEL_NAME}')"
    )
}

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

const LABEL_NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_MAX_LENGTH: usize = 63;
const SUBDOMAIN_MAX_LENGTH: usize = 253;
const EMPTY: &str = "must be non-empty";

#[cfg(test)]
mod tests {
    use super::{dns1123_subdomain, label_key, label_value};

    const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must \
        start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
        '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case \
        alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
        character (e.g. 'example.com', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    fn check(problems: Vec<String>, expected: &[&str]) {
        assert_eq!(problems, expected);
    }

    #[test]
    fn valid_names_have_no_problems() {
        for key in ["a", "A_b.c-9", "example.com/x", "9/9"] {
            check(label_key(key), &[]);
        }
        for value in ["", "a", "my_value", "1.2-3"] {
            check(label_value(value), &[]);
        }
        for name in ["a", "a-b.c", "0.0"] {
            check(dns1123_subdomain(name), &[]);
        }
        check(label_key(&format!("{}/{}", "a".repeat(253), "b".repeat(63))), &[]);
    }

    #[test]
    fn an_empty_name_part_also_breaks_the_name_rule() {
        let rule = format!("name part {NAME_RULE}");
        let (no_prefix, no_name) = ("prefix part must be non-empty", "name part must be non-empty");
        check(label_key(""), &[no_name, &rule]);
        check(label_key("/"), &[no_prefix, no_name, &rule]);
    }

    #[test]
    fn keys_are_checked_part_by_part() {
        check(label_key("/a"), &["prefix part must be non-empty"]);
        check(label_key("A/a"), &[&format!("prefix part {SUBDOMAIN_RULE}")]);
        check(label_key("-a"), &[&format!("name part {NAME_RULE}")]);
        check(label_key(&"a".repeat(64)), &["name part must be no more than 63 bytes"]);
        let long_prefix = format!("{}/a", "a".repeat(254));
        check(label_key(&long_prefix), &["prefix part must be no more than 253 bytes"]);
        let two_slashes = format!(
            "a valid label key {NAME_RULE} with an optional DNS subdomain prefix and '/' \
             (e.g. 'example.com/MyName')"
        );
        check(label_key("a/b/c"), &[&two_slashes]);
    }

    #[test]
    fn values_follow_the_name_rule_or_are_empty() {
        let rule = "a valid label must be an empty string or consist of alphanumeric characters, \
            '-', '_' or '.', and must start and end with an alphanumeric character (e.g. \
            'MyValue',  or 'my_value',  or '12345', regex used for validation is \
            '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        check(label_value("a/b"), &[rule]);
        check(label_value("ü"), &[rule]);
        check(label_value(&"-".repeat(64)), &["must be no more than 63 bytes", rule]);
    }

    #[test]
    fn subdomains_have_no_empty_or_dashed_labels() {
        for name in ["", ".", "a..b", "-a", "a-.b", "A", "a_b"] {
            check(dns1123_subdomain(name), &[SUBDOMAIN_RULE]);
        }
    }
}

//! What the `Impersonate-…` headers ask for, as they ask for it.
//!
//! Follows `processImpersonationHeaders` and `buildImpersonationRequests` of apiserver's
//! `pkg/endpoints/filters/impersonation`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use verdikt_core::{GoQuoted, path_unescaped};

use super::{Gate, Refusal};

/// The user as the headers name it; nothing is added yet.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

/// Whether the header is one of impersonation's, in any spelling; others that merely begin like one
/// (`Impersonate-Reason`) are not, as in Kubernetes.
pub fn is_impersonation_header(name: &str) -> bool {
    kind(name).is_some()
}

enum Kind<'a> {
    User,
    Uid,
    Group,
    /// With the rest of the name.
    Extra(&'a str),
}

/// Names of headers have no case: Go brings them into one spelling, but for what cannot be a header's
/// name, which it leaves alone (and which never arrives over HTTP).
fn kind(name: &str) -> Option<Kind<'_>> {
    let (start, rest) = name.split_at_checked("Impersonate-".len())?;
    if !start.eq_ignore_ascii_case("Impersonate-") {
        return None;
    }
    let is_name = name.bytes().all(is_token);
    let same = |a: &str, b: &str| if is_name { a.eq_ignore_ascii_case(b) } else { a == b };
    match rest {
        _ if same(rest, "User") => Some(Kind::User),
        _ if same(rest, "Uid") => Some(Kind::Uid),
        _ if same(rest, "Group") => Some(Kind::Group),
        _ => {
            let (extra, key) = rest.split_at_checked("Extra-".len())?;
            (same(extra, "Extra-") && same(start, "Impersonate-")).then_some(Kind::Extra(key))
        }
    }
}

/// What names of headers are made of (RFC 9110).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl Wanted {
    /// Reads the headers; none if none of them is about impersonation.
    ///
    /// Go's strings are bytes and ours are text. A value that is no UTF-8 is refused rather than
    /// changed, so that no two users become one.
    pub(super) fn read<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Option<Self>, Refusal> {
        let mut wanted: Option<Self> = None;
        let (mut has_name, mut has_uid) = (false, false);
        for (name, value) in headers {
            let Some(kind) = kind(name) else { continue };
            let value = std::str::from_utf8(value).map_err(|_| {
                Refusal::BadRequest(format!("the value of header {} is not UTF-8", GoQuoted(name)))
            })?;
            let wanted = wanted.get_or_insert_default();
            match kind {
                // The first value counts, even where it is empty.
                Kind::User if !has_name => {
                    has_name = true;
                    value.clone_into(&mut wanted.name);
                }
                Kind::Uid if !has_uid => {
                    has_uid = true;
                    value.clone_into(&mut wanted.uid);
                }
                Kind::User | Kind::Uid => {}
                Kind::Group => wanted.groups.push(value.to_owned()),
                Kind::Extra(key) => {
                    let key = key.to_lowercase();
                    // What does not decode stays as it is.
                    let key = path_unescaped(&key).map_or_else(|| key.clone(), Cow::into_owned);
                    wanted.extra.entry(key).or_default().push(value.to_owned());
                }
            }
        }
        Ok(wanted)
    }

    pub(super) fn names_a_user(&self) -> bool {
        !self.name.is_empty()
    }

    /// Whether nothing but the name is asked for.
    pub(super) fn is_only_a_name(&self) -> bool {
        self.uid.is_empty() && self.groups.is_empty() && self.extra.is_empty()
    }

    /// Groups and the like without a user are a mistake; without them either, nothing was asked for.
    pub(super) fn refuse_without_user(&self, gate: Gate) -> Result<(), Refusal> {
        if self.is_only_a_name() {
            return Ok(());
        }
        Err(Refusal::BadRequest(match gate {
            Gate::Constrained => {
                format!("requested {} without impersonating a user name", self.as_go_value())
            }
            Gate::Legacy => {
                format!("requested {} without impersonating a user", self.as_references())
            }
        }))
    }

    /// The user as Go prints a `*user.DefaultInfo` with `%#v`.
    fn as_go_value(&self) -> String {
        let list = |items: &[String]| {
            let items: Vec<String> = items.iter().map(|item| GoQuoted(item).to_string()).collect();
            format!("[]string{{{}}}", items.join(", "))
        };
        let groups = match self.groups.as_slice() {
            [] => "[]string(nil)".to_owned(),
            groups => list(groups),
        };
        let extra = match self.extra.is_empty() {
            true => "map[string][]string(nil)".to_owned(),
            false => {
                let of_key = |(key, values): (&String, &Vec<String>)| {
                    format!("{}:{}", GoQuoted(key), list(values))
                };
                let entries: Vec<String> = self.extra.iter().map(of_key).collect();
                format!("map[string][]string{{{}}}", entries.join(", "))
            }
        };
        format!(
            "&user.DefaultInfo{{Name:{}, UID:{}, Groups:{groups}, Extra:{extra}}}",
            GoQuoted(&self.name),
            GoQuoted(&self.uid)
        )
    }

    /// The parts as Go prints a list of `ObjectReference`s with `%v`.
    fn as_references(&self) -> String {
        let mut text = String::from("[");
        let mut reference = |kind: &str, name: &str, version: &str, field: &str| {
            let gap = if text.len() > 1 { " " } else { "" };
            // Writing to a String does not fail.
            let _ = write!(text, "{gap}{{{kind}  {name}  {version}  {field}}}");
        };
        for group in &self.groups {
            reference("Group", group, "", "");
        }
        for (key, values) in &self.extra {
            for value in values {
                reference("UserExtra", value, AUTHENTICATION, key);
            }
        }
        if !self.uid.is_empty() {
            reference("UID", &self.uid, AUTHENTICATION, "");
        }
        text.push(']');
        text
    }
}

const AUTHENTICATION: &str = "authentication.k8s.io/v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Wanted {
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        Wanted::read(headers).unwrap().unwrap_or_default()
    }

    #[test]
    fn the_first_name_counts_and_all_groups_do() {
        let wanted = read(&[
            ("impersonate-user", "a"),
            ("Impersonate-User", "b"),
            ("IMPERSONATE-GROUP", ""),
            ("Impersonate-Group", "g,h"),
            ("Impersonate-Reason", "x"),
            ("Impersonate-Uid", "1"),
        ]);
        assert_eq!((wanted.name.as_str(), wanted.uid.as_str()), ("a", "1"));
        assert_eq!(wanted.groups, ["", "g,h"]);
    }

    #[test]
    fn keys_are_lowered_before_they_are_decoded() {
        let check = |header: &str, key: &str| {
            let wanted = read(&[(header, "v")]);
            assert_eq!(wanted.extra.keys().collect::<Vec<_>>(), [key], "{header}");
        };
        check("Impersonate-Extra-Acme.com%2FProject", "acme.com/project");
        check("impersonate-extra-%41", "A");
        check("Impersonate-Extra-%zZ", "%zz");
        check("Impersonate-Extra-a+b", "a+b");
        check("Impersonate-Extra-", "");
    }

    #[test]
    fn what_lacks_a_user_is_printed_as_go_prints_it() {
        let check = |headers: &[(&str, &str)], gate: Gate, expected: &str| {
            let refused = read(headers).refuse_without_user(gate).unwrap_err();
            assert_eq!(refused, Refusal::BadRequest(expected.to_owned()));
        };
        check(
            &[("Impersonate-Group", "a")],
            Gate::Constrained,
            "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"a\"}, \
             Extra:map[string][]string(nil)} without impersonating a user name",
        );
        check(
            &[("Impersonate-Extra-Foo", "a"), ("Impersonate-Extra-foo", "b")],
            Gate::Constrained,
            "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string(nil), \
             Extra:map[string][]string{\"foo\":[]string{\"a\", \"b\"}}} \
             without impersonating a user name",
        );
        check(
            &[("Impersonate-Uid", "u"), ("Impersonate-Group", "a"), ("Impersonate-Extra-k", "v")],
            Gate::Legacy,
            "requested [{Group  a    } {UserExtra  v  authentication.k8s.io/v1  k} \
             {UID  u  authentication.k8s.io/v1  }] without impersonating a user",
        );
        assert_eq!(
            read(&[("Impersonate-User", "")]).refuse_without_user(Gate::Constrained),
            Ok(())
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let refused = Wanted::read([("Impersonate-User", b"\xff".as_slice())]).unwrap_err();
        assert!(matches!(refused, Refusal::BadRequest(_)), "{refused}");
    }
}

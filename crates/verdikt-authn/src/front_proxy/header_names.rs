//! Which headers an authenticating proxy writes, and the user they name.
//!
//! Follows apiserver's `pkg/authentication/request/headerrequest/requestheader.go`.

use std::collections::BTreeMap;

use verdikt_core::{GoQuoted, Headers, User, extra_key, is_same_header};

/// Names of headers, in the order in which they are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderNames {
    /// For the user's name; the first that is not empty counts.
    pub user: Vec<String>,
    /// For the uid, likewise.
    pub uid: Vec<String>,
    /// For groups, one in each value.
    pub group: Vec<String>,
    /// What the names of headers begin with whose values are extra facts.
    pub extra_prefixes: Vec<String>,
}

impl HeaderNames {
    /// The same names without spaces around them.
    ///
    /// # Errors
    /// If nothing is left of one, in Kubernetes' words.
    pub fn trimmed(self) -> Result<Self, String> {
        let Self { user, uid, group, extra_prefixes } = self;
        let [user, uid, group, extra_prefixes] = [user, uid, group, extra_prefixes].map(|names| {
            let trim = |name: String| match name.trim() {
                "" => Err(format!("empty header {}", GoQuoted(&name))),
                trimmed => Ok(trimmed.to_owned()),
            };
            names.into_iter().map(trim).collect::<Result<Vec<_>, _>>()
        });
        Ok(Self { user: user?, uid: uid?, group: group?, extra_prefixes: extra_prefixes? })
    }

    /// The user that the headers name, if they do.
    ///
    /// # Errors
    /// If a value is not UTF-8: no policy could name such a user.
    pub fn user(&self, headers: &dyn Headers) -> Result<Option<User>, String> {
        let mut all = Vec::new();
        headers.visit(&mut |name, value| all.push((name, value)));
        let name = first_value(&all, &self.user)?;
        if name.is_empty() {
            return Ok(None);
        }
        let mut user = User { name, uid: first_value(&all, &self.uid)?, ..User::default() };
        for configured in &self.group {
            for (name, value) in values_of(&all, configured) {
                if !value.is_empty() {
                    user.groups.push(text(name, value)?);
                }
            }
        }
        user.extra = self.extra(&all)?;
        Ok(Some(user))
    }

    fn extra(&self, all: &[(&str, &[u8])]) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for prefix in &self.extra_prefixes {
            for (name, value) in all {
                if let Some(key) = extra_key(prefix, name) {
                    extra.entry(key).or_default().push(text(name, value)?);
                }
            }
        }
        Ok(extra)
    }

    /// Whether a header is one of these, so that it is taken off a request before that goes on.
    pub fn contain(&self, name: &str) -> bool {
        let Self { user, uid, group, extra_prefixes } = self;
        let mut names = user.iter().chain(uid).chain(group);
        names.any(|configured| is_same_header(configured, name))
            || extra_prefixes.iter().any(|prefix| {
                name.split_at_checked(prefix.len())
                    .is_some_and(|(start, _)| start.eq_ignore_ascii_case(prefix))
            })
    }
}

fn values_of<'a>(
    all: &[(&'a str, &'a [u8])],
    configured: &str,
) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    all.iter().copied().filter(move |(name, _)| is_same_header(configured, name))
}

/// Of each header its first value; the first of these that is not empty.
fn first_value(all: &[(&str, &[u8])], configured: &[String]) -> Result<String, String> {
    let mut firsts = configured.iter().filter_map(|name| values_of(all, name).next());
    match firsts.find(|(_, value)| !value.is_empty()) {
        Some((name, value)) => text(name, value),
        None => Ok(String::new()),
    }
}

fn text(name: &str, value: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(value).map(str::to_owned);
    text.map_err(|_| format!("the value of header {} is not UTF-8", GoQuoted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> HeaderNames {
        HeaderNames {
            user: vec!["X-Name".to_owned(), "X-Remote-User".to_owned()],
            uid: vec!["X-Remote-Uid".to_owned()],
            group: vec!["X-Remote-Group".to_owned()],
            extra_prefixes: vec!["X-Remote-Extra-".to_owned()],
        }
    }

    #[test]
    fn the_first_value_that_is_not_empty_names_the_user() {
        let check = |headers: &[(&str, &str)], expected: Option<&str>| {
            let user = names().user(&headers.to_vec()).unwrap();
            assert_eq!(user.map(|user| user.name).as_deref(), expected, "{headers:?}");
        };
        check(&[("x-remote-user", "jane"), ("X-Name", "joe")], Some("joe"));
        check(&[("X-Name", ""), ("X-Name", "joe"), ("X-Remote-User", "jane")], Some("jane"));
        check(&[("X-Name", " ")], Some(" "));
        check(&[("X-Name", "")], None);
        check(&[("X-Remote-Group", "g")], None);
    }

    #[test]
    fn groups_are_not_split_and_extra_keeps_empty_values() {
        let headers = vec![
            ("x-name", "jane"),
            ("X-Remote-Group", "a,b"),
            ("x-remote-group", ""),
            ("X-REMOTE-GROUP", "c"),
            ("x-remote-extra-a%2Fb", ""),
            ("X-Remote-Extra-A%2fB", "v"),
        ];
        let user = names().user(&headers).unwrap().unwrap();
        assert_eq!(user.groups, ["a,b", "c"]);
        assert_eq!(user.extra["a/b"], ["", "v"]);
    }

    #[test]
    fn what_is_not_utf_8_is_an_error() {
        let headers: Vec<(&str, &[u8])> = vec![("X-Name", b"a\xff")];
        assert_eq!(
            names().user(&headers).unwrap_err(),
            "the value of header \"X-Name\" is not UTF-8"
        );
    }
}

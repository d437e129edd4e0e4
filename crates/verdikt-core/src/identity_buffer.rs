//! A user that makes room for the next one: whoever is asked about many puts them together in the same memory.

use std::collections::BTreeMap;

use crate::{HashKey, Requester, Subjects, User};

/// One user at a time, with their subjects.
#[derive(Debug)]
pub struct IdentityBuffer {
    user: User,
    subjects: Subjects,
    /// Strings of users with more groups, for those who come.
    spare: Vec<String>,
}

impl IdentityBuffer {
    /// Holds nobody: a user without name and groups.
    pub fn new(key: &HashKey) -> Self {
        let user = User::default();
        Self { subjects: Subjects::resolve(&user, key), user, spare: Vec::new() }
    }

    /// Puts this user in the place of the one before.
    pub fn set<'s>(
        &mut self,
        key: &HashKey,
        (name, uid): (&str, &str),
        groups: impl ExactSizeIterator<Item = &'s str>,
        extra: impl IntoIterator<Item = (String, Vec<String>)>,
    ) {
        self.set_hashed(key, (name, uid), groups.map(|group| (group, key.group(group))));
        self.user.extra = BTreeMap::from_iter(extra);
    }

    /// The same, of a user without extra whose groups are hashed under `key` already.
    pub(crate) fn set_hashed<'s>(
        &mut self,
        key: &HashKey,
        (name, uid): (&str, &str),
        groups: impl ExactSizeIterator<Item = (&'s str, u64)>,
    ) {
        let Self { user, subjects, spare } = self;
        subjects.restart(key, name);
        name.clone_into(&mut user.name);
        uid.clone_into(&mut user.uid);
        user.extra.clear();
        let too_many = user.groups.len().saturating_sub(groups.len());
        spare.extend(user.groups.drain(user.groups.len() - too_many..));
        let missing = groups.len() - user.groups.len();
        user.groups.extend((0..missing).map(|_| spare.pop().unwrap_or_default()));
        for (kept, (group, hash)) in user.groups.iter_mut().zip(groups) {
            group.clone_into(kept);
            subjects.add_group(hash);
        }
    }

    /// Whoever it is now.
    pub fn requester(&self) -> Requester<'_> {
        Requester::resolved(&self.user, &self.subjects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn each_is_who_they_would_be_alone() {
        let (key, other) = (HashKey::random(), HashKey::random());
        let mut buffer = IdentityBuffer::new(&other);
        let mut check = |name: &str, uid: &str, groups: &[&str], extra: &[(&str, &[&str])]| {
            let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
            let extra = || extra.iter().map(|&(name, values)| (name.to_owned(), owned(values)));
            let user = User {
                uid: uid.to_owned(),
                extra: extra().collect(),
                ..User::new(name, groups.iter().copied())
            };
            buffer.set(&key, (name, uid), groups.iter().copied(), extra());
            let alone = Identity::new(user, &key);
            let found = buffer.requester();
            assert_eq!(found.user(), alone.user());
            let alone = Requester::from(&alone).subjects(&key).unwrap();
            let found = found.subjects(&key).unwrap();
            assert_eq!((found.name(), found.groups()), (alone.name(), alone.groups()));
        };
        check("jane", "u-1", &["dev", "ops", "dev"], &[("scopes", &["a", "b"])]);
        check("joe", "", &["ops"], &[]);
        check("", "", &[], &[]);
        check("a", "", &["1", "2", "3", "4", "5"], &[]);
        check("jane", "", &["dev"], &[("b", &[]), ("a", &["1"])]);
    }
}

//! Users whose names and groups are numbers of one list of strings, as a message with many questions names them.

use smallvec::SmallVec;

use crate::{HashKey, IdentityBuffer, Requester};

/// One user at a time. Each string is hashed once as a group, however many users are in it.
#[derive(Debug)]
pub struct NumberedUsers<'s> {
    strings: &'s [&'s str],
    key: &'s HashKey,
    /// The hash of each string as a group; 0 if it has been none yet.
    hashes: Vec<u64>,
    buffer: IdentityBuffer,
}

impl<'s> NumberedUsers<'s> {
    /// Numbers from 1 on stand for `strings`, in their order, and 0 for the empty string.
    pub fn new(strings: &'s [&'s str], key: &'s HashKey) -> Self {
        Self { strings, key, hashes: Vec::new(), buffer: IdentityBuffer::new(key) }
    }

    /// Makes it this user's turn.
    ///
    /// # Errors
    /// The number that stands for nothing; it is still the turn of the one before.
    pub fn set(&mut self, name: u32, uid: u32, groups: &[u32]) -> Result<(), u32> {
        self.hashes.resize(self.strings.len(), 0);
        let (name, uid) = (text(self.strings, name)?, text(self.strings, uid)?);
        let mut hashed: SmallVec<[(&str, u64); 8]> = SmallVec::new();
        for &number in groups {
            let group = text(self.strings, number)?;
            let kept = number.checked_sub(1).and_then(|index| self.hashes.get_mut(index as usize));
            hashed.push((
                group,
                match kept {
                    Some(&mut hash) if hash != 0 => hash,
                    Some(unknown) => {
                        *unknown = self.key.group(group);
                        *unknown
                    }
                    None => self.key.group(group),
                },
            ));
        }
        self.buffer.set_hashed(self.key, (name, uid), hashed.into_iter());
        Ok(())
    }

    /// The user whose turn it is.
    pub fn requester(&self) -> Requester<'_> {
        self.buffer.requester()
    }
}

fn text<'s>(strings: &[&'s str], number: u32) -> Result<&'s str, u32> {
    let Some(index) = number.checked_sub(1) else { return Ok("") };
    strings.get(index as usize).copied().ok_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, User};

    #[test]
    fn each_is_who_they_would_be_alone() {
        let strings = ["jane", "dev", "ops", "u-1"];
        let key = HashKey::random();
        let mut users = NumberedUsers::new(&strings, &key);
        let mut check = |name: u32, uid: u32, groups: &[u32], expected: (&str, &str, &[&str])| {
            assert_eq!(users.set(name, uid, groups), Ok(()));
            let (name, uid, groups) = expected;
            let user = User { uid: uid.to_owned(), ..User::new(name, groups.iter().copied()) };
            let alone = Identity::new(user, &key);
            let found = users.requester();
            assert_eq!(found.user(), alone.user());
            let alone = Requester::from(&alone).subjects(&key).unwrap();
            let found = found.subjects(&key).unwrap();
            assert_eq!((found.name(), found.groups()), (alone.name(), alone.groups()));
        };
        check(1, 4, &[2, 3, 2], ("jane", "u-1", &["dev", "ops", "dev"]));
        check(2, 0, &[3], ("dev", "", &["ops"]));
        check(0, 0, &[], ("", "", &[]));
        check(1, 0, &[3, 0, 2, 1], ("jane", "", &["ops", "", "dev", "jane"]));
        check(3, 1, &[2], ("ops", "jane", &["dev"]));
    }

    #[test]
    fn a_number_that_stands_for_nothing_is_nobody() {
        let strings = ["jane", "dev"];
        let key = HashKey::random();
        let mut users = NumberedUsers::new(&strings, &key);
        assert_eq!(users.set(1, 0, &[2]), Ok(()));
        for (name, uid, groups, missing) in [
            (3, 0, [2, 2], 3),
            (2, 9, [2, 2], 9),
            (2, 0, [2, 5], 5),
            (2, 0, [u32::MAX, 1], u32::MAX),
        ] {
            assert_eq!(users.set(name, uid, &groups), Err(missing));
            assert_eq!(users.requester().user(), &User::new("jane", ["dev"]));
        }
    }
}

//! The static token file as an authenticator.
//!
//! Follows apiserver's `pkg/authentication/token/tokenfile`, with two differences: a token is compared
//! in constant time, and may stand in the file as a hash.

use std::sync::Arc;

use hashbrown::HashTable;
use verdikt_core::{HashKey, Identity, Secret, User};
use verdikt_parser::Diagnostic;
use verdikt_parser::token_file::Record;

use crate::gate::{Gate, TOO_MANY};
use crate::password::{Hash, Password};
use crate::verified::Verified;
use crate::{Authenticated, Error, Method, Outcome};

/// Tokens and whose they are.
#[derive(Debug)]
pub struct TokenFile {
    key: HashKey,
    plain: HashTable<Entry>,
    hashed: Vec<(Hash, Arc<Identity>)>,
    verified: Verified,
    gate: Gate,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    token: Secret,
    identity: Arc<Identity>,
}

impl TokenFile {
    /// Takes the records of the file called `name`; users stay as they were written.
    pub fn new(name: &str, records: Vec<Record>, key: &HashKey) -> (Self, Vec<Diagnostic>) {
        Self::with_users(name, records, key, |user| user)
    }

    /// The same, with something done to each user first.
    pub(crate) fn with_users(
        name: &str,
        records: Vec<Record>,
        key: &HashKey,
        change: impl Fn(User) -> User,
    ) -> (Self, Vec<Diagnostic>) {
        let mut file = Self {
            key: key.clone(),
            plain: HashTable::with_capacity(records.len()),
            hashed: Vec::new(),
            verified: Verified::new(),
            gate: Gate::default(),
        };
        let mut found = Vec::new();
        for Record { token, user, line } in records {
            let identity = Arc::new(Identity::new(change(user), key));
            match Password::parse(token) {
                Ok(Password::Plain(token)) => {
                    let hash = key.bytes(token.expose());
                    let entry = Entry { hash, token, identity };
                    file.plain.insert_unique(hash, entry, |entry| entry.hash);
                }
                Ok(Password::Hashed(hash)) => file.hashed.push((hash, identity)),
                Err(error) => found.push(bad_hash(name, line, error)),
            }
        }
        if file.hashed.len() > MANY_HASHED {
            found.push(many_hashed(name, file.hashed.len()));
        }
        (file, found)
    }

    /// Whose token this is; no opinion if nobody's.
    pub fn authenticate(&self, token: &[u8]) -> Outcome {
        let hash = self.key.bytes(token);
        let is_it = |entry: &Entry| entry.hash == hash && entry.token.matches(token);
        if let Some(entry) = self.plain.find(hash, is_it) {
            return authenticated(&entry.identity);
        }
        if self.hashed.is_empty() {
            return Outcome::NoOpinion;
        }
        if let Some(identity) = self.verified.get(b"", token) {
            return authenticated(&identity);
        }
        let search = || self.hashed.iter().find(|(hash, _)| hash.verify(token));
        match self.gate.pass(search) {
            Some(Some((_, identity))) => {
                self.verified.insert(b"", token, identity);
                authenticated(identity)
            }
            Some(None) => Outcome::NoOpinion,
            None => Outcome::Failed(Error::new(Method::TokenFile.name(), TOO_MANY)),
        }
    }
}

fn authenticated(identity: &Arc<Identity>) -> Outcome {
    Outcome::Authenticated(Authenticated::new(Arc::clone(identity), Method::TokenFile))
}

pub(crate) fn bad_hash(name: &str, line: u32, error: crate::password::PasswordError) -> Diagnostic {
    Diagnostic::error("authn/bad-hash", format!("{name}:{line}: {error}"))
        .help("hashes have the form `$argon2id$…` or `$2b$…`")
}

fn many_hashed(name: &str, count: usize) -> Diagnostic {
    let message = format!("{name}: an unknown token is held against each of {count} hashes");
    Diagnostic::warning("authn/many-hashed-tokens", message)
        .help("tokens that are long and random need no slow hash; keep a few, or keep them plain")
}

/// From here on an unknown token takes seconds to refuse.
const MANY_HASHED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::hash_bcrypt;

    fn file(records: &[(&str, &str)]) -> TokenFile {
        let records = records
            .iter()
            .map(|(token, user)| Record {
                token: Secret::new(token.as_bytes()),
                user: User::new(*user, ["g"]),
                line: 1,
            })
            .collect();
        let (file, found) = TokenFile::new("t.csv", records, &HashKey::random());
        assert_eq!(found, []);
        file
    }

    fn user_of(file: &TokenFile, token: &str) -> Option<String> {
        match file.authenticate(token.as_bytes()) {
            Outcome::Authenticated(authenticated) => Some(authenticated.user().name.clone()),
            _ => None,
        }
    }

    #[test]
    fn tokens_are_compared_exactly() {
        let file = file(&[("abc", "jane"), ("abcd", "joe")]);
        for (token, expected) in
            [("abc", Some("jane")), ("abcd", Some("joe")), ("ABC", None), ("ab", None), ("", None)]
        {
            assert_eq!(user_of(&file, token).as_deref(), expected, "{token}");
        }
    }

    #[test]
    fn hashed_tokens_are_found_by_what_they_were_made_of() {
        let hash = hash_bcrypt(b"hunter2", 4).unwrap();
        let file = file(&[("plain", "jane"), (&hash, "joe")]);
        for _ in 0..2 {
            assert_eq!(user_of(&file, "hunter2").as_deref(), Some("joe"));
        }
        assert_eq!(user_of(&file, &hash), None, "the hash itself is no token");
        assert_eq!(user_of(&file, "hunter3"), None);
    }

    #[test]
    fn nothing_of_it_prints() {
        let hash = hash_bcrypt(b"hunter2", 4).unwrap();
        let shown = format!("{:?}", file(&[("s3cret", "jane"), (&hash, "joe")]));
        assert!(!shown.contains("s3cret") && !shown.contains(&hash), "{shown}");
    }

    #[test]
    fn a_bad_hash_refuses_the_file() {
        let records =
            vec![Record { token: Secret::new(*b"$2b$oops"), user: User::default(), line: 7 }];
        let (_, found) = TokenFile::new("t.csv", records, &HashKey::random());
        assert!(found[0].is_error() && found[0].message.starts_with("t.csv:7: "), "{found:?}");
    }
}

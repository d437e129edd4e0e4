//! The basic-auth file as an authenticator.
//!
//! Follows apiserver 1.18's `plugin/pkg/authenticator/{password/passwordfile,request/basicauth}`, with
//! hashed passwords besides. Whether a user exists cannot be told from the answer or the time it takes.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hashbrown::HashTable;
use verdikt_core::{HashKey, Identity, User};
use verdikt_parser::Diagnostic;
use verdikt_parser::basic_file::Record;

use crate::gate::{Gate, TOO_MANY};
use crate::password::{Hash, Password};
use crate::token_file::bad_hash;
use crate::verified::Verified;
use crate::{Authenticated, Error, Method, Outcome};

/// Users and their passwords.
#[derive(Debug)]
pub struct BasicFile {
    key: HashKey,
    users: HashTable<Entry>,
    /// Checked when the user does not exist, so that it takes as long; one of the file's own hashes.
    decoy: Option<Hash>,
    verified: Verified,
    gate: Gate,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    password: Password,
    identity: Arc<Identity>,
}

impl BasicFile {
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
            users: HashTable::with_capacity(records.len()),
            decoy: None,
            verified: Verified::new(),
            gate: Gate::default(),
        };
        let mut found = Vec::new();
        for Record { password, user, line } in records {
            match Password::parse(password) {
                Ok(password) => {
                    if let Password::Hashed(hash) = &password {
                        file.decoy.get_or_insert_with(|| hash.clone());
                    }
                    let hash = key.text(&user.name);
                    let identity = Arc::new(Identity::new(change(user), key));
                    file.users.insert_unique(hash, Entry { hash, password, identity }, |e| e.hash);
                }
                Err(error) => found.push(bad_hash(name, line, error)),
            }
        }
        (file, found)
    }

    /// Whose credentials these are. No opinion only if the header is not of this kind: an unknown user
    /// and a wrong password are the same error.
    pub fn authenticate(&self, header: &[u8]) -> Outcome {
        let Some((user, password)) = credentials(header) else { return Outcome::NoOpinion };
        let hash = self.key.bytes(&user);
        let is_it = |entry: &Entry| {
            entry.hash == hash && entry.identity.user().name.as_bytes() == user.as_slice()
        };
        let entry = self.users.find(hash, is_it);
        let is_good = match entry.map(|entry| (entry, &entry.password)) {
            Some((_, Password::Plain(secret))) => Some(secret.matches(&password)),
            Some((entry, Password::Hashed(hash))) => self.verify(hash, entry, &user, &password),
            // Without hashes in the file, a comparison in constant time is all there is to hide.
            None => self.decoy.as_ref().map_or(Some(false), |hash| {
                let verify = || std::hint::black_box(hash.verify(&password));
                self.gate.pass(verify).map(|_| false)
            }),
        };
        match (is_good, entry) {
            (Some(true), Some(entry)) => Outcome::Authenticated(Authenticated::new(
                Arc::clone(&entry.identity),
                Method::BasicFile,
            )),
            (None, _) => Outcome::Failed(Error::new(Method::BasicFile.name(), TOO_MANY)),
            _ => Outcome::Failed(Error::new(Method::BasicFile.name(), INVALID)),
        }
    }

    fn verify(&self, hash: &Hash, entry: &Entry, user: &[u8], password: &[u8]) -> Option<bool> {
        if self.verified.get(user, password).is_some() {
            return Some(true);
        }
        let is_good = self.gate.pass(|| hash.verify(password))?;
        if is_good {
            self.verified.insert(user, password, &entry.identity);
        }
        Some(is_good)
    }
}

/// User and password of a `Basic` header, by the rules of Go's `Request.BasicAuth`.
fn credentials(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    // Go's decoder passes over line breaks.
    let encoded: Vec<u8> =
        encoded.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let decoded = BASE64_STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (user, password) = decoded.split_at_checked(colon)?;
    Some((user.to_vec(), password.get(1..)?.to_vec()))
}

const INVALID: &str = "invalid username/password combination";

#[cfg(test)]
mod tests {
    use verdikt_core::Secret;

    use super::*;
    use crate::password::hash_bcrypt;

    fn file() -> BasicFile {
        let record = |password: &str, user: &str| Record {
            password: Secret::new(password.as_bytes()),
            user: User::new(user, ["g"]),
            line: 1,
        };
        let hash = hash_bcrypt(b"hunter2", 4).unwrap();
        let records = vec![record("a:b", "jane"), record("", "empty"), record(&hash, "joe")];
        BasicFile::new("p.csv", records, &HashKey::random()).0
    }

    fn answer(file: &BasicFile, header: &str) -> String {
        match file.authenticate(header.as_bytes()) {
            Outcome::Authenticated(authenticated) => authenticated.user().name.clone(),
            Outcome::NoOpinion => "no opinion".to_owned(),
            Outcome::Failed(error) => error.to_string(),
        }
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(credentials))
    }

    #[test]
    fn user_and_password_split_at_the_first_colon() {
        let file = file();
        assert_eq!(answer(&file, &basic("jane:a:b")), "jane");
        assert_eq!(answer(&file, &basic("empty:")), "empty");
        assert_eq!(answer(&file, &basic("joe:hunter2")), "joe");
        assert_eq!(answer(&file, &basic("joe:hunter2")), "joe", "and once more, remembered");
    }

    #[test]
    fn an_unknown_user_and_a_wrong_password_are_one_error() {
        let file = file();
        for credentials in ["jane:a", "joe:x", "nobody:a:b", ":", "jane:"] {
            assert_eq!(answer(&file, &basic(credentials)), INVALID, "{credentials}");
        }
    }

    #[test]
    fn other_headers_are_no_opinion() {
        let file = file();
        let encoded = BASE64_STANDARD.encode("jane:a:b");
        for header in
            ["", "Basic", "Basic !", "Bearer abc", &format!("Basic  {encoded}"), &basic("jane")]
        {
            assert_eq!(answer(&file, header), "no opinion", "{header}");
        }
        assert_eq!(answer(&file, &format!("bASIC {encoded}")), "jane");
    }
}

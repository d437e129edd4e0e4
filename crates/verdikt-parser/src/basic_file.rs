//! The basic-auth file of Kubernetes up to 1.18: `password,user,uid[,"group1,group2"]`.
//!
//! Follows apiserver 1.18's `plugin/pkg/authenticator/password/passwordfile`. The first column may also
//! hold a hash of the password; that is for the authenticator to know.

use verdikt_core::{Secret, User};

use crate::credential_file::{self, Key, Kind};
use crate::{Diagnostic, Limits, Source};

/// A user and their password.
#[derive(Clone, Debug)]
pub struct Record {
    /// The first column; may be empty.
    pub password: Secret,
    /// The user, as written.
    pub user: User,
    /// Line, from 1.
    pub line: u32,
}

/// Reads a basic-auth file. Of records with the same user name the last one stays, with a warning.
pub fn parse(source: &Source<'_>, limits: &Limits) -> (Vec<Record>, Vec<Diagnostic>) {
    let kind = Kind { name: "password", keyed_by: Key::User };
    let (records, found) = credential_file::parse(source, limits, &kind);
    let record = |record: credential_file::Record| Record {
        password: record.secret,
        user: record.user,
        line: record.line,
    };
    (records.into_iter().map(record).collect(), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_by_user_and_empty_passwords_are_taken() {
        let source = Source::new("p.csv", b",jane,1\nsecret,jane,2,dev\n".as_slice());
        let (records, found) = parse(&source, &Limits::default());
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].user.uid, "2");
        let expected =
            "duplicate username 'jane' has been found in password file 'p.csv', record number '2'";
        assert_eq!(found[0].message, expected);
    }
}

//! The static token file: `token,user,uid[,"group1,group2"]`.
//!
//! Follows apiserver's `pkg/authentication/token/tokenfile`. The first column may also hold a hash of
//! the token; that is for the authenticator to know.

use verdikt_core::{Secret, User};

use crate::credential_file::{self, Key, Kind};
use crate::{Diagnostic, Limits, Source};

/// A token and whose it is.
#[derive(Clone, Debug)]
pub struct Record {
    /// The first column.
    pub token: Secret,
    /// The user, as written: groups are split at commas, not trimmed, and empty ones kept.
    pub user: User,
    /// Line, from 1.
    pub line: u32,
}

/// Reads a token file. Of records with the same token the last one stays, with a warning.
pub fn parse(source: &Source<'_>, limits: &Limits) -> (Vec<Record>, Vec<Diagnostic>) {
    let kind = Kind { name: "token", keyed_by: Key::Secret };
    let (records, found) = credential_file::parse(source, limits, &kind);
    let record = |record: credential_file::Record| Record {
        token: record.secret,
        user: record.user,
        line: record.line,
    };
    (records.into_iter().map(record).collect(), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Record>, Vec<String>) {
        let (records, found) = parse(&Source::new("t.csv", text.as_bytes()), &Limits::default());
        (records, found.into_iter().map(|found| found.message).collect())
    }

    #[test]
    fn groups_are_split_and_not_trimmed() {
        for (text, expected) in [
            ("t,u,1", vec![]),
            ("t,u,1,", vec![""]),
            ("t,u,1,\"a, b\"", vec!["a", " b"]),
            ("t,u,1,\"a,,b\"", vec!["a", "", "b"]),
        ] {
            let (records, found) = read(text);
            assert_eq!(records[0].user.groups, expected, "{text}");
            assert_eq!(found, [""; 0]);
        }
    }

    #[test]
    fn the_later_of_two_records_counts_wholly() {
        let (records, found) = read("t,a,1,g\n\nt,b,2\n");
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].user.name.as_str(), records[0].line), ("b", 3));
        assert!(records[0].user.groups.is_empty());
        assert_eq!(
            found,
            ["duplicate token has been found in token file 't.csv', record number '2'"]
        );
    }

    #[test]
    fn mistakes_in_the_words_of_kubernetes() {
        let too_few =
            "token file 't.csv' must have at least 3 columns (token, user name, user uid), found 2";
        assert_eq!(read("# comment,x\n").1, [too_few]);
        let empty = "empty token has been found in token file 't.csv', record number '1'";
        assert_eq!(read(",u,1\n").1, [empty]);
    }

    #[test]
    fn no_finding_shows_a_token() {
        let (_, found) = parse(
            &Source::new("t.csv", b"hunter2,a,1\nhunter2,b,2,g,h\nhunter2\"x,c,3".as_slice()),
            &Limits::default(),
        );
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}

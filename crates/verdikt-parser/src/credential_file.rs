//! What the static token file and the basic-auth file have in common: `secret,user,uid,"groups"`.

use std::collections::HashMap;
use std::sync::Arc;

use verdikt_core::{Secret, User};

use crate::csv::{self, Reader};
use crate::{Diagnostic, Label, Limits, Place, Source};

/// How a kind of file is spoken of.
pub(crate) struct Kind {
    /// `token` or `password`: the first column, and the name of the file.
    pub(crate) name: &'static str,
    /// Whether a later record replaces one of the same secret, or one of the same user.
    pub(crate) keyed_by: Key,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Secret,
    User,
}

/// A record of either file.
pub(crate) struct Record {
    pub(crate) secret: Secret,
    pub(crate) user: User,
    pub(crate) line: u32,
}

/// Reads all records; of those that share a key only the last is kept, where it stands.
pub(crate) fn parse(
    source: &Source<'_>,
    limits: &Limits,
    kind: &Kind,
) -> (Vec<Record>, Vec<Diagnostic>) {
    let mut file = File { name: &source.name, kind, found: Vec::new(), records: 0 };
    if source.bytes.len() > limits.file_bytes {
        let message = format!(
            "{} has {} bytes, the limit is {}",
            source.name,
            source.bytes.len(),
            limits.file_bytes
        );
        return (Vec::new(), vec![Diagnostic::error("parse/file-too-large", message)]);
    }
    let mut records: Vec<Option<Record>> = Vec::new();
    let mut last: HashMap<Vec<u8>, usize> = HashMap::new();
    for record in Reader::new(source.bytes) {
        let Some(record) = file.record(record) else { break };
        let Some(record) = record else { continue };
        let key = match kind.keyed_by {
            Key::Secret => record.secret.expose().to_vec(),
            Key::User => record.user.name.clone().into_bytes(),
        };
        if let Some(earlier) = last.insert(key, records.len())
            && let Some(slot) = records.get_mut(earlier)
            && let Some(first) = slot.take()
        {
            file.duplicate(&first, &record);
        }
        records.push(Some(record));
    }
    if records.is_empty() && file.found.is_empty() {
        file.found.push(nobody(source, kind));
    }
    (records.into_iter().flatten().collect(), file.found)
}

fn nobody(source: &Source<'_>, kind: &Kind) -> Diagnostic {
    let Kind { name, .. } = kind;
    let message = format!("{} holds no {name}, so nobody is known by one", source.name);
    let help = format!("add a line: {name},user,uid,\"group1,group2\"");
    Diagnostic::warning("authn/no-records", message).help(help)
}

struct File<'a> {
    name: &'a Arc<str>,
    kind: &'a Kind,
    found: Vec<Diagnostic>,
    /// Records so far, as upstream counts them in its warnings.
    records: usize,
}

impl File<'_> {
    /// None if reading must end; some none if the record does not count.
    fn record(&mut self, record: Result<csv::Record, csv::Error>) -> Option<Option<Record>> {
        let Kind { name: kind, keyed_by } = *self.kind;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let label = self.label(error.line, error.column);
                self.found.push(
                    Diagnostic::error("csv/quotes", error.to_string())
                        .help(
                            "quote a whole field or nothing of it; a quote within is written twice",
                        )
                        .at(label),
                );
                return None;
            }
        };
        let csv::Record { fields, line } = record;
        let count = fields.len();
        let mut fields = fields.into_iter();
        let (Some(secret), Some(user), Some(uid)) = (fields.next(), fields.next(), fields.next())
        else {
            let message = format!(
                "{kind} file '{}' must have at least 3 columns ({kind}, user name, user uid), found {count}",
                self.name
            );
            let label = self.label(line, 1);
            self.found.push(
                Diagnostic::error("csv/too-few-columns", message)
                    .help("add the uid as third column; it may be left empty")
                    .at(label),
            );
            return None;
        };
        self.records += 1;
        if keyed_by == Key::Secret && secret.is_empty() {
            let number = self.records;
            let message = format!(
                "empty token has been found in token file '{}', record number '{number}'",
                self.name
            );
            let label = self.label(line, 1);
            self.found.push(Diagnostic::warning("csv/empty-token", message).at(label));
            return Some(None);
        }
        let mut user = User { uid: text(uid), ..User::new(text(user), Vec::<String>::new()) };
        if let Some(groups) = fields.next() {
            user.groups = text(groups).split(',').map(str::to_owned).collect();
        }
        if fields.next().is_some() {
            let label = self.label(line, 1);
            self.found.push(
                Diagnostic::warning("csv/ignored-columns", "columns after the fourth are ignored")
                    .help("groups are one column: quote them, as in \"group1,group2\"")
                    .at(label),
            );
        }
        Some(Some(Record { secret: Secret::new(secret), user, line }))
    }

    fn duplicate(&mut self, first: &Record, second: &Record) {
        let (name, number) = (self.name, self.records);
        let message = match self.kind.keyed_by {
            Key::Secret => {
                format!(
                    "duplicate token has been found in token file '{name}', record number '{number}'"
                )
            }
            Key::User => format!(
                "duplicate username '{}' has been found in password file '{name}', record number '{number}'",
                second.user.name
            ),
        };
        let (counts, does_not) = (self.label(second.line, 1), self.label(first.line, 1));
        self.found.push(
            Diagnostic::warning("csv/duplicate", message)
                .help("the later record counts, with its groups; remove the other")
                .at(Label { text: "counts".to_owned(), ..counts })
                .with(Label { text: "does not count".to_owned(), ..does_not }),
        );
    }

    /// A place without the line itself: it holds a secret.
    fn label(&self, line: u32, column: u32) -> Label {
        let place = Place { file: Arc::clone(self.name), line, column };
        Label { place, length: 1, excerpt: String::new(), excerpt_column: 1, text: String::new() }
    }
}

/// Kubernetes keeps bytes as they are; what is not UTF-8 becomes U+FFFD here, and so matches nobody
/// whose name is written in policy.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

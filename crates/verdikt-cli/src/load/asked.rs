//! What a load asks: one question from the command line, or one on each line of a file.
//!
//! The lines are those that `verdikt-bench write` writes. They may say what the answer is to be.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use verdikt::Attributes;

use crate::failure::Failure;
use crate::question::{AsFlags, WhatFlags};

/// Who wants to do what, and whether they may.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Asked {
    /// The user; whoever calls if there are no groups, either.
    pub(super) user: String,
    pub(super) uid: String,
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
    pub(super) verb: String,
    pub(super) api_group: String,
    pub(super) api_version: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    pub(super) namespace: String,
    pub(super) name: String,
    /// In place of a resource.
    pub(super) path: String,
    pub(super) field_selector: String,
    pub(super) label_selector: String,
    /// What the answer is to be.
    pub(super) allowed: Option<bool>,
}

impl Asked {
    /// The question of the command line.
    pub(crate) fn from_flags(what: &WhatFlags, who: &AsFlags) -> io::Result<Self> {
        let question = what.question()?;
        let request = question.request();
        let [field_selector, label_selector] = what.selectors().map(str::to_owned);
        let user = who.user().unwrap_or_default();
        Ok(Self {
            user: user.name,
            uid: user.uid,
            groups: user.groups,
            extra: user.extra,
            verb: request.verb.to_owned(),
            api_group: request.api_group.to_owned(),
            api_version: request.api_version.to_owned(),
            resource: request.resource.to_owned(),
            subresource: request.subresource.to_owned(),
            namespace: request.namespace.to_owned(),
            name: request.name.to_owned(),
            path: request.path.to_owned(),
            field_selector,
            label_selector,
            allowed: None,
        })
    }

    /// The questions of a file, or of standard input.
    pub(crate) fn read(path: &Path) -> Result<Vec<Self>, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::message(format!("--requests {}: {error}", path.display()))
        };
        let file: Box<dyn Read> = match path.to_str() {
            Some("-") => Box::new(io::stdin()),
            _ => Box::new(File::open(path).map_err(|error| failed(&error))?),
        };
        let mut reader = BufReader::new(file.take(MOST_BYTES));
        let (mut all, mut line) = (Vec::new(), String::new());
        for number in 1_u64.. {
            line.clear();
            if reader.read_line(&mut line).map_err(|error| failed(&error))? == 0 {
                break;
            }
            if line.trim().is_empty() {
                continue;
            }
            let asked = serde_json::from_str::<Self>(&line).map_err(|error| error.to_string());
            let asked = asked.and_then(|asked| asked.checked().map_err(str::to_owned));
            all.push(asked.map_err(|error| {
                Failure::message(format!("--requests {}:{number}: {error}", path.display()))
            })?);
        }
        if reader.get_ref().limit() == 0 {
            return Err(failed(&"more than 1 GiB is too much to ask"));
        }
        if all.is_empty() {
            return Err(failed(&"there is no request in it"));
        }
        Ok(all)
    }

    fn checked(self) -> Result<Self, &'static str> {
        if self.verb.is_empty() {
            return Err("there is no `verb`");
        }
        if self.resource.is_empty() == self.path.is_empty() {
            return Err("either `resource` or `path` is expected");
        }
        Ok(self)
    }

    /// As authorizers take it, without user and selectors.
    pub(super) fn attributes(&self) -> Attributes<'_> {
        Attributes {
            verb: &self.verb,
            api_group: &self.api_group,
            api_version: &self.api_version,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            path: &self.path,
            resource_request: self.path.is_empty(),
            ..Attributes::default()
        }
    }

    /// Whether it is about whoever calls.
    pub(super) fn is_about_caller(&self) -> bool {
        self.user.is_empty() && self.groups.is_empty()
    }
}

/// All of it is kept in memory.
const MOST_BYTES: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_verb_and_something_to_do_it_to() {
        let check = |line: &str, expected: &str| {
            let asked = serde_json::from_str::<Asked>(line).map_err(|error| error.to_string());
            let found = asked.and_then(|asked| asked.checked().map_err(str::to_owned));
            let found = found.map_or_else(|error| error, |asked| format!("{:?}", asked.allowed));
            assert!(found.contains(expected), "{line}: {found}");
        };
        check(r#"{"user":"jane","verb":"get","resource":"pods","allowed":true}"#, "Some(true)");
        check(r#"{"verb":"get","path":"/healthz"}"#, "None");
        check(r#"{"resource":"pods"}"#, "no `verb`");
        check(r#"{"verb":"get"}"#, "either `resource` or `path`");
        check(r#"{"verb":"get","resource":"pods","path":"/x"}"#, "either `resource` or `path`");
        check(r#"{"verb":"get","resource":"pods","expected":true}"#, "unknown field");
    }
}

//! A policy as it is written, each word with its place, before anything about it is known to be good.

use crate::document::At;

/// A word and its place.
pub(super) type Word = (String, At);

#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) rules: Vec<Rule>,
    /// Where the rules are, or should be.
    pub(super) at: At,
    pub(super) omit_stages: Vec<Word>,
    pub(super) omit_managed_fields: bool,
}

#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) at: At,
    pub(super) level: Word,
    pub(super) users: Vec<String>,
    pub(super) user_groups: Vec<String>,
    pub(super) verbs: Vec<String>,
    pub(super) resources: Vec<Resources>,
    pub(super) namespaces: Vec<String>,
    pub(super) non_resource_urls: Vec<Word>,
    pub(super) urls_at: At,
    pub(super) omit_stages: Vec<Word>,
    pub(super) omit_managed_fields: Option<bool>,
}

#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) group: Word,
    pub(super) resources: Vec<String>,
    pub(super) resource_names: Vec<String>,
    pub(super) names_at: At,
}

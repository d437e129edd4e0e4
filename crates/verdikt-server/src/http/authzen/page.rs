//! Pages of what a search finds.

use serde_json::Value;

use super::entity::is_object_or_null;
use crate::wire;

/// Which part of all results is asked for.
#[derive(Debug)]
pub(super) struct Page {
    start: usize,
    limit: usize,
    is_asked_for: bool,
    /// Of the search, so that a token is not used for another one.
    fingerprint: u64,
}

impl Page {
    /// Takes the page off a search.
    ///
    /// # Errors
    /// If it is not one, or its token is of another search.
    pub(super) fn of(asked: &mut Value) -> Result<Self, String> {
        let Some(search) = asked.as_object_mut() else {
            return Err("the body must be an object".to_owned());
        };
        let page = search.remove("page").filter(|page| !page.is_null());
        let is_asked_for = page.is_some();
        let mut page = match page {
            None => serde_json::Map::new(),
            Some(Value::Object(page)) => page,
            Some(_) => return Err("page: must be an object".to_owned()),
        };
        let token = match page.remove("token") {
            None | Some(Value::Null) => None,
            Some(Value::String(token)) => Some(token).filter(|token| !token.is_empty()),
            Some(_) => return Err("page.token: must be a string".to_owned()),
        };
        let limit = match page.remove("limit") {
            None | Some(Value::Null) => None,
            Some(limit) => {
                let limit = limit.as_u64().ok_or("page.limit: must be a whole number from 0 on")?;
                Some(usize::try_from(limit).unwrap_or(MOST).min(MOST))
            }
        };
        if page.get("properties").is_some_and(|properties| !is_object_or_null(properties)) {
            return Err("page.properties: must be an object".to_owned());
        }
        let fingerprint = fingerprint(&(&*search, &page));
        let (start, limit) = match token {
            None => (0, limit.unwrap_or(MOST)),
            // Whoever goes on need not say again how many are wanted.
            Some(token) => going_on(&token, fingerprint)
                .filter(|(_, of_token)| limit.is_none_or(|limit| limit == *of_token))
                .ok_or("page.token: is not one that this search was given")?,
        };
        Ok(Self { start, limit, is_asked_for, fingerprint })
    }

    /// Whether the client said anything of pages.
    pub(super) fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// The results of this page, and the token of the next; empty if there is none, or if pages hold nothing.
    pub(super) fn cut(&self, results: Vec<Value>) -> (Vec<Value>, String) {
        let end = self.start.saturating_add(self.limit);
        let Self { limit, fingerprint, .. } = self;
        let is_more = *limit > 0 && results.len() > end;
        let next = is_more.then(|| format!("{end}-{limit}-{fingerprint:016x}"));
        let page = results.into_iter().skip(self.start).take(self.limit);
        (page.collect(), next.unwrap_or_default())
    }
}

/// Where a page starts and how many results it has, by a token of this search.
fn going_on(token: &str, fingerprint: u64) -> Option<(usize, usize)> {
    let mut parts = token.splitn(3, '-');
    let (start, limit) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let is_of_this = u64::from_str_radix(parts.next()?, 16).ok()? == fingerprint;
    (is_of_this && limit <= MOST).then_some((start, limit))
}

/// A checksum: a client that alters it gets another page of what it may search anyway.
fn fingerprint(search: &impl serde::Serialize) -> u64 {
    let text = serde_json::to_string(search).unwrap_or_default();
    wire::fingerprint(&text)
}

/// Results on one page.
const MOST: usize = 1_000;

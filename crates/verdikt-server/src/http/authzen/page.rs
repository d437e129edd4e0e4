//! Pages of what a search finds.

use serde_json::Value;

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
        let limit = match page.get("limit") {
            None | Some(Value::Null) => MOST,
            Some(limit) => {
                let limit = limit.as_u64().ok_or("page.limit: must be a whole number from 0 on")?;
                usize::try_from(limit).unwrap_or(MOST).min(MOST)
            }
        };
        let fingerprint = fingerprint(&(&*search, &page));
        let start = match token {
            None => 0,
            Some(token) => start(&token, fingerprint)
                .ok_or("page.token: is not one that this search was given")?,
        };
        Ok(Self { start, limit, is_asked_for, fingerprint })
    }

    /// Whether the client said anything of pages.
    pub(super) fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// The results of this page, and the token of the next; empty if there is none.
    pub(super) fn cut(&self, results: Vec<Value>) -> (Vec<Value>, String) {
        let end = self.start.saturating_add(self.limit);
        let next = (results.len() > end).then(|| format!("{end}-{:016x}", self.fingerprint));
        let page = results.into_iter().skip(self.start).take(self.limit);
        (page.collect(), next.unwrap_or_default())
    }
}

/// Where a page starts, by a token of this search.
fn start(token: &str, fingerprint: u64) -> Option<usize> {
    let (start, of) = token.split_once('-')?;
    (u64::from_str_radix(of, 16).ok()? == fingerprint).then(|| start.parse().ok())?
}

/// A checksum: a client that alters it gets another page of what it may search anyway.
fn fingerprint(search: &impl serde::Serialize) -> u64 {
    let text = serde_json::to_string(search).unwrap_or_default();
    wire::fingerprint(&text)
}

/// Results on one page.
const MOST: usize = 1_000;

//! Authenticating proxies: the user that headers name, and the headers that are left.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt_authn::Outcome;
use verdikt_authn::front_proxy::{FrontProxy, HeaderNames};
use verdikt_authn::x509::Now;
use verdikt_core::{Credentials, HashKey};

use super::authn::{answer, without_words};
use super::token::wire_user;
use super::{wanted, x509};
use crate::report::Report;

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

/// The headers alone, as if the proxy's certificate had been verified.
pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let Some(names) = names(line, report)? else { return Ok(()) };
    let headers = headers(line)?;
    let got = match names.user(&headers) {
        Ok(Some(user)) => json!({"user": wire_user(&user)}),
        Ok(None) => json!({}),
        Err(error) => json!({"error": error}),
    };
    let is_user = got.get("user").is_some();
    report.compare(
        line,
        &json!({"want": wanted(line), "left": line.get("headers_left")}),
        &json!({"want": got, "left": left(&names, &headers, is_user)}),
    );
    Ok(())
}

/// With the proxy's certificate.
pub(super) fn check_tls(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let Some(names) = names(line, report)? else { return Ok(()) };
    let headers = headers(line)?;
    let allowed = list(line, "allowed_names")?;
    let proxy = FrontProxy::new(x509::trust(line)?, allowed, names.clone(), &HashKey::random());
    let peer = x509::peer(line)?;
    let credentials = Credentials::none().with_peer(Some(&peer)).with_headers(&headers);
    let outcome = proxy.authenticate(&credentials, Now::of(SystemTime::now()));
    let is_user = matches!(outcome, Outcome::Authenticated(_));
    let (want, got) = without_words(wanted(line), answer(&outcome));
    report.compare(
        line,
        &json!({"want": want, "left": line.get("headers_left")}),
        &json!({"want": got, "left": left(&names, &headers, is_user)}),
    );
    Ok(())
}

/// The configured names; none if they are an error, which is then compared.
fn names(line: &Value, report: &mut Report) -> Result<Option<HeaderNames>, serde_json::Error> {
    let names = HeaderNames {
        user: list(line, "name_headers")?,
        uid: list(line, "uid_headers")?,
        group: list(line, "group_headers")?,
        extra_prefixes: list(line, "extra_prefixes")?,
    };
    let names = names.trimmed();
    let want = line.get("config_error").cloned().unwrap_or_default();
    if let (Ok(names), Value::Null) = (&names, &want) {
        return Ok(Some(names.clone()));
    }
    report.compare(line, &want, &json!(names.err()));
    Ok(None)
}

fn headers(line: &Value) -> Result<Vec<(String, String)>, serde_json::Error> {
    let headers: Vec<Header> = list(line, "headers")?;
    Ok(headers.into_iter().map(|Header { name, value }| (name, value)).collect())
}

/// A list, which may be absent or null.
fn list<T: serde::de::DeserializeOwned>(
    line: &Value,
    name: &str,
) -> Result<Vec<T>, serde_json::Error> {
    let list = line.get(name).cloned().unwrap_or_default();
    Ok(Option::<Vec<T>>::deserialize(list)?.unwrap_or_default())
}

/// The names of the headers that remain, as Go spells them; all of them unless there is a user.
fn left(names: &HeaderNames, headers: &[(String, String)], is_user: bool) -> BTreeSet<String> {
    let remains = |name: &&String| !is_user || !names.contain(name);
    headers.iter().map(|(name, _)| name).filter(remains).map(|name| canonical(name)).collect()
}

/// As Go's `http.CanonicalHeaderKey`.
fn canonical(name: &str) -> String {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.chars().all(is_valid) {
        return name.to_owned();
    }
    let mut is_start = true;
    let spell = |c: char| {
        let spelt = if is_start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        is_start = c == '-';
        spelt
    };
    name.chars().map(spell).collect()
}

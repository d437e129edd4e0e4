//! Events as lines of words, Kubernetes' format `legacy`.
//!
//! Follows `EventString` of apiserver's `pkg/audit/format.go`.

use std::io::Write as _;

use verdikt_core::{GoQuoted, User};

use super::arrival::Arrival;
use super::time;

pub(super) fn before_stage(arrival: &Arrival<'_>, text: &mut Vec<u8>) {
    time::nanos(arrival.received, text);
    write(text, format_args!(" AUDIT: id={} stage=\"", GoQuoted(arrival.audit_id)));
}

pub(super) fn after_stage(arrival: &Arrival<'_>, text: &mut Vec<u8>) {
    let ip = arrival.source_ips.first().map_or_else(|| "<unknown>".to_owned(), ToString::to_string);
    let user = arrival.user.filter(|user| !user.name.is_empty());
    let groups = match user {
        Some(user) if !user.groups.is_empty() => list(&user.groups),
        _ => "<none>".to_owned(),
    };
    let name = user.map_or("<none>", |user| &user.name);
    write(
        text,
        format_args!(
            "\" ip={} method={} user={} groups={}",
            GoQuoted(&ip),
            GoQuoted(arrival.request.verb),
            GoQuoted(name),
            GoQuoted(&groups)
        ),
    );
}

/// Who the request is answered as.
pub(super) fn impersonated(user: Option<&User>, text: &mut Vec<u8>) {
    let (name, groups) = match user {
        // Whoever is impersonated is in a group at least.
        Some(user) => (user.name.as_str(), list(&user.groups)),
        None => ("<self>", "<lookup>".to_owned()),
    };
    write(text, format_args!(" as={} asgroups={}", GoQuoted(name), GoQuoted(&groups)));
}

pub(super) fn after_impersonated(user_agent: &str, text: &mut Vec<u8>) {
    write(text, format_args!(" user-agent={}", GoQuoted(user_agent)));
}

pub(super) fn object(namespace: Option<&str>, uri: &str, text: &mut Vec<u8>) {
    let namespace = namespace.filter(|namespace| !namespace.is_empty()).unwrap_or("<none>");
    write(text, format_args!(" namespace={} uri={}", GoQuoted(namespace), GoQuoted(uri)));
}

pub(super) fn response(code: Option<u16>, text: &mut Vec<u8>) {
    match code {
        Some(code) => write(text, format_args!(" response=\"{code}\"\n")),
        None => write(text, format_args!(" response=\"<deferred>\"\n")),
    }
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| GoQuoted(item).to_string()).collect();
    items.join(",")
}

fn write(text: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a Vec does not fail.
    let _ = text.write_fmt(arguments);
}

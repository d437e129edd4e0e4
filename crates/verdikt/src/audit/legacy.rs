//! Events as lines of words, Kubernetes' format `legacy`.
//!
//! Follows `EventString` of apiserver's `pkg/audit/format.go`.

use std::borrow::Cow;
use std::io::Write as _;

use verdikt_core::GoQuoted;

use super::record::{Event, Texts};
use super::time;

pub(super) fn line(event: &Event<'_>, text: &mut Vec<u8>) {
    time::nanos(event.header.received, text);
    let ip = event.source_ips.clone().next();
    let ip = ip.map_or_else(|| "<unknown>".to_owned(), |ip| ip.to_string());
    let user = event.user.as_ref().filter(|user| !user.name.is_empty());
    let groups = user.filter(|user| !user.groups.is_empty());
    let groups = groups.map_or_else(|| "<none>".to_owned(), |user| list(&user.groups));
    let (as_user, as_groups) = match &event.impersonated {
        // Whoever is impersonated is in a group at least.
        Some((user, _)) => (words(user.name), list(&user.groups)),
        None => (Cow::Borrowed("<self>"), "<lookup>".to_owned()),
    };
    write(
        text,
        format_args!(
            " AUDIT: id={} stage=\"{}\" ip={} method={} user={} groups={} as={} asgroups={} \
             user-agent={}",
            GoQuoted(&words(event.audit_id)),
            event.header.stage.as_str(),
            GoQuoted(&ip),
            GoQuoted(&words(event.verb)),
            GoQuoted(&user.map_or(Cow::Borrowed("<none>"), |user| words(user.name))),
            GoQuoted(&groups),
            GoQuoted(&as_user),
            GoQuoted(&as_groups),
            GoQuoted(&words(event.user_agent)),
        ),
    );
    let namespaces = [event.namespace, event.meta.namespace];
    let namespace = namespaces.into_iter().find(|name| !name.is_empty() && event.resource_request);
    let namespace = namespace.map_or(Cow::Borrowed("<none>"), words);
    let namespace = GoQuoted(&namespace);
    write(text, format_args!(" namespace={namespace} uri={}", GoQuoted(&words(event.uri))));
    match event.header.code {
        Some(code) => write(text, format_args!(" response=\"{code}\"\n")),
        None => write(text, format_args!(" response=\"<deferred>\"\n")),
    }
}

fn words(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

fn list(items: &Texts<'_>) -> String {
    let items: Vec<String> = items.clone().map(|item| GoQuoted(&words(item)).to_string()).collect();
    items.join(",")
}

fn write(text: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a Vec does not fail.
    let _ = text.write_fmt(arguments);
}

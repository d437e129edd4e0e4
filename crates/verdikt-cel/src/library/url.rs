//! URLs.
//!
//! Follows apiserver's `pkg/cel/library/urls.go`.

mod escape;
mod parse;
mod query;

use std::sync::Arc;

pub use parse::Url;

use super::Opaque;
use super::declare::{Call, Registry, fail, no_overload};
use crate::meter::{Evaluated, Meter};
use crate::{Type, Value};

pub(crate) const TYPE: &str = "kubernetes.URL";

pub(crate) fn declare(registry: &mut Registry) {
    let url = Type::Opaque(TYPE);
    registry.global("url", "string_to_url", &[Type::String], url.clone(), of_string);
    registry.global("isURL", "is_url_string", &[Type::String], Type::Bool, |_, args| match args {
        [Value::String(text)] => Ok(Value::Bool(Url::parse_request(text).is_ok())),
        _ => no_overload(),
    });
    let parts: [(&'static str, &'static str, Call); 5] = [
        ("getScheme", "url_get_scheme", |_, args| part(args, |url| url.scheme().to_owned())),
        ("getHost", "url_get_host", |_, args| part(args, |url| url.host().to_owned())),
        ("getHostname", "url_get_hostname", |_, args| part(args, |url| url.hostname().to_owned())),
        ("getPort", "url_get_port", |_, args| part(args, |url| url.port().to_owned())),
        ("getEscapedPath", "url_get_escaped_path", |_, args| part(args, Url::escaped_path)),
    ];
    for (name, id, call) in parts {
        registry.member(name, id, std::slice::from_ref(&url), Type::String, call);
    }
    let query = Type::map(Type::String, Type::list(Type::String));
    registry.member("getQuery", "url_get_query", &[url], query, |_, args| match args {
        [Value::Opaque(Opaque::Url(url))] => Ok(query::values(url.raw_query())),
        _ => no_overload(),
    });
}

fn part(args: &[Value], of: impl Fn(&Url) -> String) -> Evaluated {
    match args {
        [Value::Opaque(Opaque::Url(url))] => Ok(Value::string(of(url))),
        _ => no_overload(),
    }
}

fn of_string(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    // A request's target has no fragment: it is read once to see whether it is absolute, and once more.
    match Url::parse_request(text).and_then(|_| Url::parse(text)) {
        Ok(url) => Ok(Value::Opaque(Opaque::Url(Arc::new(url)))),
        Err(error) => fail(format!("URL parse error during conversion from string: {error}")),
    }
}

/// What is wrong with a text as the target of a request, in Go's words.
pub(super) fn request_error(text: &str) -> Option<String> {
    Url::parse_request(text).err()
}

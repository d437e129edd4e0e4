//! A URL and its parts.
//!
//! Follows `Parse`, `ParseRequestURI` and `URL` of Go's `net/url`.

use super::super::ip;
use super::escape::{Part, escape, is_valid, unescape};
use crate::number::quote;

/// A URL.
#[derive(Debug, Default)]
pub struct Url {
    scheme: String,
    /// What is after the scheme if it does not begin with a slash.
    opaque: String,
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: String,
    path: Vec<u8>,
    /// The path as it was written, if it could be written otherwise.
    raw_path: String,
    raw_query: String,
    force_query: bool,
    omit_host: bool,
    fragment: Vec<u8>,
    raw_fragment: String,
}

impl Url {
    /// A URL that may be relative and may have a fragment.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = Self::parse_parts(before, false).map_err(|error| named(before, &error))?;
        if !fragment.is_empty() {
            url.fragment = unescape(fragment.as_bytes(), Part::Fragment)
                .map_err(|error| named(text, &error))?;
            if escape(&url.fragment, Part::Fragment) != fragment.as_bytes() {
                fragment.clone_into(&mut url.raw_fragment);
            }
        }
        Ok(url)
    }

    /// The target of a request: a whole URL, or an absolute path.
    pub(super) fn parse_request(text: &str) -> Result<Self, String> {
        Self::parse_parts(text, true).map_err(|error| named(text, &error))
    }

    fn parse_parts(text: &str, request: bool) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        if text.is_empty() && request {
            return Err("empty url".to_owned());
        }
        let mut url = Self::default();
        if text == "*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_lowercase();
        let mut rest = url.take_query(rest);
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if request {
                return Err("invalid URI for request".to_owned());
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let may_have_host = !url.scheme.is_empty() || (!request && !rest.starts_with("///"));
        match rest.strip_prefix("//").filter(|_| may_have_host) {
            Some(after) => {
                let end = after.find('/').unwrap_or(after.len());
                let (authority, path) = after.split_at_checked(end).unwrap_or((after, ""));
                rest = path;
                url.set_authority(authority)?;
            }
            None => url.omit_host = !url.scheme.is_empty() && rest.starts_with('/'),
        }
        url.set_path(rest)?;
        Ok(url)
    }

    /// Takes what is after the question mark; what is before it.
    fn take_query<'t>(&mut self, text: &'t str) -> &'t str {
        match text.split_once('?') {
            Some((before, "")) => {
                self.force_query = true;
                before
            }
            Some((before, query)) => {
                query.clone_into(&mut self.raw_query);
                before
            }
            None => text,
        }
    }

    fn set_path(&mut self, text: &str) -> Result<(), String> {
        self.path = unescape(text.as_bytes(), Part::Path)?;
        if escape(&self.path, Part::Path) != text.as_bytes() {
            text.clone_into(&mut self.raw_path);
        }
        Ok(())
    }

    fn set_authority(&mut self, text: &str) -> Result<(), String> {
        let (user, host) = match text.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, text),
        };
        self.host = parse_host(&self.scheme, host)?;
        let Some(user) = user else { return Ok(()) };
        if !user.chars().all(is_user_char) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = match user.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (user, None),
        };
        let name = unescape(name.as_bytes(), Part::User)?;
        let password =
            password.map(|password| unescape(password.as_bytes(), Part::User)).transpose()?;
        self.user = Some((name, password));
        Ok(())
    }

    pub(super) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn hostname(&self) -> &str {
        let (host, _) = split_port(&self.host);
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(super) fn port(&self) -> &str {
        split_port(&self.host).1
    }

    pub(super) fn raw_query(&self) -> &str {
        &self.raw_query
    }

    pub(super) fn escaped_path(&self) -> String {
        let raw = self.raw_path.as_bytes();
        let kept = !raw.is_empty()
            && is_valid(raw, Part::Path)
            && unescape(raw, Part::Path).as_deref() == Ok(self.path.as_slice());
        if kept {
            return self.raw_path.clone();
        }
        if self.path == b"*" {
            return "*".to_owned();
        }
        ascii(escape(&self.path, Part::Path))
    }

    fn escaped_fragment(&self) -> String {
        let raw = self.raw_fragment.as_bytes();
        let kept = !raw.is_empty() && is_valid(raw, Part::Fragment);
        if kept { self.raw_fragment.clone() } else { ascii(escape(&self.fragment, Part::Fragment)) }
    }

    /// The URL, written as Go writes it: what URLs are compared by.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if self.opaque.is_empty() {
            self.push_authority_and_path(&mut text);
        } else {
            text.push_str(&self.opaque);
        }
        if self.force_query || !self.raw_query.is_empty() {
            text.push('?');
            text.push_str(&self.raw_query);
        }
        if !self.fragment.is_empty() {
            text.push('#');
            text.push_str(&self.escaped_fragment());
        }
        text
    }

    fn push_authority_and_path(&self, text: &mut String) {
        let has_host = !self.host.is_empty() || self.user.is_some();
        if has_host || (!self.scheme.is_empty() && !self.omit_host) {
            if has_host || !self.path.is_empty() {
                text.push_str("//");
            }
            if let Some((name, password)) = &self.user {
                text.push_str(&ascii(escape(name, Part::User)));
                if let Some(password) = password {
                    text.push(':');
                    text.push_str(&ascii(escape(password, Part::User)));
                }
                text.push('@');
            }
            text.push_str(&ascii(escape(self.host.as_bytes(), Part::Host)));
        }
        let path = self.escaped_path();
        if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
            text.push('/');
        }
        if text.is_empty() && path.split('/').next().is_some_and(|part| part.contains(':')) {
            text.push_str("./");
        }
        text.push_str(&path);
    }
}

fn named(text: &str, error: &str) -> String {
    format!("parse {}: {error}", quote(text))
}

fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// What is before the first colon, if it can be a scheme, and what is after it.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, char) in text.char_indices() {
        match char {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse_host(scheme: &str, host: &str) -> Result<String, String> {
    if let Some(open) = host.rfind('[') {
        if open > 0 {
            return Err("invalid IP-literal".to_owned());
        }
        return parse_bracketed(host);
    }
    if let Some(first) = host.find(':') {
        let strict = matches!(scheme, "http" | "https");
        let colon = if strict { first } else { host.rfind(':').unwrap_or(first) };
        check_port(host.get(colon..).unwrap_or_default())?;
    }
    unescape(host.as_bytes(), Part::Host).map(ascii)
}

/// An IPv6 address between brackets, and a port.
fn parse_bracketed(host: &str) -> Result<String, String> {
    let inside = host.strip_prefix('[').unwrap_or(host);
    let Some((address, port)) = inside.rsplit_once(']') else {
        return Err("missing ']' in host".to_owned());
    };
    check_port(port)?;
    let port = ascii(unescape(port.as_bytes(), Part::Host)?);
    let address = match address.find("%25").and_then(|at| address.split_at_checked(at)) {
        Some((address, zone)) => {
            let mut bytes = unescape(address.as_bytes(), Part::Host)?;
            bytes.extend(unescape(zone.as_bytes(), Part::Zone)?);
            ascii(bytes)
        }
        None => ascii(unescape(address.as_bytes(), Part::Host)?),
    };
    match ip::parse(&address) {
        Err(error) => Err(format!("invalid host: {error}")),
        Ok((ip, _)) if ip.is_ipv4() => Err("invalid IP-literal".to_owned()),
        Ok(_) => Ok(format!("[{address}]{port}")),
    }
}

fn check_port(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix(':').unwrap_or(text);
    let is_port = text.is_empty()
        || (text.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if is_port { Ok(()) } else { Err(format!("invalid port {} after host", quote(text))) }
}

/// Host and port, as far as what is after the last colon is one.
fn split_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((before, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (before, port),
        _ => (host, ""),
    }
}

const fn is_user_char(char: char) -> bool {
    char.is_ascii_alphanumeric()
        || matches!(
            char,
            '-' | '.'
                | '_'
                | ':'
                | '~'
                | '!'
                | '$'
                | '&'
                | '\''
                | '('
                | ')'
                | '*'
                | '+'
                | ','
                | ';'
                | '='
                | '%'
                | '@'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, host: &str, path: &str) {
        let url = Url::parse_request(text).and_then(|_| Url::parse(text)).unwrap();
        assert_eq!((url.host(), url.escaped_path().as_str()), (host, path), "{text}");
    }

    fn refused(text: &str, error: &str) {
        let found = Url::parse_request(text).unwrap_err();
        assert!(found.ends_with(error), "{text}: {found}");
    }

    #[test]
    fn urls_are_read_as_go_reads_them() {
        check("https://user@host:80/p?q=1", "host:80", "/p");
        check("https://example.com/path with spaces/", "example.com", "/path%20with%20spaces/");
        check("https://[::1]:443/", "[::1]:443", "/");
        check("/path", "", "/path");
        check("https://h/a%2Fb", "h", "/a%2Fb");
        check("mailto:a@b", "", "");
        refused("grace", "invalid URI for request");
        refused("", "empty url");
        refused("not a url", "invalid URI for request");
        refused("https://h:x/", "invalid port \":x\" after host");
        refused("https://h/%zz", "invalid URL escape \"%zz\"");
        refused(":a", "missing protocol scheme");
        refused("http://[::1", "missing ']' in host");
        refused("http://a b/", "invalid character \" \" in host name");
    }

    #[test]
    fn names_and_ports_are_split_at_the_last_colon() {
        let url = Url::parse("https://[::1]:443/").unwrap();
        assert_eq!((url.hostname(), url.port()), ("::1", "443"));
        let url = Url::parse("https://h").unwrap();
        assert_eq!((url.hostname(), url.port()), ("h", ""));
    }
}

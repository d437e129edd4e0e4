//! The target of a request line, read and printed as Go's `url.URL` does.

use std::{borrow::Cow, error, fmt, net::Ipv6Addr};

use crate::{
    GoQuoted,
    escape::{self, EscapeError, Part, decode, reescape},
};

/// A request target that is not a URL. Go's server answers it with status 400 before anyone is
/// asked who the request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    target: String,
    problem: Problem,
}

/// `parse "TARGET": REASON`, as `url.Error` prints it.
impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parse {}: {}", GoQuoted(&self.target), self.problem)
    }
}

impl error::Error for UrlError {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    ControlCharacter,
    Empty,
    MissingScheme,
    NotAPath,
    ColonInFirstSegment,
    Escape(EscapeError),
    UserInfo,
    Port(String),
    IpLiteral,
    UnclosedBracket,
    IpAddress(String),
}

impl From<EscapeError> for Problem {
    fn from(error: EscapeError) -> Self {
        Self::Escape(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlCharacter => f.write_str("net/url: invalid control character in URL"),
            Self::Empty => f.write_str("empty url"),
            Self::MissingScheme => f.write_str("missing protocol scheme"),
            Self::NotAPath => f.write_str("invalid URI for request"),
            Self::ColonInFirstSegment => {
                f.write_str("first path segment in URL cannot contain colon")
            }
            Self::Escape(error) => error.fmt(f),
            Self::UserInfo => f.write_str("net/url: invalid userinfo"),
            Self::Port(port) => write!(f, "invalid port {} after host", GoQuoted(port)),
            Self::IpLiteral => f.write_str("invalid IP-literal"),
            Self::UnclosedBracket => f.write_str("missing ']' in host"),
            Self::IpAddress(address) => {
                write!(f, "invalid host: {} is not an IPv6 address", GoQuoted(address))
            }
        }
    }
}

/// A request target in its parts: `/path?query` or `scheme://authority/path?query`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestUrl<'a> {
    scheme: &'a str,
    authority: Option<&'a str>,
    raw_path: &'a str,
    /// The decoded path; empty for `scheme:something` and for `scheme://authority`.
    pub(crate) path: Cow<'a, str>,
    /// What follows the first `?`, not decoded; none if there is no `?`.
    pub(crate) query: Option<&'a str>,
}

impl<'a> RequestUrl<'a> {
    /// Reads a target as `url.ParseRequestURI` does: `//x` is a path, not a host.
    pub(crate) fn parse(target: &'a str) -> Result<Self, UrlError> {
        Self::read(target).map_err(|problem| UrlError { target: target.to_owned(), problem })
    }

    fn read(target: &'a str) -> Result<Self, Problem> {
        if target.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Problem::ControlCharacter);
        }
        if target.is_empty() {
            return Err(Problem::Empty);
        }
        if target == "*" {
            return Ok(Self { raw_path: target, path: Cow::Borrowed(target), ..Self::default() });
        }
        let (scheme, rest) = split_scheme(target)?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        if !rest.starts_with('/') {
            // `scheme:something` is legal, and has no path.
            return if scheme.is_empty() {
                Err(Problem::NotAPath)
            } else {
                Ok(Self { scheme, query, ..Self::default() })
            };
        }
        let (authority, raw_path) = match rest.strip_prefix("//") {
            Some(rest) if !scheme.is_empty() => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                check_authority(scheme, authority)?;
                (Some(authority), path)
            }
            _ => (None, rest),
        };
        let path = escape::unescape(raw_path, Part::Path)?;
        Ok(Self { scheme, authority, raw_path, path, query })
    }
}

/// A URL as people write it in a configuration, in the parts that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url<'a> {
    /// In lower case; empty if there is none.
    pub scheme: String,
    /// `host:port`, with what is encoded still encoded.
    pub host: &'a str,
    /// Whether a user name stands before the host.
    pub has_user: bool,
    /// Path, or what follows the scheme if that does not begin with `/`.
    pub path: &'a str,
    /// What follows the first `?`; empty if there is nothing.
    pub query: &'a str,
    /// What follows the first `#`; empty if there is nothing.
    pub fragment: &'a str,
}

impl<'a> Url<'a> {
    /// Reads a text as `url.Parse` does.
    ///
    /// # Errors
    /// In the words of Go, `parse "TEXT": REASON`.
    pub fn parse(text: &'a str) -> Result<Self, UrlError> {
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let error = |target: &str, problem| UrlError { target: target.to_owned(), problem };
        let url = Self::read(before).map_err(|problem| error(before, problem))?;
        decode(fragment, Part::Path).map_err(|problem| error(text, problem.into()))?;
        Ok(Self { fragment, ..url })
    }

    fn read(text: &'a str) -> Result<Self, Problem> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Problem::ControlCharacter);
        }
        let (scheme, rest) = split_scheme(text)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Self { scheme: scheme.to_ascii_lowercase(), query, ..Self::default() };
        if !rest.starts_with('/') {
            url.path = rest;
            let segment = rest.split('/').next().unwrap_or_default();
            return match scheme {
                "" if segment.contains(':') => Err(Problem::ColonInFirstSegment),
                "" => decode(rest, Part::Path).map(|_| url).map_err(Problem::from),
                _ => Ok(url),
            };
        }
        url.path = rest;
        if let Some(after) = rest.strip_prefix("//")
            && (!scheme.is_empty() || !after.starts_with('/'))
        {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            check_authority(scheme, authority)?;
            let (user, host) = split_authority(authority);
            (url.host, url.has_user, url.path) = (host, user.is_some(), path);
        }
        decode(url.path, Part::Path)?;
        Ok(url)
    }
}

/// As `URL.String` prints it. Only URLs with a path are ever printed, in errors about that path.
impl fmt::Display for RequestUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme.to_ascii_lowercase())?;
        }
        if let Some(authority) = self.authority {
            f.write_str("//")?;
            let (user, host) = split_authority(authority);
            match user.map(|user| user.split_once(':').ok_or(user)) {
                Some(Ok((name, password))) => {
                    let (name, password) =
                        (reescape(name, Part::UserInfo), reescape(password, Part::UserInfo));
                    write!(f, "{name}:{password}@")?;
                }
                Some(Err(name)) => write!(f, "{}@", reescape(name, Part::UserInfo))?,
                None => {}
            }
            f.write_str(&reescape(host, Part::Host))?;
        }
        if escape::is_valid_path(self.raw_path) {
            f.write_str(self.raw_path)?;
        } else {
            f.write_str(&reescape(self.raw_path, Part::Path))?;
        }
        match self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

/// The URL of a decoded path and a raw query, as Go prints it when it never saw the encoded path.
pub(crate) fn url_of(path: &str, query: Option<&str>) -> String {
    let path = escape::escape(path.as_bytes(), Part::Path);
    match query {
        None | Some("") => path,
        Some(query) => format!("{path}?{query}"),
    }
}

/// The host of a URL, with its port, as Go's `url.Parse` finds it; empty if it has none. Bytes, since
/// escapes in it have been decoded.
///
/// # Errors
/// If it is no URL.
pub fn url_host(url: &str) -> Result<Vec<u8>, UrlError> {
    let host = Url::parse(url)?.host;
    decoded_host(host).map_err(|problem| UrlError { target: url.to_owned(), problem })
}

fn decoded_host(host: &str) -> Result<Vec<u8>, Problem> {
    match host.split_once("%25").filter(|_| host.starts_with('[')) {
        Some((address, rest)) => {
            let (zone, port) = rest.split_at(rest.rfind(']').unwrap_or(rest.len()));
            let mut decoded = decode(address, Part::Host)?;
            decoded.extend(decode(&format!("%25{zone}"), Part::Zone)?);
            decoded.extend(decode(port, Part::Host)?);
            Ok(decoded)
        }
        None => Ok(decode(host, Part::Host)?),
    }
}

/// Splits off `scheme:`; a colon after anything but a scheme belongs to the path.
fn split_scheme(target: &str) -> Result<(&str, &str), Problem> {
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    match target.split_once(':') {
        Some(("", _)) => Err(Problem::MissingScheme),
        Some((scheme, rest)) if is_scheme(scheme) => Ok((scheme, rest)),
        _ => Ok(("", target)),
    }
}

/// Splits `user:password@host:port` at its last `@`.
fn split_authority(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    }
}

fn check_authority(scheme: &str, authority: &str) -> Result<(), Problem> {
    let (user, host) = split_authority(authority);
    match host.rfind('[') {
        Some(0) => check_ip_literal(host)?,
        Some(_) => return Err(Problem::IpLiteral),
        None => check_name(scheme, host)?,
    }
    if let Some(user) = user {
        let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if !user.chars().all(is_valid) {
            return Err(Problem::UserInfo);
        }
        decode(user, Part::UserInfo)?;
    }
    Ok(())
}

/// Checks `host` or `host:port`. Other schemes than HTTP's may have several colons.
fn check_name(scheme: &str, host: &str) -> Result<(), Problem> {
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let split = if is_http { host.split_once(':') } else { host.rsplit_once(':') };
    if let Some((_, port)) = split {
        check_port(port)?;
    }
    decode(host, Part::Host)?;
    Ok(())
}

/// Checks `[address]`, `[address%25zone]`, and either with a port.
fn check_ip_literal(host: &str) -> Result<(), Problem> {
    let Some((literal, after)) = host.rsplit_once(']') else {
        return Err(Problem::UnclosedBracket);
    };
    match after.strip_prefix(':') {
        Some(port) => check_port(port)?,
        None if after.is_empty() => {}
        None => return Err(Problem::Port(after.to_owned())),
    }
    let literal = literal.trim_start_matches('[');
    let (address, zone) = match literal.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (literal, None),
    };
    if let Some(zone) = zone {
        decode(zone, Part::Zone)?;
    }
    if address.parse::<Ipv6Addr>().is_err() || zone == Some("") {
        return Err(Problem::IpAddress(literal.to_owned()));
    }
    Ok(())
}

/// Checks the text after a host's colon: digits, or nothing.
fn check_port(port: &str) -> Result<(), Problem> {
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Problem::Port(format!(":{port}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestUrl, Url, url_of};

    fn check(target: &str, path: &str, query: Option<&str>) {
        let url = RequestUrl::parse(target).unwrap();
        assert_eq!((&*url.path, url.query), (path, query), "{target}");
    }

    fn check_printed(target: &str, printed: &str) {
        assert_eq!(RequestUrl::parse(target).unwrap().to_string(), printed, "{target}");
    }

    fn check_error(target: &str, reason: &str) {
        let error = RequestUrl::parse(target).unwrap_err().to_string();
        assert_eq!(error, format!("parse \"{target}\": {reason}"));
    }

    #[test]
    fn a_url_of_a_configuration_has_scheme_user_host_query_and_fragment() {
        let check = |text: &str, expected: (&str, &str, bool, &str, &str, &str)| {
            let url = Url::parse(text).unwrap();
            let parts = (&*url.scheme, url.host, url.has_user, url.path, url.query, url.fragment);
            assert_eq!(parts, expected, "{text}");
        };
        check("HTTPS://h:1/a?b#c", ("https", "h:1", false, "/a", "b", "c"));
        check("https://u:p@h", ("https", "h", true, "", "", ""));
        check("https://@h?#", ("https", "h", true, "", "", ""));
        check("//h/a", ("", "h", false, "/a", "", ""));
        check("///a", ("", "", false, "///a", "", ""));
        check("h.example/a:b", ("", "", false, "h.example/a:b", "", ""));
        check("mailto:a@b", ("mailto", "", false, "a@b", "", ""));
        check("", ("", "", false, "", "", ""));
        let check_error = |text: &str, expected: &str| {
            assert_eq!(Url::parse(text).unwrap_err().to_string(), expected);
        };
        check_error("https://%zz", r#"parse "https://%zz": invalid URL escape "%zz""#);
        check_error(
            "1.2.3.4:443/x",
            r#"parse "1.2.3.4:443/x": first path segment in URL cannot contain colon"#,
        );
        check_error("https://h/#%zz", r#"parse "https://h/#%zz": invalid URL escape "%zz""#);
        check_error("https://h/%#f", r#"parse "https://h/%": invalid URL escape "%""#);
        check_error("https://h:x#f", r#"parse "https://h:x": invalid port ":x" after host"#);
        check_error("https://a b", r#"parse "https://a b": invalid character " " in host name"#);
        check_error(":x", r#"parse ":x": missing protocol scheme"#);
    }

    #[test]
    fn two_slashes_start_a_path() {
        check("//x/y?q", "//x/y", Some("q"));
    }

    #[test]
    fn query_starts_at_the_first_question_mark() {
        check("/a?b?c", "/a", Some("b?c"));
        check("/a?", "/a", Some(""));
        check("/a%3Fb", "/a?b", None);
    }

    #[test]
    fn absolute_targets_lose_scheme_and_host() {
        check("http://host:80/api/v1?x=1", "/api/v1", Some("x=1"));
        check("HTTP://u:p@host/a", "/a", None);
        check("http://[fe80::1%25en0]:1/a", "/a", None);
        check("http://host?x", "", Some("x"));
        check("http:/a", "/a", None);
        check("mailto:x", "", None);
        check("*", "*", None);
    }

    #[test]
    fn a_colon_in_the_path_is_no_scheme() {
        check("/a:b", "/a:b", None);
    }

    #[test]
    fn bad_targets_are_errors_in_upstreams_words() {
        check_error("/a%zz", r#"invalid URL escape "%zz""#);
        check_error("", "empty url");
        check_error("api/v1", "invalid URI for request");
        check_error("1.2.3.4:443", "invalid URI for request");
        check_error(":80/x", "missing protocol scheme");
        check_error("http://a b/", r#"invalid character " " in host name"#);
        check_error("http://a%41/", r#"invalid URL escape "%41""#);
        check_error("http://a:b/", r#"invalid port ":b" after host"#);
        check_error("http://a:1:2/", r#"invalid port ":1:2" after host"#);
        check_error("http://a[::1]/", "invalid IP-literal");
        check_error("http://[::1/", "missing ']' in host");
        check_error("http://[::1]80/", r#"invalid port "80" after host"#);
        check_error("http://[1.2.3.4]/", r#"invalid host: "1.2.3.4" is not an IPv6 address"#);
        check_error("http://[::1%25]/", r#"invalid host: "::1%25" is not an IPv6 address"#);
        check_error("http://a<@host/", "net/url: invalid userinfo");
        let error = RequestUrl::parse("/a\nb").unwrap_err().to_string();
        assert_eq!(error, r#"parse "/a\nb": net/url: invalid control character in URL"#);
    }

    #[test]
    fn a_valid_encoding_of_the_path_is_printed_as_received() {
        check_printed("/a%2fb%41(c)*[]?x=%zz y", "/a%2fb%41(c)*[]?x=%zz y");
        check_printed("/a b%2f", "/a%20b/");
        check_printed("/ü%FF", "/%C3%BC%FF");
        check_printed("/a?", "/a?");
    }

    #[test]
    fn scheme_and_authority_are_printed_normalised() {
        check_printed("HTTP://Host:80/a", "http://Host:80/a");
        check_printed("http://u%41:p%20@h/a", "http://uA:p%20@h/a");
        check_printed("http://u@h%C3%BC/a", "http://u@h%C3%BC/a");
        check_printed("http:///a", "http:///a");
        check_printed("http:/a", "http:/a");
    }

    #[test]
    fn a_decoded_path_is_encoded_for_printing() {
        assert_eq!(url_of("/a b/ü", None), "/a%20b/%C3%BC");
        assert_eq!(url_of("/a", Some("x=%zz")), "/a?x=%zz");
        assert_eq!(url_of("/a", Some("")), "/a");
    }
}

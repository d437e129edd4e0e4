//! Alternative names of a subject, and the grammar of domains and mailboxes.
//!
//! Follows Go's `crypto/x509`: `parseSANExtension`, `domainNameValid` and `parseRFC2821Mailbox`. They
//! name nobody here; they are what name constraints are about.

use verdikt_core::url_host;

use super::certificate::ParseError;
use super::der::{Reader, SEQUENCE, context};

/// The names of the four kinds Go knows, each as it stands in the certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct AlternativeNames {
    pub(super) domains: Vec<Vec<u8>>,
    pub(super) emails: Vec<Vec<u8>>,
    /// 4 or 16 bytes each.
    pub(super) addresses: Vec<Vec<u8>>,
    /// The hosts of URIs, ports included.
    pub(super) uri_hosts: Vec<Vec<u8>>,
}

impl AlternativeNames {
    pub(super) fn parse(mut value: Reader<'_>) -> Result<Self, ParseError> {
        let mut list = value.read(SEQUENCE).ok_or("x509: invalid subject alternative names")?;
        let mut names = Self::default();
        while !list.is_empty() {
            let (tag, _, name) = list.any().ok_or("x509: invalid subject alternative name")?;
            names.add(tag, name.rest())?;
        }
        Ok(names)
    }

    fn add(&mut self, tag: u8, name: &[u8]) -> Result<(), ParseError> {
        match tag {
            EMAIL if !name.is_ascii() => return Err("x509: SAN rfc822Name is malformed".into()),
            EMAIL => self.emails.push(name.into()),
            DOMAIN if !name.is_ascii() => return Err("x509: SAN dNSName is malformed".into()),
            DOMAIN => self.domains.push(name.into()),
            URI => self.uri_hosts.push(uri_host(name)?),
            ADDRESS if matches!(name.len(), 4 | 16) => self.addresses.push(name.into()),
            ADDRESS => {
                let message = format!("x509: cannot parse IP address of length {}", name.len());
                return Err(ParseError::new(message));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { domains, emails, addresses, uri_hosts } = self;
        domains.is_empty() && emails.is_empty() && addresses.is_empty() && uri_hosts.is_empty()
    }
}

fn uri_host(uri: &[u8]) -> Result<Vec<u8>, ParseError> {
    let text = std::str::from_utf8(uri).ok().filter(|text| text.is_ascii());
    let text = text.ok_or("x509: SAN uniformResourceIdentifier is malformed")?;
    let host = url_host(text)
        .map_err(|error| ParseError::new(format!("x509: cannot parse URI {text:?}: {error}")))?;
    if !is_domain(&host, false) {
        return Err(ParseError::new(format!("x509: cannot parse URI {text:?}: invalid domain")));
    }
    Ok(host)
}

/// Whether this is a domain, or none at all. Constraints may begin with a full stop.
pub(super) fn is_domain(name: &[u8], is_constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    if name.ends_with(b".") {
        return false;
    }
    let name = if is_constraint { name.strip_prefix(b".").unwrap_or(name) } else { name };
    name.split(|&byte| byte == b'.').all(is_label)
}

fn is_label(label: &[u8]) -> bool {
    !label.is_empty() && label.iter().all(u8::is_ascii_graphic)
}

/// An e-mail address in its two parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mailbox {
    pub(super) local: Vec<u8>,
    /// In lower case.
    pub(super) domain: Vec<u8>,
}

impl Mailbox {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (local, rest) = match text.strip_prefix(b"\"") {
            Some(quoted) => quoted_string(quoted)?,
            None => atoms(text)?,
        };
        let domain = rest.strip_prefix(b"@")?;
        // The empty domain has no labels, and so no bad ones.
        let is_valid = domain.is_empty() || domain.split(|&byte| byte == b'.').all(is_label);
        is_valid.then(|| Self { local, domain: domain.to_ascii_lowercase() })
    }
}

/// The text up to the closing quote, and what follows that.
fn quoted_string(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut local = Vec::new();
    loop {
        let (&byte, rest) = text.split_first()?;
        text = rest;
        match byte {
            b'"' => return Some((local, text)),
            b'\\' => {
                let (&escaped, rest) = text.split_first()?;
                text = rest;
                if !matches!(escaped, 1..=9 | 11 | 12 | 14..=127) {
                    return None;
                }
                local.push(escaped);
            }
            1..=8 | 11 | 12 | 14..=33 | 35..=91 | 93..=127 => local.push(byte),
            _ => return None,
        }
    }
}

/// Words between full stops, and what follows them. Full stops stand neither first, nor last, nor
/// beside each other.
fn atoms(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut local = Vec::new();
    while let Some((&byte, rest)) = text.split_first() {
        if byte == b'\\' {
            let (&escaped, rest) = rest.split_first()?;
            local.push(escaped);
            text = rest;
        } else if byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte) {
            local.push(byte);
            text = rest;
        } else {
            break;
        }
    }
    let has_two_stops = local.windows(2).any(|pair| pair == b"..");
    let is_valid =
        !local.is_empty() && !local.starts_with(b".") && !local.ends_with(b".") && !has_two_stops;
    is_valid.then_some((local, text))
}

pub(super) const EMAIL: u8 = context(1);
pub(super) const DOMAIN: u8 = context(2);
pub(super) const URI: u8 = context(6);
pub(super) const ADDRESS: u8 = context(7);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_have_labels_and_constraints_may_begin_with_a_stop() {
        let check = |name: &str, of_name: bool, of_constraint: bool| {
            let found = (is_domain(name.as_bytes(), false), is_domain(name.as_bytes(), true));
            assert_eq!(found, (of_name, of_constraint), "{name}");
        };
        check("", true, true);
        check("a.b", true, true);
        check(".a.b", false, true);
        check("..a", false, false);
        check("a.", false, false);
        check(".", false, false);
        check("a b", false, false);
        check("*.a", true, true);
        check("a:80", true, true);
    }

    #[test]
    fn mailboxes_are_read_as_go_reads_them() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let expected = expected
                .map(|(local, domain)| Mailbox { local: local.into(), domain: domain.into() });
            assert_eq!(Mailbox::parse(text.as_bytes()), expected, "{text}");
        };
        check("a@B.c", Some(("a", "b.c")));
        check("a.b+c@d", Some(("a.b+c", "d")));
        check("\"a b\\\"\"@d", Some(("a b\"", "d")));
        check("a\\@b@c", Some(("a@b", "c")));
        check("a@", Some(("a", "")));
        check("@b", None);
        check(".a@b", None);
        check("a..b@c", None);
        check("a.@c", None);
        check("a@b.", None);
        check("a@b..c", None);
        check("a b@c", None);
        check("a", None);
        check("", None);
        check("\"a@b", None);
    }

    #[test]
    fn the_host_of_a_uri_must_be_a_domain() {
        let check = |uri: &str, expected: Option<&str>| {
            let host = uri_host(uri.as_bytes()).ok();
            assert_eq!(host, expected.map(|host| host.as_bytes().to_vec()), "{uri}");
        };
        check("spiffe://a.example/x", Some("a.example"));
        check("https://u@a.example:80?q#f", Some("a.example:80"));
        check("urn:x", Some(""));
        check("https://[::1]:1/", Some("[::1]:1"));
        check("https://a..b/", None);
        check("https://%c3%bc/", None);
        check("a:b:c", Some(""));
        check("1:b", None);
        check("https://a/%zz", None);
        check("https://a/#%zz", None);
    }
}

//! Name constraints: which names the certificates below an authority may hold.
//!
//! Follows Go's `crypto/x509/constraints.go` of Go 1.26 and the reading of the extension in `parser.go`.
//! The search is Go's own, a look at one neighbour in a sorted and pruned list, for where that and the
//! plain rule differ (such as address ranges with bits set outside their mask) Go's answer counts.

mod subtrees;
mod values;

use std::net::IpAddr;
use std::sync::Arc;

use super::certificate::{Certificate, ParseError};
use super::der::{Reader, SEQUENCE, constructed};
use super::san::{Mailbox, is_domain};
use subtrees::Subtrees;
use values::Values;

/// Both lists of an authority, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct NameConstraints {
    permitted: Subtrees,
    excluded: Subtrees,
}

impl NameConstraints {
    /// Reads the extension; whether all of it is understood is told as well.
    pub(super) fn parse(mut value: Reader<'_>) -> Result<(Self, bool), ParseError> {
        const INVALID: &str = "x509: invalid NameConstraints extension";
        let mut lists = value.read(SEQUENCE).filter(|_| value.is_empty()).ok_or(INVALID)?;
        let permitted = lists.optional(constructed(0)).ok_or(INVALID)?;
        let excluded = lists.optional(constructed(1)).ok_or(INVALID)?;
        if !lists.is_empty() {
            return Err(INVALID.into());
        }
        let is_empty = |list: &Option<Reader<'_>>| list.is_none_or(|list| list.is_empty());
        if is_empty(&permitted) && is_empty(&excluded) {
            return Err("x509: empty name constraints extension".into());
        }
        let mut is_handled = true;
        let mut subtrees = |list: Option<Reader<'_>>, is_permitted| {
            let (values, all_known) = Values::parse(list.unwrap_or_else(|| Reader::new(&[])))?;
            is_handled &= all_known;
            Ok::<_, ParseError>(values.into_subtrees(is_permitted))
        };
        let permitted = subtrees(permitted, true)?;
        let excluded = subtrees(excluded, false)?;
        Ok((Self { permitted, excluded }, is_handled))
    }

    fn check(&self, names: &Names<'_>) -> Result<(), String> {
        let Self { permitted, excluded } = self;
        for address in names.addresses {
            let found = |list: &Subtrees| list.addresses.as_ref().map(|list| list.has(address));
            judge("IP address", address, found(permitted), found(excluded))?;
        }
        for domain in names.domains {
            if !is_domain(domain, false) {
                return Err(format!("x509: cannot parse dnsName {}", shown(domain)));
            }
            let found = |list: &Subtrees| list.domains.as_ref().map(|list| list.has(domain));
            judge("DNS name", domain, found(permitted), found(excluded))?;
        }
        for host in &names.uri_hosts {
            if !is_domain(host, false) {
                return Err(format!("x509: URI SAN {} failed to parse", shown(host)));
            }
            let found = |list: &Subtrees| list.uris.as_ref().map(|list| list.has(host));
            judge("URI", host, found(permitted), found(excluded))?;
        }
        for email in &names.emails {
            if !is_domain(&email.domain, false) {
                return Err(format!("x509: cannot parse rfc822Name {}", shown(&email.local)));
            }
            let found = |list: &Subtrees| list.emails.as_ref().map(|list| list.has(email));
            judge("email address", &email.domain, found(permitted), found(excluded))?;
        }
        Ok(())
    }
}

fn judge(
    kind: &str,
    name: &[u8],
    permitted: Option<bool>,
    excluded: Option<bool>,
) -> Result<(), String> {
    if permitted == Some(false) {
        return Err(format!("{kind} {} is not permitted by any constraint", shown(name)));
    }
    if excluded == Some(true) {
        return Err(format!("{kind} {} is excluded by a constraint", shown(name)));
    }
    Ok(())
}

/// A name for a message: an address as bytes, anything else as text.
fn shown(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}

/// Whether the names of every certificate of a chain, leaf first, are within what those above it permit.
pub(super) fn check_chain(chain: &[Arc<Certificate>]) -> Result<(), String> {
    let constraints: Vec<(usize, &NameConstraints)> = chain
        .iter()
        .enumerate()
        .filter_map(|(at, cert)| Some((at, cert.extensions.name_constraints.as_ref()?)))
        .collect();
    for (at, certificate) in chain.iter().enumerate() {
        if certificate.extensions.san_value.is_none() {
            continue;
        }
        let above: Vec<_> = constraints.iter().filter(|(index, _)| *index > at).collect();
        if above.is_empty() {
            return Ok(());
        }
        let names = Names::of(certificate)?;
        for (_, constraints) in above {
            constraints.check(&names)?;
        }
    }
    Ok(())
}

/// The names of a certificate in the form in which they are compared.
struct Names<'a> {
    addresses: &'a [Vec<u8>],
    domains: &'a [Vec<u8>],
    uri_hosts: Vec<Vec<u8>>,
    emails: Vec<Mailbox>,
}

impl<'a> Names<'a> {
    fn of(certificate: &'a Certificate) -> Result<Self, String> {
        let names = &certificate.extensions.names;
        let mailbox = |email: &Vec<u8>| {
            Mailbox::parse(email).ok_or_else(|| format!("cannot parse rfc822Name {}", shown(email)))
        };
        Ok(Self {
            addresses: &names.addresses,
            domains: &names.domains,
            uri_hosts: names
                .uri_hosts
                .iter()
                .map(|host| bare_host(host))
                .collect::<Result<_, _>>()?,
            emails: names.emails.iter().map(mailbox).collect::<Result<_, _>>()?,
        })
    }
}

/// The host of a URI without its port. An address is no name, so that constraints say nothing of it.
fn bare_host(host: &[u8]) -> Result<Vec<u8>, String> {
    let host = host.to_ascii_lowercase();
    if host.is_empty() {
        return Err("URI with empty host cannot be matched against constraints".to_owned());
    }
    let is_address = |name: &[u8]| std::str::from_utf8(name).is_ok_and(is_address_text);
    let name = match host.iter().rposition(|&byte| byte == b':') {
        Some(colon) if !host.starts_with(b"[") && !host.ends_with(b"]") => split_port(&host, colon)
            .ok_or_else(|| format!("cannot parse URI host {}", shown(&host)))?,
        _ => &host,
    };
    // Only addresses stand in brackets.
    if host.starts_with(b"[") || is_address(name) {
        return Err(format!(
            "URI with IP ({}) cannot be matched against constraints",
            shown(&host)
        ));
    }
    Ok(name.to_vec())
}

/// The host of `host:port` by the rules of Go's `net.SplitHostPort`.
fn split_port(host: &[u8], colon: usize) -> Option<&[u8]> {
    let (name, _) = host.split_at_checked(colon)?;
    let is_malformed = name.contains(&b':') || host.iter().any(|byte| matches!(byte, b'[' | b']'));
    (!is_malformed).then_some(name)
}

/// As Go's `net.ParseIP`: no zones.
fn is_address_text(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_port_and_addresses_are_refused() {
        for (host, expected) in [
            ("A.b:80", Some("a.b")),
            ("a.b", Some("a.b")),
            ("", None),
            ("1.2.3.4", None),
            ("1.2.3.4:80", None),
            ("[::1]", None),
            ("a:b:c", None),
        ] {
            assert_eq!(
                bare_host(host.as_bytes()).ok(),
                expected.map(|h| h.as_bytes().to_vec()),
                "{host}"
            );
        }
    }
}

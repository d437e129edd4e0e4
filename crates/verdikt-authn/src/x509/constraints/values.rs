//! The two lists of a name constraints extension, as they stand there.
//!
//! Follows the reading of the extension in Go's `crypto/x509/parser.go`.

use super::super::certificate::ParseError;
use super::super::der::{Reader, SEQUENCE};
use super::super::san::{ADDRESS, DOMAIN, EMAIL, Mailbox, URI, is_domain};
use super::is_address_text;
use super::subtrees::{Addresses, Domains, Emails, Network, Subtrees};

/// The values of one list as they stand in the extension.
#[derive(Default)]
pub(super) struct Values {
    addresses: Vec<Network>,
    domains: Vec<Vec<u8>>,
    uris: Vec<Vec<u8>>,
    emails: Vec<Vec<u8>>,
}

impl Values {
    /// Reads a list; whether all of its values are of kinds that are known is told as well.
    pub(super) fn parse(mut list: Reader<'_>) -> Result<(Self, bool), ParseError> {
        const INVALID: &str = "x509: invalid NameConstraints extension";
        let mut values = Self::default();
        let mut all_known = true;
        while !list.is_empty() {
            let mut subtree = list.read(SEQUENCE).ok_or(INVALID)?;
            let (tag, _, value) = subtree.any().ok_or(INVALID)?;
            let value = value.rest();
            let text = || {
                let text = Some(value).filter(|value| value.is_ascii()).map(<[u8]>::to_vec);
                text.ok_or("x509: invalid constraint value")
            };
            match tag {
                DOMAIN => values.domains.push(domain(text()?)?),
                EMAIL if value.contains(&b'@') => {
                    Mailbox::parse(value).ok_or("x509: failed to parse rfc822Name constraint")?;
                    values.emails.push(text()?);
                }
                EMAIL => values.emails.push(domain(text()?)?),
                URI => {
                    let host = domain(text()?)?;
                    if std::str::from_utf8(&host).is_ok_and(is_address_text) {
                        return Err(
                            "x509: failed to parse URI constraint: cannot be IP address".into()
                        );
                    }
                    values.uris.push(host);
                }
                ADDRESS => values.addresses.push(Network::parse(value)?),
                _ => all_known = false,
            }
        }
        Ok((values, all_known))
    }

    pub(super) fn into_subtrees(self, is_permitted: bool) -> Subtrees {
        Subtrees {
            addresses: Addresses::new(self.addresses),
            domains: Domains::new(self.domains, is_permitted),
            uris: Domains::new(self.uris, is_permitted),
            emails: Emails::new(self.emails, is_permitted),
        }
    }
}

fn domain(text: Vec<u8>) -> Result<Vec<u8>, ParseError> {
    if is_domain(&text, true) {
        Ok(text)
    } else {
        Err("x509: failed to parse name constraint".into())
    }
}

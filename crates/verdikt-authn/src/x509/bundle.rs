//! Files of certificates and of revocation lists.
//!
//! Follows client-go's `util/cert/pem.go`: blocks of another kind, and blocks with headers, are passed
//! over; one that cannot be read refuses the file.

use std::sync::Arc;

use verdikt_parser::{Diagnostic, Label, Place};

use super::certificate::Certificate;
use super::crl::{RevocationList, Revocations};
use super::time::Now;
use crate::pem::{self, Block};

/// The certificates of a bundle. `purpose` is what kube-apiserver calls it, `name` the file.
///
/// # Errors
/// What is wrong with the file.
pub fn read_bundle(
    purpose: &str,
    name: &str,
    text: &[u8],
) -> Result<Vec<Arc<Certificate>>, Box<Diagnostic>> {
    if text.is_empty() {
        let message = format!("missing content for CA bundle \"{purpose}::{name}\"");
        let help = "write the certificates of the authorities into it, in PEM";
        return Err(Box::new(Diagnostic::error("x509/empty-bundle", message).help(help)));
    }
    let loading = |error: &dyn std::fmt::Display| {
        format!("error loading CA bundle for \"{purpose}::{name}\": {error}")
    };
    let mut certificates = Vec::new();
    for block in
        pem::blocks(text).filter(|block| block.label == b"CERTIFICATE" && !block.has_headers)
    {
        match Certificate::parse(&block.bytes) {
            Ok(certificate) => certificates.push(Arc::new(certificate)),
            Err(error) => {
                let help = "`openssl x509 -text` shows what it can make of a certificate";
                let found = Diagnostic::error("x509/bad-certificate", loading(&error)).help(help);
                return Err(Box::new(found.at(line(name, &block))));
            }
        }
    }
    if certificates.is_empty() {
        let error = "data does not contain any valid RSA or ECDSA certificates";
        let help = "certificates stand between `-----BEGIN CERTIFICATE-----` and `-----END …`";
        return Err(Box::new(Diagnostic::error("x509/no-certificate", loading(&error)).help(help)));
    }
    Ok(certificates)
}

/// The revocation lists of the file `name`, of the authorities in `bundle`; and what was found.
pub fn read_revocations(
    name: &str,
    text: &[u8],
    bundle: &[Arc<Certificate>],
    now: Now,
) -> (Arc<Revocations>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut lists = Vec::new();
    for block in pem::blocks(text).filter(|block| block.label == b"X509 CRL") {
        match RevocationList::parse(&block.bytes) {
            Ok(list) => {
                found.extend(doubts(name, &list, bundle, now).map(|d| d.at(line(name, &block))));
                lists.push(list);
            }
            Err(error) => {
                let message = format!("{name}: {error}");
                let help = "`openssl crl -text` shows what it can make of a revocation list";
                let error = Diagnostic::error("x509/bad-revocation-list", message).help(help);
                found.push(error.at(line(name, &block)));
            }
        }
    }
    if lists.is_empty() && found.is_empty() {
        let message = format!("{name} holds no revocation list");
        let help = "lists stand between `-----BEGIN X509 CRL-----` and `-----END X509 CRL-----`";
        found.push(Diagnostic::error("x509/no-revocation-list", message).help(help));
    }
    for authority in bundle {
        if !lists.iter().any(|list| list.issuer == authority.subject) {
            let message = format!("{name} has no revocation list of {:?}", authority.called());
            let help = "certificates that it issued are not checked for revocation";
            found.push(Diagnostic::warning("x509/no-list-of-authority", message).help(help));
        }
    }
    (Arc::new(Revocations { lists }), found)
}

/// What will keep a list from being used as it was meant.
fn doubts(
    name: &str,
    list: &RevocationList,
    bundle: &[Arc<Certificate>],
    now: Now,
) -> Option<Diagnostic> {
    let called = &list.called;
    let mut named = bundle.iter().filter(|authority| authority.subject == list.issuer).peekable();
    if named.peek().is_some() && !named.any(|authority| list.is_signed_by(authority)) {
        let message = format!("{name}: the revocation list of {called:?} is not signed by it");
        let help = "the certificate of that name in the client CA file has another key, or must not \
                    sign revocation lists (key usage cRLSign)";
        return Some(Diagnostic::error("x509/foreign-revocation-list", message).help(help));
    }
    if !list.is_current(now) {
        let until = list.until.map_or_else(String::new, |until| format!(" (next update: {until})"));
        let message = format!("{name}: the revocation list of {called:?} is not current{until}");
        let help = "until it is replaced, all certificates of that authority are refused";
        return Some(Diagnostic::warning("x509/stale-revocation-list", message).help(help));
    }
    None
}

/// The line on which a block begins.
fn line(name: &str, block: &Block<'_>) -> Label {
    let excerpt = format!("-----BEGIN {}-----", String::from_utf8_lossy(block.label));
    Label {
        place: Place { file: name.into(), line: block.line, column: 1 },
        length: u32::try_from(excerpt.len()).unwrap_or(1),
        excerpt,
        excerpt_column: 1,
        text: String::new(),
    }
}

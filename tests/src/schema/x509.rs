//! Client certificates: whom a chain belongs to, or that it is refused.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use verdikt_authn::x509::{Certificate, ClientCertificates, Now, Trust, read_bundle};
use verdikt_core::{HashKey, Peer};

use super::authn::{answer, without_words};
use super::{text, wanted};
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let member = ClientCertificates::new(trust(line)?, &HashKey::random());
    let peer = peer(line)?;
    let outcome = member.authenticate(Some(&peer), Now::of(SystemTime::now()));
    let (want, got) = without_words(wanted(line), answer(&outcome));
    report.compare(line, &want, &got);
    Ok(())
}

/// Trusts the roots of a line.
pub(super) fn trust(line: &Value) -> Result<Trust, serde_json::Error> {
    Ok(Trust::new(certificates(text(line, "roots_pem")?), None))
}

/// The client of a line, who may have presented nothing.
pub(super) fn peer(line: &Value) -> Result<Peer, serde_json::Error> {
    let certificates = certificates(text(line, "chain_pem")?);
    Ok(Peer::new(certificates.iter().map(|certificate| certificate.der())))
}

fn certificates(pem: &str) -> Vec<Arc<Certificate>> {
    read_bundle("client-ca-bundle", "vector", pem.as_bytes()).unwrap_or_default()
}

//! Which certificate a client is shown: by the name it asks for (SNI).
//!
//! As kube-apiserver's `--tls-sni-cert-key`, `pkg/server/dynamiccertificates/named_certificates.go` of apiserver: a name
//! itself comes before a wildcard, names that were given before those of the certificates, and earlier certificates
//! before later ones. Clients that ask for none of them, or by an address, are shown the server's own.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::options::{TlsError, TlsOptions};
use super::serving::ServingCertificate;

/// A certificate for clients that ask for certain names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SniCertificate {
    /// The certificate and those between it and its authority, in PEM.
    pub certificate_file: PathBuf,
    /// Its key, in PEM.
    pub key_file: PathBuf,
    /// The names, which may begin with `*.`; those of the certificate, if there are none.
    pub names: Vec<String>,
}

/// As kube-apiserver has it: `CERTIFICATE,KEY`, or `CERTIFICATE,KEY:NAME,…`.
impl FromStr for SniCertificate {
    type Err = TlsError;

    fn from_str(text: &str) -> Result<Self, TlsError> {
        let wrong = |message: String| TlsError::Options(message);
        let (files, names) = match text.split_once(':') {
            Some((_, names)) if names.trim().is_empty() => {
                return Err(wrong("empty names list is not allowed".to_owned()));
            }
            Some((files, names)) => (files, names.split(',').map(name).collect::<Result<_, _>>()?),
            None => (text, Vec::new()),
        };
        match files.split(',').map(str::trim).collect::<Vec<_>>().as_slice() {
            [certificate, key] if !certificate.is_empty() && !key.is_empty() => {
                Ok(Self { certificate_file: certificate.into(), key_file: key.into(), names })
            }
            _ => Err(wrong("expected comma separated certificate and key file paths".to_owned())),
        }
    }
}

/// A name that clients can ask for.
fn name(text: &str) -> Result<String, TlsError> {
    let name = text.trim().to_ascii_lowercase();
    let plain = name.strip_prefix("*.").unwrap_or(&name);
    let is_label = |label: &str| {
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(is_usual)
    };
    // An address is none: clients do not say which one they ask for.
    let is_address = plain.parse::<std::net::IpAddr>().is_ok();
    match plain.split('.').all(is_label) && !is_address {
        true => Ok(name),
        false => Err(TlsError::Options(format!(
            "{text:?} is not a name that clients ask for: a DNS name is expected, or *. and one"
        ))),
    }
}

/// All certificates of a server.
#[derive(Debug)]
pub(super) struct Certificates {
    own: Arc<ServingCertificate>,
    named: Vec<Named>,
}

#[derive(Debug)]
struct Named {
    names: Vec<String>,
    certificate: Arc<ServingCertificate>,
}

impl Certificates {
    /// Reads them all, and again whenever their files change.
    pub(super) fn start(
        options: &TlsOptions,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let own = ServingCertificate::start(options, Arc::clone(provider))?;
        let named = options.sni.iter().map(|sni| {
            let mut files = TlsOptions::new(&sni.certificate_file, &sni.key_file);
            files.poll_interval = options.poll_interval;
            let certificate = ServingCertificate::start(&files, Arc::clone(provider))?;
            Ok(Named { names: sni.names.clone(), certificate })
        });
        Ok(Self { own, named: named.collect::<Result<_, _>>()? })
    }

    fn find(&self, asked: &str) -> Option<&Named> {
        let asked = asked.to_ascii_lowercase();
        // As Go: the star stands for the first label, and for that alone.
        let wildcard = asked.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        [Some(asked), wildcard].into_iter().flatten().find_map(|name| {
            let given = self.named.iter().find(|named| named.names.contains(&name));
            given.or_else(|| {
                let mut without = self.named.iter().filter(|named| named.names.is_empty());
                without.find(|named| named.certificate.is_for(&name))
            })
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.find(name));
        Some(named.map_or(&self.own, |named| &named.certificate).current())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_names_or_not() {
        let check = |text: &str, expected: Result<&[&str], &str>| {
            let found = text.parse::<SniCertificate>();
            let names = found.as_ref().map(|sni| sni.names.iter().map(String::as_str).collect());
            match (names, expected) {
                (Ok::<Vec<&str>, _>(names), Ok(expected)) => assert_eq!(names, expected, "{text}"),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{text}: {error}");
                }
                _ => panic!("{text}: {found:?}"),
            }
        };
        check("a.crt,a.key", Ok(&[]));
        check(" a.crt , a.key : *.Foo.com , foo.com ", Ok(&["*.foo.com", "foo.com"]));
        check("a.crt,a.key:", Err("empty names list is not allowed"));
        check("a.crt", Err("expected comma separated certificate and key file paths"));
        check("a.crt,", Err("expected comma separated certificate and key file paths"));
        check("a.crt,a.key,b", Err("expected comma separated certificate and key file paths"));
        for name in ["127.0.0.1", "a..b", "*", "a b", "x,", "*.*.com"] {
            check(&format!("a.crt,a.key:{name}"), Err("is not a name that clients ask for"));
        }
    }
}

//! What can be said about TLS, in kube-apiserver's names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion};

use super::client_auth::ClientAuth;
use super::sni::SniCertificate;

/// How a listener speaks TLS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsOptions {
    /// The server's certificate and those between it and its authority, in PEM.
    pub certificate_file: PathBuf,
    /// The key of the first of them, in PEM.
    pub key_file: PathBuf,
    /// Certificates for clients that ask for certain names.
    pub sni: Vec<SniCertificate>,
    /// Older versions are refused.
    pub min_version: TlsVersion,
    /// Cipher suites of TLS 1.2, by their IANA names; all, if there are none. Those of TLS 1.3 cannot
    /// be chosen, as in Go.
    pub cipher_suites: Vec<String>,
    /// What clients are asked for.
    pub client_auth: ClientAuth,
    /// How often the files are looked at even if nothing announced a change.
    pub poll_interval: Duration,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
}

impl TlsOptions {
    /// TLS 1.2 and later, with this certificate.
    pub fn new(certificate_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        Self {
            certificate_file: certificate_file.into(),
            key_file: key_file.into(),
            sni: Vec::new(),
            min_version: TlsVersion::Tls12,
            cipher_suites: Vec::new(),
            client_auth: ClientAuth::default(),
            poll_interval: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
        }
    }

    /// The cryptography, limited to the suites that were asked for.
    pub(super) fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let mut provider = aws_lc_rs::default_provider();
        if self.cipher_suites.is_empty() {
            return Ok(provider);
        }
        let known = provider.cipher_suites.clone();
        for asked in &self.cipher_suites {
            if !known.iter().any(|suite| go_name(suite.suite()) == *asked) {
                let message = format!("Cipher suite {asked} not supported or doesn't exist");
                return Err(TlsError::Options(message));
            }
        }
        let is_asked = |suite: &SupportedCipherSuite| {
            suite.tls13().is_some() || self.cipher_suites.contains(&go_name(suite.suite()))
        };
        provider.cipher_suites.retain(is_asked);
        Ok(provider)
    }
}

/// The name Go has for a suite: those of TLS 1.3 are spelt `TLS13_` here.
fn go_name(suite: CipherSuite) -> String {
    let name = format!("{suite:?}");
    let legacy = name.strip_prefix("TLS13_").map(|rest| format!("TLS_{rest}"));
    legacy.unwrap_or(name)
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

impl TlsVersion {
    pub(super) fn and_later(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => &BOTH,
            Self::Tls13 => &ONLY_TLS13,
        }
    }
}

static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];

impl FromStr for TlsVersion {
    type Err = TlsError;

    fn from_str(text: &str) -> Result<Self, TlsError> {
        match text {
            "VersionTLS12" => Ok(Self::Tls12),
            "VersionTLS13" => Ok(Self::Tls13),
            "VersionTLS10" | "VersionTLS11" => Err(TlsError::Options(format!(
                "{text} is not safe, and not part of verdikt; use VersionTLS12 or VersionTLS13"
            ))),
            _ => Err(TlsError::Options(format!(
                "unknown tls version {text:?}; use VersionTLS12 or VersionTLS13"
            ))),
        }
    }
}

/// As the flag spells it.
impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "VersionTLS12",
            Self::Tls13 => "VersionTLS13",
        })
    }
}

/// Why a server cannot speak TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// An option means nothing.
    Options(String),
    /// The certificate or its key cannot be used.
    Certificate(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(message) | Self::Certificate(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for TlsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_called_as_go_calls_them() {
        let check = |suites: &[&str], expected: Option<usize>| {
            let mut options = TlsOptions::new("c", "k");
            options.cipher_suites = suites.iter().map(|&suite| suite.to_owned()).collect();
            let of_tls12 = |provider: CryptoProvider| {
                provider.cipher_suites.iter().filter(|suite| suite.tls13().is_none()).count()
            };
            assert_eq!(options.provider().ok().map(of_tls12), expected, "{suites:?}");
        };
        check(&["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], Some(1));
        check(&["TLS_AES_128_GCM_SHA256"], Some(0));
        check(&["TLS_RSA_WITH_RC4_128_SHA"], None);
    }
}

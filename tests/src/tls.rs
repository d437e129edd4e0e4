//! TLS as clients speak it, and authorities made for one test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::http::Answer;

/// An authority with its key.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub pem: String,
}

/// A certificate with its key, both in PEM.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Certified {
    /// The certificate in DER.
    ///
    /// # Panics
    /// Never: it was made here.
    pub fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap().to_vec()
    }
}

impl Authority {
    /// An authority with a key of its own.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new(name: &str) -> Self {
        let mut params = valid_params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// A certificate for a client.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn client(&self, name: &str, organization: &str, serial: u64) -> Certified {
        let mut params = valid_params(name);
        params.distinguished_name.push(DnType::OrganizationName, organization);
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// A certificate for a server on this machine.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn server(&self) -> Certified {
        self.server_for(&["localhost", "127.0.0.1"])
    }

    /// A certificate for a server with these names.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn server_for(&self, names: &[&str]) -> Certified {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A list that revokes these serial numbers, current until the year given.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn revoke(&self, serials: &[u64], until: i32) -> String {
        let revoked = |&serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    fn sign(&self, params: &CertificateParams) -> Certified {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certified { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn valid_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

/// A connection that is kept for several requests.
#[derive(Debug)]
pub struct Connection(StreamOwned<ClientConnection, TcpStream>);

/// Connects to a server whose certificate `authority` signed, with a certificate or without.
///
/// # Errors
/// If the handshake fails.
///
/// # Panics
/// If the server cannot be reached.
pub fn connect(
    address: SocketAddr,
    authority: &str,
    client: Option<&Certified>,
) -> Result<Connection, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        Some(Certified { certificate, key }) => {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
            let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    // Completes the handshake, so far as the client can tell.
    stream.flush().map_err(|error| error.to_string())?;
    Ok(Connection(stream))
}

impl Connection {
    /// One request; the connection stays.
    ///
    /// # Errors
    /// If the server ends it instead.
    pub fn get(&mut self, target: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
        self.send("GET", target, headers, "")
    }

    /// The same with any method, and a body.
    ///
    /// # Errors
    /// If the server ends it instead.
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, String> {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += &format!("\r\n{body}");
        self.0.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = self.0.read(&mut buffer).map_err(|error| error.to_string())?;
            if count == 0 {
                return Err(format!("closed after {} bytes", bytes.len()));
            }
            bytes.extend_from_slice(&buffer[..count]);
            let answer = Answer::parse(&bytes);
            let length = answer.header("content-length").parse::<usize>();
            if length.is_ok_and(|length| answer.body.len() >= length) {
                return Ok(answer);
            }
        }
    }

    /// The connection itself, for what is no request of HTTP.
    pub fn stream(&mut self) -> &mut (impl Read + Write + use<>) {
        &mut self.0
    }

    /// The certificate the server showed, in DER.
    pub fn server_certificate(&self) -> Vec<u8> {
        let certificates = self.0.conn.peer_certificates().unwrap_or_default();
        certificates.first().map(|first| first.to_vec()).unwrap_or_default()
    }
}

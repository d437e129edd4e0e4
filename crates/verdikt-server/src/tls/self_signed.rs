//! A certificate for a first run, and the authority that clients need to know for it.
//!
//! As kube-apiserver makes one in its `--cert-dir`. The authority signs this one certificate and its key is forgotten,
//! so that nobody can sign another. What is there is used again while it is good; what verdikt did not make is never
//! overwritten.

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{RootCertStore, sign};

use super::options::TlsError;
use crate::folder;

/// A certificate of its own authority, in a folder.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    folder: PathBuf,
    names: Vec<String>,
}

impl SelfSigned {
    /// A certificate in `folder` for this machine: by the names that it has for itself, and `address`, where it listens,
    /// unless that stands for all of its addresses.
    pub fn new(folder: impl Into<PathBuf>, address: IpAddr) -> Self {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if host.bytes().all(is_usual) && ServerName::try_from(host.as_ref()).is_ok() {
            names.push(host.into_owned());
        }
        if !address.is_unspecified() {
            names.push(address.to_string());
        }
        names.sort_unstable();
        names.dedup();
        Self { folder: folder.into(), names }
    }

    /// The authority's certificate, for clients.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The server's certificate.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join("tls.crt")
    }

    /// Its key, for nobody else to read.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("tls.key")
    }

    /// Sees to it that the files are there, for a month at least.
    ///
    /// # Errors
    /// If they cannot be written, or if others are there by these names.
    pub async fn ensure(&self) -> Result<(), TlsError> {
        let failed = |problem: String| {
            let folder = self.folder.display();
            TlsError::Certificate(format!(
                "no self-signed certificate in {folder}: {problem}; name another folder with --cert-dir, or a \
                 certificate with --tls-cert-file"
            ))
        };
        fs::create_dir_all(&self.folder).map_err(|error| failed(error.to_string()))?;
        let lock = folder::lock(&self.folder).await.map_err(|error| failed(error.to_string()))?;
        let made = match self.is_good(SystemTime::now() + LEFT) {
            true => Ok(()),
            false => self.replace(),
        };
        drop(lock);
        made.map_err(failed)
    }

    /// Whether the files go together, and are good for all names now and then.
    fn is_good(&self, then: SystemTime) -> bool {
        let read = |path: &Path| read(path).ok();
        let certificate = |path: &Path| CertificateDer::from_pem_slice(&read(path)?).ok();
        let (Some(authority), Some(shown), Some(key)) = (
            certificate(&self.authority_file()),
            certificate(&self.certificate_file()),
            read(&self.key_file()),
        ) else {
            return false;
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let is_key_of = PrivateKeyDer::from_pem_slice(&key).is_ok_and(|key| {
            sign::CertifiedKey::from_der(vec![shown.clone()], key, &provider).is_ok()
        });
        let mut roots = RootCertStore::empty();
        let is_root = roots.add(authority).is_ok();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let (true, true, Ok(verifier)) = (is_key_of, is_root, verifier.build()) else {
            return false;
        };
        let verifies = |name: &String, at: SystemTime| {
            let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let at = UnixTime::since_unix_epoch(since);
            ServerName::try_from(name.as_str())
                .is_ok_and(|name| verifier.verify_server_cert(&shown, &[], &name, &[], at).is_ok())
        };
        let now = SystemTime::now();
        self.names.iter().all(|name| verifies(name, now) && verifies(name, then))
    }

    fn replace(&self) -> Result<(), String> {
        for path in [self.certificate_file(), self.authority_file(), self.key_file()] {
            let is_there = fs::symlink_metadata(&path).is_ok();
            if is_there && !self.is_ours() {
                return Err(format!("{} is there, and verdikt did not make it", path.display()));
            }
        }
        let made = make(&self.names).map_err(|error| error.to_string())?;
        // The one that says whose they are comes first: should it end here, all are made again.
        let certificate = format!("{MARK}\n{}", made.certificate);
        for (path, text, mode) in [
            (self.certificate_file(), certificate, 0o644),
            (self.key_file(), made.key, 0o600),
            (self.authority_file(), made.authority, 0o644),
        ] {
            write(&path, &text, mode)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        tracing::info!(names = ?self.names, "generated a self-signed certificate in {}", self.folder.display());
        Ok(())
    }

    fn is_ours(&self) -> bool {
        read(&self.certificate_file()).is_ok_and(|text| text.starts_with(MARK.as_bytes()))
    }
}

/// What stands at the beginning of a certificate that may be replaced; PEM lets anything stand there.
const MARK: &str = "# Made by verdikt for itself, and made again when it nears its end.";
/// How long a certificate must be good that is used again.
const LEFT: Duration = Duration::from_secs(30 * 86_400);
/// As kube-apiserver's own.
const VALIDITY: Duration = Duration::from_secs(365 * 86_400);
/// Clocks of clients may be late.
const SKEW: Duration = Duration::from_secs(3_600);

/// All in PEM.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn make(names: &[String]) -> Result<Made, rcgen::Error> {
    let now = SystemTime::now();
    let params = |name: &str, names: &[String]| -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = (now - SKEW).into();
        params.not_after = (now + VALIDITY).into();
        Ok(params)
    };
    let mut of_authority = params(&format!("verdikt-ca@{}", seconds(now)), &[])?;
    // It signs no other authorities.
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    of_authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority_key = KeyPair::generate()?;
    let authority = of_authority.self_signed(&authority_key)?.pem();
    let mut of_server = params("verdikt", names)?;
    of_server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    of_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    of_server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = of_server.signed_by(&key, &Issuer::new(of_authority, authority_key))?.pem();
    Ok(Made { authority, certificate, key: key.serialize_pem() })
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

const MOST_BYTES: u64 = 64 << 10;

/// The whole file at once, or none of it.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file =
        tempfile::Builder::new().permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_good_for_all_its_names_and_for_a_year() {
        let folder = tempfile::tempdir().unwrap();
        let own = SelfSigned::new(folder.path(), [10, 0, 0, 7].into());
        assert!(!own.is_good(SystemTime::now()), "there is none");
        own.replace().unwrap();
        let in_days = |days: u64| SystemTime::now() + Duration::from_secs(days * 86_400);
        assert!(own.is_good(in_days(360)));
        // Within its last month it is made again.
        assert!(!own.is_good(in_days(366)));
        // So it is for one more name.
        assert!(!SelfSigned::new(folder.path(), [10, 0, 0, 8].into()).is_good(in_days(1)));
    }

    #[test]
    fn files_that_do_not_go_together_are_made_again_and_those_of_others_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let own = SelfSigned::new(folder.path(), [0, 0, 0, 0].into());
        own.replace().unwrap();
        let other = make(&own.names).unwrap();
        for (path, text) in [(own.key_file(), &other.key), (own.authority_file(), &other.authority)]
        {
            write(&path, text, 0o600).unwrap();
            assert!(!own.is_good(SystemTime::now()), "{}", path.display());
            own.replace().unwrap();
            assert!(own.is_good(SystemTime::now()));
        }
        write(&own.certificate_file(), &other.certificate, 0o644).unwrap();
        let error = own.replace().unwrap_err();
        assert!(error.contains("verdikt did not make it"), "{error}");
        assert_eq!(fs::read_to_string(own.certificate_file()).unwrap(), other.certificate);
    }
}

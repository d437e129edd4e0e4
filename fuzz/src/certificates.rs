//! What must hold for certificates, for files of them, and for the headers of an authenticating proxy.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use verdikt_authn::front_proxy::HeaderNames;
use verdikt_authn::x509::{
    Certificate, ClientCertificates, Now, Trust, read_bundle, read_revocations,
};
use verdikt_authn::{Outcome, x509 as authn_x509};
use verdikt_core::{HashKey, Peer};
use verdikt_parser::Source;

use crate::case::check_diagnostics;

/// A certificate in DER, trusted and presented at once; or a file of certificates and revocation lists.
pub fn x509(bytes: &[u8]) {
    let source = Source::new("fuzz.pem", bytes);
    let bundle = match read_bundle("client-ca-bundle", "fuzz.pem", bytes) {
        Ok(bundle) => bundle,
        Err(problem) => {
            check_diagnostics(&source, &[*problem]);
            Vec::new()
        }
    };
    let now = Now::of(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let (lists, found) = read_revocations("fuzz.pem", bytes, &bundle, now);
    check_diagnostics(&source, &found);
    for certificate in bundle.iter().take(8) {
        ask(Arc::clone(certificate), &bundle, Some(Arc::clone(&lists)), now);
    }
    if let Ok(certificate) = Certificate::parse(bytes) {
        assert_eq!(certificate.der(), bytes);
        let certificate = Arc::new(certificate);
        ask(Arc::clone(&certificate), &[certificate], None, now);
    }
}

/// Whoever presents a certificate that is trusted itself is refused for what it says, and not because
/// nobody knows it; and the second answer is the first.
fn ask(
    certificate: Arc<Certificate>,
    others: &[Arc<Certificate>],
    lists: Option<Arc<authn_x509::Revocations>>,
    now: Now,
) {
    let is_checked = lists.is_some();
    let member = ClientCertificates::new(Trust::new(others.to_vec(), lists), &HashKey::random());
    let presented = std::iter::once(&certificate).chain(others);
    let peer = Peer::new(presented.map(|certificate| certificate.der()));
    let [first, second] = [(); 2].map(|()| member.authenticate(Some(&peer), now));
    match (first, second) {
        (Outcome::Authenticated(first), Outcome::Authenticated(second)) => {
            assert!(!first.user().name.is_empty());
            assert_eq!(first.user(), second.user());
        }
        (Outcome::NoOpinion, Outcome::NoOpinion) => {}
        (Outcome::Failed(first), Outcome::Failed(second)) => {
            let text = first.to_string();
            assert_eq!(text, second.to_string());
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(is_checked || !text.contains("unknown authority"), "{text}");
        }
        (first, second) => panic!("{first:?} and then {second:?}"),
    }
}

/// Headers, one `name: value` a line. What named a user is taken off, and then nobody is named.
pub fn front_proxy(bytes: &[u8]) {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n').take(200) {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b": ").or(value.strip_prefix(b":")).unwrap_or_default();
        headers.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    // Whatever the first line names is configured as well.
    let odd = headers.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let names = HeaderNames {
        user: [list(&["X-Remote-User"]), vec![odd.clone()]].concat(),
        uid: list(&["X-Remote-Uid"]),
        group: list(&["X-Remote-Group"]),
        extra_prefixes: [list(&["X-Remote-Extra-"]), vec![odd]].concat(),
    };
    if let Ok(Some(user)) = names.user(&headers) {
        assert!(!user.name.is_empty() && user.groups.iter().all(|group| !group.is_empty()));
        headers.retain(|(name, _)| !names.contain(name));
        assert_eq!(names.user(&headers), Ok(None));
    }
    drop(names.trimmed());
}

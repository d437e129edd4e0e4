//! Credentials to authenticate: remembered tokens of two lengths, one that is verified each time, and the
//! certificate of a connection that goes on.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use std::time::Duration;
use verdikt::{Credentials, HashKey, Outcome, Peer, User};
use verdikt_authn::jwt::{JwtError, KeySet, SigningKey};
use verdikt_authn::service_account::{Bound, Config, ObjectRef, ServiceAccounts, TokenRequest};
use verdikt_authn::x509::{Trust, read_bundle};
use verdikt_authn::{Accepted, CacheOptions, Chain, Clock, Method, TokenAuthenticator, Verdict};

/// A chain that remembers every token it is asked for, and tokens of one length.
pub struct Remembered {
    chain: Chain,
    headers: Vec<String>,
}

/// Knows every token, as slow authenticators do.
#[derive(Debug)]
struct Everyone;

impl TokenAuthenticator for Everyone {
    fn method(&self) -> Method {
        Method::ServiceAccount
    }

    fn authenticate(&self, _: &str, _: &[String]) -> Verdict {
        let user = User::new("system:serviceaccount:ci:builder", ["system:serviceaccounts"]);
        Ok(Some(Accepted { user, audiences: Vec::new(), until: None }))
    }
}

impl Remembered {
    /// Some tokens of `length` bytes that differ in their middle, all of them remembered for an hour.
    pub fn new(length: usize) -> Self {
        let cache =
            CacheOptions { success_ttl: Duration::from_secs(3_600), ..CacheOptions::default() };
        let (chain, _) = Chain::builder(&HashKey::random()).tokens(Everyone).cache(cache).build();
        let middle = length / 2;
        let header = |index: usize| {
            format!("Bearer {index:x>middle$}{:y>rest$}", "z", rest = length - middle)
        };
        let remembered = Self { chain, headers: (0..TOKENS).map(header).collect() };
        remembered.pass();
        remembered
    }

    /// Authenticates every token once; gives how many are known.
    pub fn pass(&self) -> u64 {
        self.headers.iter().map(|header| known(&self.chain, header)).sum()
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// Never: tokens were made.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }
}

/// A service account's token that nothing is remembered of, and the check of its signature alone.
pub struct Verified {
    chain: Chain,
    header: String,
    key: ParsedPublicKey,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Verified {
    /// A token signed with ES256.
    ///
    /// # Errors
    /// If the keys of the example cannot be used.
    pub fn new() -> Result<Self, JwtError> {
        let request = TokenRequest {
            issuer: ISSUER,
            namespace: "ci",
            account: ObjectRef { name: "builder", uid: "u" },
            audiences: &[ISSUER.to_owned()],
            seconds: 3_600,
            bound: Bound::Nothing,
        };
        let clock = Clock::default();
        let token = request.issue(&SigningKey::from_pem(PRIVATE_KEY)?, clock.now())?;
        let config = Config {
            issuers: vec![ISSUER.to_owned()],
            keys: KeySet::from_pem(PUBLIC_KEY)?.into(),
            api_audiences: vec![ISSUER.to_owned()],
            clock,
            ..Config::default()
        };
        let cache = CacheOptions { success_ttl: Duration::ZERO, ..CacheOptions::default() };
        let (chain, _) = Chain::builder(&HashKey::random())
            .tokens(ServiceAccounts::legacy(config.clone()))
            .tokens(ServiceAccounts::bound(config))
            .cache(cache)
            .build();
        let (signed, signature) = token.rsplit_once('.').unwrap_or_default();
        Ok(Self {
            chain,
            header: format!("Bearer {token}"),
            key: bare_key()?,
            signed: signed.as_bytes().to_vec(),
            signature: BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default(),
        })
    }

    /// Authenticates; 1 if it is known who it is.
    pub fn authenticate(&self) -> u64 {
        known(&self.chain, &self.header)
    }

    /// Checks the signature alone; 1 if it is good.
    pub fn check_signature(&self) -> u64 {
        u64::from(self.key.verify_sig(&self.signed, &self.signature).is_ok())
    }
}

/// Connections whose clients have presented a certificate, and sent a request before.
pub struct Connected {
    chain: Chain,
    peers: Vec<Peer>,
}

impl Connected {
    /// Some connections.
    ///
    /// # Errors
    /// If the certificates of the example cannot be used.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let read = |pem| {
            let read = read_bundle("client-ca-bundle", "example.pem", pem);
            read.map_err(|problem| problem.to_string())
        };
        let trust = Trust::new(read(CLIENT_CA)?, None);
        let (chain, _) = Chain::builder(&HashKey::random()).client_certificates(trust).build();
        let client = read(CLIENT)?;
        let presented = || Peer::new(client.iter().map(|certificate| certificate.der()));
        let connected = Self { chain, peers: (0..CONNECTIONS).map(|_| presented()).collect() };
        match connected.pass() == connected.len() as u64 {
            true => Ok(connected),
            false => Err("the example's client is refused".into()),
        }
    }

    /// Authenticates another request on every connection; gives how many are known.
    pub fn pass(&self) -> u64 {
        let who = |peer| self.chain.authenticate(&Credentials::none().with_peer(Some(peer)));
        self.peers.iter().map(|peer| is_known(&who(peer))).sum()
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Never: there are connections.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }
}

fn known(chain: &Chain, header: &str) -> u64 {
    is_known(&chain.authenticate(&Credentials::authorization(header.as_bytes())))
}

fn is_known(outcome: &Outcome) -> u64 {
    u64::from(matches!(outcome, Outcome::Authenticated(_)))
}

/// The public key of the example without anything around it: its point is what a PKIX key ends with.
fn bare_key() -> Result<ParsedPublicKey, JwtError> {
    let text = String::from_utf8_lossy(PUBLIC_KEY);
    let lines: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(lines).unwrap_or_default();
    let point = der.last_chunk::<65>().copied().unwrap_or([0; 65]);
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .map_err(|error| JwtError::Key(error.to_string()))
}

const TOKENS: usize = 256;
const CONNECTIONS: usize = 256;
const CLIENT_CA: &[u8] = include_bytes!("../../policies/authn-x509/ca.pem");
const CLIENT: &[u8] = include_bytes!("../../policies/authn-x509/client.pem");
const ISSUER: &str = "https://verdikt.example";
const PRIVATE_KEY: &[u8] =
    include_bytes!("../../policies/authn-service-account/keys/service-account.key");
const PUBLIC_KEY: &[u8] =
    include_bytes!("../../policies/authn-service-account/keys/service-account.pub");

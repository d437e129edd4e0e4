//! Keys and the ids they go by.

use super::{JwtError, PublicKey, jwk, pem};

/// Public keys in order, each under an id. The same key may be there twice, and an id too.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<(String, PublicKey)>,
}

impl KeySet {
    /// The keys of a PEM file: public and private keys and certificates, of RSA and ECDSA. Ids are
    /// [`PublicKey::id`].
    ///
    /// # Errors
    /// If there is none, in the words of client-go's `keyutil`.
    pub fn from_pem(text: &[u8]) -> Result<Self, JwtError> {
        let keys = pem::public_keys(text);
        if keys.is_empty() {
            let message = "data does not contain any valid RSA or ECDSA public keys";
            return Err(JwtError::Key(message.to_owned()));
        }
        Ok(keys.into_iter().collect())
    }

    /// The keys of a JWK set under their `kid`, which may be empty. Private and shared keys are left
    /// out: they verify nothing.
    ///
    /// # Errors
    /// If any of it cannot be read, in go-jose's words.
    pub fn from_jwks(json: &[u8]) -> Result<Self, JwtError> {
        let keys = jwk::parse_set(json).map_err(JwtError::Json)?;
        let keys = keys.into_iter().filter_map(|jwk| Some((jwk.id, jwk.key?)));
        Ok(Self { keys: keys.collect() })
    }

    /// The keys that can have made a signature: those with this id, or all if there is none.
    pub fn candidates<'a>(&'a self, id: Option<&'a str>) -> impl Iterator<Item = &'a PublicKey> {
        let is_wanted = move |(of, _): &&(String, PublicKey)| id.is_none_or(|id| of == id);
        self.keys.iter().filter(is_wanted).map(|(_, key)| key)
    }

    /// All keys with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.keys.iter().map(|(id, key)| (id.as_str(), key))
    }

    /// Adds the keys of another set behind those that are here.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The set as JSON, member for member as go-jose prints it.
    ///
    /// # Errors
    /// If a key is of a kind Kubernetes does not sign with.
    pub fn to_jwks(&self) -> Result<String, JwtError> {
        let print = |(id, key): &(String, PublicKey)| {
            jwk::print(id, key).ok_or_else(|| {
                let message = "unknown public key type, must be *rsa.PublicKey, \
                               *ecdsa.PublicKey, or jose.OpaqueSigner";
                JwtError::Key(message.to_owned())
            })
        };
        let keys = self.keys.iter().map(print).collect::<Result<Vec<_>, _>>()?;
        Ok(format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
    }
}

/// Keys under the ids Kubernetes derives from them.
impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let keys = keys.into_iter().map(|key| (key.id().to_owned(), key));
        Self { keys: keys.collect() }
    }
}

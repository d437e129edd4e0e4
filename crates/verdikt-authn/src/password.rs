//! Secrets as they stand in files: plain, or hashed with argon2id or bcrypt.

use std::fmt;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use verdikt_core::Secret;

/// A secret to hold presented ones against.
#[derive(Clone, Debug)]
pub enum Password {
    /// As it is.
    Plain(Secret),
    /// A hash, as `hash_argon2id` and `hash_bcrypt` make it, or another tool: `$argon2id$…` or `$2b$…`.
    Hashed(Hash),
}

/// A hash whose form and cost have been checked.
#[derive(Clone)]
pub struct Hash(Kind);

#[derive(Clone)]
enum Kind {
    Argon2(String),
    Bcrypt(String),
}

/// Why a secret cannot be hashed, or a hash not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// It begins like a hash and is none.
    Malformed,
    /// Checking it would cost more than 1 GiB of memory, 64 passes, or a bcrypt cost of 16.
    TooCostly,
    /// bcrypt looks at 72 bytes only, and at nothing after a NUL.
    TooLongForBcrypt,
    /// The operating system gives no random numbers.
    NoRandomness,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this begins like a hash of argon2 or bcrypt, and is none",
            Self::TooCostly => "checking this hash would cost too much",
            Self::TooLongForBcrypt => "bcrypt takes up to 72 bytes, without NUL",
            Self::NoRandomness => "the operating system gives no random numbers",
        })
    }
}

impl std::error::Error for PasswordError {}

impl Password {
    /// Tells what a column holds. What does not begin like a hash is plain.
    ///
    /// # Errors
    /// If it begins like a hash and cannot be used as one.
    pub fn parse(column: Secret) -> Result<Self, PasswordError> {
        let Ok(text) = std::str::from_utf8(column.expose()) else { return Ok(Self::Plain(column)) };
        if text.starts_with("$argon2") {
            let hash = PasswordHash::new(text).map_err(|_| PasswordError::Malformed)?;
            let params = Params::try_from(&hash).map_err(|_| PasswordError::Malformed)?;
            if params.m_cost() > MOST_ARGON2_KIB || params.t_cost() > MOST_ARGON2_PASSES {
                return Err(PasswordError::TooCostly);
            }
            let is_complete = hash.salt.is_some() && hash.hash.is_some();
            let known = Algorithm::try_from(hash.algorithm).is_ok();
            return match is_complete && known {
                true => Ok(Self::Hashed(Hash(Kind::Argon2(text.to_owned())))),
                false => Err(PasswordError::Malformed),
            };
        }
        if ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| text.starts_with(prefix)) {
            let parts: bcrypt::HashParts = text.parse().map_err(|_| PasswordError::Malformed)?;
            if parts.get_cost() > MOST_BCRYPT_COST {
                return Err(PasswordError::TooCostly);
            }
            return Ok(Self::Hashed(Hash(Kind::Bcrypt(text.to_owned()))));
        }
        Ok(Self::Plain(column))
    }
}

impl Hash {
    /// Whether `presented` is the secret. Takes as long as the hash was made to take.
    pub fn verify(&self, presented: &[u8]) -> bool {
        if presented.len() > LONGEST {
            return false;
        }
        match &self.0 {
            Kind::Argon2(hash) => PasswordHash::new(hash)
                .is_ok_and(|hash| Argon2::default().verify_password(presented, &hash).is_ok()),
            Kind::Bcrypt(hash) => {
                fits_bcrypt(presented) && bcrypt::verify(presented, hash).unwrap_or(false)
            }
        }
    }
}

/// Names the algorithm, never the hash.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Argon2(_) => "[argon2 hash]",
            Kind::Bcrypt(_) => "[bcrypt hash]",
        })
    }
}

/// Hashes a secret with argon2id at OWASP's parameters (19 MiB, 2 passes, 1 lane).
///
/// # Errors
/// If there is no randomness for the salt.
pub fn hash_argon2id(secret: &[u8]) -> Result<String, PasswordError> {
    let salt = SaltString::encode_b64(&salt()?).map_err(|_| PasswordError::NoRandomness)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let hash = argon2.hash_password(secret, &salt).map_err(|_| PasswordError::Malformed)?;
    Ok(hash.to_string())
}

/// Hashes a secret with bcrypt; `cost` is the logarithm of the number of rounds, 4 to 16.
///
/// # Errors
/// If the secret is longer than bcrypt looks at, or the cost is out of bounds.
pub fn hash_bcrypt(secret: &[u8], cost: u32) -> Result<String, PasswordError> {
    if !fits_bcrypt(secret) {
        return Err(PasswordError::TooLongForBcrypt);
    }
    if cost > MOST_BCRYPT_COST {
        return Err(PasswordError::TooCostly);
    }
    let parts =
        bcrypt::hash_with_salt(secret, cost, salt()?).map_err(|_| PasswordError::Malformed)?;
    Ok(parts.format_for_version(bcrypt::Version::TwoB))
}

fn fits_bcrypt(secret: &[u8]) -> bool {
    secret.len() <= 72 && !secret.contains(&0)
}

fn salt() -> Result<[u8; 16], PasswordError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| PasswordError::NoRandomness)?;
    Ok(salt)
}

const MOST_ARGON2_KIB: u32 = 1 << 20;
const MOST_ARGON2_PASSES: u32 = 64;
const MOST_BCRYPT_COST: u32 = 16;

/// Longer secrets are refused before they are hashed.
const LONGEST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Password, PasswordError> {
        Password::parse(Secret::new(text.as_bytes()))
    }

    fn verify(hash: &str, presented: &[u8]) -> bool {
        matches!(parse(hash), Ok(Password::Hashed(hash)) if hash.verify(presented))
    }

    #[test]
    fn hashes_verify_what_they_were_made_of() {
        let cheap =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(16, 1, 1, None).unwrap());
        let salt = SaltString::encode_b64(b"0123456789abcdef").unwrap();
        let argon2 = cheap.hash_password(b"hunter2", &salt).unwrap().to_string();
        let bcrypt = hash_bcrypt(b"hunter2", 4).unwrap();
        for hash in [argon2, bcrypt] {
            assert!(verify(&hash, b"hunter2"), "{hash}");
            assert!(!verify(&hash, b"hunter3") && !verify(&hash, b""), "{hash}");
            assert!(!format!("{:?}", parse(&hash)).contains(&hash), "{hash}");
        }
    }

    #[test]
    fn what_looks_like_a_hash_must_be_one() {
        assert!(matches!(parse("$2 plain"), Ok(Password::Plain(_))));
        for malformed in ["$argon2id$", "$argon2id$v=19$m=16,t=1,p=1", "$2b$", "$2b$10$short"] {
            assert_eq!(parse(malformed).err(), Some(PasswordError::Malformed), "{malformed}");
        }
        let costly =
            "$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg";
        assert_eq!(parse(costly).err(), Some(PasswordError::TooCostly));
    }

    #[test]
    fn bcrypt_is_not_given_what_it_would_cut() {
        assert_eq!(hash_bcrypt(&[b'x'; 73], 4), Err(PasswordError::TooLongForBcrypt));
        assert_eq!(hash_bcrypt(b"a\0b", 4), Err(PasswordError::TooLongForBcrypt));
        let hash = hash_bcrypt(&[b'x'; 72], 4).unwrap();
        assert!(verify(&hash, &[b'x'; 72]) && !verify(&hash, &[b'x'; 73]));
    }
}

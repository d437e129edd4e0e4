//! Whether a token is good: signed by its issuer, for us, and now.
//!
//! Follows `Verify` of go-oidc v2 (`verify.go`) and `verifyAudience` of apiserver's `oidc.go`.

use std::fmt::{self, Write as _};

use verdikt_core::GoQuoted;

use super::go_time::GoTime;
use super::id_token::IdToken;
use super::peek::{GOOGLE, GOOGLE_WITHOUT_SCHEME, MOST_DEPTH};
use crate::Moment;
use crate::jwt::Jws;
use crate::jwt::json::Json;

/// What a token must be.
#[derive(Debug)]
pub(super) struct Rules {
    /// The names of the algorithms that count.
    pub(super) algorithms: Vec<String>,
    /// Whom it may be for: any of these, sorted.
    pub(super) audiences: Vec<String>,
}

/// A token whose signature and times are good.
pub(super) struct Verified {
    /// The claims, as JSON.
    pub(super) payload: Vec<u8>,
    pub(super) expiry: GoTime,
}

/// Checks the signature of a token.
pub(super) trait CheckSignature {
    /// # Errors
    /// If none of the issuer's keys made it, or they cannot be had.
    fn check(&self, token: &Jws<'_>) -> Result<(), String>;
}

impl Rules {
    /// The claims of a token of `issuer`, if it is good at this time.
    pub(super) fn verify(
        &self,
        token: &str,
        issuer: &str,
        keys: &dyn CheckSignature,
        now: Moment,
    ) -> Result<Verified, String> {
        if token.bytes().filter(|byte| *byte == b'.').count() > 2 {
            return Err("oidc: malformed jwt".to_owned());
        }
        let jws = Jws::parse(token).map_err(|error| format!("oidc: malformed jwt: {error}"))?;
        let algorithm = jws.header().algorithm_name();
        if !self.algorithms.iter().any(|accepted| accepted == algorithm) {
            return Err(format!(
                "oidc: id token signed with unsupported algorithm, expected {} got {}",
                Quoted(&self.algorithms),
                GoQuoted(algorithm)
            ));
        }
        keys.check(&jws).map_err(|error| format!("failed to verify signature: {error}"))?;
        let payload = jws.unverified_payload().to_vec();
        let id_token = Json::parse(&payload, MOST_DEPTH)
            .and_then(|json| IdToken::read(json.root()))
            .map_err(|error| format!("oidc: failed to unmarshal claims: {error}"))?;
        self.check_claims(&id_token, issuer, now)?;
        Ok(Verified { payload, expiry: id_token.expiry })
    }

    fn check_claims(&self, token: &IdToken, issuer: &str, now: Moment) -> Result<(), String> {
        token.check_sources()?;
        let is_google = issuer == GOOGLE && token.issuer == GOOGLE_WITHOUT_SCHEME;
        if token.issuer != issuer && !is_google {
            return Err(format!(
                "oidc: id token issued by a different provider, expected {} got {}",
                GoQuoted(issuer),
                GoQuoted(&token.issuer)
            ));
        }
        let is_for_us = self.audiences.iter().any(|audience| token.audience.contains(audience));
        // One audience is looked at before the times, several are looked at after them.
        if let [audience] = self.audiences.as_slice()
            && !is_for_us
        {
            return Err(format!(
                "oidc: expected audience {} got {}",
                GoQuoted(audience),
                Quoted(&token.audience)
            ));
        }
        check_times(token, now)?;
        if !is_for_us {
            return Err(format!(
                "oidc: expected audience in {} got {}",
                Quoted(&self.audiences),
                Quoted(&token.audience)
            ));
        }
        Ok(())
    }
}

fn check_times(token: &IdToken, now: Moment) -> Result<(), String> {
    if token.expiry.moment() < now {
        return Err(format!("oidc: token is expired (Token Expiry: {})", token.expiry));
    }
    match token.not_before {
        Some(not_before) if now.plus_seconds(LEEWAY) < not_before.moment() => {
            let now = GoTime(now.to_unix());
            Err(format!("oidc: current time {now} before the nbf (not before) time: {not_before}"))
        }
        _ => Ok(()),
    }
}

/// A list as Go's `%q` prints it.
struct Quoted<'a>(&'a [String]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (number, text) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_char(' ')?;
            }
            write!(f, "{}", GoQuoted(text))?;
        }
        f.write_char(']')
    }
}

/// Seconds by which a token may be early. There are none by which it may be late.
const LEEWAY: i64 = 60;

//! The `--oidc-*` flags, as a configuration of one issuer.
//!
//! Follows `ToAuthenticationConfig` of `pkg/kubeapiserver/options/authentication.go`.

use std::collections::BTreeMap;

use verdikt_core::GoQuoted;
use verdikt_parser::authentication_config::{
    AuthenticationConfiguration, ClaimMappings, ClaimValidationRule, Issuer, JwtAuthenticator,
    PrefixedClaimOrExpression,
};

/// What the flags say. A flag that is not given is as good as one that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--oidc-issuer-url`.
    pub issuer_url: String,
    /// `--oidc-client-id`.
    pub client_id: String,
    /// `--oidc-username-claim`; `sub` if it is empty.
    pub username_claim: String,
    /// `--oidc-username-prefix`.
    pub username_prefix: String,
    /// `--oidc-groups-claim`.
    pub groups_claim: String,
    /// `--oidc-groups-prefix`.
    pub groups_prefix: String,
    /// `--oidc-required-claim`, names and values.
    pub required_claims: Vec<(String, String)>,
    /// `--oidc-signing-algs`; `RS256` if there are none.
    pub signing_algorithms: Vec<String>,
}

impl Flags {
    /// The configuration they stand for; `authority` is the content of `--oidc-ca-file`.
    pub fn configuration(&self, authority: &str) -> AuthenticationConfiguration {
        let claim = match self.username_claim.as_str() {
            "" => "sub",
            claim => claim,
        };
        let prefix = match self.username_prefix.as_str() {
            // Of old, names are kept apart from those of others, but for addresses.
            "" if claim != "email" => format!("{}#", self.issuer_url),
            "-" => String::new(),
            prefix => prefix.to_owned(),
        };
        let prefixed = |claim: &str, prefix: String| PrefixedClaimOrExpression {
            claim: claim.to_owned(),
            prefix: Some(prefix),
            expression: String::new(),
        };
        let groups = match self.groups_claim.as_str() {
            "" => PrefixedClaimOrExpression::default(),
            claim => prefixed(claim, self.groups_prefix.clone()),
        };
        // Of two values for one claim the later counts.
        let required: BTreeMap<_, _> = self.required_claims.iter().cloned().collect();
        let required = required.into_iter().map(|(claim, required_value)| ClaimValidationRule {
            claim,
            required_value,
            ..ClaimValidationRule::default()
        });
        let entry = JwtAuthenticator {
            issuer: Issuer {
                url: self.issuer_url.clone(),
                audiences: vec![self.client_id.clone()],
                certificate_authority: authority.to_owned(),
                ..Issuer::default()
            },
            claim_mappings: ClaimMappings {
                username: prefixed(claim, prefix),
                groups,
                ..ClaimMappings::default()
            },
            claim_validation_rules: required.collect(),
            ..JwtAuthenticator::default()
        };
        AuthenticationConfiguration { jwt: vec![entry], ..AuthenticationConfiguration::default() }
    }

    /// The algorithms that count.
    ///
    /// # Errors
    /// If there is one that must not.
    pub fn algorithms(&self) -> Result<Vec<String>, String> {
        if self.signing_algorithms.is_empty() {
            return Ok(vec!["RS256".to_owned()]);
        }
        let wrong = |name: &&String| !SIGNING_ALGORITHMS.contains(&name.as_str());
        match self.signing_algorithms.iter().find(wrong) {
            Some(name) => Err(format!("oidc: unsupported signing alg: {}", GoQuoted(name))),
            None => Ok(self.signing_algorithms.clone()),
        }
    }
}

/// The algorithms that count with a configuration file: all that may.
pub fn signing_algorithms() -> Vec<String> {
    SIGNING_ALGORITHMS.iter().map(|name| (*name).to_owned()).collect()
}

const SIGNING_ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_prefixed_with_its_issuer_unless_it_is_an_address_or_something_else_is_said() {
        for (claim, prefix, expected) in [
            ("", "", "https://i#"),
            ("name", "", "https://i#"),
            ("email", "", ""),
            ("email", "x:", "x:"),
            ("name", "-", ""),
            ("name", "x:", "x:"),
        ] {
            let flags = Flags {
                issuer_url: "https://i".to_owned(),
                username_claim: claim.to_owned(),
                username_prefix: prefix.to_owned(),
                ..Flags::default()
            };
            let entry = &flags.configuration("").jwt[0];
            let username = &entry.claim_mappings.username;
            assert_eq!(username.prefix.as_deref(), Some(expected), "{claim} {prefix}");
            let claim = if claim.is_empty() { "sub" } else { claim };
            assert_eq!(username.claim, claim);
        }
    }

    #[test]
    fn algorithms_are_of_a_list() {
        let of = |names: &[&str]| {
            let signing_algorithms = names.iter().map(|name| (*name).to_owned()).collect();
            Flags { signing_algorithms, ..Flags::default() }.algorithms()
        };
        assert_eq!(of(&[]), Ok(vec!["RS256".to_owned()]));
        assert_eq!(of(&["ES256"]), Ok(vec!["ES256".to_owned()]));
        let none = "oidc: unsupported signing alg: \"none\"".to_owned();
        assert_eq!(of(&["ES256", "none"]), Err(none));
    }
}

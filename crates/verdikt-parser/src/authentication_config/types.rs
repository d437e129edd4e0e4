//! What an AuthenticationConfiguration says, field by field.

use crate::Places;

/// Who may say who somebody is, and how.
#[derive(Clone, Debug, Default)]
pub struct AuthenticationConfiguration {
    /// Issuers of tokens.
    pub jwt: Vec<JwtAuthenticator>,
    /// Requests without credentials, if that is said here.
    pub anonymous: Option<AnonymousConfiguration>,
    /// Where everything stands.
    pub places: Places,
}

/// An issuer of tokens, and what is made of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwtAuthenticator {
    /// Who issues the tokens.
    pub issuer: Issuer,
    /// What must hold for the claims of a token.
    pub claim_validation_rules: Vec<ClaimValidationRule>,
    /// How claims become a user.
    pub claim_mappings: ClaimMappings,
    /// What must hold for the user.
    pub user_validation_rules: Vec<UserValidationRule>,
}

/// Who issues tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuer {
    /// Exactly what the tokens' `iss` says.
    pub url: String,
    /// Where the discovery document is, if not below the URL; may be empty.
    pub discovery_url: String,
    /// Whom to trust when talking to the issuer, as PEM; the system's roots if empty.
    pub certificate_authority: String,
    /// Whom tokens must be for: any of these.
    pub audiences: Vec<String>,
    /// `MatchAny`, or empty.
    pub audience_match_policy: String,
    /// `controlplane`, `cluster`, or empty.
    pub egress_selector_type: String,
}

/// What must hold for claims: a claim's value, or an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimValidationRule {
    /// The claim.
    pub claim: String,
    /// The text it must be.
    pub required_value: String,
    /// The expression.
    pub expression: String,
    /// What to say when it is false.
    pub message: String,
}

/// How claims become a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimMappings {
    /// The name.
    pub username: PrefixedClaimOrExpression,
    /// The groups.
    pub groups: PrefixedClaimOrExpression,
    /// The uid.
    pub uid: ClaimOrExpression,
    /// Further facts.
    pub extra: Vec<ExtraMapping>,
}

/// A claim with a prefix, or an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixedClaimOrExpression {
    /// The claim.
    pub claim: String,
    /// What is put before it.
    pub prefix: Option<String>,
    /// The expression.
    pub expression: String,
}

/// A claim, or an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimOrExpression {
    /// The claim.
    pub claim: String,
    /// The expression.
    pub expression: String,
}

/// A fact about the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraMapping {
    /// Its key.
    pub key: String,
    /// The expression for its values.
    pub value_expression: String,
}

/// What must hold for the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserValidationRule {
    /// The expression.
    pub expression: String,
    /// What to say when it is false.
    pub message: String,
}

/// Which requests without credentials are anonymous.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnonymousConfiguration {
    /// Whether any are.
    pub enabled: bool,
    /// The paths on which they are; all paths if there are none.
    pub paths: Vec<String>,
}

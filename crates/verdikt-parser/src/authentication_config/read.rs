//! Text to an AuthenticationConfiguration.

use super::types::{
    AnonymousConfiguration, AuthenticationConfiguration, ClaimMappings, ClaimOrExpression,
    ClaimValidationRule, ExtraMapping, Issuer, JwtAuthenticator, PrefixedClaimOrExpression,
    UserValidationRule,
};
use crate::document::{Node, Value};
use crate::strict::{self, Decoded, Shape, Struct};
use crate::{Diagnostic, Limits, Source};

/// Reads a configuration. What is wrong with its form refuses it as a whole.
///
/// # Errors
/// In upstream's words: one finding if the text cannot be decoded, else one for each field that is
/// unknown or comes twice, each beginning with `strict decoding error: `.
pub fn read(
    source: &Source<'_>,
    limits: &Limits,
) -> Result<AuthenticationConfiguration, Vec<Diagnostic>> {
    let name = CONFIGURATION.name;
    let kind_of = |version: &str, kind: &str| strict::of_apiserver(version, kind, name);
    let Decoded { root, places } = strict::decode(source, limits, name, kind_of)?;
    let anonymous = root.get("anonymous").filter(|node| node.value != Value::Null);
    Ok(AuthenticationConfiguration {
        jwt: items(&root, "jwt").iter().map(jwt_authenticator).collect(),
        anonymous: anonymous.map(anonymous_configuration),
        places,
    })
}

fn jwt_authenticator(node: &Node) -> JwtAuthenticator {
    JwtAuthenticator {
        issuer: node.get("issuer").map(issuer).unwrap_or_default(),
        claim_validation_rules: items(node, "claimValidationRules")
            .iter()
            .map(claim_validation_rule)
            .collect(),
        claim_mappings: node.get("claimMappings").map(claim_mappings).unwrap_or_default(),
        user_validation_rules: items(node, "userValidationRules")
            .iter()
            .map(user_validation_rule)
            .collect(),
    }
}

fn issuer(node: &Node) -> Issuer {
    Issuer {
        url: text(node, "url"),
        discovery_url: text(node, "discoveryURL"),
        certificate_authority: text(node, "certificateAuthority"),
        audiences: items(node, "audiences").iter().map(text_of).collect(),
        audience_match_policy: text(node, "audienceMatchPolicy"),
        egress_selector_type: text(node, "egressSelectorType"),
    }
}

fn claim_validation_rule(node: &Node) -> ClaimValidationRule {
    ClaimValidationRule {
        claim: text(node, "claim"),
        required_value: text(node, "requiredValue"),
        expression: text(node, "expression"),
        message: text(node, "message"),
    }
}

fn claim_mappings(node: &Node) -> ClaimMappings {
    ClaimMappings {
        username: node.get("username").map(prefixed).unwrap_or_default(),
        groups: node.get("groups").map(prefixed).unwrap_or_default(),
        uid: node.get("uid").map(claim_or_expression).unwrap_or_default(),
        extra: items(node, "extra").iter().map(extra_mapping).collect(),
    }
}

fn prefixed(node: &Node) -> PrefixedClaimOrExpression {
    PrefixedClaimOrExpression {
        claim: text(node, "claim"),
        prefix: node.get("prefix").and_then(Node::as_str).map(str::to_owned),
        expression: text(node, "expression"),
    }
}

fn claim_or_expression(node: &Node) -> ClaimOrExpression {
    ClaimOrExpression { claim: text(node, "claim"), expression: text(node, "expression") }
}

fn extra_mapping(node: &Node) -> ExtraMapping {
    ExtraMapping { key: text(node, "key"), value_expression: text(node, "valueExpression") }
}

fn user_validation_rule(node: &Node) -> UserValidationRule {
    UserValidationRule { expression: text(node, "expression"), message: text(node, "message") }
}

fn anonymous_configuration(node: &Node) -> AnonymousConfiguration {
    AnonymousConfiguration {
        enabled: node.get("enabled").is_some_and(|node| node.value == Value::Bool(true)),
        paths: items(node, "conditions").iter().map(|condition| text(condition, "path")).collect(),
    }
}

/// The text of a field; empty if it is null or not there.
fn text(node: &Node, name: &str) -> String {
    node.get(name).map(text_of).unwrap_or_default()
}

fn text_of(node: &Node) -> String {
    node.as_str().unwrap_or_default().to_owned()
}

fn items<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    match node.get(name).map(|node| &node.value) {
        Some(Value::Sequence(items)) => items,
        _ => &[],
    }
}

pub(crate) static CONFIGURATION: Struct = Struct {
    name: "AuthenticationConfiguration",
    fields: &[
        ("jwt", Shape::List(&Shape::Struct(&JWT_AUTHENTICATOR))),
        ("anonymous", Shape::Struct(&ANONYMOUS)),
    ],
};

static JWT_AUTHENTICATOR: Struct = Struct {
    name: "JWTAuthenticator",
    fields: &[
        ("issuer", Shape::Struct(&ISSUER)),
        ("claimValidationRules", Shape::List(&Shape::Struct(&CLAIM_VALIDATION_RULE))),
        ("claimMappings", Shape::Struct(&CLAIM_MAPPINGS)),
        ("userValidationRules", Shape::List(&Shape::Struct(&USER_VALIDATION_RULE))),
    ],
};

static ISSUER: Struct = Struct {
    name: "Issuer",
    fields: &[
        ("url", Shape::STRING),
        ("discoveryURL", Shape::STRING),
        ("certificateAuthority", Shape::STRING),
        ("audiences", Shape::List(&Shape::STRING)),
        ("audienceMatchPolicy", Shape::Text("AudienceMatchPolicyType")),
        ("egressSelectorType", Shape::Text("EgressSelectorType")),
    ],
};

static CLAIM_VALIDATION_RULE: Struct = Struct {
    name: "ClaimValidationRule",
    fields: &[
        ("claim", Shape::STRING),
        ("requiredValue", Shape::STRING),
        ("expression", Shape::STRING),
        ("message", Shape::STRING),
    ],
};

static CLAIM_MAPPINGS: Struct = Struct {
    name: "ClaimMappings",
    fields: &[
        ("username", Shape::Struct(&PREFIXED_CLAIM_OR_EXPRESSION)),
        ("groups", Shape::Struct(&PREFIXED_CLAIM_OR_EXPRESSION)),
        ("uid", Shape::Struct(&CLAIM_OR_EXPRESSION)),
        ("extra", Shape::List(&Shape::Struct(&EXTRA_MAPPING))),
    ],
};

static PREFIXED_CLAIM_OR_EXPRESSION: Struct = Struct {
    name: "PrefixedClaimOrExpression",
    fields: &[("claim", Shape::STRING), ("prefix", Shape::STRING), ("expression", Shape::STRING)],
};

static CLAIM_OR_EXPRESSION: Struct = Struct {
    name: "ClaimOrExpression",
    fields: &[("claim", Shape::STRING), ("expression", Shape::STRING)],
};

static EXTRA_MAPPING: Struct = Struct {
    name: "ExtraMapping",
    fields: &[("key", Shape::STRING), ("valueExpression", Shape::STRING)],
};

static USER_VALIDATION_RULE: Struct = Struct {
    name: "UserValidationRule",
    fields: &[("expression", Shape::STRING), ("message", Shape::STRING)],
};

static ANONYMOUS: Struct = Struct {
    name: "AnonymousAuthConfig",
    fields: &[
        ("enabled", Shape::Bool),
        ("conditions", Shape::List(&Shape::Struct(&ANONYMOUS_CONDITION))),
    ],
};

static ANONYMOUS_CONDITION: Struct =
    Struct { name: "AnonymousAuthCondition", fields: &[("path", Shape::STRING)] };

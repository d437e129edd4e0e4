//! Text to an AuthorizationConfiguration.

use super::types::{
    AuthorizationConfiguration, AuthorizerConfiguration, ConnectionInfo, WebhookConfiguration,
};
use crate::document::{Node, Value};
use crate::go_duration::{self, GoDuration};
use crate::strict::{self, Decoded, Shape, Struct};
use crate::{Diagnostic, Limits, Source};

/// Reads a configuration. What is wrong with its form refuses it as a whole. An empty text is a
/// configuration without authorizers.
///
/// # Errors
/// In upstream's words: one finding if the text cannot be decoded, else one for each field that is
/// unknown or comes twice, each beginning with `strict decoding error: `.
pub fn read(
    source: &Source<'_>,
    limits: &Limits,
) -> Result<AuthorizationConfiguration, Vec<Diagnostic>> {
    if source.bytes.is_empty() {
        return Ok(AuthorizationConfiguration::default());
    }
    let name = CONFIGURATION.name;
    let kind_of = |version: &str, kind: &str| strict::of_apiserver(version, kind, name);
    let Decoded { root, places } = strict::decode(source, limits, name, kind_of)?;
    let authorizers = items(&root, "authorizers").iter().map(authorizer).collect();
    Ok(AuthorizationConfiguration { authorizers, places })
}

fn authorizer(node: &Node) -> AuthorizerConfiguration {
    AuthorizerConfiguration {
        authorizer_type: text(node, "type"),
        name: text(node, "name"),
        webhook: node.get("webhook").filter(|node| node.value != Value::Null).map(webhook),
    }
}

fn webhook(node: &Node) -> WebhookConfiguration {
    let defaults = WebhookConfiguration::default();
    let flag = |name, default| match node.get(name).map(|node| &node.value) {
        Some(Value::Bool(flag)) => *flag,
        _ => default,
    };
    let condition = |node: &Node| text(node, "expression");
    WebhookConfiguration {
        authorized_ttl: duration(node, "authorizedTTL").unwrap_or(defaults.authorized_ttl),
        cache_authorized_requests: flag("cacheAuthorizedRequests", true),
        unauthorized_ttl: duration(node, "unauthorizedTTL").unwrap_or(defaults.unauthorized_ttl),
        cache_unauthorized_requests: flag("cacheUnauthorizedRequests", true),
        timeout: duration(node, "timeout").unwrap_or_default(),
        subject_access_review_version: text(node, "subjectAccessReviewVersion"),
        match_condition_subject_access_review_version: text(
            node,
            "matchConditionSubjectAccessReviewVersion",
        ),
        failure_policy: text(node, "failurePolicy"),
        connection_info: node.get("connectionInfo").map(connection_info).unwrap_or_default(),
        match_conditions: items(node, "matchConditions").iter().map(condition).collect(),
    }
}

fn connection_info(node: &Node) -> ConnectionInfo {
    ConnectionInfo {
        connection_type: text(node, "type"),
        kube_config_file: node.get("kubeConfigFile").and_then(Node::as_str).map(str::to_owned),
    }
}

/// A duration that is there and not zero, which upstream takes for one that is not there.
fn duration(node: &Node, name: &str) -> Option<GoDuration> {
    let text = node.get(name)?.as_str()?;
    go_duration::parse(text).ok().filter(|duration| *duration != GoDuration(0))
}

/// The text of a field; empty if it is null or not there.
fn text(node: &Node, name: &str) -> String {
    node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned()
}

fn items<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    match node.get(name).map(|node| &node.value) {
        Some(Value::Sequence(items)) => items,
        _ => &[],
    }
}

pub(crate) static CONFIGURATION: Struct = Struct {
    name: "AuthorizationConfiguration",
    fields: &[("authorizers", Shape::List(&Shape::Struct(&AUTHORIZER)))],
};

static AUTHORIZER: Struct = Struct {
    name: "AuthorizerConfiguration",
    fields: &[
        ("type", Shape::STRING),
        ("name", Shape::STRING),
        ("webhook", Shape::Struct(&WEBHOOK)),
    ],
};

static WEBHOOK: Struct = Struct {
    name: "WebhookConfiguration",
    fields: &[
        ("authorizedTTL", Shape::Duration),
        ("cacheAuthorizedRequests", Shape::Bool),
        ("unauthorizedTTL", Shape::Duration),
        ("cacheUnauthorizedRequests", Shape::Bool),
        ("timeout", Shape::Duration),
        ("subjectAccessReviewVersion", Shape::STRING),
        ("matchConditionSubjectAccessReviewVersion", Shape::STRING),
        ("failurePolicy", Shape::STRING),
        ("connectionInfo", Shape::Struct(&CONNECTION_INFO)),
        ("matchConditions", Shape::List(&Shape::Struct(&MATCH_CONDITION))),
    ],
};

static CONNECTION_INFO: Struct = Struct {
    name: "WebhookConnectionInfo",
    fields: &[("type", Shape::STRING), ("kubeConfigFile", Shape::STRING)],
};

static MATCH_CONDITION: Struct =
    Struct { name: "WebhookMatchCondition", fields: &[("expression", Shape::STRING)] };

//! What strict decoding takes, refuses and defaults in an AuthorizationConfiguration.

use super::*;
use crate::go_duration::GoDuration;
use crate::{Limits, Source};

fn check(webhook: &str, expected: &[&str]) {
    let text =
        format!("{HEAD}authorizers:\n- type: Webhook\n  name: a\n  webhook:\n    {webhook}\n");
    assert_eq!(errors(&text), expected, "{text}");
}

fn errors(text: &str) -> Vec<String> {
    match read(&Source::new("authz.yaml", text.as_bytes()), &Limits::default()) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|found| found.message).collect(),
    }
}

const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n";

#[test]
fn a_mistake_in_a_duration_ends_the_reading_and_stands_alone() {
    let timeout = "Go struct field WebhookConfiguration.authorizers.webhook.timeout of type string";
    check("timeout: null", &["time: invalid duration \"\""]);
    check("{timeout: abc, subjectAccessReviewVersion: 5}", &["time: invalid duration \"abc\""]);
    check("{timeout: 5, authorizedTTL: x}", &["time: invalid duration \"x\""]);
    check("{timeout: 5, x: 1}", &[&format!("json: cannot unmarshal number into {timeout}")]);
    check(
        "{cacheAuthorizedRequests: 5, timeout: [a]}",
        &[&format!("json: cannot unmarshal array into {timeout}")],
    );
}

#[test]
fn fields_of_a_wrong_type_are_named_by_their_struct() {
    check(
        "matchConditions: [{expression: 5}]",
        &["json: cannot unmarshal number into Go struct field \
           WebhookMatchCondition.authorizers.webhook.matchConditions.expression of type string"],
    );
}

#[test]
fn another_kind_is_held_against_its_own_fields_first() {
    let head = HEAD.replace("Authorization", "Authentication");
    assert_eq!(
        errors(&format!("{head}authorizers: []\n")),
        ["strict decoding error: unknown field \"authorizers\""]
    );
    assert_eq!(
        errors(&head),
        ["expected AuthorizationConfiguration, got *apiserver.AuthenticationConfiguration"]
    );
}

#[test]
fn what_is_not_said_has_upstreams_defaults_and_zero_is_not_said() {
    let text = format!(
        "{HEAD}authorizers: [{{type: Webhook, webhook: {{authorizedTTL: 0s, unauthorizedTTL: -1s}}}}]"
    );
    let read = read(&Source::new("authz.yaml", text.as_bytes()), &Limits::default()).unwrap();
    let webhook = read.authorizers[0].webhook.as_ref().unwrap();
    assert_eq!(webhook.authorized_ttl, GoDuration::seconds(300));
    assert_eq!(webhook.unauthorized_ttl, GoDuration::seconds(-1));
    assert!(webhook.cache_authorized_requests && webhook.cache_unauthorized_requests);
    assert_eq!(webhook.timeout, GoDuration(0));
}

#[test]
fn an_empty_text_has_no_authorizers() {
    let read = read(&Source::new("authz.yaml", b""), &Limits::default()).unwrap();
    assert!(read.authorizers.is_empty());
    assert_ne!(errors("\n"), [""; 0]);
}

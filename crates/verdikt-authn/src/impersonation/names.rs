//! User names with a meaning: service accounts and nodes.
//!
//! Follows apiserver's `pkg/authentication/serviceaccount/util.go` and `isNodeUsername` of `mode.go`.

use verdikt_core::names::dns1123_subdomain;
use verdikt_core::users;

/// Namespace and name, if it is a valid service account's user name.
pub(super) fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(users::SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    // A label is a subdomain without dots, and shorter.
    let is_label = |text: &str| text.len() <= 63 && !text.contains('.') && is_subdomain(text);
    (is_label(namespace) && is_subdomain(name)).then_some((namespace, name))
}

/// The node's name, if it is a valid node's user name.
pub(super) fn node(user: &str) -> Option<&str> {
    user.strip_prefix("system:node:").filter(|name| is_subdomain(name))
}

fn is_subdomain(text: &str) -> bool {
    dns1123_subdomain(text).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_accounts_have_two_valid_parts() {
        let check = |user: &str, expected: Option<(&str, &str)>| {
            assert_eq!(service_account(user), expected, "{user}");
        };
        check("system:serviceaccount:ns:name", Some(("ns", "name")));
        check("system:serviceaccount:ns:a.b", Some(("ns", "a.b")));
        check("system:serviceaccount:a.b:name", None);
        check("system:serviceaccount:ns:", None);
        check("system:serviceaccount::name", None);
        check("system:serviceaccount:ns:a:b", None);
        check("system:serviceaccount:NS:a", None);
        check("system:serviceaccount:ns", None);
        check("serviceaccount:ns:a", None);
        check(&format!("system:serviceaccount:{}:a", "n".repeat(64)), None);
    }

    #[test]
    fn nodes_are_subdomains() {
        assert_eq!(node("system:node:a.b-c"), Some("a.b-c"));
        assert_eq!(node("system:node:"), None);
        assert_eq!(node("system:node:A"), None);
        assert_eq!(node("system:nodes:a"), None);
    }
}

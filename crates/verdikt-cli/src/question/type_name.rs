//! A type as it is written for kubectl: `pods`, `deploy`, `deployments.apps`, `deployments.v1.apps`.

use verdikt::resource_types::{self, ResourceType};

/// What such a word stands for.
pub(super) struct TypeName {
    pub(super) resource: String,
    pub(super) version: Option<String>,
    pub(super) group: Option<String>,
    pub(super) known: Option<&'static ResourceType>,
}

impl TypeName {
    pub(super) fn parse(written: &str) -> Self {
        let written = written.to_lowercase();
        let (name, rest) = match written.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (written.as_str(), None),
        };
        let (version, group) = match rest.map(|rest| rest.split_once('.').unwrap_or((rest, ""))) {
            Some((version, group)) if is_version(version) => (Some(version), Some(group)),
            _ => (None, rest),
        };
        let known = resource_types::find(name, group);
        Self {
            resource: known.map_or(name, |known| known.resource).to_owned(),
            version: version.map(str::to_owned),
            group: group.map(str::to_owned),
            known,
        }
    }
}

/// Whether a word is an API version, such as v1 or v1beta2.
fn is_version(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = word.strip_prefix('v') else { return false };
    let stages = ["alpha", "beta"].into_iter().find_map(|stage| rest.split_once(stage));
    stages.map_or_else(|| digits(rest), |(major, minor)| digits(major) && digits(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_for_kubectl() {
        let check = |written, resource, version: Option<&str>, group: &str| {
            let found = TypeName::parse(written);
            let api_group = found.known.map_or_else(
                || found.group.unwrap_or_default(),
                |known| known.api_group.to_owned(),
            );
            assert_eq!((found.resource.as_str(), found.version.as_deref()), (resource, version));
            assert_eq!(api_group, group, "{written}");
        };
        check("pods", "pods", None, "");
        check("Pod", "pods", None, "");
        check("deploy", "deployments", None, "apps");
        check("deployments.apps", "deployments", None, "apps");
        check("deployments.v1.apps", "deployments", Some("v1"), "apps");
        check("pods.v1", "pods", Some("v1"), "");
        check(
            "virtualservices.networking.istio.io",
            "virtualservices",
            None,
            "networking.istio.io",
        );
        check("foos.v2beta1.example.com", "foos", Some("v2beta1"), "example.com");
        check("foos.vault.io", "foos", None, "vault.io");
        check("*", "*", None, "");
    }
}

//! What a user may do in a namespace, as lists: the answer to a SelfSubjectRulesReview.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

/// All rules that hold for one user in one namespace, in the order in which authorizers visit them.
///
/// Nothing is merged or dropped where rules repeat each other, as in Kubernetes. Serializes as the
/// `status` of a SelfSubjectRulesReview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Rules about resources.
    pub resource_rules: Vec<ResourceRule>,
    /// Rules about paths.
    pub non_resource_rules: Vec<NonResourceRule>,
    /// Whether some authorizer cannot list its rules; a mere error does not set it.
    pub incomplete: bool,
    /// What went wrong on the way, such as roles that do not exist.
    #[serde(
        rename = "evaluationError",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "as_one_text"
    )]
    pub errors: Vec<String>,
}

/// Verbs on resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRule {
    /// Verbs; `*` is any.
    pub verbs: Vec<String>,
    /// API groups; `*` is any, the empty string is the core group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// Resources; `*` is any, `*/sub` that subresource of any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names of objects; empty means any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}

/// Verbs on paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NonResourceRule {
    /// Verbs; `*` is any.
    pub verbs: Vec<String>,
    /// Paths; a final `*` makes a prefix.
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
}

impl Rules {
    /// Adds the rules of an authorizer that allows everything (mode AlwaysAllow).
    pub fn add_everything(&mut self) {
        let any = || vec!["*".to_owned()];
        self.resource_rules.push(ResourceRule {
            verbs: any(),
            api_groups: any(),
            resources: any(),
            resource_names: Vec::new(),
        });
        self.non_resource_rules.push(NonResourceRule { verbs: any(), non_resource_urls: any() });
    }

    /// The errors as Kubernetes joins them: one bare, several as `[a, b]`, each text once.
    pub fn evaluation_error(&self) -> Option<String> {
        aggregate_text(&self.errors)
    }
}

/// The text of Kubernetes' `errors.Aggregate`; none if there are no errors.
pub(crate) fn aggregate_text(errors: &[String]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let distinct: Vec<&str> =
        errors.iter().map(String::as_str).filter(|error| seen.insert(*error)).collect();
    match distinct.as_slice() {
        [] => None,
        [error] => Some((*error).to_owned()),
        errors => Some(format!("[{}]", errors.join(", "))),
    }
}

fn as_one_text<S: Serializer>(errors: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    aggregate_text(errors).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::Rules;

    fn check(errors: &[&str], expected: Option<&str>) {
        let errors = errors.iter().map(|&error| error.to_owned()).collect();
        let rules = Rules { errors, ..Rules::default() };
        assert_eq!(rules.evaluation_error().as_deref(), expected);
    }

    #[test]
    fn one_error_stands_bare_and_several_in_brackets() {
        check(&[], None);
        check(&["a"], Some("a"));
        check(&["b", "a"], Some("[b, a]"));
    }

    #[test]
    fn an_error_is_told_once() {
        check(&["a", "a"], Some("a"));
        check(&["b", "a", "b"], Some("[b, a]"));
    }
}

//! RulesFor: what somebody may do in a namespace.

use tonic::Status;
use verdikt::{NonResourceRule, ResourceRule, Rules, User};

use super::call::Call;
use super::check::others;
use super::proto::v1;

pub(super) fn answer(
    call: &Call,
    question: v1::RulesForRequest,
) -> Result<v1::RulesForResponse, Status> {
    let user: User = match question.user {
        Some(user) => {
            others(call)?;
            user.into()
        }
        None => call.sender()?.requester().user().clone(),
    };
    let rules = tokio::task::block_in_place(|| call.snapshot.rules_for(&user, &question.namespace));
    Ok(v1::RulesForResponse { revision: call.snapshot.revision().0, ..rules.into() })
}

impl From<Rules> for v1::RulesForResponse {
    fn from(rules: Rules) -> Self {
        Self {
            resource_rules: rules.resource_rules.into_iter().map(Into::into).collect(),
            non_resource_rules: rules.non_resource_rules.into_iter().map(Into::into).collect(),
            incomplete: rules.incomplete,
            evaluation_errors: rules.errors,
            revision: 0,
        }
    }
}

impl From<ResourceRule> for v1::ResourceRule {
    fn from(rule: ResourceRule) -> Self {
        let ResourceRule { verbs, api_groups, resources, resource_names } = rule;
        Self { verbs, api_groups, resources, resource_names }
    }
}

impl From<NonResourceRule> for v1::NonResourceRule {
    fn from(rule: NonResourceRule) -> Self {
        Self { verbs: rule.verbs, paths: rule.non_resource_urls }
    }
}

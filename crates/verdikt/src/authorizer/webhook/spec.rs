//! What a webhook is told of a request: the spec of a SubjectAccessReview.
//!
//! Follows `Authorize` and `resourceAttributesFrom` of apiserver's
//! `plugin/pkg/authorizer/webhook/webhook.go`.

use verdikt_core::{Attributes, Selectors, field_selector, label_selector};

use crate::authorizer::match_conditions::{
    NonResourceAttributes, ResourceAttributes, ReviewSpec, Selector, SelectorRequirement,
};

/// The spec, in version v1.
pub(super) fn of(request: &Attributes<'_>) -> ReviewSpec {
    let mut spec = ReviewSpec::default();
    if let Some(user) = request.user {
        let user = user.user();
        spec.user.clone_from(&user.name);
        spec.uid.clone_from(&user.uid);
        spec.groups.clone_from(&user.groups);
        let extra = user.extra.iter();
        spec.extra = extra.map(|(key, values)| (key.clone(), Some(values.clone()))).collect();
    }
    if request.resource_request {
        spec.resource_attributes = Some(resource(request));
    } else {
        spec.non_resource_attributes = Some(NonResourceAttributes {
            path: request.path.to_owned(),
            verb: request.verb.to_owned(),
        });
    }
    spec
}

fn resource(request: &Attributes<'_>) -> ResourceAttributes {
    ResourceAttributes {
        namespace: request.namespace.to_owned(),
        verb: request.verb.to_owned(),
        group: request.api_group.to_owned(),
        version: request.api_version.to_owned(),
        resource: request.resource.to_owned(),
        subresource: request.subresource.to_owned(),
        name: request.name.to_owned(),
        field_selector: request.selectors.and_then(field_requirements),
        label_selector: request.selectors.and_then(label_requirements),
    }
}

/// Selectors only narrow: what does not parse, or has no counterpart, is left out.
fn field_requirements(selectors: &Selectors) -> Option<Selector> {
    let requirements = selectors.fields.iter().flatten().map(|requirement| {
        let operator = match requirement.operator {
            field_selector::Operator::Equals => "In",
            field_selector::Operator::NotEquals => "NotIn",
        };
        SelectorRequirement {
            key: requirement.field.clone(),
            operator: operator.to_owned(),
            values: vec![requirement.value.clone()],
        }
    });
    selector(requirements.collect())
}

fn label_requirements(selectors: &Selectors) -> Option<Selector> {
    let requirements = selectors.labels.iter().flatten().filter_map(|requirement| {
        use label_selector::Operator;
        let operator = match requirement.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => "In",
            Operator::NotEquals | Operator::NotIn => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
            Operator::GreaterThan | Operator::LessThan => return None,
        };
        Some(SelectorRequirement {
            key: requirement.key.clone(),
            operator: operator.to_owned(),
            values: requirement.values.clone(),
        })
    });
    selector(requirements.collect())
}

fn selector(requirements: Vec<SelectorRequirement>) -> Option<Selector> {
    let selector = Selector { raw_selector: String::new(), requirements };
    Some(selector).filter(|selector| !selector.requirements.is_empty())
}

//! Checks of authorization from within expressions.
//!
//! Follows the declarations of apiserver's `pkg/cel/library/authz.go`. No variable of ours is an
//! authorizer, so that no expression can call any of these; they are declared because an expression that
//! tries is refused for its types, not for an unknown function.

use super::declare::Registry;
use crate::Type;

const AUTHORIZER: &str = "kubernetes.authorization.Authorizer";
const PATH: &str = "kubernetes.authorization.PathCheck";
const GROUP: &str = "kubernetes.authorization.GroupCheck";
const RESOURCE: &str = "kubernetes.authorization.ResourceCheck";
const DECISION: &str = "kubernetes.authorization.Decision";

pub(crate) fn declare(registry: &mut Registry) {
    let mut member = |name, id, of, params: &[Type], result| {
        let params: Vec<Type> =
            std::iter::once(Type::Opaque(of)).chain(params.iter().cloned()).collect();
        registry.shape(name, id, true, &params, result);
    };
    let (text, two) = ([Type::String], [Type::String, Type::String]);
    let resource = || Type::Opaque(RESOURCE);
    member("path", "authorizer_path", AUTHORIZER, &text, Type::Opaque(PATH));
    member("group", "authorizer_group", AUTHORIZER, &text, Type::Opaque(GROUP));
    member(
        "serviceAccount",
        "authorizer_serviceaccount",
        AUTHORIZER,
        &two,
        Type::Opaque(AUTHORIZER),
    );
    member("resource", "groupcheck_resource", GROUP, &text, resource());
    member("subresource", "resourcecheck_subresource", RESOURCE, &text, resource());
    member("namespace", "resourcecheck_namespace", RESOURCE, &text, resource());
    member("name", "resourcecheck_name", RESOURCE, &text, resource());
    member("fieldSelector", "authorizer_fieldselector", RESOURCE, &text, resource());
    member("labelSelector", "authorizer_labelselector", RESOURCE, &text, resource());
    member("check", "pathcheck_check", PATH, &text, Type::Opaque(DECISION));
    member("check", "resourcecheck_check", RESOURCE, &text, Type::Opaque(DECISION));
    member("errored", "decision_errored", DECISION, &[], Type::Bool);
    member("error", "decision_error", DECISION, &[], Type::String);
    member("allowed", "decision_allowed", DECISION, &[], Type::Bool);
    member("reason", "decision_reason", DECISION, &[], Type::String);
}

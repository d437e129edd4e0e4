//! authorization.k8s.io: may this user do that?

use super::meta::METADATA;
use super::{Field, Message, Type, field, required};

macro_rules! review {
    ($name:literal, $about:literal, $spec:ident, $status:ident) => {
        Message {
            name: concat!("io.k8s.api.authorization.v1.", $name),
            about: $about,
            fields: &[
                METADATA,
                required(2, "spec", Type::Message(&$spec), "The question."),
                field(3, "status", Type::Message(&$status), "The answer, filled in by the server."),
            ],
        }
    };
}

pub(super) static SUBJECT: Message =
    review!("SubjectAccessReview", "Asks whether a user may do something.", SPEC, STATUS);
pub(super) static LOCAL: Message = review!(
    "LocalSubjectAccessReview",
    "Asks whether a user may do something in the namespace the review is posted to.",
    SPEC,
    STATUS
);
pub(super) static SELF: Message = review!(
    "SelfSubjectAccessReview",
    "Asks whether the sender may do something.",
    SELF_SPEC,
    STATUS
);
pub(super) static RULES: Message = review!(
    "SelfSubjectRulesReview",
    "Asks for all that the sender may do in a namespace. Some authorizers cannot tell all.",
    RULES_SPEC,
    RULES_STATUS
);

/// The older version, in which webhook clients may ask.
pub(super) static BETA: Message = Message {
    name: "io.k8s.api.authorization.v1beta1.SubjectAccessReview",
    about: "Asks whether a user may do something.",
    fields: &[
        METADATA,
        required(2, "spec", Type::Message(&BETA_SPEC), "The question."),
        field(3, "status", Type::Message(&STATUS), "The answer, filled in by the server."),
    ],
};

const RESOURCE: Field = field(
    1,
    "resourceAttributes",
    Type::Message(&RESOURCE_ATTRIBUTES),
    "What is to be done to a resource; either this or nonResourceAttributes.",
);
const NON_RESOURCE: Field = field(
    2,
    "nonResourceAttributes",
    Type::Message(&NON_RESOURCE_ATTRIBUTES),
    "What is to be done at a path; either this or resourceAttributes.",
);
const USER: Field =
    field(3, "user", Type::Text, "Who is asked about; there must be a user or a group.");
const EXTRA: Field = field(5, "extra", Type::ListMap, "What else is known of the user.");
const UID: Field = field(6, "uid", Type::Text, "UID of the user.");

static SPEC: Message = Message {
    name: "io.k8s.api.authorization.v1.SubjectAccessReviewSpec",
    about: "Who, and what.",
    fields: &[
        RESOURCE,
        NON_RESOURCE,
        USER,
        field(4, "groups", Type::Texts, "Groups of the user."),
        EXTRA,
        UID,
    ],
};

static BETA_SPEC: Message = Message {
    name: "io.k8s.api.authorization.v1beta1.SubjectAccessReviewSpec",
    about: "Who, and what.",
    fields: &[
        RESOURCE,
        NON_RESOURCE,
        USER,
        field(4, "group", Type::Texts, "Groups of the user."),
        EXTRA,
        UID,
    ],
};

static SELF_SPEC: Message = Message {
    name: "io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec",
    about: "What is to be done.",
    fields: &[RESOURCE, NON_RESOURCE],
};

static RULES_SPEC: Message = Message {
    name: "io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec",
    about: "In which namespace.",
    fields: &[field(1, "namespace", Type::Text, "Namespace to tell the rules of; required.")],
};

static RESOURCE_ATTRIBUTES: Message = Message {
    name: "io.k8s.api.authorization.v1.ResourceAttributes",
    about: "What is to be done to which resource.",
    fields: &[
        field(1, "namespace", Type::Text, "Namespace; empty for all, or where there is none."),
        field(
            2,
            "verb",
            Type::Text,
            "Such as get, list, watch, create, update, patch, delete; * is all.",
        ),
        field(3, "group", Type::Text, "API group; empty for the core group, * is all."),
        field(4, "version", Type::Text, "API version; * is all."),
        field(5, "resource", Type::Text, "Resource, such as pods; * is all."),
        field(6, "subresource", Type::Text, "Subresource, such as log; empty for none."),
        field(
            7,
            "name",
            Type::Text,
            "Name of the object; empty for all, or where it is not known yet.",
        ),
        field(
            8,
            "fieldSelector",
            Type::Message(&FIELD_SELECTOR),
            "Restricts the objects by their fields. It can only narrow.",
        ),
        field(
            9,
            "labelSelector",
            Type::Message(&LABEL_SELECTOR),
            "Restricts the objects by their labels. It can only narrow.",
        ),
    ],
};

static NON_RESOURCE_ATTRIBUTES: Message = Message {
    name: "io.k8s.api.authorization.v1.NonResourceAttributes",
    about: "What is to be done at which path.",
    fields: &[
        field(1, "path", Type::Text, "Path of the URL."),
        field(2, "verb", Type::Text, "The HTTP method, in small letters."),
    ],
};

const RAW: Field = field(
    1,
    "rawSelector",
    Type::Text,
    "The selector as a query has it, for webhooks; ignored where requirements are given.",
);

static FIELD_SELECTOR: Message = Message {
    name: "io.k8s.api.authorization.v1.FieldSelectorAttributes",
    about: "A selector of fields, as text or taken apart.",
    fields: &[
        RAW,
        field(2, "requirements", Type::Messages(&FIELD_REQUIREMENT), "All of them must hold."),
    ],
};

static LABEL_SELECTOR: Message = Message {
    name: "io.k8s.api.authorization.v1.LabelSelectorAttributes",
    about: "A selector of labels, as text or taken apart.",
    fields: &[
        RAW,
        field(2, "requirements", Type::Messages(&LABEL_REQUIREMENT), "All of them must hold."),
    ],
};

const OPERATOR: Field = required(2, "operator", Type::Text, "In, NotIn, Exists or DoesNotExist.");
const VALUES: Field =
    field(3, "values", Type::Texts, "Values for In and NotIn; empty for the others.");

static FIELD_REQUIREMENT: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement",
    about: "What must hold of a field.",
    fields: &[required(1, "key", Type::Text, "Path of the field."), OPERATOR, VALUES],
};

static LABEL_REQUIREMENT: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement",
    about: "What must hold of a label.",
    fields: &[required(1, "key", Type::Text, "Key of the label."), OPERATOR, VALUES],
};

static STATUS: Message = Message {
    name: "io.k8s.api.authorization.v1.SubjectAccessReviewStatus",
    about: "Whether it is allowed.",
    fields: &[
        required(1, "allowed", Type::Bool, "Whether it is allowed."),
        field(4, "denied", Type::Bool, "Whether it is denied whatever other authorizers say."),
        field(2, "reason", Type::Text, "Why."),
        field(3, "evaluationError", Type::Text, "What went wrong on the way to the decision."),
    ],
};

static RULES_STATUS: Message = Message {
    name: "io.k8s.api.authorization.v1.SubjectRulesReviewStatus",
    about: "What is allowed.",
    fields: &[
        required(1, "resourceRules", Type::Messages(&RESOURCE_RULE), "To resources, in any order."),
        required(
            2,
            "nonResourceRules",
            Type::Messages(&NON_RESOURCE_RULE),
            "At paths, in any order.",
        ),
        required(3, "incomplete", Type::Bool, "Whether there may be more than is listed."),
        field(4, "evaluationError", Type::Text, "Why there may be more."),
    ],
};

static RESOURCE_RULE: Message = Message {
    name: "io.k8s.api.authorization.v1.ResourceRule",
    about: "Verbs that are allowed to resources.",
    fields: &[
        required(1, "verbs", Type::Texts, "Verbs; * is all."),
        field(2, "apiGroups", Type::Texts, "API groups; * is all."),
        field(3, "resources", Type::Texts, "Resources; * is all, */log all of one subresource."),
        field(4, "resourceNames", Type::Texts, "Names of objects; empty is all."),
    ],
};

static NON_RESOURCE_RULE: Message = Message {
    name: "io.k8s.api.authorization.v1.NonResourceRule",
    about: "Verbs that are allowed at paths.",
    fields: &[
        required(1, "verbs", Type::Texts, "Verbs; * is all."),
        field(2, "nonResourceURLs", Type::Texts, "Paths; * as the whole last step is all below."),
    ],
};

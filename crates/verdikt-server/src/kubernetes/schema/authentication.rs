//! authentication.k8s.io: who is this?

use super::meta::METADATA;
use super::{Message, Type, field, required};

pub(super) static TOKEN_REVIEW: Message = Message {
    name: "io.k8s.api.authentication.v1.TokenReview",
    about: "Asks whose token this is.",
    fields: &[
        METADATA,
        required(2, "spec", Type::Message(&TOKEN_SPEC), "The question."),
        field(3, "status", Type::Message(&TOKEN_STATUS), "The answer, filled in by the server."),
    ],
};

static TOKEN_SPEC: Message = Message {
    name: "io.k8s.api.authentication.v1.TokenReviewSpec",
    about: "The token, and what it must be meant for.",
    fields: &[
        field(1, "token", Type::Text, "The token."),
        field(2, "audiences", Type::Texts, "Audiences one of which the token must be meant for."),
    ],
};

static TOKEN_STATUS: Message = Message {
    name: "io.k8s.api.authentication.v1.TokenReviewStatus",
    about: "Whose it is.",
    fields: &[
        field(1, "authenticated", Type::Bool, "Whether the token is good."),
        field(2, "user", Type::Message(&USER_INFO), "Its user."),
        field(
            4,
            "audiences",
            Type::Texts,
            "Those of the audiences asked for that it is meant for.",
        ),
        field(3, "error", Type::Text, "Why the token could not be checked."),
    ],
};

pub(super) static SELF_SUBJECT_REVIEW: Message = Message {
    name: "io.k8s.api.authentication.v1.SelfSubjectReview",
    about: "Asks who the sender is.",
    fields: &[
        METADATA,
        field(2, "status", Type::Message(&SELF_STATUS), "The answer, filled in by the server."),
    ],
};

static SELF_STATUS: Message = Message {
    name: "io.k8s.api.authentication.v1.SelfSubjectReviewStatus",
    about: "Who the sender is.",
    fields: &[field(1, "userInfo", Type::Message(&USER_INFO), "The sender.")],
};

static USER_INFO: Message = Message {
    name: "io.k8s.api.authentication.v1.UserInfo",
    about: "A user.",
    fields: &[
        field(1, "username", Type::Text, "Name."),
        field(2, "uid", Type::Text, "Identity in time: another user of the same name has another."),
        field(3, "groups", Type::Texts, "Groups."),
        field(4, "extra", Type::ListMap, "What else the authenticator knows."),
    ],
};

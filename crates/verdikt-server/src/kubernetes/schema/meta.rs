//! meta/v1: what every object may say of itself, and `Status`.

use super::{Field, Message, Type, field};

/// The first field of every object.
pub(super) const METADATA: Field =
    field(1, "metadata", Type::Message(&OBJECT_META), "What the object says of itself.");

/// `metadata` of an object.
pub(super) static OBJECT_META: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    about: "What an object says of itself. A review has none of it but the namespace of a local one.",
    fields: &[
        field(1, "name", Type::Text, "Name within the namespace."),
        field(2, "generateName", Type::Text, "Beginning of a name that the server completes."),
        field(3, "namespace", Type::Text, "Namespace the object lies in."),
        field(4, "selfLink", Type::Text, "No longer used."),
        field(5, "uid", Type::Text, "Identity in time and space, set by the server."),
        field(6, "resourceVersion", Type::Text, "Version of the stored object, set by the server."),
        field(7, "generation", Type::Number, "Number of the desired state, set by the server."),
        field(8, "creationTimestamp", Type::Time, "When the object was made, set by the server."),
        field(9, "deletionTimestamp", Type::Time, "When the object is to go, set by the server."),
        field(10, "deletionGracePeriodSeconds", Type::Number, "Seconds it has to go in peace."),
        field(11, "labels", Type::TextMap, "Labels, to select by."),
        field(12, "annotations", Type::TextMap, "Annotations, for tools."),
        field(
            13,
            "ownerReferences",
            Type::Messages(&OWNER_REFERENCE),
            "What the object depends on.",
        ),
        field(14, "finalizers", Type::Texts, "What must be done before the object can go."),
        field(17, "managedFields", Type::Messages(&MANAGED_FIELDS), "Who set which field."),
    ],
};

static OWNER_REFERENCE: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
    about: "An object that another depends on.",
    fields: &[
        super::required(5, "apiVersion", Type::Text, "API version of the owner."),
        super::required(1, "kind", Type::Text, "Kind of the owner."),
        super::required(3, "name", Type::Text, "Name of the owner."),
        super::required(4, "uid", Type::Text, "UID of the owner."),
        field(6, "controller", Type::Bool, "Whether the owner manages the object."),
        field(7, "blockOwnerDeletion", Type::Bool, "Whether the owner waits for the object to go."),
    ],
};

static MANAGED_FIELDS: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
    about: "The fields that one manager set.",
    fields: &[
        field(1, "manager", Type::Text, "Who set them."),
        field(2, "operation", Type::Text, "Apply or Update."),
        field(3, "apiVersion", Type::Text, "API version in which they were set."),
        field(4, "time", Type::Time, "When they were set."),
        field(6, "fieldsType", Type::Text, "Format of the set: FieldsV1."),
        field(7, "fieldsV1", Type::Any, "The set."),
        field(8, "subresource", Type::Text, "Subresource through which they were set."),
    ],
};

static LIST_META: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
    about: "What a list says of itself.",
    fields: &[
        field(1, "selfLink", Type::Text, "No longer used."),
        field(2, "resourceVersion", Type::Text, "Version of the list."),
        field(3, "continue", Type::Text, "Where the list goes on."),
        field(4, "remainingItemCount", Type::Number, "How many more there are."),
    ],
};

/// The first field of lists and of `Status`.
pub(super) const LIST_METADATA: Field =
    field(1, "metadata", Type::Message(&LIST_META), "What the list says of itself.");

/// The answer that is none of what was asked for.
pub(super) static STATUS: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    about: "How a request ended that is not answered with an object.",
    fields: &[
        LIST_METADATA,
        field(2, "status", Type::Text, "Success or Failure."),
        field(3, "message", Type::Text, "What happened, for people."),
        field(4, "reason", Type::Text, "What happened, for programs."),
        field(5, "details", Type::Message(&DETAILS), "What it is about."),
        field(6, "code", Type::Number, "The HTTP status."),
    ],
};

static DETAILS: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails",
    about: "What a status is about.",
    fields: &[
        field(1, "name", Type::Text, "Name of the object."),
        field(2, "group", Type::Text, "API group of the resource."),
        field(3, "kind", Type::Text, "Kind of the object, or the resource."),
        field(4, "causes", Type::Messages(&CAUSE), "Each thing that is wrong."),
        field(5, "retryAfterSeconds", Type::Number, "Seconds after which another try makes sense."),
        field(6, "uid", Type::Text, "UID of the object."),
    ],
};

static CAUSE: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause",
    about: "One thing that is wrong.",
    fields: &[
        field(1, "reason", Type::Text, "What, for programs."),
        field(2, "message", Type::Text, "What, for people."),
        field(3, "field", Type::Text, "Path of the field it is about."),
    ],
};

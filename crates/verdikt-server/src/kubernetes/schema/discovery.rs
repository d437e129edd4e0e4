//! The documents of discovery, plain (meta/v1) and aggregated (apidiscovery.k8s.io).

use super::meta::{LIST_METADATA, METADATA};
use super::{Message, Type, field};

pub(super) static VERSIONS: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions",
    about: "Versions of the core group.",
    fields: &[
        field(1, "versions", Type::Texts, "Versions."),
        field(2, "serverAddressByClientCIDRs", Type::Messages(&ADDRESS), "Where clients find it."),
    ],
};

static ADDRESS: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR",
    about: "Where clients of a network find the server.",
    fields: &[
        field(1, "clientCIDR", Type::Text, "The network."),
        field(2, "serverAddress", Type::Text, "The server."),
    ],
};

pub(super) static GROUPS: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList",
    about: "All groups.",
    fields: &[field(1, "groups", Type::Messages(&GROUP), "The groups.")],
};

pub(super) static GROUP: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup",
    about: "A group.",
    fields: &[
        field(1, "name", Type::Text, "Its name."),
        field(2, "versions", Type::Messages(&VERSION), "Its versions."),
        field(3, "preferredVersion", Type::Message(&VERSION), "The version to use."),
        field(4, "serverAddressByClientCIDRs", Type::Messages(&ADDRESS), "Where clients find it."),
    ],
};

static VERSION: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery",
    about: "A version of a group.",
    fields: &[
        field(1, "groupVersion", Type::Text, "Group and version."),
        field(2, "version", Type::Text, "The version alone."),
    ],
};

pub(super) static RESOURCES: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList",
    about: "The resources of a version.",
    fields: &[
        field(1, "groupVersion", Type::Text, "Group and version."),
        field(2, "resources", Type::Messages(&RESOURCE), "The resources."),
    ],
};

static RESOURCE: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.APIResource",
    about: "A resource.",
    fields: &[
        field(1, "name", Type::Text, "Its name, in the plural."),
        field(6, "singularName", Type::Text, "Its name in the singular."),
        field(2, "namespaced", Type::Bool, "Whether its objects lie in namespaces."),
        field(3, "kind", Type::Text, "Kind of its objects."),
        field(4, "verbs", Type::Items, "What can be done to it."),
    ],
};

pub(super) static AGGREGATED: Message = Message {
    name: "io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList",
    about: "All groups with all that is in them.",
    fields: &[LIST_METADATA, field(2, "items", Type::Messages(&AGGREGATED_GROUP), "The groups.")],
};

static AGGREGATED_GROUP: Message = Message {
    name: "io.k8s.api.apidiscovery.v2.APIGroupDiscovery",
    about: "A group with all that is in it.",
    fields: &[METADATA, field(2, "versions", Type::Messages(&AGGREGATED_VERSION), "Its versions.")],
};

static AGGREGATED_VERSION: Message = Message {
    name: "io.k8s.api.apidiscovery.v2.APIVersionDiscovery",
    about: "A version with its resources.",
    fields: &[
        field(1, "version", Type::Text, "The version."),
        field(2, "resources", Type::Messages(&AGGREGATED_RESOURCE), "Its resources."),
        field(3, "freshness", Type::Text, "Current or Stale."),
    ],
};

static AGGREGATED_RESOURCE: Message = Message {
    name: "io.k8s.api.apidiscovery.v2.APIResourceDiscovery",
    about: "A resource.",
    fields: &[
        field(1, "resource", Type::Text, "Its name, in the plural."),
        field(2, "responseKind", Type::Message(&GROUP_VERSION_KIND), "Kind of its objects."),
        field(3, "scope", Type::Text, "Cluster or Namespaced."),
        field(4, "singularResource", Type::Text, "Its name in the singular."),
        field(5, "verbs", Type::Texts, "What can be done to it."),
    ],
};

static GROUP_VERSION_KIND: Message = Message {
    name: "io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionKind",
    about: "A kind.",
    fields: &[
        field(1, "group", Type::Text, "Its group."),
        field(2, "version", Type::Text, "Its version."),
        field(3, "kind", Type::Text, "Its name."),
    ],
};

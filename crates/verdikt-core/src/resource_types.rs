//! The resource types every cluster has, with the names people use for them.

/// A built-in type, as `kubectl api-resources` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// Name in plural, as policy has it.
    pub resource: &'static str,
    /// Name in singular.
    pub singular: &'static str,
    /// Short names, separated by spaces.
    pub short_names: &'static str,
    /// API group; empty for the core group.
    pub api_group: &'static str,
    /// Whether objects lie in namespaces.
    pub namespaced: bool,
}

/// The type that is called `name`: in plural, in singular, or by a short name. In `api_group` if that is
/// given, otherwise in the first group that has one (a server prefers them in the same order).
pub fn find(name: &str, api_group: Option<&str>) -> Option<&'static ResourceType> {
    ALL.iter().find(|known| {
        let is_called = known.resource == name
            || known.singular == name
            || known.short_names.split(' ').any(|short| !short.is_empty() && short == name);
        is_called && api_group.is_none_or(|group| group == known.api_group)
    })
}

const fn of(
    api_group: &'static str,
    namespaced: bool,
    resource: &'static str,
    singular: &'static str,
    short_names: &'static str,
) -> ResourceType {
    ResourceType { resource, singular, short_names, api_group, namespaced }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const NETWORK: &str = "networking.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const DEVICES: &str = "resource.k8s.io";
const STORAGE: &str = "storage.k8s.io";

/// Kubernetes v1.37's own types, in the order in which groups are preferred.
pub const ALL: &[ResourceType] = &[
    of("", true, "bindings", "binding", ""),
    of("", false, "componentstatuses", "componentstatus", "cs"),
    of("", true, "configmaps", "configmap", "cm"),
    of("", true, "endpoints", "endpoints", "ep"),
    of("", true, "events", "event", "ev"),
    of("", true, "limitranges", "limitrange", "limits"),
    of("", false, "namespaces", "namespace", "ns"),
    of("", false, "nodes", "node", "no"),
    of("", true, "persistentvolumeclaims", "persistentvolumeclaim", "pvc"),
    of("", false, "persistentvolumes", "persistentvolume", "pv"),
    of("", true, "pods", "pod", "po"),
    of("", true, "podtemplates", "podtemplate", ""),
    of("", true, "replicationcontrollers", "replicationcontroller", "rc"),
    of("", true, "resourcequotas", "resourcequota", "quota"),
    of("", true, "secrets", "secret", ""),
    of("", true, "serviceaccounts", "serviceaccount", "sa"),
    of("", true, "services", "service", "svc"),
    of(ADMISSION, false, "mutatingadmissionpolicies", "mutatingadmissionpolicy", ""),
    of(ADMISSION, false, "mutatingadmissionpolicybindings", "mutatingadmissionpolicybinding", ""),
    of(ADMISSION, false, "mutatingwebhookconfigurations", "mutatingwebhookconfiguration", ""),
    of(ADMISSION, false, "validatingadmissionpolicies", "validatingadmissionpolicy", ""),
    of(
        ADMISSION,
        false,
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicybinding",
        "",
    ),
    of(ADMISSION, false, "validatingwebhookconfigurations", "validatingwebhookconfiguration", ""),
    of(
        "apiextensions.k8s.io",
        false,
        "customresourcedefinitions",
        "customresourcedefinition",
        "crd crds",
    ),
    of("apiregistration.k8s.io", false, "apiservices", "apiservice", ""),
    of("apps", true, "controllerrevisions", "controllerrevision", ""),
    of("apps", true, "daemonsets", "daemonset", "ds"),
    of("apps", true, "deployments", "deployment", "deploy"),
    of("apps", true, "replicasets", "replicaset", "rs"),
    of("apps", true, "statefulsets", "statefulset", "sts"),
    of(AUTHENTICATION, false, "selfsubjectreviews", "selfsubjectreview", ""),
    of(AUTHENTICATION, false, "tokenreviews", "tokenreview", ""),
    of(AUTHORIZATION, true, "localsubjectaccessreviews", "localsubjectaccessreview", ""),
    of(AUTHORIZATION, false, "selfsubjectaccessreviews", "selfsubjectaccessreview", ""),
    of(AUTHORIZATION, false, "selfsubjectrulesreviews", "selfsubjectrulesreview", ""),
    of(AUTHORIZATION, false, "subjectaccessreviews", "subjectaccessreview", ""),
    of("autoscaling", true, "horizontalpodautoscalers", "horizontalpodautoscaler", "hpa"),
    of("batch", true, "cronjobs", "cronjob", "cj"),
    of("batch", true, "jobs", "job", ""),
    of(CERTIFICATES, false, "certificatesigningrequests", "certificatesigningrequest", "csr"),
    of(CERTIFICATES, false, "clustertrustbundles", "clustertrustbundle", ""),
    of(CERTIFICATES, true, "podcertificaterequests", "podcertificaterequest", ""),
    of("coordination.k8s.io", true, "leases", "lease", ""),
    of("discovery.k8s.io", true, "endpointslices", "endpointslice", ""),
    of("events.k8s.io", true, "events", "event", "ev"),
    of(FLOW, false, "flowschemas", "flowschema", ""),
    of(FLOW, false, "prioritylevelconfigurations", "prioritylevelconfiguration", ""),
    of(NETWORK, false, "ingressclasses", "ingressclass", ""),
    of(NETWORK, true, "ingresses", "ingress", "ing"),
    of(NETWORK, false, "ipaddresses", "ipaddress", "ip"),
    of(NETWORK, true, "networkpolicies", "networkpolicy", "netpol"),
    of(NETWORK, false, "servicecidrs", "servicecidr", ""),
    of("node.k8s.io", false, "runtimeclasses", "runtimeclass", ""),
    of("policy", true, "poddisruptionbudgets", "poddisruptionbudget", "pdb"),
    of(RBAC, false, "clusterrolebindings", "clusterrolebinding", ""),
    of(RBAC, false, "clusterroles", "clusterrole", ""),
    of(RBAC, true, "rolebindings", "rolebinding", ""),
    of(RBAC, true, "roles", "role", ""),
    of(DEVICES, false, "deviceclasses", "deviceclass", ""),
    of(DEVICES, true, "resourceclaims", "resourceclaim", ""),
    of(DEVICES, true, "resourceclaimtemplates", "resourceclaimtemplate", ""),
    of(DEVICES, false, "resourceslices", "resourceslice", ""),
    of("scheduling.k8s.io", false, "priorityclasses", "priorityclass", "pc"),
    of(STORAGE, false, "csidrivers", "csidriver", ""),
    of(STORAGE, false, "csinodes", "csinode", ""),
    of(STORAGE, true, "csistoragecapacities", "csistoragecapacity", ""),
    of(STORAGE, false, "storageclasses", "storageclass", "sc"),
    of(STORAGE, false, "volumeattachments", "volumeattachment", ""),
    of(STORAGE, false, "volumeattributesclasses", "volumeattributesclass", "vac"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_every_name_and_the_first_group_wins() {
        let found = |name, group| find(name, group).map(|known| (known.resource, known.api_group));
        for name in ["deployments", "deployment", "deploy"] {
            assert_eq!(found(name, None), Some(("deployments", "apps")), "{name}");
        }
        assert_eq!(found("ev", None), Some(("events", "")));
        assert_eq!(found("ev", Some("events.k8s.io")), Some(("events", "events.k8s.io")));
        assert_eq!(found("deployments", Some("extensions")), None);
        assert_eq!(found("", None), None);
    }

    #[test]
    fn no_name_means_two_types_of_a_group() {
        for known in ALL {
            let found = find(known.resource, Some(known.api_group));
            assert_eq!(found, Some(known));
            assert_eq!(find(known.singular, Some(known.api_group)), Some(known));
        }
    }
}

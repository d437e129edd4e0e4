//! Permissions that are worth more than they seem: who has them has, or soon gets, others.

use verdikt_parser::Severity::{self, Note, Warning};

use super::rule::{Rule, practice};

/// Whoever may use one of the verbs on one of the resources can do more than that.
pub(super) struct Power {
    pub(super) rule: Rule,
    /// How bad it is in a single namespace.
    pub(super) narrow: Severity,
    /// What they can do, in words that follow "can".
    pub(super) what: &'static str,
    /// A final `:` stands for all verbs that begin so.
    pub(super) verbs: &'static [&'static str],
    /// API groups and the resources in them. A final `/` stands for the resource and all below it.
    pub(super) on: &'static [(&'static str, &'static [&'static str])],
    /// What becomes of it if the rule names objects.
    pub(super) named: Named,
}

/// What `resourceNames` does to a power.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// It is gone: the verb has no name, or few objects do no harm.
    Gone,
    /// It is there for these objects, and worth a note.
    Less,
    /// Nothing.
    Same,
}

/// All of them, by what they lead to.
pub(super) const POWERS: &[Power] = &[
    Power {
        rule: Rule::new(
            "lint/escalate-roles",
            Warning,
            "the verb escalate lifts the check that nobody grants what they do not have",
            "leave `escalate` out: whoever has the permissions of a role may write it without",
        )
        .see(practice!("escalate-verb")),
        narrow: Warning,
        what: "give themselves any permission by writing it into a role",
        verbs: &["escalate"],
        on: &[("rbac.authorization.k8s.io", &["roles", "clusterroles"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/bind-roles",
            Warning,
            "the verb bind lifts the check that nobody binds a role whose permissions they do not have",
            "name the roles that may be bound under resourceNames",
        )
        .see(practice!("bind-verb")),
        narrow: Warning,
        what: "bind themselves to any role",
        verbs: &["bind"],
        on: &[("rbac.authorization.k8s.io", &["roles", "clusterroles"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/impersonate",
            Warning,
            "who acts as another has that one's permissions, those of system:masters included",
            "name the users, groups or service accounts under resourceNames, or use the constrained verbs",
        )
        .see(practice!("impersonate-verb")),
        narrow: Warning,
        what: "act as somebody else",
        verbs: &["impersonate", "impersonate:"],
        on: &[
            ("", &["users", "groups", "serviceaccounts"]),
            (
                "authentication.k8s.io",
                &["users", "groups", "serviceaccounts", "uids", "userextras/", "nodes"],
            ),
        ],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/create-tokens",
            Warning,
            "a token of a service account has all of its permissions, and stays good after the right to make \
             it is taken away",
            "name the service accounts under resourceNames",
        )
        .see(practice!("token-request")),
        narrow: Warning,
        what: "get tokens of service accounts",
        verbs: &["create"],
        on: &[("", &["serviceaccounts/token"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/create-workloads",
            Warning,
            "a pod runs as any service account of its namespace, and mounts any secret and volume there",
            "keep it to namespaces that hold nothing else of worth, and enforce a Pod Security Standard there",
        )
        .see(practice!("workload-creation")),
        narrow: Note,
        what: "run pods as any service account of the namespace",
        verbs: &["create", "update", "patch"],
        on: &[
            ("apps", &["deployments", "daemonsets", "statefulsets", "replicasets"]),
            ("batch", &["jobs", "cronjobs"]),
            ("", &["replicationcontrollers"]),
        ],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/create-pods",
            Warning,
            "a pod runs as any service account of its namespace, and mounts any secret and volume there",
            "keep it to namespaces that hold nothing else of worth, and enforce a Pod Security Standard there",
        )
        .see(practice!("workload-creation")),
        narrow: Note,
        what: "run pods as any service account of the namespace",
        verbs: &["create"],
        on: &[("", &["pods"])],
        named: Named::Gone,
    },
    Power {
        rule: Rule::new(
            "lint/read-secrets",
            Warning,
            "secrets hold credentials; list and watch show their contents as get does",
            "grant `get` alone, with the names of the secrets under resourceNames",
        )
        .see(practice!("listing-secrets")),
        narrow: Note,
        what: "read secrets",
        verbs: &["get", "list", "watch"],
        on: &[("", &["secrets"])],
        named: Named::Gone,
    },
    Power {
        rule: Rule::new(
            "lint/write-secrets",
            Note,
            "a secret made for a service account is filled with a token of it, and others trust what secrets \
             hold",
            "name the secrets under resourceNames, and leave `create` out",
        )
        .see(practice!("listing-secrets")),
        narrow: Note,
        what: "write secrets",
        verbs: &["create", "update", "patch"],
        on: &[("", &["secrets"])],
        named: Named::Gone,
    },
    Power {
        rule: Rule::new(
            "lint/node-proxy",
            Warning,
            "through the kubelet's own API, commands run in every pod of a node, unaudited; `get` is enough, \
             as exec over a web socket is a GET",
            "grant the finer nodes/metrics, nodes/stats, nodes/log or nodes/healthz",
        )
        .see(practice!("access-to-proxy-subresource-of-nodes")),
        narrow: Warning,
        what: "run commands in any pod of a node",
        verbs: &["get", "create", "update", "patch", "delete"],
        on: &[("", &["nodes/proxy"])],
        named: Named::Same,
    },
    Power {
        rule: Rule::new(
            "lint/exec-in-pods",
            Warning,
            "a command in a pod has its service account, its secrets and its network; `get` is enough, as \
             exec over a web socket is a GET",
            "grant it in the namespaces where it is needed, for a time",
        ),
        narrow: Note,
        what: "run commands in pods",
        verbs: &["create", "get"],
        on: &[("", &["pods/exec", "pods/attach"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/debug-pods",
            Warning,
            "a container added to a pod sees its processes, and what they have mounted",
            "grant it in the namespaces where it is needed, for a time",
        ),
        narrow: Note,
        what: "put containers of their own into running pods",
        verbs: &["update", "patch"],
        on: &[("", &["pods/ephemeralcontainers"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/reach-pods",
            Note,
            "connections through the API server pass by network policies, and reach ports that nothing \
             exposes",
            "grant it in the namespaces where it is needed",
        ),
        narrow: Note,
        what: "connect to pods and services past network policies",
        verbs: &["get", "create", "update", "patch", "delete"],
        on: &[("", &["pods/portforward", "pods/proxy", "services/proxy"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/approve-certificates",
            Warning,
            "an approved request becomes a certificate for whatever name is in it, system:masters aside",
            "name the signers under resourceNames, and leave the client signers of kube-apiserver out",
        )
        .see(practice!("csrs-and-certificate-issuing")),
        narrow: Warning,
        what: "have client certificates of other users issued",
        verbs: &["update", "patch", "approve"],
        on: &[
            ("certificates.k8s.io", &["certificatesigningrequests/approval", "signers"]),
        ],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/sign-certificates",
            Warning,
            "who fills in certificates says who their holders are, to all that trust the signer",
            "name the signers under resourceNames",
        )
        .see(practice!("csrs-and-certificate-issuing")),
        narrow: Warning,
        what: "issue certificates of signers",
        verbs: &["update", "patch", "sign", "attest"],
        on: &[(
            "certificates.k8s.io",
            &["certificatesigningrequests/status", "podcertificaterequests/status", "signers"],
        )],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/write-admission",
            Warning,
            "what decides on admission reads every object that is written, secrets too, and may change it",
            "leave it to those who run the cluster; name what is owned under resourceNames",
        )
        .see(practice!("control-admission-webhooks")),
        narrow: Warning,
        what: "read what others write, and refuse or change it",
        verbs: &["create", "update", "patch"],
        on: &[(
            "admissionregistration.k8s.io",
            &[
                "mutatingwebhookconfigurations",
                "validatingwebhookconfigurations",
                "mutatingadmissionpolicies",
                "mutatingadmissionpolicybindings",
            ],
        )],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/write-api-services",
            Warning,
            "requests of a group that is served elsewhere go there, whoever makes them and whatever they hold",
            "leave it to those who run the cluster; name what is owned under resourceNames",
        ),
        narrow: Warning,
        what: "have requests of others sent to a server of their own",
        verbs: &["create", "update", "patch"],
        on: &[("apiregistration.k8s.io", &["apiservices"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/create-volumes",
            Warning,
            "a PersistentVolume can be a folder of a node (hostPath), the root of its file system included",
            "leave volumes to a provisioner, and grant persistentvolumeclaims",
        )
        .see(practice!("persistent-volume-creation")),
        narrow: Warning,
        what: "reach the files of nodes",
        verbs: &["create"],
        on: &[("", &["persistentvolumes"])],
        named: Named::Gone,
    },
    Power {
        rule: Rule::new(
            "lint/write-namespaces",
            Note,
            "labels of a namespace say which Pod Security Standard and which network policies hold in it",
            "name the namespaces under resourceNames",
        )
        .see(practice!("namespace-modification")),
        narrow: Note,
        what: "change what is enforced in namespaces",
        verbs: &["update", "patch"],
        on: &[("", &["namespaces"])],
        named: Named::Less,
    },
    Power {
        rule: Rule::new(
            "lint/write-nodes",
            Note,
            "labels and taints of nodes say which pods run where, beside which secrets",
            "leave it to those who run the cluster",
        ),
        narrow: Note,
        what: "draw pods to nodes",
        verbs: &["update", "patch"],
        on: &[("", &["nodes", "nodes/status"])],
        named: Named::Less,
    },
];

//! Decides for a node: most resources have a check of their own, all others the static rules.
//!
//! Follows `plugin/pkg/auth/authorizer/node/node_authorizer.go`, check by check and in its order, at the
//! default feature gates (CSIVolumeHealth off, all others on). Allocates nothing and takes no lock.

use verdikt_core::{Attributes, User, field_selector::Operator, groups};

use super::index::Index;
use super::reason::Refusal;
use super::record::Kind;
use super::static_rules;
use crate::Rules;

/// Why a request is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ground {
    /// Something bound to the node leads to the object, or the object is bound to it itself.
    Reached,
    /// The object has the node's name.
    OwnName,
    /// The selector leaves nothing but what is the node's own.
    OwnSelector,
    /// Every node may ask for it; what it may write is for admission to say (NodeRestriction).
    Everyone,
    /// A static rule.
    Rule,
}

impl Index {
    /// Whether the request is allowed, and why. Never a denial: what is refused may be allowed by another
    /// authorizer.
    ///
    /// # Errors
    /// Why there is no opinion.
    #[inline]
    pub fn lookup(&self, request: &Attributes<'_>) -> Result<Ground, Refusal> {
        let Some(node) = request.user.and_then(|user| node_name(user.user())) else {
            return Err(Refusal::NotANode);
        };
        if node.is_empty() {
            return Err(Refusal::NamelessNode);
        }
        let check = Check { index: self, node, request };
        let answer = match (request.resource_request, request.api_group) {
            (true, "") => check.core(),
            (true, group) => check.group(group),
            _ => None,
        };
        answer.unwrap_or_else(|| {
            if static_rules::permit(request) { Ok(Ground::Rule) } else { Err(Refusal::Unsaid) }
        })
    }

    /// The rules of a node cannot be listed, and it says so; those of anyone else are none.
    pub fn rules_for(&self, user: &User, rules: &mut Rules) {
        if node_name(user).is_some() {
            rules.incomplete = true;
            rules.errors.push("node authorizer does not support user rule resolution".to_owned());
        }
    }
}

/// The name of the node that a user is, which may be empty; none if it is no node
/// (`pkg/auth/nodeidentifier`).
#[inline]
pub(super) fn node_name(user: &User) -> Option<&str> {
    let name = user.name.strip_prefix("system:node:")?;
    user.is_in(groups::NODES).then_some(name)
}

type Answer = Result<Ground, Refusal>;

#[derive(Clone, Copy)]
struct Check<'a> {
    index: &'a Index,
    node: &'a str,
    request: &'a Attributes<'a>,
}

impl Check<'_> {
    /// The answer about a resource of the core group, if it has a check of its own.
    #[inline]
    fn core(self) -> Option<Answer> {
        Some(match self.request.resource {
            "secrets" => self.read(Kind::Secret),
            "configmaps" => self.read(Kind::ConfigMap),
            "pods" => self.pods(),
            "nodes" => self.nodes(),
            "serviceaccounts" => self.service_accounts(),
            "persistentvolumeclaims" => self.claims(),
            "persistentvolumes" => self.get(Kind::Volume),
            _ => return None,
        })
    }

    /// The same about any other group.
    fn group(self, group: &str) -> Option<Answer> {
        Some(match (group, self.request.resource) {
            ("coordination.k8s.io", "leases") => self.leases(),
            ("storage.k8s.io", "volumeattachments") => self.get(Kind::VolumeAttachment),
            ("storage.k8s.io", "csinodes") => self.csi_nodes(),
            ("resource.k8s.io", "resourceclaims") => self.get(Kind::ResourceClaim),
            ("resource.k8s.io", "resourceslices") => self.resource_slices(),
            ("certificates.k8s.io", "podcertificaterequests") => self.certificate_requests(),
            _ => return None,
        })
    }

    /// Whether something leads from the object to the node.
    #[inline]
    fn reached(self, kind: Kind) -> Answer {
        let Attributes { namespace, name, .. } = *self.request;
        if name.is_empty() {
            return said("No Object name found");
        }
        match self.index.ways(self.node, kind, namespace, name) {
            0 => Err(Refusal::NoRelationship),
            _ => Ok(Ground::Reached),
        }
    }

    /// Reads of one namespaced object; a list or watch of one has its name from a field selector.
    #[inline]
    fn read(self, kind: Kind) -> Answer {
        if !self.request.is_read_only() {
            return said("can only read resources of this type");
        }
        if !self.request.subresource.is_empty() {
            return said("cannot read subresource");
        }
        if self.request.namespace.is_empty() {
            return said("can only read namespaced object of this type");
        }
        self.reached(kind)
    }

    #[inline]
    fn get(self, kind: Kind) -> Answer {
        if self.request.verb != "get" {
            return said("can only get individual resources of this type");
        }
        if !self.request.subresource.is_empty() {
            return said("cannot get subresource");
        }
        self.reached(kind)
    }

    fn claims(self) -> Answer {
        if self.request.subresource != "status" {
            return self.get(Kind::Claim);
        }
        match self.request.verb {
            "update" | "patch" => self.reached(Kind::Claim),
            // The words promise more than is done, as upstream.
            _ => said("can only get/update/patch this type"),
        }
    }

    fn service_accounts(self) -> Answer {
        let Attributes { verb, subresource, name, .. } = *self.request;
        if verb == "get" && subresource.is_empty() {
            return self.read(Kind::ServiceAccount);
        }
        if verb != "create" || name.is_empty() {
            return said("can only create tokens for individual service accounts");
        }
        if subresource != "token" {
            return said("can only create token subresource of serviceaccount");
        }
        self.reached(Kind::ServiceAccount)
    }

    fn leases(self) -> Answer {
        let Attributes { verb, namespace, .. } = *self.request;
        if !matches!(verb, "get" | "create" | "update" | "patch" | "delete") {
            return said("can only get, create, update, patch, or delete a node lease");
        }
        if namespace != "kube-node-lease" {
            return said(r#"can only access leases in the "kube-node-lease" system namespace"#);
        }
        self.own("can only access node lease with the same name as the requesting node")
    }

    fn csi_nodes(self) -> Answer {
        match self.request.subresource {
            "" => {}
            "status" => return said("CSINode status access requires CSIVolumeHealth feature"),
            _ => return said("cannot authorize CSINode subresources"),
        }
        if !matches!(self.request.verb, "get" | "create" | "update" | "patch" | "delete") {
            return said("can only get, create, update, patch, or delete a CSINode");
        }
        self.own("can only access CSINode with the same name as the requesting node")
    }

    /// The object of the node's own name, or any to be created: its name is not known then.
    fn own(self, otherwise: &'static str) -> Answer {
        if self.request.verb == "create" {
            return Ok(Ground::Everyone);
        }
        if self.request.name == self.node { Ok(Ground::OwnName) } else { said(otherwise) }
    }

    fn resource_slices(self) -> Answer {
        if !self.request.subresource.is_empty() {
            return said("cannot authorize ResourceSlice subresources");
        }
        match self.request.verb {
            "create" => Ok(Ground::Everyone),
            "get" | "update" | "patch" | "delete" => self.reached(Kind::ResourceSlice),
            "watch" | "list" | "deletecollection" => self.selected().ok_or(Refusal::Said(
                "can only list/watch/deletecollection resourceslices with nodeName field selector",
            )),
            _ => said(
                "only the following verbs are allowed for a ResourceSlice: \
                 get, watch, list, create, update, patch, delete, deletecollection",
            ),
        }
    }

    fn certificate_requests(self) -> Answer {
        if !self.request.subresource.is_empty() {
            return said("nodes may not access the status subresource of PodCertificateRequests");
        }
        match self.request.verb {
            "create" => Ok(Ground::Everyone),
            "get" => self.reached(Kind::PodCertificateRequest),
            "list" | "watch" => self.selected().ok_or(Refusal::Said(
                "can only list/watch podcertificaterequests with nodeName field selector",
            )),
            _ => Err(Refusal::CertificateRequestVerb),
        }
    }

    fn nodes(self) -> Answer {
        match (self.request.subresource, self.request.verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => {
                Ok(Ground::Everyone)
            }
            ("", "get" | "list" | "watch") => match self.request.name {
                name if name == self.node => Ok(Ground::OwnName),
                "" => Err(Refusal::AllNodes),
                _ => Err(Refusal::OtherNode),
            },
            _ => Err(Refusal::Unsaid),
        }
    }

    fn pods(self) -> Answer {
        match (self.request.subresource, self.request.verb) {
            ("", "get") => self.reached(Kind::Pod),
            ("", "list" | "watch") => match self.selected() {
                Some(ground) => Ok(ground),
                None if !self.request.name.is_empty() => self.reached(Kind::Pod),
                None => said("can only list/watch pods with spec.nodeName field selector"),
            },
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => {
                Ok(Ground::Everyone)
            }
            _ => Err(Refusal::Unsaid),
        }
    }

    /// Whether the field selector asks for nothing but what is bound to this node. One that does not
    /// parse asks for nothing.
    fn selected(self) -> Option<Ground> {
        let fields = self.request.selectors?.fields.as_ref().ok()?;
        let is_own = fields.iter().any(|requirement| {
            requirement.operator == Operator::Equals
                && requirement.field == "spec.nodeName"
                && requirement.value == self.node
        });
        is_own.then_some(Ground::OwnSelector)
    }
}

#[inline]
fn said(text: &'static str) -> Answer {
    Err(Refusal::Said(text))
}

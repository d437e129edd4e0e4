//! Objects that come, change and go while the engine serves, one by one.
//!
//! Files are read as a whole and events are told singly; both are kept, and what serves follows from
//! both. Of an object that both bring, the last event counts, and a reload does not undo it. An object of
//! the files that an event deletes is gone until a reload finds changed files that still have it.
//! Such are objects of RBAC and those that are bound to nodes.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use verdikt_compiler::{node, rbac};
use verdikt_core::metrics::{Family, Metrics};
use verdikt_core::{HashKey, Revision};
use verdikt_parser::node::NodeObject;
use verdikt_parser::{Diagnostic, PolicySet};

use crate::engine::Engine;
use crate::reload::Sources;
use crate::snapshot::Snapshot;
use crate::{NodeEvent, RbacEvent};

impl Engine {
    /// Takes note of one event and makes its outcome serve at once; tells which state does. Costs in
    /// proportion to the one object, but for a role whose rules changed: what all roles permit is worked out
    /// anew then. If nothing is different for anybody, the state stays.
    ///
    /// Without [`crate::Mode::Node`] or [`crate::Mode::Rbac`] nothing looks at their objects, and nothing is
    /// kept. Waits while [`Engine::reload`] reads files, and not while it waits for an issuer.
    ///
    /// ```
    /// use verdikt::{Attributes, Engine, Mode, NodeEvent, User};
    /// use verdikt::parser::node::Pod;
    ///
    /// let engine = Engine::builder().authorization_modes([Mode::Node]).build()?;
    /// let kubelet = User::new("system:node:n1", ["system:nodes"]);
    /// let request = Attributes {
    ///     namespace: "web",
    ///     name: "tls",
    ///     ..Attributes::resource(&kubelet, "get", "secrets")
    /// };
    /// assert_eq!(
    ///     engine.authorize(&request).reason_text(),
    ///     "node: no relationship found between node 'n1' and this object"
    /// );
    ///
    /// engine.apply(NodeEvent::Added(
    ///     Pod {
    ///         namespace: "web".into(),
    ///         name: "front".into(),
    ///         node_name: "n1".into(),
    ///         secrets: vec!["tls".into()],
    ///         ..Pod::default()
    ///     }
    ///     .into(),
    /// ));
    /// assert!(engine.authorize(&request).is_allowed());
    /// # Ok::<(), verdikt::LoadError>(())
    /// ```
    ///
    /// Roles and bindings likewise:
    ///
    /// ```
    /// use verdikt::parser::rbac::{Binding, RoleRef, Subject};
    /// use verdikt::{Attributes, Engine, RbacEvent, RbacObject, User};
    ///
    /// let engine = Engine::builder()
    ///     .manifest("role.yaml", "
    /// kind: ClusterRole
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// metadata: {name: reader}
    /// rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
    /// ")
    ///     .build()?;
    /// let jane = User::new("jane", ["dev"]);
    /// let request = Attributes { namespace: "web", ..Attributes::resource(&jane, "get", "pods") };
    /// assert!(!engine.authorize(&request).is_allowed());
    ///
    /// let binding = Binding {
    ///     namespace: "web".into(),
    ///     name: "readers".into(),
    ///     subjects: vec![Subject { kind: "User".into(), name: "jane".into(), ..Subject::default() }],
    ///     role_ref: RoleRef {
    ///         kind: "ClusterRole".into(),
    ///         name: "reader".into(),
    ///         ..RoleRef::default()
    ///     },
    ///     ..Binding::default()
    /// };
    /// engine.apply(RbacEvent::Put(RbacObject::RoleBinding(binding.clone())));
    /// assert!(engine.authorize(&request).is_allowed());
    ///
    /// engine.apply(RbacEvent::Deleted(RbacObject::RoleBinding(binding)));
    /// assert!(!engine.authorize(&request).is_allowed());
    /// # Ok::<(), verdikt::LoadError>(())
    /// ```
    pub fn apply(&self, event: impl Into<Event>) -> Revision {
        self.apply_all([event])
    }

    /// Takes note of several events in their order; all of them begin to serve together.
    pub fn apply_all<E: Into<Event>>(&self, events: impl IntoIterator<Item = E>) -> Revision {
        // Whoever makes the events may ask the engine something meanwhile.
        let events: Vec<Event> = events.into_iter().map(Into::into).collect();
        let mut sources = self.0.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.snapshot();
        let (mut nodes, mut rbac) = (false, false);
        for event in &events {
            match (event, &mut *sources) {
                (Event::Node(event), Sources { nodes: Some(graph), .. }) => {
                    nodes |= apply(graph, event, &self.0.metrics);
                }
                (Event::Rbac(event), Sources { rbac: Some(compiler), .. }) => {
                    let (is_different, found) = compiler.apply(event);
                    found.iter().for_each(|found| tracing::warn!("{found}"));
                    rbac |= is_different;
                }
                _ => {}
            }
        }
        if !nodes && !rbac {
            return current.revision;
        }
        let graph = sources.nodes.as_ref().filter(|_| nodes);
        let compiler = sources.rbac.as_ref().filter(|_| rbac);
        let changed = Changed {
            nodes: graph.map(|graph| Arc::new(graph.index())),
            rbac: compiler.map(|compiler| Arc::new(compiler.table().clone())),
        };
        let revision = Revision(current.revision.0 + 1);
        self.0.current.store(Arc::new(current.with(&changed, revision)));
        self.0.changes.send_replace(());
        revision
    }
}

/// Something that happened to an object of the policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// To one that is bound to a node.
    Node(NodeEvent),
    /// To a role or a binding.
    Rbac(RbacEvent),
}

impl From<NodeEvent> for Event {
    fn from(event: NodeEvent) -> Self {
        Self::Node(event)
    }
}

impl From<RbacEvent> for Event {
    fn from(event: RbacEvent) -> Self {
        Self::Rbac(event)
    }
}

/// Tables that events made different.
pub(crate) struct Changed {
    pub(crate) nodes: Option<Arc<node::Index>>,
    pub(crate) rbac: Option<Arc<rbac::Table>>,
}

/// Takes note of an event, and of how long that took if it was one that is looked at.
fn apply(nodes: &mut node::Graph, event: &NodeEvent, metrics: &Metrics) -> bool {
    let start = Instant::now();
    let changes = nodes.apply(event);
    if changes || !matches!(event, NodeEvent::Updated(_)) {
        let labels = [("operation", operation(event))];
        metrics.histogram(&GRAPH_ACTIONS, &labels).observe(start.elapsed());
    }
    changes
}

/// What upstream calls it.
fn operation(event: &NodeEvent) -> &'static str {
    let (NodeEvent::Added(object) | NodeEvent::Updated(object) | NodeEvent::Deleted(object)) =
        event;
    let is_gone = matches!(event, NodeEvent::Deleted(_));
    match (object, is_gone) {
        (NodeObject::Pod(_), false) => "AddPod",
        (NodeObject::Pod(_), true) => "DeletePod",
        (NodeObject::PersistentVolume(_), false) => "AddPV",
        (NodeObject::PersistentVolume(_), true) => "DeletePV",
        (NodeObject::VolumeAttachment(_), false) => "AddVolumeAttachment",
        (NodeObject::VolumeAttachment(_), true) => "DeleteVolumeAttachment",
        (NodeObject::ResourceSlice(_), false) => "AddResourceSlice",
        (NodeObject::ResourceSlice(_), true) => "DeleteResourceSlice",
        (NodeObject::PodCertificateRequest(_), false) => "AddPodCertificateRequest",
        (NodeObject::PodCertificateRequest(_), true) => "DeletePodCertificateRequest",
        _ => "Other",
    }
}

/// Follows `plugin/pkg/auth/authorizer/node/metrics.go`; what files bring is not timed.
const GRAPH_ACTIONS: Family = Family::histogram(
    "node_authorizer_graph_actions_duration_seconds",
    "[ALPHA] Histogram of duration of graph actions in node authorizer.",
    &[
        0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.0512, 0.1024,
        0.2048,
    ],
);

impl Sources {
    /// What compiles RBAC, now that the files say this; to be kept if nothing is refused.
    pub(crate) fn read_rbac(
        &self,
        policy: &PolicySet,
        key: &HashKey,
    ) -> (rbac::Compiler, Vec<Diagnostic>) {
        match self.rbac.clone() {
            Some(mut compiler) => {
                let found = compiler.update(policy);
                (compiler, found)
            }
            None => rbac::Compiler::new(policy, key),
        }
    }

    /// What nodes reach, now that the files say this.
    pub(crate) fn read_nodes(&mut self, policy: &PolicySet, key: &HashKey) -> node::Index {
        match &mut self.nodes {
            Some(nodes) => {
                nodes.replace_files(policy);
                nodes.index()
            }
            nodes => nodes.insert(node::Graph::of_files(policy, key)).index(),
        }
    }
}

impl Snapshot {
    fn with(&self, changed: &Changed, revision: Revision) -> Self {
        Self {
            revision,
            authenticators: Arc::clone(&self.authenticators),
            authorizers: self.authorizers.with(changed),
            authentication: self.authentication.clone(),
            authorization: Arc::clone(&self.authorization),
            token_webhook: self.token_webhook.clone(),
            impersonation: self.impersonation,
            metrics: self.metrics.clone(),
            audit_policy: self.audit_policy.clone(),
            loaded: Arc::clone(&self.loaded),
            digests: self.digests.clone(),
            discovery: self.discovery.clone(),
        }
    }
}

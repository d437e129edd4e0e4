//! Why something was decided: ids into the snapshot that decided, not text.

/// The cause of a decision, small enough to copy; text in Kubernetes' words is made from it, the
/// attributes and the snapshot only when someone asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No authorizer had an opinion. The text joins what each of them has to say.
    NoOpinion,
    /// A member of `system:masters`, allowed before any authorizer is asked.
    PrivilegedGroup,
    /// A webhook, which has words of its own.
    Webhook,
    /// Authorization mode AlwaysAllow.
    AlwaysAllow,
    /// An RBAC binding: its id in the RBAC table.
    RbacBinding(u32),
    /// An ABAC policy: its index in the ABAC table.
    AbacPolicy(u32),
    /// The Node authorizer, which has no words for it.
    Node,
}

//! Who is this, and may they do it? The embedded engine, deciding exactly as Kubernetes would.
//!
//! Build an [`Engine`] from manifests, policy lines and token files; then ask. [`Engine::decide`] is
//! the request line (credentials to decision), [`Engine::reload`] the policy line (files to tables);
//! they meet in a [`Snapshot`], which is swapped atomically. Nothing here needs an async runtime.

pub mod audit;
mod authorization;
mod authorizer;
mod builder;
mod certificates;
mod changes;
mod decision;
mod engine;
mod events;
mod explanation;
mod impersonation;
mod kubeconfigs;
pub mod metrics;
mod mode;
mod objects;
mod oidc;
mod recognition;
mod reload;
mod remote;
mod service_accounts;
mod snapshot;
pub mod source;
mod status;
mod summary;
mod token_webhook;
mod tracing_configuration;
mod validation;
mod who_can;

pub use authorizer::config::validate as validate_authorization_config;
pub use authorizer::match_conditions::{
    InvalidCondition, MatchConditions, NonResourceAttributes, ResourceAttributes, ReviewSpec,
    Selector, SelectorRequirement,
};
pub use builder::Builder;
pub use changes::Changes;
pub use decision::{Decision, Unauthenticated};
pub use engine::Engine;
pub use events::Event;
pub use explanation::{Answer, EffectName, Explanation, Miss, Path};
pub use mode::{Mode, UnknownMode};
pub use objects::Objects;
pub use recognition::FileFormat;
pub use reload::{LoadError, Reload};
pub use remote::{Trust, root_certificates};
pub use service_accounts::ServiceAccountOptions;
pub use snapshot::Snapshot;
pub use source::WatchOptions;
pub use status::{Attempt, Counts, Loaded, Status};
pub use summary::{Summary, UserSummary};
pub use tracing_configuration::read_tracing_configuration;
pub use validation::Validation;
pub use who_can::{Grant, Holder, WhoCan};

pub use verdikt_authn as authn;
pub use verdikt_authn::impersonation::{Impersonated, Refusal, is_impersonation_header};
pub use verdikt_authn::oidc::Flags as OidcFlags;
pub use verdikt_authn::{Authenticated, Outcome};
pub use verdikt_compiler::lint;
pub use verdikt_compiler::node::Event as NodeEvent;
pub use verdikt_compiler::rbac::{Event as RbacEvent, Object as RbacObject};
pub use verdikt_compiler::who_can::{Asked, Kind as SubjectKind, Scope, Subject};
pub use verdikt_compiler::{NonResourceRule, ResourceRule, Rules};
pub use verdikt_core::{
    Attributes, Credentials, Effect, GoQuoted, HashKey, Headers, Identity, IdentityBuffer,
    NumberedUsers, Peer, Reason, RequestInfo, RequestInfoError, Requester, Revision, Secret,
    Selectors, User, field_selector, groups, label_selector, names, path_escaped, path_unescaped,
    request_line, resource_types, users,
};
pub use verdikt_parser as parser;
pub use verdikt_parser::{Diagnostic, Label, Limits, Place, PolicySet, Severity};

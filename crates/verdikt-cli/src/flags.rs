//! The flags that say where policy comes from, under kube-apiserver's names where it has them.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};
use verdikt::{Builder, Engine, Limits, Mode};

use crate::authorization_flags::AuthorizationFlags;
use crate::certificate_flags::CertificateFlags;
use crate::failure::Failure;
use crate::gates::Gate;
use crate::oidc_flags::IssuerFlags;
use crate::report;
use crate::token_flags::TokenFlags;

/// Sources of policy, alike for every command that reads any.
#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyFlags {
    /// Folder of Kubernetes manifests, a single one, or `-` for standard input; repeatable
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) policy_dir: Vec<PathBuf>,
    /// Authorizers, in the order in which they are asked: Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny
    /// [default: RBAC, with ABAC before it if there is a policy file for it]
    #[arg(long, value_name = "MODES", value_delimiter = ',')]
    pub(crate) authorization_mode: Vec<Mode>,
    /// ABAC policy, one JSON object a line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) authorization_policy_file: Option<PathBuf>,
    /// Static tokens, as CSV: token,user,uid[,"group1,group2"]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_auth_file: Option<PathBuf>,
    /// Users with passwords, as CSV: password,user,uid[,"group1,group2"]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) basic_auth_file: Option<PathBuf>,
    /// Whether requests without credentials are system:anonymous, in system:unauthenticated; not
    /// beside an --authentication-config that says so [default: true]
    #[arg(long, value_name = "BOOL", default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    pub(crate) anonymous_auth: Option<bool>,
    /// Which requests are recorded, and how much of each: an audit.k8s.io/v1 Policy
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) audit_policy_file: Option<PathBuf>,
    /// Gates to open or close, as NAME=BOOL: ConstrainedImpersonation (on)
    #[arg(long, value_name = "GATES", value_delimiter = ',')]
    pub(crate) feature_gates: Vec<Gate>,
    /// File with any of these flags, by name without dashes, as YAML; the command line comes first
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) authorization: AuthorizationFlags,
    #[command(flatten)]
    pub(crate) issuers: IssuerFlags,
    #[command(flatten)]
    pub(crate) certificates: CertificateFlags,
    #[command(flatten)]
    pub(crate) tokens: TokenFlags,
    #[command(flatten)]
    pub(crate) bounds: BoundFlags,
}

/// Bounds on what is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Bounds")]
pub(crate) struct BoundFlags {
    /// Bytes of one file
    #[arg(long, value_name = "N", default_value_t = Limits::default().file_bytes)]
    limit_file_bytes: usize,
    /// Bytes of all files together
    #[arg(long, value_name = "N", default_value_t = Limits::default().total_bytes)]
    limit_total_bytes: u64,
    /// Levels to which lists and maps may nest
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth)]
    limit_depth: usize,
    /// Nodes to which the aliases of a YAML file may expand
    #[arg(long, value_name = "N", default_value_t = Limits::default().alias_nodes)]
    limit_alias_nodes: usize,
    /// Objects of one file
    #[arg(long, value_name = "N", default_value_t = Limits::default().objects)]
    limit_objects: usize,
    /// Entries of all folders together
    #[arg(long, value_name = "N", default_value_t = Limits::default().folder_entries)]
    limit_folder_entries: usize,
    /// Levels to which folders may nest
    #[arg(long, value_name = "N", default_value_t = Limits::default().folder_depth)]
    limit_folder_depth: usize,
    /// Findings that are kept
    #[arg(long, value_name = "N", default_value_t = Limits::default().diagnostics)]
    limit_diagnostics: usize,
}

impl PolicyFlags {
    /// An engine's options.
    pub(crate) fn builder(&self) -> Builder {
        self.builder_at(None)
    }

    /// An engine's options, for one that others reach at this address.
    pub(crate) fn builder_at(&self, address: Option<String>) -> Builder {
        let mut builder = self.issuers.apply(Engine::builder().limits(self.bounds.limits()));
        if let Some(anonymous) = self.anonymous_auth {
            builder = builder.anonymous_auth(anonymous);
        }
        for path in &self.policy_dir {
            builder = builder.policy_dir(path);
        }
        if !self.authorization_mode.is_empty() {
            builder = builder.authorization_modes(self.authorization_mode.iter().copied());
        }
        if let Some(file) = &self.authorization_policy_file {
            builder = builder.authorization_policy_file(file);
        }
        if let Some(file) = &self.token_auth_file {
            builder = builder.token_auth_file(file);
        }
        if let Some(file) = &self.basic_auth_file {
            builder = builder.basic_auth_file(file);
        }
        if let Some(file) = &self.audit_policy_file {
            builder = builder.audit_policy_file(file);
        }
        for gate in &self.feature_gates {
            builder = gate.apply(builder);
        }
        let builder = self.authorization.add_to(builder);
        self.tokens.add_to(self.certificates.add_to(builder), address)
    }

    /// An engine to ask; what was found that is no error goes to standard error.
    pub(crate) fn load(&self) -> Result<Engine, Failure> {
        if self.names_nothing() {
            return Err(Failure::message("no policy was named; try --policy-dir DIR"));
        }
        let engine = self.builder().build()?;
        report::lines_to_stderr(&engine.status().loaded.warnings)?;
        Ok(engine)
    }

    /// Whether there is nothing to be read, and no mode that needs nothing.
    pub(crate) fn names_nothing(&self) -> bool {
        self.policy_dir.is_empty()
            && self.authorization_policy_file.is_none()
            && self.authorization_mode.is_empty()
            && self.authorization.authorization_config.is_none()
    }
}

impl BoundFlags {
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.file_bytes = self.limit_file_bytes;
        limits.total_bytes = self.limit_total_bytes;
        limits.depth = self.limit_depth;
        limits.alias_nodes = self.limit_alias_nodes;
        limits.objects = self.limit_objects;
        limits.folder_entries = self.limit_folder_entries;
        limits.folder_depth = self.limit_folder_depth;
        limits.diagnostics = self.limit_diagnostics;
        limits
    }
}

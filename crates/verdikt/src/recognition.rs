//! Which kind of file a file is, by what it holds, and what is wrong with it as such.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use verdikt_authn::oidc::config;
use verdikt_authn::x509::{Now, read_revocations};
use verdikt_parser::document::{self, Node, Value};
use verdikt_parser::{
    Diagnostic, Limits, Source, authentication_config, kubeconfig, tracing_configuration,
};

use crate::authorization::NO_POLICY_FILE;
use crate::service_accounts::read_keys;
use crate::source::{FileKind, Text, read_file};
use crate::{Builder, Engine, Mode, Validation};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FileFormat {
    /// Kubernetes objects; whatever is nothing else.
    Manifests,
    /// Issuers of tokens, and who is anonymous.
    AuthenticationConfiguration,
    /// Authorizers, and how webhooks are asked.
    AuthorizationConfiguration,
    /// Where traces go.
    TracingConfiguration,
    /// Which requests are recorded.
    AuditPolicy,
    /// Where a server is, and who one is to it.
    Kubeconfig,
    /// Certificates of authorities, in PEM.
    Certificates,
    /// Revocation lists, in PEM.
    RevocationLists,
    /// Keys of service account tokens, in PEM.
    Keys,
    /// ABAC policy, one JSON object a line.
    AbacPolicy,
    /// Static tokens, as CSV.
    Tokens,
    /// Users with passwords, as CSV.
    Passwords,
    /// Flags of the command, by name.
    Flags,
}

impl FileFormat {
    /// The format of a file; none if it cannot be read, or is no file.
    pub fn of_path(path: &Path, limits: &Limits) -> Option<Self> {
        let bytes = path.is_file().then(|| read(path, limits).ok())??;
        let name = path.display().to_string();
        Some(Self::of(&Source::new(name, &bytes), limits))
    }

    /// The format of a text. Tokens and passwords look alike: those are passwords whose name says so.
    pub fn of(source: &Source<'_>, limits: &Limits) -> Self {
        let name = source.name.to_lowercase();
        let has = |word: &str| source.bytes.windows(word.len()).any(|at| at == word.as_bytes());
        if name.ends_with(".jsonl") {
            return Self::AbacPolicy;
        }
        if name.ends_with(".csv") {
            let is_basic = name.contains("basic") || name.contains("passw");
            return if is_basic { Self::Passwords } else { Self::Tokens };
        }
        if source.bytes.trim_ascii_start().starts_with(b"-----BEGIN ") || name.ends_with(".pem") {
            return match () {
                () if has("-----BEGIN X509 CRL-----") => Self::RevocationLists,
                () if has("PRIVATE KEY-----") || has("PUBLIC KEY-----") => Self::Keys,
                () => Self::Certificates,
            };
        }
        let has_kind = has("kind");
        if has_kind && !KINDS.iter().any(|(_, kind, _)| has(kind)) {
            return Self::Manifests;
        }
        let (documents, _) = document::read(source, limits);
        documents.first().map_or(Self::Manifests, Self::of_document)
    }

    fn of_document(document: &Node) -> Self {
        let text = |name| document.get(name).and_then(Node::as_str);
        match (text("apiVersion"), text("kind"), &document.value) {
            (Some(version), Some(kind), _) => {
                let is_meant = |(group, known, _): &&(&str, &str, Self)| {
                    *known == kind && version.split('/').next() == Some(group)
                };
                KINDS.iter().find(is_meant).map_or(Self::Manifests, |(.., format)| *format)
            }
            // Names of flags are in small letters; those of fields, as a rule, are not.
            (None, None, Value::Mapping(entries)) if !entries.is_empty() => {
                let is_flag = |name: &str| {
                    name.contains('-') && !name.contains(|c: char| c.is_ascii_uppercase())
                };
                let is_flags = entries.iter().any(|(key, _)| is_flag(&key.name));
                if is_flags { Self::Flags } else { Self::Manifests }
            }
            _ => Self::Manifests,
        }
    }

    /// Everything that is wrong with a file of this format, as `serve` would say it. Nothing is found in
    /// manifests and flags, which are not looked at one by one.
    pub fn check(self, path: &Path, limits: &Limits) -> Vec<Diagnostic> {
        let denying = || Engine::builder().limits(*limits).authorization_modes([Mode::AlwaysDeny]);
        let bytes = match read(path, limits) {
            Ok(bytes) => bytes,
            Err(problem) => return vec![*problem],
        };
        let name = path.display().to_string();
        let source = Source::new(name.clone(), &bytes);
        match self {
            Self::Manifests | Self::Flags => Vec::new(),
            Self::AuthenticationConfiguration => {
                let configuration = match authentication_config::read(&source, limits) {
                    Ok(configuration) => configuration,
                    Err(found) => return found,
                };
                // Not by an engine: it would ask the issuers for their keys.
                let wrong = config::validate(&configuration, &[]).err().unwrap_or_default();
                config::diagnostics(&wrong, &configuration)
            }
            Self::TracingConfiguration => {
                tracing_configuration::read(&source, limits).err().unwrap_or_default()
            }
            Self::Kubeconfig => {
                let folder = path.parent().unwrap_or_else(|| Path::new(""));
                kubeconfig::read(&source, folder, limits).err().unwrap_or_default()
            }
            Self::RevocationLists => {
                read_revocations(&name, &bytes, &[], Now::of(SystemTime::now())).1
            }
            Self::Keys => {
                let mut found = Vec::new();
                let text = Text::new(name, bytes);
                read_keys(&[(FileKind::ServiceAccountKeys, text)], &mut found);
                found
            }
            Self::AuthorizationConfiguration => {
                let mut found =
                    findings(Engine::builder().limits(*limits).authorization_config(path));
                // That is said by a flag, if at all.
                found.retain(|found| found.message != NO_POLICY_FILE);
                found
            }
            Self::AuditPolicy => findings(denying().audit_policy_file(path)),
            Self::Certificates => findings(denying().client_ca_file(path)),
            Self::Tokens => findings(denying().token_auth_file(path)),
            Self::Passwords => findings(denying().basic_auth_file(path)),
            Self::AbacPolicy => findings(
                denying().authorization_modes([Mode::Abac]).authorization_policy_file(path),
            ),
        }
    }
}

impl Validation {
    /// What is wrong with files among the manifests that are of other formats.
    pub fn other_files(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for text in &self.manifests {
            let format = FileFormat::of(&text.source(), &self.limits);
            let path = Path::new(&*text.name);
            if KINDS.iter().any(|(.., known)| *known == format) && path.is_file() {
                found.extend(format.check(path, &self.limits));
            }
        }
        found
    }
}

fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, Box<Diagnostic>> {
    read_file(path, &path.display().to_string(), limits.file_bytes as u64)
}

fn findings(builder: Builder) -> Vec<Diagnostic> {
    match builder.validate() {
        Ok(validation) => validation.warnings().to_vec(),
        Err(error) => error.diagnostics().to_vec(),
    }
}

/// In words that follow "is".
impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifests => "a manifest",
            Self::AuthenticationConfiguration => "an AuthenticationConfiguration",
            Self::AuthorizationConfiguration => "an AuthorizationConfiguration",
            Self::TracingConfiguration => "a TracingConfiguration",
            Self::AuditPolicy => "an audit Policy",
            Self::Kubeconfig => "a kubeconfig",
            Self::Certificates => "a bundle of certificates",
            Self::RevocationLists => "a file of revocation lists",
            Self::Keys => "a file of keys",
            Self::AbacPolicy => "an ABAC policy",
            Self::Tokens => "a token file",
            Self::Passwords => "a basic-auth file",
            Self::Flags => "a file of flags",
        })
    }
}

/// API groups, or `v1`, and kinds that are no objects of a cluster.
const KINDS: &[(&str, &str, FileFormat)] = &[
    (
        "apiserver.config.k8s.io",
        "AuthenticationConfiguration",
        FileFormat::AuthenticationConfiguration,
    ),
    (
        "apiserver.config.k8s.io",
        "AuthorizationConfiguration",
        FileFormat::AuthorizationConfiguration,
    ),
    ("apiserver.config.k8s.io", "TracingConfiguration", FileFormat::TracingConfiguration),
    ("audit.k8s.io", "Policy", FileFormat::AuditPolicy),
    ("v1", "Config", FileFormat::Kubeconfig),
];

//! `verdikt token create`: a service account's token, signed here instead of by an API server.
//!
//! Follows `kubectl create token`, and the TokenRequest API for what it refuses.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use verdikt::authn::Clock;
use verdikt::authn::jwt::SigningKey;
use verdikt::authn::service_account::{Bound, ObjectRef, TokenRequest};
use verdikt::parser::{Limits, Options, PolicySet, parse_manifest};
use verdikt::source::FileSet;
use verdikt::{Diagnostic, GoQuoted};

use crate::duration;
use crate::failure::Failure;
use crate::output::to_stdout;

#[derive(Args, Debug)]
pub(super) struct Create {
    /// The service account
    name: String,
    /// Its namespace
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,
    /// Whom the token is meant for; repeatable [default: the issuer]
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// For how long it is good, at least 10m
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse)]
    duration: Duration,
    /// Kind of an object that the token is bound to: it is good only as long as that is there
    #[arg(long, value_name = "KIND", requires = "bound_object_name")]
    bound_object_kind: Option<BoundKind>,
    /// Name of that object
    #[arg(long, value_name = "NAME", requires = "bound_object_kind")]
    bound_object_name: Option<String>,
    /// Uid of that object, if it is not among those of --policy-dir
    #[arg(long, value_name = "UID", requires = "bound_object_kind")]
    bound_object_uid: Option<String>,
    /// Uid of the service account, if it is not among those of --policy-dir
    #[arg(long, value_name = "UID")]
    service_account_uid: Option<String>,
    /// Manifests to look the service account and the bound object up in, for their uids; repeatable
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    policy_dir: Vec<PathBuf>,
    /// Private key that signs, of RSA or ECDSA, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    service_account_signing_key_file: PathBuf,
    /// Who signs
    #[arg(long, value_name = "URL")]
    service_account_issuer: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum BoundKind {
    Pod,
    Secret,
    Node,
}

impl Create {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let key = self.key()?;
        let objects = self.objects()?;
        let default_audience = [self.service_account_issuer.clone()];
        let audiences =
            if self.audience.is_empty() { &default_audience[..] } else { &self.audience };
        let request = TokenRequest {
            issuer: &self.service_account_issuer,
            namespace: &self.namespace,
            account: ObjectRef { name: &self.name, uid: self.account_uid(objects.as_ref())? },
            audiences,
            seconds: i64::try_from(self.duration.as_secs()).unwrap_or(i64::MAX),
            bound: self.bound(objects.as_ref())?,
        };
        if let Some(problem) = request.duration_problem() {
            return Err(Failure::message(problem));
        }
        let token = request.issue(&key, Clock::default().now());
        let token = token.map_err(|error| Failure::message(error.to_string()))?;
        to_stdout(&format!("{token}\n"))?;
        Ok(ExitCode::SUCCESS)
    }

    fn key(&self) -> Result<SigningKey, Failure> {
        let path = &self.service_account_signing_key_file;
        let shown = path.display();
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::message(format!("cannot read {shown}: {error}")))?;
        SigningKey::from_pem(&bytes).map_err(|error| {
            Failure::message(format!("error reading private key file {shown}: {error}"))
        })
    }

    /// What the manifests hold; none if none were named.
    fn objects(&self) -> Result<Option<PolicySet>, Failure> {
        if self.policy_dir.is_empty() {
            return Ok(None);
        }
        let files = FileSet::new(self.policy_dir.clone(), None, None, None, Limits::default());
        let (contents, mut found) = files.read();
        let mut manifests = Vec::new();
        for text in &contents.manifests {
            let (manifest, of_text) = parse_manifest(&text.source(), &Options::default());
            manifests.push(manifest);
            found.extend(of_text);
        }
        if found.iter().any(Diagnostic::is_error) {
            return Err(Failure::Findings(found));
        }
        Ok(Some(PolicySet::from_manifests(manifests).0))
    }

    fn account_uid<'a>(&'a self, objects: Option<&'a PolicySet>) -> Result<&'a str, Failure> {
        if let Some(uid) = &self.service_account_uid {
            return Ok(uid);
        }
        let Some(objects) = objects else { return Ok("") };
        let mut accounts = objects.service_accounts.iter();
        accounts
            .find(|account| account.namespace == self.namespace && account.name == self.name)
            .map(|account| account.uid.as_str())
            .ok_or_else(|| not_found("serviceaccounts", &self.name))
    }

    fn bound<'a>(&'a self, objects: Option<&'a PolicySet>) -> Result<Bound<'a>, Failure> {
        let (Some(kind), Some(name)) = (self.bound_object_kind, &self.bound_object_name) else {
            return Ok(Bound::Nothing);
        };
        let uid = self.bound_object_uid.as_deref();
        let is_it = |namespace: &str, other: &str| namespace == self.namespace && other == name;
        let object = |found: Option<&'a str>, resource| match (uid, found, objects) {
            (Some(uid), ..) | (None, Some(uid), _) => Ok(ObjectRef { name, uid }),
            (None, None, None) => Ok(ObjectRef { name, uid: "" }),
            (None, None, Some(_)) => Err(not_found(resource, name)),
        };
        Ok(match kind {
            BoundKind::Secret => {
                let mut secrets = objects.into_iter().flat_map(|objects| &objects.secrets);
                let found = secrets.find(|secret| is_it(&secret.namespace, &secret.name));
                Bound::Secret(object(found.map(|secret| secret.uid.as_str()), "secrets")?)
            }
            BoundKind::Node => {
                Bound::Node(object(node(objects, name).map(|node| node.uid), "nodes")?)
            }
            BoundKind::Pod => {
                let mut pods = objects.into_iter().flat_map(|objects| &objects.pods);
                let found = pods.find(|pod| is_it(&pod.namespace, &pod.name));
                if found.is_some_and(|pod| pod.service_account != self.name) {
                    let name = GoQuoted(&self.name);
                    return Err(Failure::message(format!(
                        "cannot bind token for serviceaccount {name} to pod running with different \
                         serviceaccount name."
                    )));
                }
                let on = found.map(|pod| pod.node_name.as_str()).filter(|name| !name.is_empty());
                // The node is named even if nothing more is known of it.
                let on = on.map(|name| node(objects, name).unwrap_or(ObjectRef { name, uid: "" }));
                Bound::Pod(object(found.map(|pod| pod.uid.as_str()), "pods")?, on)
            }
        })
    }
}

fn node<'a>(objects: Option<&'a PolicySet>, name: &str) -> Option<ObjectRef<'a>> {
    let node = objects?.nodes.iter().find(|node| node.name == name)?;
    Some(ObjectRef { name: &node.name, uid: &node.uid })
}

fn not_found(resource: &str, name: &str) -> Failure {
    Failure::message(format!("{resource} {} not found", GoQuoted(name)))
}

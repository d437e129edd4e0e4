//! Kinds of the core group that credentials refer to: service accounts, secrets and nodes.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::Reader;
use super::decode::Field;
use super::rbac::{Meta, with_known};
use crate::Origin;
use crate::document::Node;

/// A ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`; empty in most manifests.
    pub uid: String,
    /// `metadata.deletionTimestamp`, if it is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Where it was read.
    pub origin: Origin,
}

/// A Node, as far as service account tokens are bound to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterNode {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`; empty in most manifests.
    pub uid: String,
    /// `metadata.deletionTimestamp`, if it is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Where it was read.
    pub origin: Origin,
}

/// A Secret. Its data does not print.
#[derive(Clone, Default)]
pub struct Secret {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.uid`; empty in most manifests.
    pub uid: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `type`, such as `bootstrap.kubernetes.io/token`.
    pub kind: String,
    /// `data` decoded, with `stringData` over it.
    pub data: BTreeMap<String, verdikt_core::Secret>,
    /// `metadata.deletionTimestamp`, if it is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Where it was read.
    pub origin: Origin,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("kind", &self.kind)
            .field("keys", &self.data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Reader<'_> {
    pub(super) fn service_account(&mut self, node: &Node, origin: Origin) {
        let mut meta = Meta::default();
        for (key, value) in self.decoder.entries(node, Field { of: "ServiceAccount", path: "" }) {
            match key.name.as_str() {
                "metadata" => meta = self.meta(value),
                "apiVersion"
                | "kind"
                | "secrets"
                | "imagePullSecrets"
                | "automountServiceAccountToken" => {}
                _ => self.decoder.unknown(key, &key.name, SERVICE_ACCOUNT),
            }
        }
        let namespace = self.namespace(&meta, node.at);
        let Meta { name, uid, deletion_timestamp, .. } = meta;
        let account = ServiceAccount { name, namespace, uid, deletion_timestamp, origin };
        self.manifest.service_accounts.push(account);
    }

    pub(super) fn cluster_node(&mut self, node: &Node, origin: Origin) {
        let mut meta = Meta::default();
        for (key, value) in self.decoder.entries(node, Field { of: "Node", path: "" }) {
            match key.name.as_str() {
                "metadata" => meta = self.meta(value),
                "apiVersion" | "kind" | "spec" | "status" => {}
                _ => self.decoder.unknown(key, &key.name, NODE),
            }
        }
        self.check_cluster_scoped(&meta, node.at);
        let Meta { name, uid, deletion_timestamp, .. } = meta;
        self.manifest.nodes.push(ClusterNode { name, uid, deletion_timestamp, origin });
    }

    pub(super) fn secret(&mut self, node: &Node, origin: Origin) {
        let found_before = self.decoder.found.len();
        let mut secret = Secret { origin, ..Secret::default() };
        let mut meta = Meta::default();
        let mut texts = None;
        for (key, value) in self.decoder.entries(node, Field { of: "Secret", path: "" }) {
            match key.name.as_str() {
                "metadata" => meta = self.meta(value),
                "type" => {
                    secret.kind = self.decoder.string(value, Field { of: "Secret", path: "type" })
                }
                "data" => secret.data = self.secret_data(value),
                "stringData" => texts = Some(value),
                "apiVersion" | "kind" | "immutable" => {}
                _ => self.decoder.unknown(key, &key.name, SECRET),
            }
        }
        if let Some(texts) = texts {
            let field = Field { of: "Secret", path: "stringData" };
            for (key, text) in self.decoder.string_map(texts, field) {
                secret.data.insert(key, verdikt_core::Secret::new(text.into_bytes()));
            }
        }
        secret.namespace = self.namespace(&meta, node.at);
        Meta {
            name: secret.name,
            uid: secret.uid,
            labels: secret.labels,
            deletion_timestamp: secret.deletion_timestamp,
            ..
        } = meta;
        self.manifest.secrets.push(secret);
        // The lines of a Secret are not for showing.
        for found in self.decoder.found.iter_mut().skip(found_before) {
            for label in found.primary.iter_mut().chain(&mut found.related) {
                label.excerpt.clear();
            }
        }
    }

    fn secret_data(&mut self, node: &Node) -> BTreeMap<String, verdikt_core::Secret> {
        let field = Field { of: "Secret", path: "data" };
        let mut data = BTreeMap::new();
        for (key, value) in self.decoder.entries(node, field) {
            let text = self.decoder.string(value, field);
            // Go's decoder passes over line breaks.
            let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            match BASE64_STANDARD.decode(text) {
                Ok(bytes) => {
                    data.insert(key.name.clone(), verdikt_core::Secret::new(bytes));
                }
                Err(error) => {
                    let message = format!("illegal base64 data in data.{}: {error}", key.name);
                    let help = "encode it, or move it to stringData";
                    self.decoder.error("parse/base64", message, help, key.at);
                }
            }
        }
        data
    }
}

const SERVICE_ACCOUNT: &[&str] =
    with_known!["secrets", "imagePullSecrets", "automountServiceAccountToken"];
const NODE: &[&str] = with_known!["spec", "status"];
const SECRET: &[&str] = with_known!["type", "data", "stringData", "immutable"];

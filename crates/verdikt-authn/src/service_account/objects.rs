//! The objects that service account tokens refer to, as they were loaded.

use std::collections::HashMap;

use verdikt_core::{GoQuoted, Secret};
use verdikt_parser::PolicySet;

use crate::time::Moment;

/// ServiceAccounts, Secrets, Pods and Nodes by namespace and name.
#[derive(Debug, Default)]
pub struct Objects {
    service_accounts: Namespaced<Object>,
    secrets: Namespaced<SecretObject>,
    pods: Namespaced<Object>,
    nodes: HashMap<String, Object>,
}

type Namespaced<T> = HashMap<String, HashMap<String, T>>;

/// What matters of any object.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) uid: String,
    pub(super) deletion: Option<Deletion>,
}

/// When an object's deletion was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deletion {
    At(Moment),
    /// The time cannot be read. To be on the safe side, it has long been deleted.
    Unknown,
}

/// What matters of a Secret.
#[derive(Debug, Default)]
pub(super) struct SecretObject {
    pub(super) object: Object,
    /// `data.token`; empty if it is absent.
    pub(super) token: Option<Secret>,
    /// Whether it is labelled as no longer valid.
    pub(super) is_invalid: bool,
}

impl Deletion {
    /// Whether it was asked for before `moment`.
    pub(super) fn is_before(self, moment: Moment) -> bool {
        match self {
            Self::At(at) => at < moment,
            Self::Unknown => true,
        }
    }
}

impl Objects {
    /// Takes what matters out of a policy.
    pub fn from_policy(policy: &PolicySet) -> Self {
        let mut objects = Self::default();
        for account in &policy.service_accounts {
            let object = Object::new(&account.uid, account.deletion_timestamp.as_deref());
            put(&mut objects.service_accounts, &account.namespace, &account.name, object);
        }
        for pod in &policy.pods {
            let object = Object::new(&pod.uid, pod.deletion_timestamp.as_deref());
            put(&mut objects.pods, &pod.namespace, &pod.name, object);
        }
        for node in &policy.nodes {
            let object = Object::new(&node.uid, node.deletion_timestamp.as_deref());
            objects.nodes.insert(node.name.clone(), object);
        }
        for secret in &policy.secrets {
            let object = SecretObject {
                object: Object::new(&secret.uid, secret.deletion_timestamp.as_deref()),
                token: secret.data.get("token").cloned(),
                is_invalid: secret.labels.get(INVALID_SINCE).is_some_and(|since| !since.is_empty()),
            };
            put(&mut objects.secrets, &secret.namespace, &secret.name, object);
        }
        objects
    }

    /// Whether there is not a single ServiceAccount, so that no token can be good.
    pub fn has_no_service_accounts(&self) -> bool {
        self.service_accounts.is_empty()
    }

    pub(super) fn service_account(&self, namespace: &str, name: &str) -> Result<&Object, String> {
        find(&self.service_accounts, namespace, name)
            .ok_or_else(|| format!("serviceaccounts {} not found", GoQuoted(name)))
    }

    pub(super) fn secret(&self, namespace: &str, name: &str) -> Option<&SecretObject> {
        find(&self.secrets, namespace, name)
    }

    pub(super) fn pod(&self, namespace: &str, name: &str) -> Option<&Object> {
        find(&self.pods, namespace, name)
    }

    pub(super) fn node(&self, name: &str) -> Option<&Object> {
        self.nodes.get(name)
    }
}

impl Object {
    fn new(uid: &str, deletion_timestamp: Option<&str>) -> Self {
        let deletion = |text: &str| Moment::parse(text).map_or(Deletion::Unknown, Deletion::At);
        Self { uid: uid.to_owned(), deletion: deletion_timestamp.map(deletion) }
    }
}

fn put<T>(objects: &mut Namespaced<T>, namespace: &str, name: &str, object: T) {
    objects.entry(namespace.to_owned()).or_default().insert(name.to_owned(), object);
}

fn find<'a, T>(objects: &'a Namespaced<T>, namespace: &str, name: &str) -> Option<&'a T> {
    objects.get(namespace)?.get(name)
}

/// The label of Secrets whose tokens are no longer accepted.
pub(super) const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

//! Text to a [`Kubeconfig`].

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use verdikt_core::Secret;

use super::select::{Selected, select};
use super::types::{Kubeconfig, Login, Material};
use crate::document::{self, Node, Text, Value};
use crate::{Diagnostic, Limits, Source};

/// Reads what the current context of a kubeconfig says. Paths in it are relative to `folder`.
///
/// # Errors
/// All that is wrong; none of the findings holds a secret.
pub fn read(
    source: &Source<'_>,
    folder: &Path,
    limits: &Limits,
) -> Result<Kubeconfig, Vec<Diagnostic>> {
    let text = Text::new(source, limits).map_err(|problem| vec![*problem])?;
    let (documents, found) = document::read(source, limits);
    let found: Vec<_> = found.into_iter().filter(Diagnostic::is_error).collect();
    if !found.is_empty() {
        return Err(found);
    }
    let error = |message: String, at: &Node| {
        Diagnostic::error("kubeconfig/invalid", message).at(text.label(at.at, ""))
    };
    let Some(root) = documents.first() else {
        return Err(vec![Diagnostic::error("kubeconfig/empty", EMPTY)]);
    };
    check_kind(root, &error)?;
    let selected = select(root, &error)?;
    let mut reader = Reader { folder, error: &error, found: Vec::new() };
    let kubeconfig = reader.kubeconfig(root, &selected);
    if reader.found.is_empty() { Ok(kubeconfig) } else { Err(reader.found) }
}

/// Both may be left out; only one other thing may be said than what is the default.
fn check_kind(
    root: &Node,
    error: &impl Fn(String, &Node) -> Diagnostic,
) -> Result<(), Vec<Diagnostic>> {
    if !matches!(root.value, Value::Mapping(_)) {
        return Err(vec![error("a kubeconfig is a map of fields".to_owned(), root)]);
    }
    let said = |name| root.get(name).and_then(Node::as_str).unwrap_or_default();
    let (version, kind) = (said("apiVersion"), said("kind"));
    if !matches!((version, kind), ("" | "v1", "" | "Config")) {
        let message = format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \
             \"pkg/runtime/scheme.go:111\""
        );
        let at = root.get("kind").or_else(|| root.get("apiVersion")).unwrap_or(root);
        return Err(vec![error(message, at).help("write apiVersion: v1 and kind: Config")]);
    }
    Ok(())
}

struct Reader<'r, E> {
    folder: &'r Path,
    error: &'r E,
    found: Vec<Diagnostic>,
}

impl<E: Fn(String, &Node) -> Diagnostic> Reader<'_, E> {
    fn kubeconfig(&mut self, root: &Node, selected: &Selected<'_>) -> Kubeconfig {
        let nothing = Node { value: Value::Null, at: root.at };
        let cluster = selected.cluster.unwrap_or(&nothing);
        let user = selected.user.unwrap_or(&nothing);
        self.check_cluster(root, cluster, selected.cluster_name);
        self.check_user(user, selected.user_name);
        Kubeconfig {
            server: self.text(cluster, "server"),
            tls_server_name: self.text(cluster, "tls-server-name"),
            insecure_skip_tls_verify: self.flag(cluster, "insecure-skip-tls-verify"),
            certificate_authority: self.material(
                cluster,
                "certificate-authority",
                "certificate-authority-data",
            ),
            client_certificate: self
                .material(user, "client-certificate", "client-certificate-data")
                .zip(self.material(user, "client-key", "client-key-data")),
            login: self.login(user),
        }
    }

    /// As `validateClusterInfo` words it.
    fn check_cluster(&mut self, root: &Node, cluster: &Node, name: &str) {
        let has = |field: &str| is_said(cluster, field);
        if !has("server") {
            let message = match (&cluster.value, name) {
                (Value::Null, _) => EMPTY.to_owned(),
                (Value::Mapping(fields), _) if fields.is_empty() => EMPTY.to_owned(),
                (_, "") => {
                    "invalid configuration: default cluster has no server defined".to_owned()
                }
                (_, name) => {
                    format!("invalid configuration: no server found for cluster {name:?}")
                }
            };
            let help = "set current-context, and the server of its cluster";
            let at = if matches!(cluster.value, Value::Null) { root } else { cluster };
            self.found.push((self.error)(message, at).help(help));
        }
        if has("proxy-url") {
            self.refuse(cluster, "proxy-url", "webhooks are not asked through a proxy here");
        }
        if has("certificate-authority") && has("certificate-authority-data") {
            self.invalid(
                cluster,
                format!(
                    "certificate-authority-data and certificate-authority are both specified for \
                     {name}. certificate-authority-data will override."
                ),
            );
        }
        let trusts = has("certificate-authority") || has("certificate-authority-data");
        if trusts && self.flag(cluster, "insecure-skip-tls-verify") {
            let message =
                "specifying a root certificates file with the insecure flag is not allowed";
            self.found.push((self.error)(message.to_owned(), cluster));
        }
    }

    /// As `validateAuthInfo` words it.
    fn check_user(&mut self, user: &Node, name: &str) {
        let has = |field: &str| is_said(user, field);
        for (field, why) in [
            ("exec", "no program is run for a credential"),
            ("auth-provider", "no program is run for a credential"),
            ("as", "requests are made in the name of the user itself"),
            ("as-uid", "requests are made in the name of the user itself"),
            ("as-groups", "requests are made in the name of the user itself"),
            ("as-user-extra", "requests are made in the name of the user itself"),
        ] {
            if has(field) {
                self.refuse(user, field, why);
            }
        }
        let (file, data) = (has("client-certificate"), has("client-certificate-data"));
        let (key, key_data) = (has("client-key"), has("client-key-data"));
        if file && data {
            self.invalid(
                user,
                format!(
                    "client-cert-data and client-cert are both specified for {name}. \
                     client-cert-data will override."
                ),
            );
        }
        if (file || data) && key && key_data {
            self.invalid(
                user,
                format!(
                    "client-key-data and client-key are both specified for {name}; \
                     client-key-data will override"
                ),
            );
        }
        if (file || data) && !key && !key_data {
            self.invalid(
                user,
                format!(
                    "client-key-data or client-key must be specified for {name} to use the \
                     clientCert authentication method."
                ),
            );
        }
        if has("token") && (has("username") || has("password")) {
            self.invalid(
                user,
                format!(
                    "more than one authentication method found for {name}; found \
                     [token basicAuth], only one is allowed"
                ),
            );
        }
    }

    fn login(&mut self, user: &Node) -> Login {
        let token = Some(self.text(user, "token")).filter(|token| !token.is_empty());
        let token = token.map(|token| Secret::new(token.into_bytes()));
        let file = self.path(user, "tokenFile");
        let (name, password) = (self.text(user, "username"), self.text(user, "password"));
        match (file, token) {
            (Some(file), token) => Login::TokenFile(file, token),
            (None, Some(token)) => Login::Token(token),
            (None, None) if name.is_empty() && password.is_empty() => Login::None,
            (None, None) => Login::Password(name, Secret::new(password.into_bytes())),
        }
    }

    /// Data counts before a file.
    fn material(&mut self, of: &Node, file: &str, data: &str) -> Option<Material> {
        let path = self.path(of, file);
        let text = self.text(of, data);
        if text.is_empty() {
            return path.map(Material::File);
        }
        let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        match STANDARD.decode(&text) {
            Ok(bytes) => Some(Material::Inline(Secret::new(bytes))),
            Err(_) => {
                let at = of.get(data).unwrap_or(of);
                self.found.push((self.error)(format!("{data} is not base64"), at));
                None
            }
        }
    }

    fn path(&mut self, of: &Node, field: &str) -> Option<PathBuf> {
        let text = self.text(of, field);
        (!text.is_empty()).then(|| self.folder.join(text))
    }

    fn text(&mut self, of: &Node, field: &str) -> String {
        match of.get(field) {
            None => String::new(),
            Some(node) => match &node.value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                _ => {
                    self.wrong_type(field, node, "string");
                    String::new()
                }
            },
        }
    }

    fn flag(&mut self, of: &Node, field: &str) -> bool {
        match of.get(field) {
            None => false,
            Some(node) => match node.value {
                Value::Null => false,
                Value::Bool(flag) => flag,
                _ => {
                    self.wrong_type(field, node, "bool");
                    false
                }
            },
        }
    }

    fn wrong_type(&mut self, field: &str, node: &Node, wanted: &str) {
        let kind = node.kind();
        let message = format!("json: cannot unmarshal {kind} into field {field} of type {wanted}");
        let found = (self.error)(message, node);
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    fn invalid(&mut self, at: &Node, message: String) {
        self.found.push((self.error)(format!("invalid configuration: {message}"), at));
    }

    fn refuse(&mut self, of: &Node, field: &str, why: &str) {
        let at = of.get(field).unwrap_or(of);
        self.found.push((self.error)(format!("`{field}` is not supported: {why}"), at));
    }
}

/// Whether a field is there and says anything.
fn is_said(of: &Node, field: &str) -> bool {
    of.get(field).is_some_and(|node| match &node.value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(entries) => field == "exec" || !entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    })
}

const EMPTY: &str = "invalid configuration: no configuration has been provided, try setting \
                     KUBERNETES_MASTER environment variable";

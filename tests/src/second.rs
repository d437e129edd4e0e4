//! A second verdikt that others ask: over its own TLS listener, with clients that show certificates.

use std::path::{Path, PathBuf};

use verdikt::Engine;
use verdikt_server::TlsOptions;

use crate::http::Running;
use crate::tls::{Authority, Certified};
use crate::webhook::kubeconfig;

/// Where TokenReviews are posted.
pub const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
/// Where SubjectAccessReviews are posted.
pub const ACCESS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// It, and those who vouch for it and its clients; stopped when dropped.
#[derive(Debug)]
pub struct Second {
    server: Running,
    own: Authority,
    clients: Authority,
    _folder: tempfile::TempDir,
}

impl Second {
    /// Serves what the builder comes to; besides, whoever shows the certificate of `verdikt` may post reviews.
    ///
    /// # Panics
    /// If it cannot be built.
    pub fn start(builder: verdikt::Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [own, clients] = ["servers", "clients"].map(Authority::new);
        let shown = own.server();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let engine = builder
            .manifest("reviewers.yaml", REVIEWERS)
            .client_ca_file(write("clients.pem", &clients.pem))
            .build()
            .unwrap();
        let certificate = write("server.pem", &shown.certificate);
        let tls = TlsOptions::new(certificate, write("server-key.pem", &shown.key));
        Self { server: Running::start_tls(engine, &tls), own, clients, _folder: folder }
    }

    /// One that knows the token `far-away`: it is jane's, of the developers.
    ///
    /// # Panics
    /// If it cannot be built.
    pub fn with_token(audiences: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.csv");
        std::fs::write(&file, "far-away,jane,u-1,developers\n").unwrap();
        let audiences = audiences.iter().copied();
        Self::start(Engine::builder().token_auth_file(file).api_audiences(audiences))
    }

    /// A certificate that it knows.
    pub fn client(&self, name: &str) -> Certified {
        self.clients.client(name, "webhooks", 1)
    }

    /// Writes a kubeconfig that leads to `path`, and the files it names, into a folder: with these one is
    /// `verdikt`.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn write_kubeconfig(&self, folder: &Path, path: &str) -> PathBuf {
        let client = self.client("verdikt");
        for (name, text) in [
            ("ca.pem", &self.own.pem),
            ("client.pem", &client.certificate),
            ("client-key.pem", &client.key),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let file = folder.join("kubeconfig.yaml");
        std::fs::write(&file, kubeconfig(&self.url(path))).unwrap();
        file
    }

    /// Where it is.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.server.address())
    }
}

const REVIEWERS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reviewer}
rules:
- {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
- {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reviewers}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: verdikt}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reviewer}
";

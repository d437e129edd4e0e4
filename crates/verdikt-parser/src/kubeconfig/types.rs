//! Where a webhook is, and how to talk to it.

use std::path::PathBuf;

use verdikt_core::Secret;

/// What the current context of a kubeconfig comes to.
#[derive(Clone, Debug, Default)]
pub struct Kubeconfig {
    /// URL, or host and port.
    pub server: String,
    /// The name the server's certificate must have, if not that of the URL.
    pub tls_server_name: String,
    /// Whether any certificate will do.
    pub insecure_skip_tls_verify: bool,
    /// Authorities to trust; those of the system if not said.
    pub certificate_authority: Option<Material>,
    /// The certificate to show, and its key.
    pub client_certificate: Option<(Material, Material)>,
    /// What to put into the `Authorization` header.
    pub login: Login,
}

/// A text that is in the kubeconfig, or in a file that it names.
#[derive(Clone, Debug)]
pub enum Material {
    /// In a file.
    File(PathBuf),
    /// In the kubeconfig itself.
    Inline(Secret),
}

/// How the client says who it is, beyond its certificate.
#[derive(Clone, Debug, Default)]
pub enum Login {
    /// Not at all.
    #[default]
    None,
    /// With a bearer token.
    Token(Secret),
    /// With the bearer token of a file, which is read again now and then; the one beside it counts until
    /// then, if there is one.
    TokenFile(PathBuf, Option<Secret>),
    /// With a name and a password.
    Password(String, Secret),
}

impl Kubeconfig {
    /// Every file that is named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let client =
            self.client_certificate.iter().flat_map(|(certificate, key)| [certificate, key]);
        let materials = self.certificate_authority.iter().chain(client);
        let files = materials.filter_map(|material| match material {
            Material::File(path) => Some(path),
            Material::Inline(_) => None,
        });
        let token = match &self.login {
            Login::TokenFile(path, _) => Some(path),
            _ => None,
        };
        files.chain(token)
    }
}

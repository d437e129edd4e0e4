//! The flags that say whose tokens count, under kube-apiserver's names.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use verdikt::{Builder, OidcFlags};

/// Issuers of JSON Web Tokens: a file, or one issuer in flags.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Tokens of issuers")]
pub(crate) struct IssuerFlags {
    /// AuthenticationConfiguration: issuers of tokens, and who is anonymous; not beside --oidc flags
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    authentication_config: Option<PathBuf>,
    /// URL of an OpenID Connect issuer, https alone; exactly what the tokens' `iss` says
    #[arg(long, value_name = "URL")]
    oidc_issuer_url: Option<String>,
    /// What the tokens' `aud` must hold
    #[arg(long, value_name = "ID")]
    oidc_client_id: Option<String>,
    /// Authorities to trust when talking to the issuer, as PEM [default: the system's]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    oidc_ca_file: Option<PathBuf>,
    /// Claim that is the user's name [default: sub]
    #[arg(long, value_name = "CLAIM")]
    oidc_username_claim: Option<String>,
    /// Before every name; `-` for nothing [default: the issuer's URL and `#`, but nothing for email]
    #[arg(long, value_name = "PREFIX")]
    oidc_username_prefix: Option<String>,
    /// Claim that is the user's groups, one or several
    #[arg(long, value_name = "CLAIM")]
    oidc_groups_claim: Option<String>,
    /// Before every group
    #[arg(long, value_name = "PREFIX")]
    oidc_groups_prefix: Option<String>,
    /// A claim and the value it must have; repeatable
    #[arg(long, value_name = "CLAIM=VALUE", value_parser = pair)]
    oidc_required_claim: Vec<(String, String)>,
    /// Algorithms tokens may be signed with, of RS, ES and PS with 256, 384 or 512 [default: RS256]
    #[arg(long, value_name = "ALGS", value_delimiter = ',')]
    oidc_signing_algs: Vec<String>,
}

impl IssuerFlags {
    /// An engine's options with these.
    pub(crate) fn apply(&self, mut builder: Builder) -> Builder {
        if let Some(file) = &self.authentication_config {
            builder = builder.authentication_config(file);
        }
        if let Some(flags) = self.flags() {
            builder = builder.oidc(flags);
        }
        if let Some(file) = &self.oidc_ca_file {
            builder = builder.oidc_ca_file(file);
        }
        builder
    }

    /// Whether there is nothing to be read.
    pub(crate) fn names_nothing(&self) -> bool {
        self.authentication_config.is_none() && self.flags().is_none()
    }

    /// What they say of one issuer, if any of them is given.
    fn flags(&self) -> Option<OidcFlags> {
        let texts = [
            &self.oidc_issuer_url,
            &self.oidc_client_id,
            &self.oidc_username_claim,
            &self.oidc_username_prefix,
            &self.oidc_groups_claim,
            &self.oidc_groups_prefix,
        ];
        let is_given = texts.iter().any(|text| text.is_some())
            || self.oidc_ca_file.is_some()
            || !self.oidc_required_claim.is_empty()
            || !self.oidc_signing_algs.is_empty();
        let [issuer_url, client_id, username_claim, username_prefix, groups_claim, groups_prefix] =
            texts.map(|text| text.clone().unwrap_or_default());
        is_given.then(|| OidcFlags {
            issuer_url,
            client_id,
            username_claim,
            username_prefix,
            groups_claim,
            groups_prefix,
            required_claims: self.oidc_required_claim.clone(),
            signing_algorithms: self.oidc_signing_algs.clone(),
        })
    }
}

/// `claim=value`, in kube-apiserver's words if it is not; the value may hold further signs.
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(claim, value)| (claim.trim(), value.trim()));
    let (claim, value) = pair.ok_or("malformed pair, expect string=string")?;
    Ok((claim.to_owned(), value.to_owned()))
}

//! The flags about client certificates and authenticating proxies, as kube-apiserver has them.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use verdikt::Builder;
use verdikt::authn::front_proxy::HeaderNames;

/// Who is believed for the certificate they show.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Client certificates")]
pub(crate) struct CertificateFlags {
    /// Authorities of client certificates, in PEM: whoever shows a certificate of theirs is the user in
    /// its common name, in the groups of its organizations
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_ca_file: Option<PathBuf>,
    /// Revocation lists of those authorities, in PEM; once a list has expired, all certificates of its
    /// authority are refused until there is a newer one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_crl_file: Option<PathBuf>,
    /// Authorities of authenticating proxies, in PEM: whoever shows a certificate of theirs may say in
    /// headers who a request comes from
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    requestheader_client_ca_file: Option<PathBuf>,
    /// Common names that proxies may have; any, if none is given
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    requestheader_allowed_names: Vec<String>,
    /// Headers for the user name, in order; X-Remote-User is common
    #[arg(long, value_name = "HEADERS", value_delimiter = ',')]
    requestheader_username_headers: Vec<String>,
    /// Headers for the uid, in order; X-Remote-Uid is suggested
    #[arg(long, value_name = "HEADERS", value_delimiter = ',')]
    requestheader_uid_headers: Vec<String>,
    /// Headers for groups; X-Remote-Group is suggested
    #[arg(long, value_name = "HEADERS", value_delimiter = ',')]
    requestheader_group_headers: Vec<String>,
    /// Beginnings of the names of headers for extra facts; X-Remote-Extra- is suggested
    #[arg(long, value_name = "PREFIXES", value_delimiter = ',')]
    requestheader_extra_headers_prefix: Vec<String>,
}

impl CertificateFlags {
    /// Whether any authority is named.
    pub(crate) fn are_named(&self) -> bool {
        self.client_ca_file.is_some() || self.requestheader_client_ca_file.is_some()
    }

    pub(crate) fn add_to(&self, mut builder: Builder) -> Builder {
        if let Some(file) = &self.client_ca_file {
            builder = builder.client_ca_file(file);
        }
        if let Some(file) = &self.client_crl_file {
            builder = builder.client_crl_file(file);
        }
        if let Some(file) = &self.requestheader_client_ca_file {
            builder = builder.requestheader_client_ca_file(file);
        }
        builder
            .requestheader_allowed_names(self.requestheader_allowed_names.iter().cloned())
            .requestheader_names(HeaderNames {
                user: self.requestheader_username_headers.clone(),
                uid: self.requestheader_uid_headers.clone(),
                group: self.requestheader_group_headers.clone(),
                extra_prefixes: self.requestheader_extra_headers_prefix.clone(),
            })
    }
}

//! Kubeconfigs that say where webhooks are: their texts, and the files that they name in turn.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use verdikt_parser::authorization_config;
use verdikt_parser::go_duration::GoDuration;
use verdikt_parser::kubeconfig::{self, Kubeconfig};
use verdikt_parser::{Diagnostic, Limits, Source};

use crate::remote::Remote;
use crate::remote::webhook::Webhook;
use crate::source::{Contents, FileKind};

/// A kubeconfig that was read.
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) bytes: &'a [u8],
    pub(crate) limits: &'a Limits,
}

/// The webhook at the server of a kubeconfig. One attempt may take the first of the times, all together the
/// second.
///
/// # Errors
/// All that is wrong; what is not wrong at a place of the text goes through `error`.
pub(crate) fn webhook(
    place: &Place<'_>,
    remote: Arc<Remote>,
    (timeout, within): (GoDuration, Duration),
    error: impl Fn(String) -> Vec<Diagnostic>,
) -> Result<Webhook, Vec<Diagnostic>> {
    Webhook::new(remote, place.read()?, timeout, within).map_err(error)
}

impl Place<'_> {
    /// Paths in it begin at its folder.
    fn read(&self) -> Result<Kubeconfig, Vec<Diagnostic>> {
        let name = self.path.display().to_string();
        let path = std::path::absolute(self.path).unwrap_or_else(|_| self.path.to_owned());
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        kubeconfig::read(&Source::new(name, self.bytes), folder, self.limits)
    }
}

/// The files that what was read names: kubeconfigs of an AuthorizationConfiguration, and what kubeconfigs
/// name. What cannot be understood names nothing; others report it.
pub(crate) fn named(contents: &Contents, limits: &Limits) -> Vec<PathBuf> {
    let mut named = Vec::new();
    let configuration = contents.file(FileKind::AuthorizationConfig);
    if let Some(Ok(configuration)) =
        configuration.map(|text| authorization_config::read(&text.source(), limits))
    {
        let webhooks = configuration.authorizers.into_iter().filter_map(|entry| entry.webhook);
        let files = webhooks.filter_map(|webhook| webhook.connection_info.kube_config_file);
        named.extend(files.map(PathBuf::from).filter(|path| path.is_absolute()));
    }
    let by_flags = [FileKind::AuthorizationWebhook, FileKind::TokenWebhook];
    let by_flags = by_flags.into_iter().filter_map(|kind| contents.file(kind));
    let by_files: Vec<_> = named.iter().filter_map(|path| contents.named(path)).collect();
    for text in by_flags.chain(by_files) {
        let (path, bytes) = (Path::new(&*text.name), text.source().bytes);
        if let Ok(kubeconfig) = (Place { path, bytes, limits }).read() {
            named.extend(kubeconfig.files().cloned());
        }
    }
    named.sort_unstable();
    named.dedup();
    named.truncate(MOST_NAMED);
    named
}

/// Each of them is looked at whenever anything changes.
const MOST_NAMED: usize = 1024;

//! File → text: reads folders of manifests and the single files beside them as they were at one time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use verdikt_parser::{Diagnostic, Limits};

use super::contents::{Contents, Text};
use super::findings::Findings;
use super::listing::{Bounds, Listed, Listing, Manifest};
use super::read::{Problem, read_all, read_file};
use super::walk::Lister;

/// The files a policy is read from.
///
/// Of a folder, all of `*.yaml`, `*.yml` and `*.json` is read, at any depth and sorted by name; names
/// that begin with a dot are passed over. Links are followed, those of a mounted ConfigMap or Secret
/// too. `-` in place of a folder is standard input, which is read once and kept.
///
/// [`Limits`] bound one file, all files, and the folders. Named pipes, sockets and devices are refused
/// without being opened.
#[derive(Clone, Debug)]
pub struct FileSet {
    policy_dirs: Vec<PathBuf>,
    abac: Option<PathBuf>,
    tokens: Option<PathBuf>,
    basic: Option<PathBuf>,
    others: Vec<(FileKind, PathBuf)>,
    pub(super) bounds: Bounds,
    stdin: Arc<OnceLock<Result<Text, Problem>>>,
    /// What these files name in turn.
    named: Arc<Mutex<Named>>,
}

/// Files that other files name, in order.
pub(super) type Named = Arc<[PathBuf]>;

/// What a file that is named by a flag of its own is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// Authorities of client certificates.
    ClientCa,
    /// Revocation lists of client certificates.
    ClientCrl,
    /// Authorities of authenticating proxies.
    RequestHeaderCa,
    /// The certificate a server shows.
    ServingCertificate,
    /// The key of that.
    ServingKey,
    /// Issuers of tokens, and who is anonymous.
    AuthenticationConfig,
    /// Authorities of the issuer that flags name.
    OidcCa,
    /// Authorizers, and how webhooks are asked.
    AuthorizationConfig,
    /// Where the webhook of mode Webhook is.
    AuthorizationWebhook,
    /// Where the webhook is that knows tokens.
    TokenWebhook,
    /// Keys that service account tokens are signed with.
    ServiceAccountKeys,
    /// Which requests are recorded.
    AuditPolicy,
}

impl FileSet {
    /// Names the files; nothing is opened yet. `policy_dirs` are folders of manifests, or single ones.
    pub fn new(
        policy_dirs: Vec<PathBuf>,
        abac: Option<PathBuf>,
        tokens: Option<PathBuf>,
        basic: Option<PathBuf>,
        limits: Limits,
    ) -> Self {
        let bounds = Bounds::new(&limits);
        Self {
            policy_dirs,
            abac,
            tokens,
            basic,
            others: Vec::new(),
            bounds,
            stdin: Arc::default(),
            named: Arc::default(),
        }
    }

    /// The same files and one more.
    #[must_use]
    pub fn with_file(mut self, kind: FileKind, path: impl Into<PathBuf>) -> Self {
        self.others.push((kind, path.into()));
        self
    }

    /// Has `paths` read and watched as well, in place of those before: what was read names them. One that
    /// cannot be read is left out, and no error: whoever needs it knows better what that means. True if they
    /// are others than before.
    pub(crate) fn follow(&self, paths: Vec<PathBuf>) -> bool {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let differ = **named != *paths;
        if differ {
            *named = paths.into();
        }
        differ
    }

    /// The files of [`FileSet::follow`].
    pub(super) fn named(&self) -> Named {
        Arc::clone(&self.named.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything the files hold, and what was found. If an error is among that, something could not
    /// be read, and the contents are incomplete.
    ///
    /// Files that change while they are read are read again, so that the contents are those of one
    /// moment; after 7 tries in an eighth of a second that is an error.
    pub fn read(&self) -> (Contents, Vec<Diagnostic>) {
        let mut pause = Duration::from_millis(1);
        for _ in 0..TRIES {
            let listing = self.list();
            let (contents, found) = self.read_listed(&listing);
            // A change under way may show as an error, such as a file that went away in the middle.
            let steady =
                if found.has_error() { self.list() == listing } else { listing.is_current() };
            if steady {
                return (contents, found.into_vec());
            }
            thread::sleep(pause);
            pause *= 2;
        }
        let message = format!("the files changed each of the {TRIES} times they were read");
        let help = "write a new file beside the old one and rename it, so that it changes at once";
        let found = Diagnostic::error("source/changing", message).help(help);
        (Contents::default(), vec![found])
    }

    /// What was named, as it was named.
    pub fn names(&self) -> Vec<String> {
        let name = |path: &PathBuf| {
            if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
        };
        self.policy_dirs.iter().chain(self.single_files()).map(name).collect()
    }

    /// What lies at the paths now.
    pub(super) fn list(&self) -> Listing {
        let mut lister = Lister::new(&self.bounds);
        let mut manifests = Vec::new();
        for path in &self.policy_dirs {
            if is_stdin(path) {
                manifests.push(Manifest::Stdin);
            } else {
                manifests.extend(lister.manifests(path).into_iter().map(Manifest::File));
            }
        }
        let mut single = |path: &Option<PathBuf>| lister.file(path.as_deref()?);
        let (abac, tokens, basic) = (single(&self.abac), single(&self.tokens), single(&self.basic));
        let others = self.others.iter();
        let others = others.filter_map(|(kind, path)| Some((*kind, lister.file(path)?))).collect();
        let named = self.named();
        let named = named.iter().filter_map(|path| lister.file_if_there(path)).collect();
        let (folders, found) = lister.finish();
        Listing { manifests, abac, tokens, basic, others, named, folders, found }
    }

    /// Every path that was named, without standard input.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let folders = self.policy_dirs.iter().filter(|path| !is_stdin(path));
        folders.chain(self.single_files()).map(PathBuf::as_path)
    }

    fn single_files(&self) -> impl Iterator<Item = &PathBuf> {
        let others = self.others.iter().map(|(_, path)| path);
        [&self.abac, &self.tokens, &self.basic].into_iter().flatten().chain(others)
    }

    fn read_listed(&self, listing: &Listing) -> (Contents, Findings) {
        let mut reader = Reader::new(&self.bounds);
        reader.found.extend(listing.found.iter().cloned());
        let mut contents = Contents::default();
        for manifest in &listing.manifests {
            contents.manifests.extend(match manifest {
                Manifest::Stdin => reader.keep(self.stdin()),
                Manifest::File(listed) => reader.text(listed),
            });
        }
        let mut single = |listed: &Option<Listed>| reader.text(listed.as_ref()?);
        contents.abac = single(&listing.abac);
        contents.tokens = single(&listing.tokens);
        contents.basic = single(&listing.basic);
        for (kind, listed) in &listing.others {
            contents.others.extend(reader.text(listed).map(|text| (*kind, text)));
        }
        contents.named.extend(listing.named.iter().filter_map(|listed| reader.named(listed)));
        (contents, reader.found)
    }

    fn stdin(&self) -> Result<Text, Problem> {
        let read = || {
            let bytes = read_all(io::stdin().lock(), 0, STDIN, self.bounds.file_bytes)?;
            Ok(Text::new(STDIN, bytes))
        };
        self.stdin.get_or_init(read).clone()
    }
}

/// Reads files one after the other, within the bound on all of them.
struct Reader<'a> {
    bounds: &'a Bounds,
    bytes: u64,
    full: bool,
    found: Findings,
}

impl<'a> Reader<'a> {
    fn new(bounds: &'a Bounds) -> Self {
        Self { bounds, bytes: 0, full: false, found: Findings::new(bounds) }
    }

    fn text(&mut self, listed: &Listed) -> Option<Text> {
        if self.full {
            return None;
        }
        let name = listed.path.display().to_string();
        self.bytes = self.bytes.saturating_add(listed.state.bytes);
        if self.bytes > self.bounds.total_bytes {
            self.full = true;
            return self.keep(Err(too_much(&name, self.bounds.total_bytes)));
        }
        let read = read_file(&listed.real, &name, self.bounds.file_bytes);
        self.keep(read.map(|bytes| Text::listed(name, &listed.local_name, bytes)))
    }

    /// A file that others name; none if it cannot be read.
    fn named(&self, listed: &Listed) -> Option<Text> {
        let name = listed.path.display().to_string();
        let most = self.bounds.file_bytes.min(MOST_NAMED_BYTES);
        let bytes = read_file(&listed.real, &name, most).ok()?;
        Some(Text::new(name, bytes))
    }

    fn keep(&mut self, read: Result<Text, Problem>) -> Option<Text> {
        read.map_err(|problem| self.found.push(*problem)).ok()
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn too_much(name: &str, most: u64) -> Problem {
    let message = format!("`{name}` brings all files to more than {most} bytes");
    Diagnostic::error("source/too-much", message)
        .help("name folders that hold the policy and nothing else, or raise `--limit-total-bytes`")
        .into()
}

const STDIN: &str = "<stdin>";
const TRIES: usize = 7;
/// Kubeconfigs, certificates, keys and tokens are small.
const MOST_NAMED_BYTES: u64 = 1 << 20;

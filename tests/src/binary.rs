//! The `verdikt` command as a person runs it: a process with its output and exit code.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `binary` with `arguments`, and `input` on its standard input.
///
/// # Panics
/// If it cannot be started.
pub fn run(binary: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = Command::new(binary);
    command.args(arguments);
    finish(&mut command, input)
}

/// Runs a prepared command to its end.
///
/// # Panics
/// If it cannot be started.
pub fn finish(command: &mut Command, input: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that needs no input may have closed it already.
    drop(child.stdin.take().unwrap().write_all(input));
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running `verdikt serve`, killed when dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
}

impl Serving {
    /// Starts `binary serve` with `arguments` on a free port, and waits until it listens.
    ///
    /// # Panics
    /// If it ends before it listens; its log is the message.
    pub fn start(binary: &Path, arguments: &[&str]) -> Self {
        Self::start_at(binary, "127.0.0.1:0", arguments)
    }

    /// The same at an address, which may be `unix:PATH`.
    ///
    /// # Panics
    /// If it ends before it listens; its log is the message.
    pub fn start_at(binary: &Path, address: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary)
            .args(["serve", "--http-address", address])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let url = loop {
            let start = seen.len();
            assert!(log.read_line(&mut seen).unwrap() > 0, "it did not come to listen:\n{seen}");
            if let Some((_, url)) = seen[start..].trim_end().split_once("listening on ") {
                break url.to_owned();
            }
        };
        let seen = Arc::new(Mutex::new(seen));
        let kept = Arc::clone(&seen);
        // Whatever it logs later must not block it.
        std::thread::spawn(move || {
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|count| count > 0) {
                kept.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        Self { child, url, log: seen }
    }

    /// What it has logged between `before` and the end of a line, once it has.
    ///
    /// # Panics
    /// If that does not come.
    pub fn logged(&self, before: &str) -> String {
        for _ in 0..1_000 {
            let log = self.log.lock().unwrap();
            let whole = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            let found = whole.filter_map(|line| line.split_once(before)).next();
            if let Some((_, after)) = found {
                return after.to_owned();
            }
            drop(log);
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{before:?} is not in the log:\n{}", self.log.lock().unwrap());
    }

    /// Where it listens: `http://ADDRESS:PORT` or `unix:PATH`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    ///
    /// # Panics
    /// If that is a Unix socket.
    pub fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").and_then(|address| address.parse().ok()).unwrap()
    }

    /// Sends a signal by name, such as `TERM`, and waits for the end. The exit code; -1 for a signal.
    ///
    /// # Panics
    /// If there is no `kill` command.
    pub fn signal(mut self, name: &str) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a command can be started here. Says so if not: the test that asks is skipped.
pub fn is_installed(name: &str) -> bool {
    let found = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("skipped: {name} is not installed");
    }
    found
}

/// Where a program is: on the PATH, or among the tools of this repository. Says so if it is nowhere: the test that
/// asks is skipped.
pub fn tool(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tools = ["target/tools/bin", "target/tools"].map(|folder| root.join(folder));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).chain(tools);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

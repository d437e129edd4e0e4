//! The `verdikt` command as a person runs it: a process with its output and exit code.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
    address: SocketAddr,
}

impl Serving {
    /// Starts `binary serve` with `arguments` on a free port, and waits until it listens.
    ///
    /// # Panics
    /// If it ends before it listens; its log is the message.
    pub fn start(binary: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary)
            .args(["serve", "--http-address=127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let start = seen.len();
            assert!(log.read_line(&mut seen).unwrap() > 0, "it did not come to listen:\n{seen}");
            if let Some((_, address)) = seen[start..].trim_end().split_once("listening on http://")
            {
                break address.parse().unwrap();
            }
        };
        // Whatever it logs later must not block it.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

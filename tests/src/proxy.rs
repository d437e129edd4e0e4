//! A proxy of others, such as nginx or Envoy, as a process with a configuration of `policies/`.

use std::fs::{File, read_to_string};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::binary::tool;
use crate::http::{Answer, raw};

/// A proxy that runs, and ends with the test.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// Runs `program` with a file, in which what `written` says is put in the place of each first text, and the
    /// address to listen at in that of `listens`; none if it is not installed.
    ///
    /// # Panics
    /// If it does not come to listen.
    pub fn start(
        program: &str,
        file: &Path,
        listens: fn(SocketAddr) -> (String, String),
        written: &[(String, String)],
        arguments: impl FnOnce(&Path) -> Vec<String>,
    ) -> Option<Self> {
        let program = tool(program)?;
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut text = read_to_string(file).unwrap();
        for (there, here) in written.iter().chain([&listens(address)]) {
            assert!(text.contains(there), "{} has no {there}", file.display());
            text = text.replace(there, here);
        }
        let file = folder.path().join(file.file_name().unwrap());
        std::fs::write(&file, text).unwrap();
        let log = |name: &str| Stdio::from(File::create(folder.path().join(name)).unwrap());
        let mut child = Command::new(program)
            .args(arguments(folder.path()))
            .arg(&file)
            .env("HOME", folder.path())
            .stdout(log("stdout"))
            .stderr(log("stderr"))
            .spawn()
            .unwrap();
        while TcpStream::connect(address).is_err() {
            let ended = child.try_wait().unwrap();
            let log = || read_to_string(folder.path().join("stderr")).unwrap_or_default();
            assert!(ended.is_none(), "{}: it does not listen:\n{}", file.display(), log());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Some(Self { child, address, folder })
    }

    /// One request on a connection of its own.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let host = self.address;
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        raw(self.address, (request + "\r\n").as_bytes())
    }

    /// What it has written so far, to standard output and then to standard error.
    pub fn log(&self) -> String {
        ["stdout", "stderr"]
            .map(|name| read_to_string(self.folder.path().join(name)).unwrap_or_default())
            .concat()
    }

    /// Ends it, and says what it has written.
    ///
    /// # Panics
    /// If there is no `kill` command.
    pub fn end(mut self) -> String {
        self.stop();
        self.log()
    }

    fn stop(&mut self) {
        // Workers go with their master only if it is asked to end.
        let id = self.child.id().to_string();
        drop(Command::new("kill").args(["-s", "TERM", &id]).status());
        drop(self.child.wait());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.stop();
        }
    }
}

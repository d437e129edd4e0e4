//! A real etcd, a real kube-apiserver and a real kubectl, where they are installed.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub use crate::binary::tool;
use crate::binary::{Ran, finish};

/// A program that is killed when dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An address that nobody uses now.
///
/// # Panics
/// If there is none.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts etcd with its data in `folder`; how clients reach it.
///
/// # Panics
/// If it cannot be started.
pub fn etcd(program: &Path, folder: &Path) -> (Process, String) {
    let [clients, peers] = [free_port(), free_port()].map(|address| format!("http://{address}"));
    let child = Command::new(program)
        .arg(format!("--data-dir={}", folder.join("etcd").display()))
        .arg(format!("--listen-client-urls={clients}"))
        .arg(format!("--advertise-client-urls={clients}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=default={peers}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Process(child), clients)
}

/// A kube-apiserver.
#[derive(Debug)]
pub struct ApiServer {
    process: Process,
    address: SocketAddr,
    log: PathBuf,
}

impl ApiServer {
    /// Starts one with the certificate `apiserver-serving.pem` of `folder`, and more flags.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(program: &Path, folder: &Path, etcd: &str, prefix: &str, more: &[String]) -> Self {
        let address = free_port();
        let log = folder.join(format!("{prefix}.log"));
        let output = File::create(&log).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let mut command = Command::new(program);
        for (flag, value) in [
            ("etcd-servers", etcd.to_owned()),
            ("etcd-prefix", format!("/{prefix}")),
            ("bind-address", "127.0.0.1".to_owned()),
            ("advertise-address", "127.0.0.1".to_owned()),
            ("secure-port", address.port().to_string()),
            ("endpoint-reconciler-type", "none".to_owned()),
            ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
            ("tls-cert-file", path("apiserver-serving.pem")),
            ("tls-private-key-file", path("apiserver-serving-key.pem")),
            ("service-account-issuer", "https://kubernetes.default.svc.cluster.local".to_owned()),
            ("service-account-key-file", path("apiserver-serving.pem")),
            ("service-account-signing-key-file", path("apiserver-serving-key.pem")),
        ] {
            command.arg(format!("--{flag}={value}"));
        }
        let child =
            command.args(more).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        Self { process: Process(child), address, log }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Until it says to `ask` that it is ready.
    ///
    /// # Panics
    /// If it ends, or takes two minutes; its log is the message.
    pub fn wait(&mut self, ask: impl Fn(SocketAddr, &[&str]) -> Ran) {
        let log = || fs::read_to_string(&self.log).unwrap();
        for _ in 0..240 {
            if ask(self.address, &["get", "--raw", "/readyz"]).stdout == "ok" {
                return;
            }
            let ended = self.process.0.try_wait().unwrap();
            assert!(ended.is_none(), "it ended:\n{}", log());
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("it does not become ready:\n{}", log());
    }
}

/// kubectl at `server`, whose certificate `ca.pem` of `folder` vouches for.
pub fn kubectl(folder: &Path, server: SocketAddr) -> Command {
    let mut command = Command::new("kubectl");
    command
        .arg(format!("--server=https://{server}"))
        .arg(format!("--certificate-authority={}", folder.join("ca.pem").display()))
        .env("HOME", folder)
        .env("KUBECONFIG", folder.join("none"));
    command
}

/// The same as somebody with a token `NAME-token`.
///
/// # Panics
/// If there is no kubectl.
pub fn kubectl_as(folder: &Path, server: SocketAddr, name: &str, arguments: &[&str]) -> Ran {
    let mut command = kubectl(folder, server);
    finish(command.arg(format!("--token={name}-token")).args(arguments), b"")
}

//! A real kube-apiserver asks verdikt who its clients are and what they may do, over mutual TLS; a real kubectl
//! is the client. The files are those of `policies/kube-apiserver`, with certificates made for the test.
//!
//! Needs etcd, kube-apiserver and kubectl (`tests/oracle/build` gets the first two), and is skipped without.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what a test needs is there, or the test fails; what kubectl prints is worth reading"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use verdikt_tests::binary::{Ran, Serving, is_installed};
use verdikt_tests::cluster::{self, ApiServer, Process, free_port, kubectl_as, tool};
use verdikt_tests::tls::{Authority, Certified};

const EXAMPLE: &str = "policies/kube-apiserver";
/// Where the example's files lie on a machine that runs kube-apiserver.
const INSTALLED: &str = "/etc/kubernetes/verdikt";

/// How kube-apiserver is told to ask about permissions.
#[derive(Clone, Copy, Debug)]
enum Configured {
    Flags,
    File,
}

struct World {
    folder: tempfile::TempDir,
    etcd: (Process, String),
    _verdikt: Serving,
    verdikt: SocketAddr,
}

#[test]
fn a_real_kube_apiserver_asks_verdikt() {
    let Some((etcd, apiserver)) = tool("etcd").zip(tool("kube-apiserver")) else { return };
    if !is_installed("kubectl") {
        return;
    }
    let world = World::new(&etcd);
    for configured in [Configured::Flags, Configured::File] {
        println!("\n== kube-apiserver told by {configured:?}");
        let server = Cluster::start(&world, &apiserver, configured);
        server.knows_who_asks();
        server.allows_and_denies();
        server.lists();
        server.follows_a_reload();
    }
}

impl World {
    fn new(etcd: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_port();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(EXAMPLE), &folder, address);
        let authority = Authority::new("cluster");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &authority.pem);
        for (name, Certified { certificate, key }) in [
            ("verdikt", authority.server()),
            ("apiserver-serving", authority.server()),
            ("kube-apiserver", authority.client("kube-apiserver", "control-plane", 1)),
        ] {
            write(&format!("{name}.pem"), &certificate);
            write(&format!("{name}-key.pem"), &key);
        }
        let config = folder.path().join("verdikt.yaml").display().to_string();
        let binary = Path::new(env!("CARGO_BIN_EXE_verdikt"));
        let verdikt = Serving::start(binary, &["--config", &config, "--http-access=authorized"]);
        let etcd = cluster::etcd(etcd, folder.path());
        Self { folder, etcd, _verdikt: verdikt, verdikt: address }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// A kube-apiserver with a namespace `shop`.
struct Cluster<'a> {
    world: &'a World,
    /// What kube-apiserver calls the authorizer that is verdikt: it says so before a refusal's reason.
    authorizer: &'static str,
    server: ApiServer,
}

impl<'a> Cluster<'a> {
    fn start(world: &'a World, apiserver: &Path, configured: Configured) -> Self {
        let mut flags: Vec<String> = [
            ("authentication-token-webhook-config-file", world.path("authentication.yaml")),
            ("authentication-token-webhook-version", "v1".to_owned()),
            ("authentication-token-webhook-cache-ttl", "0s".to_owned()),
        ]
        .map(|(flag, value)| format!("--{flag}={value}"))
        .into();
        let authorizer = match configured {
            Configured::Flags => "default",
            Configured::File => "verdikt",
        };
        flags.extend(match configured {
            Configured::Flags => vec![
                "--authorization-mode=Webhook".to_owned(),
                format!("--authorization-webhook-config-file={}", world.path("authorization.yaml")),
                "--authorization-webhook-version=v1".to_owned(),
                "--authorization-webhook-cache-authorized-ttl=0s".to_owned(),
                "--authorization-webhook-cache-unauthorized-ttl=0s".to_owned(),
            ],
            Configured::File => {
                vec![format!("--authorization-config={}", world.path("authorization-config.yaml"))]
            }
        });
        let (folder, prefix) = (world.folder.path(), format!("{configured:?}"));
        let mut server = ApiServer::start(apiserver, folder, &world.etcd.1, &prefix, &flags);
        server.wait(|address, arguments| kubectl_as(folder, address, "admin", arguments));
        let cluster = Self { world, authorizer, server };
        let made = cluster.kubectl("admin", &["create", "namespace", "shop"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        cluster
    }

    fn kubectl(&self, user: &str, arguments: &[&str]) -> Ran {
        kubectl_as(self.world.folder.path(), self.server.address(), user, arguments)
    }

    /// What kubectl prints to either output, and whether it went well.
    fn check(&self, user: &str, arguments: &[&str], is_good: bool, expected: &str) {
        let ran = self.kubectl(user, arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        println!("{user}$ kubectl {}\n{said}", arguments.join(" "));
        assert_eq!(
            (ran.code == 0, said.contains(expected)),
            (is_good, true),
            "{expected:?}: {said}"
        );
    }

    fn knows_who_asks(&self) {
        let whoami = ["auth", "whoami", "-o", "jsonpath={.status.userInfo}"];
        let expected = r#"{"groups":["dev","system:authenticated"],"uid":"1","username":"alice"}"#;
        self.check("alice", &whoami, true, expected);
        self.check("nobody", &whoami, false, "You must be logged in to the server");
    }

    fn allows_and_denies(&self) {
        let pods = ["get", "pods", "--namespace=shop"];
        self.check("alice", &pods, true, "No resources found in shop namespace.");
        let expected = format!(
            "Error from server (Forbidden): pods is forbidden: User \"bob\" cannot list resource \"pods\" in \
             API group \"\" in the namespace \"shop\": {}",
            self.reason()
        );
        self.check("bob", &pods, false, &expected);
        self.check("alice", &["get", "pods", "--namespace=default"], false, "cannot list resource");
        self.check("alice", &["get", "nodes"], false, "at the cluster scope");
        self.check("alice", &["get", "--raw", "/metrics"], false, "cannot get path \"/metrics\"");
        let review = self.world.path("review.yaml");
        let text = "apiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nspec:\n  user: x\n  \
                    groups: [dev]\n  resourceAttributes: {verb: get, resource: pods, namespace: shop}\n";
        fs::write(&review, text).unwrap();
        self.check(
            "admin",
            &["create", "-f", &review, "-o", "jsonpath={.status}"],
            true,
            r#"{"allowed":true,"reason":"RBAC: allowed by RoleBinding \"viewers/shop\" of Role \"viewer\" to Group \"dev\""}"#,
        );
    }

    /// Why verdikt refuses bob.
    fn reason(&self) -> String {
        let authorizer = self.authorizer;
        format!("{authorizer}: rbac: RBAC: role.rbac.authorization.k8s.io \"deployer\" not found")
    }

    /// kube-apiserver does not ask webhooks for all that is allowed; verdikt itself knows.
    fn lists(&self) {
        let can_i = ["auth", "can-i", "list", "pods", "--namespace=shop"];
        self.check("alice", &can_i, true, "yes");
        self.check("bob", &can_i, false, &format!("no - {}", self.reason()));
        let list = ["auth", "can-i", "--list", "--namespace=shop"];
        self.check(
            "alice",
            &list,
            true,
            "webhook authorizer does not support user rule resolution",
        );
        let ran = kubectl_as(self.world.folder.path(), self.world.verdikt, "alice", &list);
        println!("alice, of verdikt$ kubectl {}\n{}", list.join(" "), ran.stdout);
        let line = ran.stdout.lines().find(|line| line.starts_with("pods/log "));
        let words: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
        assert_eq!(words, ["pods/log", "[]", "[]", "[get", "list", "watch]"], "{}", ran.stderr);
    }

    /// A binding that is added is in force, and one that is taken away is not, with neither restarted.
    fn follows_a_reload(&self) {
        let services = ["get", "services", "--namespace=shop"];
        self.check("carol", &services, false, "User \"carol\" cannot list resource \"services\"");
        let binding = self.world.path("manifests/carol.yaml");
        let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
                    metadata: {name: carol, namespace: shop}\n\
                    subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: carol}]\n\
                    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: viewer}\n";
        fs::write(&binding, text).unwrap();
        self.until("carol", &services, true);
        self.check("carol", &services, true, "No resources found in shop namespace.");
        fs::remove_file(&binding).unwrap();
        self.until("carol", &services, false);
        self.check("carol", &services, false, "is forbidden");
    }

    /// Asks until the answer is what it must become.
    fn until(&self, user: &str, arguments: &[&str], is_good: bool) {
        for _ in 0..60 {
            if (self.kubectl(user, arguments).code == 0) == is_good {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("{user}: {arguments:?} does not become {is_good}");
    }
}

/// The example's files with this address of verdikt, and with the places that they have here.
fn copy(example: &Path, folder: &tempfile::TempDir, verdikt: SocketAddr) {
    fs::create_dir(folder.path().join("manifests")).unwrap();
    for name in [
        "verdikt.yaml",
        "tokens.csv",
        "authentication.yaml",
        "authorization.yaml",
        "authorization-config.yaml",
        "manifests/server.yaml",
        "manifests/people.yaml",
    ] {
        let text = fs::read_to_string(example.join(name)).unwrap();
        let text = text
            .replace("127.0.0.1:8473", &verdikt.to_string())
            .replace("secure-port: 8473", &format!("secure-port: {}", verdikt.port()))
            .replace(INSTALLED, &folder.path().display().to_string());
        fs::write(folder.path().join(name), text).unwrap();
    }
}

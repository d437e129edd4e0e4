//! kubectl against verdikt: what it asks for, and what it prints.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use verdikt::Engine;
use verdikt_tests::binary::{Ran, finish};
use verdikt_tests::http::Running;

const POLICY: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: web}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get, list], resourceNames: [a, b]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: web}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
";

struct World {
    server: Running,
    folder: tempfile::TempDir,
}

/// The default policy of a cluster and ours, or none if there is no kubectl here.
fn world() -> Option<World> {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        println!("skipped: kubectl is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, "jane-token,jane,1,dev\nroot-token,root,2,system:masters\n").unwrap();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let engine = Engine::builder()
        .policy_dir(vectors.join("bootstrap-policy.yaml"))
        .manifest("policy.yaml", POLICY)
        .token_auth_file(tokens)
        .build()
        .unwrap();
    let server =
        Running::start(engine, |options| options.access = verdikt_server::Access::Authorized);
    Some(World { server, folder })
}

impl World {
    fn kubectl(&self, token: &str, arguments: &[&str]) -> Ran {
        let address = with_token(self.server.address(), token);
        let mut command = Command::new("kubectl");
        command
            .arg(format!("--server=http://{address}"))
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.folder.path().join("none"));
        finish(&mut command, b"")
    }

    fn check(&self, token: &str, arguments: &[&str], code: i32, stdout: &str) {
        let ran = self.kubectl(token, arguments);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (code, stdout),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
}

/// Where requests get a token and are handed on: kubectl sends none where there is no TLS.
fn with_token(server: SocketAddr, token: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let token = token.to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let token = token.clone();
            std::thread::spawn(move || hand_on(client, server, &token));
        }
    });
    address
}

/// One request and its answer.
fn hand_on(mut client: TcpStream, server: SocketAddr, token: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    client.read_exact(&mut body)?;
    let mut server = TcpStream::connect(server)?;
    let added = format!("\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n");
    server.write_all(head.replacen("\r\n", &added, 1).as_bytes())?;
    server.write_all(&body)?;
    std::io::copy(&mut server, &mut client).map(drop)
}

#[test]
fn can_i_is_answered_for_resources_and_paths() {
    let Some(world) = world() else { return };
    let can_i = |rest: &[&'static str]| [&["auth", "can-i"], rest].concat();
    world.check("jane-token", &can_i(&["get", "pods/a", "-n", "web"]), 0, "yes\n");
    world.check("jane-token", &can_i(&["get", "pods/c", "-n", "web"]), 1, "no\n");
    world.check("jane-token", &can_i(&["get", "/healthz"]), 0, "yes\n");
    world.check("jane-token", &can_i(&["get", "/secret"]), 1, "no\n");
    world.check("root-token", &can_i(&["*", "*", "-A"]), 0, "yes\n");
    let ran = world.kubectl("jane-token", &can_i(&["create", "selfsubjectaccessreviews"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "yes\n"), "{}", ran.stderr);
    // It was found by discovery, as a resource without namespaces.
    assert!(ran.stderr.contains("resource 'selfsubjectaccessreviews' is not namespace scoped"));
    let ran = world.kubectl("wrong", &can_i(&["get", "pods"]));
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("must be logged in to the server (Unauthorized)"),
        "{}",
        ran.stderr
    );
}

#[test]
fn can_i_lists_what_there_is() {
    let Some(world) = world() else { return };
    let ran = world.kubectl("jane-token", &["auth", "can-i", "--list", "-n", "web"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let line = |start: &str| {
        let line = ran.stdout.lines().find(|line| line.starts_with(start));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("pods "), "pods [] [a] [get list]", "{}", ran.stdout);
    assert_eq!(
        line("selfsubjectreviews."),
        "selfsubjectreviews.authentication.k8s.io [] [] [create]",
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("[/healthz]"), "{}", ran.stdout);
}

#[test]
fn whoami_tells_name_and_groups() {
    let Some(world) = world() else { return };
    let ran = world.kubectl("jane-token", &["auth", "whoami"]);
    let lines: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let expected =
        ["ATTRIBUTE VALUE", "Username jane", "UID 1", "Groups [dev system:authenticated]"];
    assert_eq!(lines, expected, "{}", ran.stderr);
}

#[test]
fn resources_and_versions_are_listed() {
    let Some(world) = world() else { return };
    let ran = world.kubectl("jane-token", &["api-resources", "--no-headers", "-o", "name"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("tokenreviews.authentication.k8s.io\n"), "{}", ran.stdout);
    let ran = world.kubectl("jane-token", &["api-versions"]);
    assert!(ran.stdout.contains("authorization.k8s.io/v1\n"), "{}", ran.stdout);
}

#[test]
fn a_review_is_created_from_a_file_and_validated() {
    let Some(world) = world() else { return };
    let file = world.folder.path().join("review.yaml");
    let review = "apiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nspec:\n  \
                  groups:\n  - dev\n  resourceAttributes:\n    name: a\n    namespace: web\n    \
                  resource: pods\n    verb: get\n";
    std::fs::write(&file, review).unwrap();
    let create = |rest: &[&'static str]| {
        world.kubectl("root-token", &[&["create", "-f", file.to_str().unwrap()], rest].concat())
    };
    let ran = create(&["-o", "yaml"]);
    let reason = "RBAC: allowed by RoleBinding \"readers/web\" of Role \"reader\" to Group \"dev\"";
    let expected = review.replace("spec:\n", "metadata: {}\nspec:\n")
        + &format!("status:\n  allowed: true\n  reason: '{reason}'\n");
    assert_eq!((ran.code, ran.stdout), (0, expected), "{}", ran.stderr);
    // kubectl finds a wrong word by the schema; without that, the server does.
    std::fs::write(&file, review.replace("groups", "group")).unwrap();
    let ran = create(&[]);
    let expected = "ValidationError(SubjectAccessReview.spec): unknown field \"group\" in \
                    io.k8s.api.authorization.v1.SubjectAccessReviewSpec";
    assert!(ran.code == 1 && ran.stderr.contains(expected), "{}", ran.stderr);
    let ran = create(&["--validate=warn"]);
    assert!(ran.stderr.contains("Warning: unknown field \"spec.group\""), "{}", ran.stderr);
}

#[test]
fn reviews_are_explained() {
    let Some(world) = world() else { return };
    let field = "subjectaccessreviews.spec.resourceAttributes.verb";
    let ran = world.kubectl("jane-token", &["explain", field]);
    assert!(ran.stdout.contains("FIELD: verb <string>"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn documents_are_got_as_they_are() {
    let Some(world) = world() else { return };
    let ran = world.kubectl("jane-token", &["version"]);
    assert!(ran.stdout.contains("Server Version: v1.37.0+verdikt-"), "{}", ran.stderr);
    let ran = world.kubectl("jane-token", &["get", "--raw", "/apis/authentication.k8s.io"]);
    let expected =
        "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",\"name\":\"authentication.k8s.io\",";
    assert!(ran.stdout.starts_with(expected), "{}{}", ran.stdout, ran.stderr);
    let ran =
        world.kubectl("jane-token", &["auth", "whoami", "-o", "jsonpath={.status.userInfo.uid}"]);
    assert_eq!(ran.stdout, "1", "{}", ran.stderr);
}

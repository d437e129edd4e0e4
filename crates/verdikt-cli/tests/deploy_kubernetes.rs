//! The manifests of `policies/deploy` at a real kube-apiserver: it takes every object without a warning, and their
//! pods are admitted to a namespace with the Pod Security Standard `restricted`.
//!
//! Needs etcd, kube-apiserver and kubectl (`tests/oracle/build` gets the first two), and is skipped without.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use verdikt_tests::binary::{Ran, finish, is_installed};
use verdikt_tests::cluster::{self, ApiServer, kubectl, tool};
use verdikt_tests::tls::Authority;

#[test]
fn a_real_kube_apiserver_takes_the_manifests() {
    let Some((etcd, apiserver)) = tool("etcd").zip(tool("kube-apiserver")) else { return };
    if !is_installed("kubectl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let authority = Authority::new("cluster");
    let serving = authority.server();
    fs::write(path("ca.pem"), &authority.pem).unwrap();
    fs::write(path("apiserver-serving.pem"), &serving.certificate).unwrap();
    fs::write(path("apiserver-serving-key.pem"), &serving.key).unwrap();
    fs::write(path("tokens.csv"), "admin-token,admin,1,system:masters\n").unwrap();
    let (_etcd, clients) = cluster::etcd(&etcd, folder.path());
    let flags = [
        format!("--token-auth-file={}", path("tokens.csv").display()),
        // Nobody makes the accounts of namespaces here.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
    ];
    let mut server = ApiServer::start(&apiserver, folder.path(), &clients, "deploy", &flags);
    let ask = |address, arguments: &[&str], input: &[u8]| -> Ran {
        let mut command = kubectl(folder.path(), address);
        finish(command.arg("--token=admin-token").args(arguments), input)
    };
    server.wait(|address, arguments| ask(address, arguments, b""));
    let at = |arguments: &[&str], input: &[u8]| {
        let ran = ask(server.address(), arguments, input);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        ran.stdout
    };

    for (example, name) in [("kubernetes", "verdikt"), ("sidecar", "shop")] {
        let manifests =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/deploy").join(example);
        let manifests = manifests.to_str().unwrap();
        at(&["apply", "-n", "verdikt", "--validate=strict", "-k", manifests], b"");
        let deployment = at(&["get", "deployment", name, "-n", "verdikt", "-o", "json"], b"");
        let deployment: Value = serde_json::from_str(&deployment).unwrap();
        let template = deployment.pointer("/spec/template").unwrap();
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": template.pointer("/metadata/labels")},
            "spec": template.pointer("/spec"),
        });
        at(&["create", "-n", "verdikt", "-f", "-"], pod.to_string().as_bytes());
        // The Service, and the budget if there is one, mean this pod.
        let service = at(&["get", "service", name, "-n", "verdikt", "-o", "json"], b"");
        let service: Value = serde_json::from_str(&service).unwrap();
        let selector = service.pointer("/spec/selector").unwrap().as_object().unwrap();
        let labels = template.pointer("/metadata/labels").unwrap();
        assert!(!selector.is_empty());
        assert!(selector.iter().all(|(key, value)| labels.get(key) == Some(value)), "{labels}");
    }
}

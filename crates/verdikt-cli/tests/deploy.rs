//! The manifests of `policies/deploy` with the real binary: folders are laid out as the kubelet would mount them, and
//! `verdikt` is started with the arguments that stand in the manifest.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "manifests have what is looked for, or the test fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use verdikt_tests::binary::{Serving, finish, is_installed};
use verdikt_tests::http::get;
use verdikt_tests::tls::{Authority, connect};
use verdikt_tests::upstream::Upstream;
use verdikt_tests::yaml::documents;

/// Where everything of verdikt's is in its container.
const MOUNTED: &str = "/etc/verdikt";
const TOKENS: &str = "jane-token,jane,u-1,\"developers,staff\"\nenvoy-token,envoy,u-2,reviewers\n\
                      prometheus-token,prometheus,u-3,monitors\n";
const REVIEW: &str = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"joe","groups":["developers"],"resourceAttributes":{"namespace":"shop","verb":"list","resource":"pods"}}}"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    documents(&read(path)).remove(0)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}"))
}

/// verdikt as a manifest runs it.
struct Deployed {
    example: &'static str,
    container: Value,
    /// Its flags as its file has them.
    config: Value,
    authority: Authority,
    serving: Serving,
    _folder: tempfile::TempDir,
}

impl Deployed {
    /// The container `verdikt` of `policies/deploy/EXAMPLE`, at other ports and with `more` flags.
    fn start(example: &'static str, more: &[&str]) -> Self {
        let example_folder = format!("policies/deploy/{example}");
        let deployment = yaml(&format!("{example_folder}/deployment.yaml"));
        let pod = &deployment["spec"]["template"]["spec"];
        let containers = list(&pod["containers"]).chain(list(&pod["initContainers"]));
        let container =
            containers.into_iter().find(|one| one["name"] == "verdikt").unwrap().clone();
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("cluster"));
        for mount in list(&container["volumeMounts"]) {
            let path = text(&mount["mountPath"]).strip_prefix(MOUNTED).unwrap();
            let volume = list(&pod["volumes"]).find(|volume| volume["name"] == mount["name"]);
            let files = contents(&example_folder, volume.unwrap(), &authority);
            mount_as_kubelet(&folder.path().join(path.trim_start_matches('/')), &files);
        }
        let here = folder.path().to_str().unwrap();
        let arguments: Vec<String> = list(&container["args"])
            .map(|argument| text(argument).replace(MOUNTED, here))
            .collect();
        assert_eq!(arguments[0], "serve");
        // The log tells the ports.
        let elsewhere = ["--secure-port=0", "--bind-address=127.0.0.1", "--logging-format=text"];
        let flags: Vec<&str> = arguments[1..]
            .iter()
            .map(String::as_str)
            .chain(elsewhere)
            .chain(more.iter().copied())
            .collect();
        let serving = Serving::start(Path::new(env!("CARGO_BIN_EXE_verdikt")), &flags);
        let config = yaml(&format!("{example_folder}/config/verdikt.yaml"));
        Self { example, container, config, authority, serving, _folder: folder }
    }

    /// What HTTPS answers to somebody with a token.
    fn ask(&self, token: Option<&str>, method: &str, path: &str, body: &str) -> (u16, String) {
        let logged = self.serving.logged("on https://");
        let address = logged.parse().unwrap();
        let credential = token.map(|token| format!("Bearer {token}"));
        let credential = credential.iter().map(|value| ("Authorization", value.as_str()));
        let headers: Vec<_> = credential.chain([("Content-Type", "application/json")]).collect();
        let mut connection = connect(address, &self.authority.pem, None).unwrap();
        let answer = connection.send(method, path, &headers, body).unwrap();
        (answer.code, answer.body)
    }

    /// Each probe is answered, at the port that the container says it has.
    fn passes_its_probes(&self) {
        for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
            let probe = &self.container[name]["httpGet"];
            let port = list(&self.container["ports"])
                .find(|port| port["name"] == probe["port"])
                .unwrap_or_else(|| panic!("{name} of {}: no such port", self.example));
            let path = text(&probe["path"]);
            let code = if probe["scheme"] == "HTTPS" {
                assert_eq!(port["containerPort"], self.config["secure-port"], "{name}");
                self.ask(None, "GET", path, "").0
            } else {
                let suffix = format!(":{}", port["containerPort"]);
                assert!(text(&self.config["http-address"]).ends_with(&suffix), "{name}");
                get(self.serving.address(), path).code
            };
            assert_eq!(code, 200, "{name} of {}", self.example);
        }
    }
}

/// The files that a volume has: of the kustomization's ConfigMaps, or of the secrets that README says to make.
fn contents(example: &str, volume: &Value, authority: &Authority) -> Vec<(String, String)> {
    if let Some(secret) = volume["secret"]["secretName"].as_str() {
        let server = authority.server();
        let owned = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        return match secret.rsplit_once('-').unwrap().1 {
            "tokens" => vec![owned("tokens.csv", TOKENS)],
            "tls" => vec![owned("tls.crt", &server.certificate), owned("tls.key", &server.key)],
            _ => panic!("README does not say how to make {secret}"),
        };
    }
    let kustomization = yaml(&format!("{example}/kustomization.yaml"));
    let name = &volume["configMap"]["name"];
    let map = list(&kustomization["configMapGenerator"]).find(|map| map["name"] == *name);
    list(&map.unwrap_or_else(|| panic!("nothing generates {name}"))["files"])
        .map(|file| {
            let file = text(file);
            (file.rsplit('/').next().unwrap().to_owned(), read(&format!("{example}/{file}")))
        })
        .collect()
}

/// Files behind links to `..data`, itself a link to a folder with the time in its name.
fn mount_as_kubelet(folder: &Path, files: &[(String, String)]) {
    let written = "..2026_01_01_00_00_00.000000000";
    fs::create_dir_all(folder.join(written)).unwrap();
    std::os::unix::fs::symlink(written, folder.join("..data")).unwrap();
    for (name, text) in files {
        fs::write(folder.join(written).join(name), text).unwrap();
        std::os::unix::fs::symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
    }
}

#[test]
fn the_deployment_serves() {
    let deployed = Deployed::start("kubernetes", &[]);
    deployed.passes_its_probes();
    let review = |token| {
        deployed.ask(token, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", REVIEW)
    };
    let (code, body) = review(Some("envoy-token"));
    assert_eq!(code, 201, "{body}");
    assert!(body.contains("RBAC: allowed by RoleBinding"), "{body}");
    assert_eq!(review(Some("jane-token")).0, 403);
    assert_eq!(review(None).0, 403);
    assert_eq!(deployed.ask(Some("prometheus-token"), "GET", "/metrics", "").0, 200);
    // Nobody is believed for being in the pod.
    assert_eq!(get(deployed.serving.address(), "/metrics").code, 403);
}

#[test]
fn the_sidecar_guards_its_site() {
    let site = Upstream::start();
    let upstream = format!("--upstream=http://{}", site.address());
    let deployed = Deployed::start("sidecar", &[&upstream]);
    deployed.passes_its_probes();
    let (code, body) = deployed.ask(Some("jane-token"), "GET", "/shop/shoes", "");
    assert_eq!(code, 200, "{body}");
    assert!(body.to_ascii_lowercase().contains("x-remote-user: jane"), "{body}");
    assert!(!body.contains("jane-token"), "{body}");
    assert_eq!(deployed.ask(Some("envoy-token"), "GET", "/shop/shoes", "").0, 403);
    assert_eq!(deployed.ask(None, "GET", "/shop/shoes", "").0, 401);
    assert_eq!(site.requests(), 1);
    assert_eq!(get(deployed.serving.address(), "/metrics").code, 401);
    // The site of the manifest is where verdikt looks for it.
    let manifest = read("policies/deploy/sidecar/deployment.yaml");
    let address = text(&deployed.config["upstream"]).strip_prefix("http://").unwrap();
    assert!(manifest.contains(&format!("-listen={address}")), "{address}");
}

#[test]
fn kustomize_builds_what_is_there() {
    if !is_installed("kubectl") {
        return;
    }
    for example in ["kubernetes", "sidecar"] {
        let folder = root().join("policies/deploy").join(example);
        let ran = finish(Command::new("kubectl").arg("kustomize").arg(&folder), b"");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let objects = documents(&ran.stdout);
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        for volume in list(&pod["volumes"]).filter(|volume| volume["secret"].is_null()) {
            let name = &volume["configMap"]["name"];
            let is_it = |object: &&Value| {
                object["kind"] == "ConfigMap" && object["metadata"]["name"] == *name
            };
            assert!(objects.iter().any(|object| is_it(&object)), "{example}: no ConfigMap {name}");
        }
        let image = list(&pod["containers"]).chain(list(&pod["initContainers"]));
        let image = image.into_iter().find(|one| one["name"] == "verdikt").unwrap();
        let version = format!("verdikt:{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(image["image"], version.as_str(), "{example}");
    }
}

//! Install manifests of well-known projects, and the default policy, load as they are.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use verdikt_parser::PolicySet;
use verdikt_tests::policy;

/// How many Roles, ClusterRoles, RoleBindings, ClusterRoleBindings, ServiceAccounts and Secrets.
type Counts = [usize; 6];

fn check(file: &str, expected: Counts, skipped: &[(&str, usize)]) {
    let text = read(file);
    let (policy, _) = policy::from_manifest(file, &text);
    assert_eq!(counts(&policy), expected, "{file}");
    let found: Vec<(&str, usize)> =
        policy.skipped.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(found, skipped, "{file}");
}

fn read(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if !file.ends_with(".gz") {
        return bytes;
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
    text
}

fn counts(policy: &PolicySet) -> Counts {
    [
        policy.roles.len(),
        policy.cluster_roles.len(),
        policy.role_bindings.len(),
        policy.cluster_role_bindings.len(),
        policy.service_accounts.len(),
        policy.secrets.len(),
    ]
}

#[test]
fn argo_cd() {
    check(
        "data/argo-cd-install.yaml.gz",
        [6, 3, 6, 3, 7, 2],
        &[
            ("apiextensions.k8s.io/v1/CustomResourceDefinition", 3),
            ("apps/v1/Deployment", 6),
            ("apps/v1/StatefulSet", 1),
            ("networking.k8s.io/v1/NetworkPolicy", 7),
            ("v1/ConfigMap", 7),
            ("v1/Service", 8),
        ],
    );
}

#[test]
fn ingress_nginx() {
    check(
        "data/ingress-nginx-deploy.yaml",
        [2, 2, 2, 2, 2, 0],
        &[
            ("admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", 1),
            ("apps/v1/Deployment", 1),
            ("batch/v1/Job", 2),
            ("networking.k8s.io/v1/IngressClass", 1),
            ("v1/ConfigMap", 1),
            ("v1/Namespace", 1),
            ("v1/Service", 2),
        ],
    );
}

#[test]
fn kube_prometheus() {
    check("data/kube-prometheus-rbac.yaml", [4, 8, 5, 7, 8, 0], &[]);
}

#[test]
fn the_default_policy() {
    check("vectors/bootstrap-policy.yaml", [7, 73, 7, 54, 0, 0], &[]);
}

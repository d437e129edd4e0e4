//! What is read of the kinds that the Node authorizer watches, and what is said of those that are wrong.

use crate::node::{ClaimStatus, ObjectName, Pod};
use crate::{Diagnostic, Manifest, Options, Source, parse_manifest};

fn read(text: &str) -> (Manifest, Vec<String>) {
    let (manifest, found) =
        parse_manifest(&Source::new("test.yaml", text.as_bytes()), &Options::default());
    (manifest, found.iter().map(Diagnostic::to_string).collect())
}

fn pod(spec: &str) -> Pod {
    let text = format!(
        "kind: Pod\napiVersion: v1\nmetadata: {{name: p, namespace: ns, uid: u}}\n{spec}\n"
    );
    let (manifest, found) = read(&text);
    assert_eq!(found, [""; 0], "{text}");
    manifest.pods.into_iter().next().unwrap_or_default()
}

#[test]
fn a_pod_as_a_cluster_has_it() {
    let pod = pod("
spec:
  nodeName: n1
  serviceAccountName: app
  serviceAccount: not-read
  priority: 0
  tolerations: [{key: a, operator: Exists}]
  imagePullSecrets: [{name: pull}, {}, {name: ''}, null]
  initContainers:
  - {name: i, image: x, envFrom: [{secretRef: {name: s1, optional: true}}, {configMapRef: {name: c1}}]}
  containers:
  - name: c
    resources: {limits: {cpu: 1}}
    env:
    - {name: A, value: b}
    - {name: B, valueFrom: {secretKeyRef: {name: s2, key: k}}}
    - {name: C, valueFrom: {configMapKeyRef: {name: c2, key: k}}}
    - {name: D, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
  - {name: d, envFrom: [{secretRef: {name: s1}}]}
  ephemeralContainers:
  - {name: e, env: [{name: E, valueFrom: {secretKeyRef: {key: k}}}]}
  - {name: f, envFrom: [{configMapRef: {name: c3}}]}
status: {phase: Succeeded}
");
    assert_eq!(pod.secrets, ["pull", "s1", "s2"]);
    assert_eq!(pod.config_maps, ["c1", "c2", "c3"]);
    assert_eq!((pod.node_name.as_str(), pod.service_account.as_str()), ("n1", "app"));
    assert_eq!((pod.uid.as_str(), pod.ephemeral_containers), ("u", 2));
    assert_eq!(pod.origin.to_string(), "test.yaml:1");
    assert!(!pod.is_mirror);
}

#[test]
fn volumes_of_every_kind() {
    let pod = pod("
spec:
  volumes:
  - {name: a, azureFile: {secretName: azure}}
  - {name: b, cephfs: {secretRef: {name: ceph}}}
  - {name: c, cinder: {secretRef: {name: cinder}}}
  - {name: d, flexVolume: {secretRef: {name: flex}}}
  - name: e
    projected:
      sources:
      - {secret: {name: projected}}
      - {configMap: {name: map}, secret: {name: both}}
      - {serviceAccountToken: {path: t}}
      - {podCertificate: {signerName: s}}
  - {name: f, rbd: {secretRef: {name: rbd}}}
  - {name: g, secret: {secretName: secret}}
  - {name: h, scaleIO: {secretRef: {name: scale}}}
  - {name: i, iscsi: {secretRef: {name: iscsi}}}
  - {name: j, storageos: {secretRef: {name: storage}}}
  - {name: k, csi: {driver: d, nodePublishSecretRef: {name: csi}}}
  - {name: l, configMap: {name: config}}
  - {name: m, persistentVolumeClaim: {claimName: claim}}
  - {name: w, ephemeral: {volumeClaimTemplate: {}}}
  - {name: o, emptyDir: {}}
  - {name: q, secret: {}, configMap: {name: beside}}
  - {name: r, rbd: {secretRef: null}, secret: {secretName: never-read}}
  - {name: s, azureFile: null, secret: {secretName: read}}
  - {name: t, persistentVolumeClaim: {}, ephemeral: {}}
  - {name: u, projected: {sources: null}, configMap: {name: never-read}}
");
    let secrets = [
        "azure",
        "ceph",
        "cinder",
        "flex",
        "projected",
        "both",
        "rbd",
        "secret",
        "scale",
        "iscsi",
        "storage",
        "csi",
        "read",
    ];
    assert_eq!(pod.secrets, secrets);
    assert_eq!(pod.config_maps, ["map", "config", "beside"]);
    assert_eq!(pod.claims, ["claim", "p-w"]);
}

#[test]
fn resource_claims_are_those_that_exist() {
    let pod = pod("
spec:
  resourceClaims:
  - {name: a, resourceClaimName: direct}
  - {name: b, resourceClaimTemplateName: t}
  - {name: c, resourceClaimTemplateName: t}
  - {name: d, resourceClaimTemplateName: t}
  - {name: e}
status:
  resourceClaimStatuses:
  - {name: b, resourceClaimName: made}
  - {name: b, resourceClaimName: second}
  - {name: c, resourceClaimName: null}
  extendedResourceClaimStatus:
    resourceClaimName: extended
    requestMappings: [{containerName: c, resourceName: r, requestName: q}]
");
    assert_eq!(pod.resource_claims, ["direct", "made", "extended"]);
    let none = ClaimStatus { name: "c".to_owned(), resource_claim: None };
    assert_eq!((pod.claim_statuses.len(), pod.claim_statuses.last()), (3, Some(&none)));
    let extended = pod.extended_claim.unwrap_or_default();
    assert_eq!(extended.request_mappings.first().map(|m| m.request_name.as_str()), Some("q"));
}

#[test]
fn a_mirror_pod_is_known_by_its_annotation_alone() {
    let with = |annotations: &str| {
        let text = format!(
            "--- {{kind: Pod, apiVersion: v1, metadata: {{name: p, annotations: {annotations}}}}}"
        );
        read(&text).0.pods.iter().any(|pod| pod.is_mirror)
    };
    assert!(with("{kubernetes.io/config.mirror: ''}"));
    assert!(!with("{kubernetes.io/config.source: file}"));
    assert!(!with("null"));
}

#[test]
fn secrets_of_volumes_and_their_namespaces() {
    let check = |source: &str, expected: &[(&str, &str)]| {
        let text = format!(
            "kind: PersistentVolume\napiVersion: v1\nmetadata: {{name: pv}}\nspec: {{claimRef: \
             {{namespace: claim, name: c, uid: u}}, {source}}}\n"
        );
        let (manifest, found) = read(&text);
        assert_eq!(found, [""; 0], "{text}");
        let secrets = &manifest.persistent_volumes[0].secrets;
        let expected: Vec<ObjectName> = expected
            .iter()
            .map(|(namespace, name)| ObjectName {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            })
            .collect();
        assert_eq!(*secrets, expected, "{source}");
    };
    check("hostPath: {path: /}", &[]);
    check("azureFile: {secretName: s}", &[("claim", "s")]);
    check("azureFile: {secretName: s, secretNamespace: ''}", &[("claim", "s")]);
    check("azureFile: {secretName: s, secretNamespace: other}", &[("other", "s")]);
    check("azureFile: {shareName: s}, rbd: {secretRef: {name: never-read}}", &[]);
    for source in ["cephfs", "flexVolume", "rbd", "scaleIO", "iscsi"] {
        check(&format!("{source}: {{secretRef: {{name: s}}}}"), &[("claim", "s")]);
        check(&format!("{source}: {{secretRef: {{name: s, namespace: o}}}}"), &[("o", "s")]);
        check(&format!("{source}: {{}}"), &[]);
    }
    for source in ["cinder", "storageos"] {
        check(&format!("{source}: {{secretRef: {{name: s}}}}"), &[("", "s")]);
    }
    check(
        "csi: {controllerPublishSecretRef: {name: a, namespace: ns}, nodePublishSecretRef: {name: b, \
         namespace: ns}, nodeStageSecretRef: {name: c}, nodeExpandSecretRef: {name: b, namespace: ns}, \
         controllerExpandSecretRef: {name: d, namespace: ns}}",
        &[("", "c"), ("ns", "b")],
    );
}

#[test]
fn every_version_and_typed_lists() {
    let text = "
---
{kind: VolumeAttachment, apiVersion: storage.k8s.io/v1beta1, metadata: {name: a}, spec: {nodeName: n1}}
---
kind: ResourceSliceList
apiVersion: resource.k8s.io/v1
items:
- {metadata: {name: b}, spec: {nodeName: n1, driver: d}}
- {metadata: {name: c}, spec: {allNodes: true}}
---
kind: PodCertificateRequest
apiVersion: certificates.k8s.io/v1
metadata: {name: d}
spec: {nodeName: n1, podName: p}
---
{kind: PodList, apiVersion: v1, items: [{metadata: {name: e}, spec: {nodeName: n1}}]}
---
{kind: StorageClass, apiVersion: storage.k8s.io/v1, metadata: {name: f}}
---
{kind: Pod, apiVersion: metrics.k8s.io/v1beta1, metadata: {name: not-ours}}
";
    let (manifest, found) = read(text);
    assert_eq!(found, [""; 0]);
    assert_eq!(manifest.volume_attachments[0].node_name, "n1");
    let slices: Vec<&str> =
        manifest.resource_slices.iter().map(|slice| slice.node_name.as_str()).collect();
    assert_eq!(slices, ["n1", ""]);
    assert_eq!(manifest.pod_certificate_requests[0].namespace, "default");
    assert_eq!(manifest.pods[0].node_name, "n1");
    assert_eq!(manifest.skipped.len(), 2);
}

#[test]
fn mistakes_have_the_words_of_the_api_server() {
    let check = |text: &str, expected: &[&str]| assert_eq!(read(text).1, expected, "{text}");
    check(
        "--- {kind: Pod, apiVersion: v2, metadata: {name: p}}",
        &[r#"test.yaml:1:29: error: no matches for kind "Pod" in version "v2""#],
    );
    check(
        "--- {kind: Pod, apiVersion: v1, metadata: {name: p}, spec: {nodeName: 5, volumes: {a: b}}}",
        &[
            "test.yaml:1:71: error: json: cannot unmarshal number into Go struct field \
             PodSpec.spec.nodeName of type string",
            "test.yaml:1:83: error: json: cannot unmarshal object into Go struct field \
             PodSpec.spec.volumes of type []string",
        ],
    );
    check(
        "--- {kind: PersistentVolume, apiVersion: v1, metadata: {name: p, namespace: ns}}",
        &["test.yaml:1:63: error: metadata.namespace: Forbidden: not allowed on this type"],
    );
    check(
        "--- {kind: VolumeAttachment, apiVersion: storage.k8s.io/v1, metadata: {name: a}, spec: [1]}",
        &["test.yaml:1:88: error: json: cannot unmarshal array into Go struct field \
         VolumeAttachment.spec of type map[string]string"],
    );
}

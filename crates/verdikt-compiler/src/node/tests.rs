//! Events and what follows from them; the vectors and the reference graph of the tests do the rest.

use verdikt_core::{Attributes, HashKey, User};
use verdikt_parser::PolicySet;
use verdikt_parser::node::{
    ClaimStatus, NodeObject, ObjectName, PersistentVolume, Pod, PodCertificateRequest,
    ResourceSlice, VolumeAttachment,
};

use super::{Event, Graph, Refusal};

fn pod(name: &str, node: &str) -> Pod {
    Pod {
        namespace: "web".to_owned(),
        name: name.to_owned(),
        uid: "1".to_owned(),
        node_name: node.to_owned(),
        service_account: "app".to_owned(),
        ..Pod::default()
    }
}

fn with_secret(pod: Pod, secret: &str) -> Pod {
    Pod { secrets: vec![secret.to_owned()], ..pod }
}

fn with_claim(pod: Pod, claim: &str) -> Pod {
    Pod { claims: vec![claim.to_owned()], ..pod }
}

fn volume(name: &str, claim: &str, secret: &str) -> PersistentVolume {
    let object = |name: &str| ObjectName { namespace: "web".to_owned(), name: name.to_owned() };
    PersistentVolume {
        name: name.to_owned(),
        claim: Some(object(claim)),
        secrets: vec![object(secret)],
        ..PersistentVolume::default()
    }
}

fn graph(events: impl IntoIterator<Item = Event>) -> Graph {
    let mut graph = Graph::new(&HashKey::random());
    for event in events {
        graph.apply(&event);
    }
    graph
}

fn added(object: impl Into<NodeObject>) -> Event {
    Event::Added(object.into())
}

fn updated(object: impl Into<NodeObject>) -> Event {
    Event::Updated(object.into())
}

fn deleted(object: impl Into<NodeObject>) -> Event {
    Event::Deleted(object.into())
}

fn may_get(graph: &Graph, node: &str, (group, resource): (&str, &str), name: &str) -> bool {
    let user = User::new(format!("system:node:{node}"), ["system:nodes"]);
    let namespace = match resource {
        "persistentvolumes" | "volumeattachments" | "resourceslices" => "",
        _ => "web",
    };
    let request = Attributes {
        api_group: group,
        namespace,
        name,
        ..Attributes::resource(&user, "get", resource)
    };
    match graph.index().lookup(&request) {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(refusal, Refusal::NoRelationship, "{request:?}");
            false
        }
    }
}

fn reads(graph: &Graph, node: &str, secret: &str) -> bool {
    may_get(graph, node, ("", "secrets"), secret)
}

#[test]
fn an_object_stays_reached_until_the_last_pod_is_gone() {
    let pods = ["a", "b", "c"].map(|name| with_secret(pod(name, "n1"), "s"));
    let mut graph = graph(pods.clone().map(added));
    for (left, pod) in (0..3).rev().zip(pods) {
        assert!(reads(&graph, "n1", "s"));
        graph.apply(&deleted(pod));
        assert_eq!(reads(&graph, "n1", "s"), left > 0);
    }
    assert_eq!(graph.index().stats().pairs, 0);
}

#[test]
fn a_pod_that_names_an_object_twice_leaves_nothing_behind() {
    let double = Pod { secrets: vec!["s".to_owned(); 3], ..pod("a", "n1") };
    let mut graph = graph([added(double.clone()), added(double.clone())]);
    assert!(reads(&graph, "n1", "s"));
    graph.apply(&deleted(double));
    assert!(!reads(&graph, "n1", "s"));
    assert_eq!(graph.index().stats().pairs, 0);
}

#[test]
fn a_secret_is_reached_over_claim_and_volume_in_whatever_order_they_come() {
    let pod = with_claim(pod("a", "n1"), "data");
    for events in [
        [added(pod.clone()), added(volume("pv", "data", "csi"))],
        [added(volume("pv", "data", "csi")), added(pod.clone())],
    ] {
        let mut graph = graph(events);
        assert!(reads(&graph, "n1", "csi"));
        assert!(may_get(&graph, "n1", ("", "persistentvolumes"), "pv"));
        assert!(!reads(&graph, "n2", "csi"));
        graph.apply(&updated(volume("pv", "other", "csi")));
        assert!(!reads(&graph, "n1", "csi"));
        graph.apply(&updated(volume("pv", "data", "new")));
        assert!(reads(&graph, "n1", "new") && !reads(&graph, "n1", "csi"));
        graph.apply(&deleted(pod.clone()));
        assert!(!reads(&graph, "n1", "new"));
        graph.apply(&deleted(volume("pv", "data", "new")));
        assert_eq!(graph.index().stats().pairs, 0);
    }
}

#[test]
fn updates_that_the_api_forbids_are_not_looked_at() {
    let before = with_secret(pod("a", "n1"), "s");
    let after = with_secret(before.clone(), "t");
    let check = |change: fn(&mut Pod), is_read: bool| {
        let mut after = after.clone();
        change(&mut after);
        let graph = graph([added(before.clone()), updated(after.clone())]);
        assert_eq!(reads(&graph, "n1", "t"), is_read, "{after:?}");
        assert_eq!(reads(&graph, "n1", "s"), !is_read, "{after:?}");
    };
    check(|_| {}, false);
    check(|pod| pod.is_mirror = true, false);
    check(|pod| pod.node_name.clear(), false);
    check(|pod| pod.uid = "2".to_owned(), true);
    check(|pod| pod.ephemeral_containers = 1, true);
    check(|pod| pod.claim_statuses.push(ClaimStatus::default()), true);
    check(|pod| pod.extended_claim = Some(Default::default()), true);
}

#[test]
fn fewer_ephemeral_containers_count_for_the_next_update_only() {
    let with = |secret: &str, count| Pod {
        ephemeral_containers: count,
        ..with_secret(pod("a", "n1"), secret)
    };
    let graph = graph([added(with("s", 2)), updated(with("t", 1)), updated(with("u", 2))]);
    assert!(reads(&graph, "n1", "u") && !reads(&graph, "n1", "t") && !reads(&graph, "n1", "s"));
}

#[test]
fn a_pod_seen_without_its_node_is_read_when_it_has_one_again() {
    let before = with_secret(pod("a", "n1"), "s");
    let without = Pod { node_name: String::new(), ..before.clone() };
    let mut graph = graph([added(before.clone()), updated(without.clone())]);
    assert!(reads(&graph, "n1", "s"));
    graph.apply(&deleted(without));
    assert!(reads(&graph, "n1", "s"), "what is deleted without a node is not looked at");
    graph.apply(&updated(with_secret(before, "t")));
    assert!(reads(&graph, "n1", "t") && !reads(&graph, "n1", "s"));
}

#[test]
fn slices_and_certificate_requests_are_read_once() {
    let slice = |node: &str| ResourceSlice {
        name: "s".to_owned(),
        node_name: node.to_owned(),
        ..ResourceSlice::default()
    };
    let request = |node: &str| PodCertificateRequest {
        namespace: "web".to_owned(),
        name: "r".to_owned(),
        node_name: node.to_owned(),
        ..PodCertificateRequest::default()
    };
    let mut graph = graph([added(slice("")), added(request("n1")), updated(slice("n1"))]);
    graph.apply(&updated(request("n2")));
    let slices = ("resource.k8s.io", "resourceslices");
    let requests = ("certificates.k8s.io", "podcertificaterequests");
    assert!(!may_get(&graph, "n1", slices, "s"));
    assert!(may_get(&graph, "n1", requests, "r") && !may_get(&graph, "n2", requests, "r"));
    graph.apply(&deleted(slice("n1")));
    graph.apply(&updated(slice("n1")));
    assert!(may_get(&graph, "n1", slices, "s"), "what is not known is new");
}

#[test]
fn an_attachment_follows_its_node() {
    let attachment = |node: &str| VolumeAttachment {
        name: "a".to_owned(),
        node_name: node.to_owned(),
        ..VolumeAttachment::default()
    };
    let attachments = ("storage.k8s.io", "volumeattachments");
    let mut graph = graph([added(attachment("n1"))]);
    for (node, before) in [("n2", "n1"), ("n3", "n2")] {
        graph.apply(&updated(attachment(node)));
        assert!(may_get(&graph, node, attachments, "a"));
        assert!(!may_get(&graph, before, attachments, "a"));
    }
    graph.apply(&updated(attachment("")));
    assert!(!may_get(&graph, "n3", attachments, "a"));
}

#[test]
fn an_index_stays_as_it_was_taken() {
    let pod = with_secret(pod("a", "n1"), "s");
    let mut graph = graph([added(pod.clone())]);
    let index = graph.index();
    graph.apply(&deleted(pod));
    graph.apply(&added(with_secret(self::pod("b", "n2"), "t")));
    let user = User::new("system:node:n1", ["system:nodes"]);
    let request =
        Attributes { namespace: "web", name: "s", ..Attributes::resource(&user, "get", "secrets") };
    assert!(index.lookup(&request).is_ok());
    assert!(graph.index().lookup(&request).is_err());
}

#[test]
fn files_are_read_whole_and_events_count_before_them() {
    let files = |pods: Vec<Pod>| PolicySet { pods, ..PolicySet::default() };
    let (a, b) = (with_secret(pod("a", "n1"), "s"), with_secret(pod("b", "n1"), "t"));
    let mut graph = Graph::of_files(&files(vec![a.clone(), b.clone()]), &HashKey::random());
    assert!(reads(&graph, "n1", "s") && reads(&graph, "n1", "t"));
    // Not an update that upstream would look at, but files are read whole.
    let other = with_secret(a.clone(), "u");
    assert!(graph.replace_files(&files(vec![other.clone()])));
    assert!(reads(&graph, "n1", "u") && !reads(&graph, "n1", "s") && !reads(&graph, "n1", "t"));
    assert!(!graph.replace_files(&files(vec![other])));
    graph.apply(&added(b));
    graph.apply(&added(with_secret(a.clone(), "event")));
    graph.replace_files(&files(vec![a.clone()]));
    assert!(reads(&graph, "n1", "t") && reads(&graph, "n1", "event") && !reads(&graph, "n1", "s"));
    graph.apply(&deleted(a.clone()));
    assert!(!reads(&graph, "n1", "event") && !reads(&graph, "n1", "s"));
    graph.replace_files(&files(vec![a]));
    assert!(reads(&graph, "n1", "s"));
}

#[test]
fn a_crowd_costs_each_of_its_pods_no_more_than_the_first() {
    let pods = |count| (0..count).map(|index| with_secret(pod(&format!("p{index}"), "n1"), "s"));
    let mut graph = graph(pods(1_000).map(added));
    assert_eq!(graph.index().stats().pairs, 1_000 + 2, "pods, one account, one secret");
    for pod in pods(999) {
        graph.apply(&deleted(pod));
    }
    assert!(reads(&graph, "n1", "s"));
}

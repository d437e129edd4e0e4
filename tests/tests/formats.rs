//! In which formats objects are read and answered, and what is said of others, as kube-apiserver does it:
//! what is expected here is what v1.37 answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::Access;
use verdikt_tests::http::{Answer, Running};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const REVIEW: &str =
    r#"{"spec":{"user":"jane","nonResourceAttributes":{"path":"/x","verb":"get"}}}"#;
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

struct World {
    server: Running,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, "root-token,root,1,system:masters\n").unwrap();
    let engine = Engine::builder().token_auth_file(tokens).build().unwrap();
    let server = Running::start(engine, |options| options.access = Access::Authorized);
    World { server, _folder: folder }
}

impl World {
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = [&[("Authorization", "Bearer root-token")], headers].concat();
        self.server.send(method, path, &headers, body)
    }

    fn get(&self, path: &str, accept: &str) -> Answer {
        self.send("GET", path, &[("Accept", accept)], "")
    }

    fn review(&self, query: &str, media_type: &str, accept: &str, body: &str) -> Answer {
        let headers = [("Content-Type", media_type), ("Accept", accept)];
        self.send("POST", &format!("{REVIEWS}{query}"), &headers, body)
    }
}

#[test]
fn yaml_is_read_and_answered() {
    let world = world();
    let body = "kind: SubjectAccessReview\nspec:\n  groups: [dev, 'yes']\n  \
                nonResourceAttributes: {path: /x, verb: get}\n";
    let answer = world.review("", "application/yaml", "application/yaml", body);
    assert_eq!((answer.code, answer.header("content-type")), (201, "application/yaml"));
    let expected = "apiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nmetadata: {}\nspec:\n  \
                    groups:\n  - dev\n  - \"yes\"\n  nonResourceAttributes:\n    path: /x\n    verb: get\n\
                    status:\n  allowed: false\n";
    assert_eq!(answer.body, expected);
    let answer = world.review("", "application/yaml", "", "kind: [");
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    let start =
        "the object provided is unrecognized (must be of type SubjectAccessReview): yaml: line 1";
    assert!(answer.code == 400 && message.starts_with(start), "{message}");
    // Nothing at all is an object without a word in it.
    assert_eq!(world.review("", "application/yaml", "", "").code, 422);
}

#[test]
fn protobuf_is_answered() {
    let world = world();
    let accept = "application/vnd.kubernetes.protobuf,application/json";
    let answer = world.review("", "application/json", accept, REVIEW);
    assert_eq!(answer.header("content-type"), "application/vnd.kubernetes.protobuf");
    assert!(answer.body.starts_with("k8s\0\n."), "{:?}", answer.body);
    assert!(answer.body.contains("\u{13}SubjectAccessReview"), "{:?}", answer.body);
    // Allowed: field 1 of the status, which is field 3.
    assert!(answer.body.contains("\u{1a}\u{2}\u{8}\0"), "{:?}", answer.body);
    let refused = world.send("GET", "/apis", &[("Accept", accept), ("Authorization", "x")], "");
    assert_eq!(refused.code, 200, "the first of two headers counts");
}

#[test]
fn other_formats_are_refused_in_the_words_of_kubernetes() {
    let world = world();
    let check = |answer: &Answer, code: u16, message: &str| {
        assert_eq!((answer.code, answer.json()["message"].as_str()), (code, Some(message)));
    };
    let types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let none = format!("406: Not Acceptable\n\nAvailable representations: {types}");
    let not = format!("only the following media types are accepted: {types}");
    let unknown = format!(
        "the body of the request was in an unknown format - accepted media types include: {types}"
    );
    let group = "/apis/authorization.k8s.io";
    for accept in ["text/html", "application/*"] {
        check(&world.review("", "application/json", accept, REVIEW), 406, &none);
        check(&world.get("/api", accept), 406, &none);
        check(&world.get(&format!("{group}/v1"), accept), 406, &none);
    }
    check(&world.get(group, "text/html"), 406, &not);
    assert_eq!(world.get(group, "application/*").code, 200);
    check(&world.review("", "application/json", "application/json;sv=v1", REVIEW), 406, &not);
    check(&world.get("/apis", &AGGREGATED.replace("v2", "v2beta1")), 406, &not);
    check(&world.review("", "text/plain", "", REVIEW), 415, &unknown);
    let answer = world.review("", "text/plain", "text/html", REVIEW);
    assert_eq!(answer.code, 406, "what cannot be answered is not read");
    assert!(answer.body.starts_with("{\n  \"kind\": \"Status\""), "{}", answer.body);
}

#[test]
fn unknown_fields_are_told_or_refused() {
    let world = world();
    let body = r#"{"spec":{"user":"jane","foo":1,"nonResourceAttributes":{"path":"/x","verb":"get","bar":1}}}"#;
    let check = |query: &str, code: u16, warning: &str| {
        let answer = world.review(query, "application/json", "", body);
        assert_eq!((answer.code, answer.header("warning")), (code, warning), "{query}");
        answer.json()["message"].as_str().unwrap_or_default().to_owned()
    };
    check("", 201, r#"299 - "unknown field \"spec.foo\"""#);
    check("?fieldValidation=Ignore", 201, "");
    assert_eq!(
        check("?fieldValidation=Strict", 400, ""),
        "SubjectAccessReview in version \"v1\" cannot be handled as a SubjectAccessReview: strict decoding \
         error: unknown field \"spec.foo\", unknown field \"spec.nonResourceAttributes.bar\""
    );
    assert_eq!(
        check("?fieldValidation=Foo", 422, ""),
        "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Foo\": supported \
         values: \"\", \"Ignore\", \"Strict\", \"Warn\""
    );
}

#[test]
fn warnings_are_bounded() {
    let world = world();
    let fields: Vec<String> = (0..500).map(|n| format!("\"{n}{}\":1", "x".repeat(100))).collect();
    let answer = world.review("", "application/json", "", &format!("{{{}}}", fields.join(",")));
    let told = answer.head.matches("\nwarning: ").count();
    assert!((10..100).contains(&told), "{told}");
}

#[test]
fn discovery_is_aggregated_for_whoever_takes_it_so() {
    let world = world();
    let accept = format!("{AGGREGATED},application/json");
    let answer = world.get("/apis", &accept);
    assert_eq!(answer.header("content-type"), AGGREGATED.to_ascii_lowercase());
    assert_eq!((answer.header("cache-control"), answer.header("vary")), ("public", "accept"));
    let document = answer.json();
    assert_eq!(document["apiVersion"], "apidiscovery.k8s.io/v2");
    let local = &document["items"][1]["versions"][0]["resources"][0];
    let expected = json!({
        "resource": "localsubjectaccessreviews",
        "responseKind": {"group": "", "version": "", "kind": "LocalSubjectAccessReview"},
        "scope": "Namespaced",
        "singularResource": "localsubjectaccessreview",
        "verbs": ["create"],
    });
    assert_eq!(local, &expected);
    let tag = answer.header("etag").to_ascii_uppercase();
    let headers = [("Accept", accept.as_str()), ("If-None-Match", tag.as_str())];
    let again = world.send("GET", "/apis", &headers, "");
    assert_eq!((again.code, again.body.as_str()), (304, ""));
    assert_eq!(world.get("/api", &accept).json()["items"], json!([]));
    // Below there is the plain one alone.
    assert_eq!(world.get("/apis/authorization.k8s.io", &accept).json()["kind"], "APIGroup");
    let yaml = world.get("/api", "application/yaml").body;
    assert!(
        yaml.starts_with(
            "kind: APIVersions\nserverAddressByClientCIDRs:\n- clientCIDR: 0.0.0.0/0\n"
        )
    );
}

#[test]
fn openapi_is_there_in_the_forms_kubectl_asks_for() {
    let world = world();
    let index = world.get("/openapi/v3", "application/json").json();
    let path = index["paths"]["apis/authorization.k8s.io/v1"]["serverRelativeURL"].as_str();
    let document = world.get(path.unwrap(), "application/json").json();
    let name = "io.k8s.api.authorization.v1.SubjectAccessReview";
    let schema = &document["components"]["schemas"][name];
    assert_eq!(schema["required"], json!(["spec"]));
    assert_eq!(
        schema["x-kubernetes-group-version-kind"],
        json!([{"group": "authorization.k8s.io", "kind": "SubjectAccessReview", "version": "v1"}])
    );
    assert_eq!(document["paths"][REVIEWS]["post"]["x-kubernetes-action"], "post");
    let swagger = world.get("/openapi/v2", "*/*").json();
    assert_eq!(swagger["definitions"][name]["type"], "object");
    let of_kubectl = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let answer = world.get("/openapi/v2", of_kubectl);
    let expected = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    assert_eq!((answer.code, answer.header("content-type")), (200, expected));
    assert!(answer.body.starts_with("\n\u{3}2.0"), "{:?}", answer.body.get(..20));
    assert_eq!(world.get("/openapi/v2", "text/html").code, 406);
    assert_eq!(world.get("/openapi/v3/apis/apps/v1", "application/json").code, 404);
    let unknown: Value = world.server.get("/openapi/v2", Some("wrong")).json();
    assert_eq!(unknown["code"], 401);
}

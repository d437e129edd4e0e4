//! Whichever way a token is shown, it belongs to whom Kubernetes says.
//!
//! Files and tokens are those of the vectors.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Value, json};
use verdikt::{Credentials, Engine, Outcome, User, groups, users};
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::check_request::Request as Asked;
use verdikt_server::proto::v1::credential::Kind;
use verdikt_tests::corpus;
use verdikt_tests::grpc::Client;
use verdikt_tests::http::Running;
use verdikt_tests::wire::Request;

/// Whoever they are, or nobody.
type Found = Option<User>;

#[test]
fn a_token_is_the_same_users_at_every_front() {
    let (mut known, mut unknown, mut files) = (0, 0, 0);
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for path in corpus::public_files("token-file") {
        for line in corpus::lines(&path).unwrap() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line.get("load_error").is_some() {
                *left_out.entry("the file is refused").or_default() += 1;
                continue;
            }
            files += 1;
            let served = Served::new(line["csv"].as_str().unwrap());
            for lookup in line["lookups"].as_array().unwrap() {
                let token = lookup["token"].as_str().unwrap();
                if token.is_empty() {
                    served.refuse_nothing();
                    *left_out.entry("no token").or_default() += 1;
                } else if token.contains([' ', '\t', '\r', '\n', '\0']) {
                    *left_out.entry("a header would end or be cut").or_default() += 1;
                } else {
                    let want = wanted(&lookup["want"]);
                    served.check(token, want.as_ref(), line["id"].as_str().unwrap());
                    *(if want.is_some() { &mut known } else { &mut unknown }) += 1;
                }
            }
        }
    }
    println!("{files} files, {known} tokens of somebody, {unknown} of nobody, at each front");
    println!("left out: {left_out:?}");
    assert!(files > 200 && known > 500 && unknown > 500, "{files}, {known}, {unknown}");
}

/// A file of tokens, at every front.
struct Served {
    engine: Engine,
    http: Running,
    grpc: Running,
    _folder: tempfile::TempDir,
}

impl Served {
    fn new(csv: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.csv");
        std::fs::write(&file, csv).unwrap();
        let engine = Engine::builder().token_auth_file(file).anonymous_auth(false).build().unwrap();
        let http = Running::start(engine.clone(), |_| {});
        let grpc = Running::start_grpc(engine.clone(), |_| {});
        Self { engine, http, grpc, _folder: folder }
    }

    fn check(&self, token: &str, want: Option<&User>, id: &str) {
        let client = &Client::new(&self.grpc);
        let fronts: [(&str, Found); 5] = [
            ("library", self.library(token)),
            ("tokenreviews", self.token_review(token)),
            ("selfsubjectreviews", self.self_review(token)),
            ("verdikt.v1 Authenticate", authenticate(client, token)),
            ("verdikt.v1 Check", check(client, token)),
        ];
        for (front, found) in fronts {
            assert_eq!(found.as_ref(), want, "{front}: {token:?} of {id}");
        }
    }

    fn library(&self, token: &str) -> Found {
        match self.engine.authenticate(&Credentials::bearer(token)) {
            Outcome::Authenticated(authenticated) => Some(authenticated.user().clone()),
            Outcome::NoOpinion | Outcome::Failed(_) => None,
        }
    }

    fn token_review(&self, token: &str) -> Found {
        let answer = self.review(token);
        assert_eq!(answer.code, 201, "{answer:?}");
        let status = &answer.json()["status"];
        (status["authenticated"] == true).then(|| user(&status["user"]))
    }

    fn review(&self, token: &str) -> verdikt_tests::http::Answer {
        let review = json!({
            "kind": "TokenReview",
            "apiVersion": "authentication.k8s.io/v1",
            "spec": {"token": token},
        });
        self.http.post("/apis/authentication.k8s.io/v1/tokenreviews", &review.to_string())
    }

    fn self_review(&self, token: &str) -> Found {
        let review = r#"{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}"#;
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.http.send("POST", path, &headers, review);
        match answer.code {
            201 => Some(user(&answer.json()["status"]["userInfo"])),
            401 => None,
            _ => panic!("{answer:?}"),
        }
    }

    /// An empty token is no question.
    fn refuse_nothing(&self) {
        assert_eq!(self.library(""), None);
        assert_eq!(self.review("").code, 400);
        assert_eq!(self.self_review(""), None);
        let client = Client::new(&self.grpc);
        let question =
            v1::AuthenticateRequest { credential: Some(bearer("")), ..Default::default() };
        let refused = client.authenticate(question).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused:?}");
    }
}

fn authenticate(client: &Client<'_>, token: &str) -> Found {
    let question =
        v1::AuthenticateRequest { credential: Some(bearer(token)), ..Default::default() };
    let answer = client.authenticate(question).unwrap();
    assert_eq!(answer.authenticated, answer.user.is_some(), "{answer:?}");
    answer.user.map(User::from)
}

fn check(client: &Client<'_>, token: &str) -> Found {
    let path = "/healthz".to_owned();
    let asked = v1::NonResourceAttributes { verb: "get".to_owned(), path };
    let question = v1::CheckRequest {
        credential: Some(bearer(token)),
        request: Some(Asked::NonResource(asked)),
        ..Default::default()
    };
    let answer = client.check(question).unwrap();
    let is_nobody = answer.decision() == v1::Decision::Unauthenticated;
    assert_eq!(is_nobody, answer.user.is_none(), "{answer:?}");
    answer.user.map(User::from)
}

fn bearer(token: &str) -> v1::Credential {
    v1::Credential { kind: Some(Kind::BearerToken(token.to_owned())), ..Default::default() }
}

/// A user as reviews have it.
fn user(value: &Value) -> User {
    let mut value = value.clone();
    value["name"] = value["username"].take();
    if value["name"].is_null() {
        value["name"] = json!("");
    }
    Request::deserialize(json!({"user": value})).unwrap().user
}

/// The user of a file, who is authenticated then.
fn wanted(want: &Value) -> Found {
    let Request { mut user, .. } = want.get("user").map(|_| Request::deserialize(want).unwrap())?;
    let is_decided = user.name == users::ANONYMOUS
        || user.is_in(groups::AUTHENTICATED)
        || user.is_in(groups::UNAUTHENTICATED);
    if !is_decided {
        user.groups.push(groups::AUTHENTICATED.to_owned());
    }
    Some(user)
}

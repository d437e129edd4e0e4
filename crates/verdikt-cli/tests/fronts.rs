//! Whoever asks, and whichever way: the answer is Kubernetes', with the same reason.

use std::path::Path;

use serde_json::Value;
use verdikt::{Engine, groups};
use verdikt_tests::front::{
    Answer, Batch, Check, Cli, ExtAuthz, Front, Review, Stream, Unary, token_file, users,
};
use verdikt_tests::grpc::Client;
use verdikt_tests::http::Running;
use verdikt_tests::wire::Request;
use verdikt_tests::{corpus, policy};

/// A process for each question is slow: the command line is asked each so many.
const CLI_ASKS_EACH: usize = 17;

/// Of the vectors those whose policy is one that a server would take.
#[test]
fn every_front_answers_as_kubernetes_does() {
    let file = &corpus::public_files("rbac-bootstrap")[0];
    let line = corpus::lines(file).unwrap().next().unwrap().unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let objects: Vec<&Value> = ["roles", "clusterRoles", "roleBindings", "clusterRoleBindings"]
        .iter()
        .flat_map(|kind| line["objects"][kind].as_array().into_iter().flatten())
        .collect();
    let manifest = policy::to_manifest(&policy::from_objects(&objects).unwrap());
    std::fs::write(folder.path().join("policy.json"), manifest).unwrap();
    let questions: Vec<&Value> = line["requests"].as_array().unwrap().iter().collect();
    let request = |question: &&Value| serde_json::from_value((*question).clone()).unwrap();
    let requests: Vec<Request> = questions.iter().map(request).collect();
    let users = users(&requests);
    let tokens = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(tokens.path(), token_file(&users)).unwrap();

    let builder = Engine::builder().policy_dir(folder.path()).token_auth_file(tokens.path());
    let engine = builder.build().unwrap();
    let server = Running::start(engine.clone(), |_| {});
    let cli = Cli {
        binary: Path::new(env!("CARGO_BIN_EXE_verdikt")).to_owned(),
        policy_dir: folder.path().to_owned(),
    };
    let grpc_server = Running::start_grpc(engine.clone(), |_| {});
    let client = Client::new(&grpc_server);
    let fronts: [(&dyn Front, usize); 8] = [
        (&engine, 1),
        (&Check(&server), 3),
        (&Review(&server), 3),
        (&Unary(&client), 1),
        (&Stream(&client), 1),
        (&Batch(&client), 1),
        (&ExtAuthz { client: &client, users }, 1),
        (&cli, CLI_ASKS_EACH),
    ];
    for (front, each) in fronts {
        let some: Vec<Request> = requests.iter().step_by(each).cloned().collect();
        let answers = front.check_all(&some);
        let mut asked = 0;
        for ((request, question), found) in
            some.iter().zip(questions.iter().step_by(each)).zip(answers)
        {
            if let Some(found) = found {
                let revision = found.revision.map(|_| engine.revision().0);
                let want = Answer { revision, ..wanted(request, &question["want"]) };
                assert_eq!(found, want, "{}: {question}", front.name());
                asked += 1;
            }
        }
        let least = if front.name() == cli.name() { 50 } else { 1_000 };
        assert!(asked >= least, "{} could answer only {asked}", front.name());
    }
}

/// The vectors ask RBAC alone; in front of it stands the authorizer that lets `system:masters` do
/// everything, without a reason.
fn wanted(request: &Request, want: &Value) -> Answer {
    if request.user.is_in(groups::MASTERS) {
        return Answer { allowed: true, reason: String::new(), revision: None };
    }
    Answer {
        allowed: want["decision"] == "allow",
        reason: want["reason"].as_str().unwrap_or_default().to_owned(),
        revision: None,
    }
}

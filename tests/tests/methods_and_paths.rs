//! Whichever way a method and a path come in, they are about the same, and decided alike.
//!
//! Methods and URLs are those of the vectors. What they are about shows in the reason: of each user, one thing
//! counts, and each value of it has a role of its own.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::{Value, json};
use verdikt::{EffectName, Engine, User, groups};
use verdikt_tests::front::{
    Batch, Check, ExtAuthz, Front as _, Outcome, Sent, SentFront, Stream, Tally, Tokens, Unary,
};
use verdikt_tests::grpc::Client;
use verdikt_tests::http::Running;
use verdikt_tests::wire::Request;
use verdikt_tests::{corpus, policy};

/// One of so many lines is taken.
const EACH: usize = 20;

/// What counts of a request: what of it, and the rules of a role for one value.
type Aspect = (&'static str, fn(&Request) -> String, fn(&str) -> Value);

const ASPECTS: [Aspect; 6] = [
    (
        "verb",
        |request| request.verb.clone(),
        |verb| {
            let [any_resource, any_path] = [all_resources("verbs", verb), all_paths("verbs", verb)];
            json!([any_resource, any_path])
        },
    ),
    ("group", |request| request.group.clone(), |group| json!([all_resources("apiGroups", group)])),
    ("resource", resource_of, |resource| json!([all_resources("resources", resource)])),
    ("name", |request| request.name.clone(), |name| json!([all_resources("resourceNames", name)])),
    ("namespace", |request| request.namespace.clone(), |_| json!([all_resources("verbs", "*")])),
    ("path", |request| request.path.clone(), |path| json!([all_paths("nonResourceURLs", path)])),
];

#[test]
fn every_front_takes_them_for_the_same() {
    let sent = sent();
    let requests: Vec<&Request> = sent.iter().filter_map(|sent| sent.means.as_ref().ok()).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.csv");
    let tokens = Tokens::of(requests.iter().copied());
    std::fs::write(&file, tokens.file()).unwrap();
    let objects = objects(&requests);
    let policy = policy::from_objects(&objects.iter().collect::<Vec<_>>()).unwrap();
    let engine = Engine::builder().token_auth_file(file).objects(policy).build().unwrap();

    let server = Running::start(engine.clone(), |_| {});
    let grpc_server = Running::start_grpc(engine.clone(), |_| {});
    let client = &Client::new(&grpc_server);
    // What is refused has no answer to be compared with.
    let wanted: Vec<Option<Outcome>> =
        sent.iter().map(|sent| sent.means.as_ref().ok().map(|asked| engine.check(asked))).collect();
    let fronts: [&dyn SentFront; 6] = [
        &engine,
        &Check(&server),
        &Unary(client),
        &Stream(client),
        &Batch(client),
        &ExtAuthz { client, tokens: &tokens },
    ];
    let mut tally = Tally::new(sent.len());
    let mut answered = vec![true; sent.len()];
    for front in fronts {
        let found = front.check_sent(&sent);
        assert_eq!(found.len(), sent.len(), "{}", front.name());
        for (((sent, found), want), answered) in
            sent.iter().zip(&found).zip(&wanted).zip(&mut answered)
        {
            tally.add(front.name(), found, false);
            match found {
                Outcome::Answered(_) => {
                    assert_eq!(Some(found), want.as_ref(), "{}: {sent:#?}", front.name());
                }
                _ => *answered = false,
            }
        }
    }
    tally.by_all = answered.into_iter().filter(|&answered| answered).count();
    print!("{tally}");
    judge(&tally, &wanted);
}

/// Whether enough was asked, and the answers tell one meaning from another.
fn judge(tally: &Tally, wanted: &[Option<Outcome>]) {
    let Tally { questions, by_all, .. } = *tally;
    assert!(questions > 10_000 && by_all > questions * 2 / 3, "{by_all} of {questions}");
    for front in tally.fronts() {
        let [answered, refused, unsayable] = tally.of(front);
        assert_eq!(answered + refused + unsayable, questions, "{front}");
        assert!(refused > 0 && unsayable < questions / 10, "{front}: {refused}, {unsayable}");
    }
    let reasons = wanted.iter().flatten().filter_map(|outcome| match outcome {
        Outcome::Answered(answer) if answer.decision == EffectName::Allow => Some(&answer.reason),
        _ => None,
    });
    let allowed = reasons.clone().count();
    let reasons: BTreeSet<&String> = reasons.collect();
    assert!(allowed > questions / 3 && reasons.len() > 100, "{allowed}, {}", reasons.len());
}

/// Requests of the vectors, each sent by every user.
fn sent() -> Vec<Sent> {
    let lines = corpus::public_files("requestinfo").into_iter();
    let lines = lines.flat_map(|file| corpus::lines(&file).unwrap().step_by(EACH));
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let sent = lines.flat_map(|line| {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        ASPECTS.map(|(aspect, ..)| {
            let user = User::new(aspect, [groups::AUTHENTICATED]);
            let means = match line.get("error") {
                Some(_) => Err(text("error")),
                None => Ok(Request {
                    user: user.clone(),
                    // RBAC does not look at selectors.
                    field_selector: String::new(),
                    ..Request::deserialize(&line["want"]).unwrap()
                }),
            };
            Sent { user, method: text("method"), target: text("url"), means }
        })
    });
    sent.collect()
}

/// A role and a binding for each value of what counts.
fn objects(requests: &[&Request]) -> Vec<Value> {
    let objects = ASPECTS.into_iter().flat_map(|(aspect, value_of, rules)| {
        let values = requests.iter().map(|request| value_of(request));
        let values: BTreeSet<String> = values.filter(|value| !value.is_empty()).collect();
        let objects = values.into_iter().zip(0..).flat_map(move |(value, number)| {
            let place = (aspect == "namespace").then_some(value.as_str());
            grant(aspect, &format!("{aspect}-{number}"), place, &rules(&value))
        });
        objects.collect::<Vec<_>>()
    });
    objects.collect()
}

fn grant(user: &str, name: &str, namespace: Option<&str>, rules: &Value) -> [Value; 2] {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let version = "rbac.authorization.k8s.io/v1";
    let metadata = json!({"name": name, "namespace": namespace.unwrap_or_default()});
    let role = json!({"kind": kind, "apiVersion": version, "metadata": metadata, "rules": rules});
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "kind": format!("{kind}Binding"),
        "apiVersion": version,
        "metadata": metadata,
        "subjects": [{"kind": "User", "apiGroup": group, "name": user}],
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
    });
    [role, binding]
}

fn resource_of(request: &Request) -> String {
    match request.subresource.as_str() {
        "" => request.resource.clone(),
        subresource => format!("{}/{subresource}", request.resource),
    }
}

/// A rule for every resource, but for one field.
fn all_resources(field: &str, value: &str) -> Value {
    let mut rule = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
    rule[field] = json!([value]);
    rule
}

/// A rule for every path, but for one field.
fn all_paths(field: &str, value: &str) -> Value {
    let mut rule = json!({"verbs": ["*"], "nonResourceURLs": ["*"]});
    rule[field] = json!([value]);
    rule
}

//! A policy of the vectors, and every front that serves it.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;
use tempfile::TempDir;
use verdikt::{EffectName, Engine, Mode, NodeEvent, PolicySet, groups};

use super::{
    Answer, Batch, Check, Cli, ExtAuthz, Front, Outcome, Review, Stream, Tally, Tokens, Unary,
};
use crate::grpc::Client;
use crate::http::Running;
use crate::wire::Request;
use crate::{policy, schema};

/// A policy, what is asked of it, and what Kubernetes answers.
#[derive(Debug)]
pub struct World {
    id: String,
    engine: Engine,
    tokens: Tokens,
    steps: Vec<Step>,
    /// The flags with which the command has the same policy, if files can hold it.
    flags: Option<Vec<String>>,
    _folder: TempDir,
}

/// What happens to the policy, and what is asked then.
#[derive(Debug)]
struct Step {
    events: Vec<NodeEvent>,
    requests: Vec<Request>,
    /// Answers without a revision.
    wanted: Vec<Answer>,
}

impl World {
    /// The policy of a line of vectors.
    ///
    /// # Panics
    /// If the line is not of its schema.
    pub fn new(schema: &str, line: &Value) -> Self {
        let mode = match schema {
            "abac" => Mode::Abac,
            "node" => Mode::Node,
            _ => Mode::Rbac,
        };
        let steps = match line["steps"].as_array() {
            Some(steps) => steps.iter().map(|step| Step::new(mode, step)).collect(),
            None => vec![Step::new(mode, line)],
        };
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let tokens = Tokens::of(steps.iter().flat_map(|step| &step.requests));
        let builder = Engine::builder()
            .authorization_modes([mode])
            .token_auth_file(file("tokens.csv", tokens.file()));
        let (builder, flags) = match schema {
            "rbac-bootstrap" => {
                let manifest = file("policy.json", policy::to_manifest(&rbac(line)));
                let flags = vec![format!("--policy-dir={}", manifest.display())];
                (builder.policy_dir(manifest), Some(flags))
            }
            "abac" => {
                let lines = file("policy.jsonl", line["policy"].as_str().unwrap().to_owned());
                let flags = vec![
                    "--authorization-mode=ABAC".to_owned(),
                    format!("--authorization-policy-file={}", lines.display()),
                ];
                (builder.authorization_policy_file(lines), Some(flags))
            }
            // Files may not hold names as odd as these.
            "rbac" => (builder.objects(rbac(line)), None),
            _ => (builder, None),
        };
        let engine = builder.build().unwrap();
        let id = line["id"].as_str().unwrap().to_owned();
        Self { id, engine, tokens, steps, flags, _folder: folder }
    }

    /// Asks every front everything; the command, at `binary`, each `cli_asks_each` question.
    ///
    /// # Panics
    /// If any answers in another way than Kubernetes does.
    pub fn ask(self, binary: &Path, cli_asks_each: usize, tally: &mut Tally) {
        let server = Running::start(self.engine.clone(), |_| {});
        let grpc_server = Running::start_grpc(self.engine.clone(), |_| {});
        let client = &Client::new(&grpc_server);
        let fronts: [&dyn Front; 7] = [
            &self.engine,
            &Check(&server),
            &Review(&server),
            &Unary(client),
            &Stream(client),
            &Batch(client),
            &ExtAuthz { client, tokens: &self.tokens },
        ];
        for Step { events, requests, wanted } in &self.steps {
            self.engine.apply_all(events.iter().cloned());
            let mut by_all = vec![true; requests.len()];
            for front in fronts {
                let answered = self.compare(front, requests, wanted, tally);
                for (by_all, answered) in by_all.iter_mut().zip(answered) {
                    *by_all &= answered;
                }
            }
            tally.questions += requests.len();
            tally.by_all += by_all.into_iter().filter(|&by_all| by_all).count();
            if let Some(flags) = &self.flags {
                let cli = Cli { binary: binary.to_owned(), policy: flags.clone() };
                let requests: Vec<Request> =
                    requests.iter().step_by(cli_asks_each).cloned().collect();
                let wanted: Vec<Answer> = wanted.iter().step_by(cli_asks_each).cloned().collect();
                self.compare(&cli, &requests, &wanted, tally);
            }
        }
    }

    /// Which of the questions a front answers; its answers must be those of Kubernetes.
    fn compare(
        &self,
        front: &dyn Front,
        requests: &[Request],
        wanted: &[Answer],
        tally: &mut Tally,
    ) -> Vec<bool> {
        let carried: Vec<Cow<'_, Request>> =
            requests.iter().map(|request| front.carried(request)).collect();
        let asked: Vec<Request> = carried.iter().map(|carried| (**carried).clone()).collect();
        let outcomes = front.check_all(&asked);
        assert_eq!(outcomes.len(), requests.len(), "{}: {}", self.id, front.name());
        let answered = outcomes.iter().zip(&carried).zip(wanted).map(|((outcome, asked), want)| {
            tally.add(front.name(), outcome, matches!(asked, Cow::Owned(_)));
            let Outcome::Answered(found) = outcome else { return false };
            let want = match asked {
                Cow::Borrowed(_) => want.clone(),
                // Kubernetes was not asked so. The library answers what is asked here, too.
                Cow::Owned(asked) => match self.engine.check(asked) {
                    Outcome::Answered(answer) => answer,
                    other => panic!("{other:?}"),
                },
            };
            // Not every front tells the revision.
            let revision = found.revision.map(|_| self.engine.revision().0);
            let want = Answer { revision, ..want };
            assert_eq!(*found, want, "{} of {}: {asked:#?}", front.name(), self.id);
            true
        });
        answered.collect()
    }
}

impl Step {
    fn new(mode: Mode, step: &Value) -> Self {
        let events = step["events"].as_array().into_iter().flatten();
        let questions = step["requests"].as_array().unwrap();
        let requests = questions.iter().map(|question| Request::deserialize(question).unwrap());
        let requests: Vec<Request> = requests.collect();
        let wanted = requests.iter().zip(questions);
        let wanted =
            wanted.map(|(request, question)| wanted_answer(mode, request, &question["want"]));
        Self {
            events: events.map(|event| schema::node_event(event).unwrap()).collect(),
            wanted: wanted.collect(),
            requests,
        }
    }
}

/// The roles and bindings of a line.
fn rbac(line: &Value) -> PolicySet {
    let kinds = ["roles", "clusterRoles", "roleBindings", "clusterRoleBindings"];
    let objects = kinds.iter().flat_map(|kind| line["objects"][kind].as_array());
    policy::from_objects(&objects.flatten().collect::<Vec<_>>()).unwrap()
}

/// The vectors ask one authorizer alone. In front of it stands the one that lets `system:masters` do everything,
/// without a reason; and where nobody decides, it is said whose each reason is.
fn wanted_answer(mode: Mode, request: &Request, want: &Value) -> Answer {
    let reason = want["reason"].as_str().unwrap_or_default();
    let (decision, reason) = match want["decision"].as_str().unwrap() {
        _ if request.user.is_in(groups::MASTERS) => (EffectName::Allow, String::new()),
        "allow" => (EffectName::Allow, reason.to_owned()),
        "no_opinion" if reason.is_empty() => (EffectName::NoOpinion, String::new()),
        "no_opinion" => (EffectName::NoOpinion, format!("{}: {reason}", mode.authorizer_name())),
        other => panic!("{other:?}"),
    };
    Answer { decision, reason, revision: None }
}

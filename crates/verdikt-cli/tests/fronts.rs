//! Whoever asks, and whichever way: the answer is Kubernetes', with the same reason.
//!
//! Questions are those of the vectors that ask whole authorizers: RBAC with the policy of a fresh cluster, RBAC
//! with policies full of odd words, ABAC, and Node while objects come and go.

use std::path::Path;

use serde_json::Value;
use verdikt_tests::corpus;
use verdikt_tests::front::{Tally, World};

/// Files of vectors, and of how many of their policies one is taken.
const POLICIES: [(&str, usize); 4] =
    [("rbac-bootstrap", 1), ("rbac", 10), ("abac", 10), ("node", 10)];

/// A process for each question is slow: the command line is asked each so many.
const CLI_ASKS_EACH: usize = 17;

#[test]
fn every_front_answers_as_kubernetes_does() {
    let binary = Path::new(env!("CARGO_BIN_EXE_verdikt"));
    let mut tally = Tally::default();
    for (schema, each) in POLICIES {
        for file in corpus::public_files(schema) {
            let lines = corpus::lines(&file).unwrap().step_by(each);
            let lines = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
            // What is wrong with a policy is no front's business.
            let lines: Vec<Value> =
                lines.filter(|line: &Value| line.get("load_error").is_none()).collect();
            assert!(lines.len() > 4 || each == 1, "{}", file.display());
            for line in &lines {
                World::new(schema, line).ask(binary, CLI_ASKS_EACH, &mut tally);
            }
            let file = file.file_name().unwrap().to_string_lossy();
            println!("{file}: {} policies, {} questions so far", lines.len(), tally.questions);
        }
    }
    print!("{tally}");
    judge(&tally);
}

/// Whether enough was asked, and nothing was passed over.
fn judge(tally: &Tally) {
    let Tally { questions, by_all, .. } = *tally;
    assert_eq!(questions, 17_820, "questions were left out");
    assert!(by_all >= 10_000, "all fronts answered only {by_all}");
    for front in tally.fronts() {
        let [answered, refused, unsayable] = tally.of(front);
        match front {
            "verdikt check" => assert!(answered >= 100, "{front}: {answered}"),
            "library" => assert_eq!(answered, questions, "{front}"),
            "ext_authz" => {
                assert_eq!(answered + refused + unsayable, questions, "{front}");
                assert!(refused > 0 && answered > questions / 2, "{front}: {answered}, {refused}");
            }
            front => {
                assert_eq!((answered + refused, unsayable), (questions, 0), "{front}");
                assert!(refused > 0 && refused < questions / 10, "{front}: {refused}");
            }
        }
    }
}

//! What a conformance run found: how many questions, and where the answers differ.

use std::fmt;

use serde_json::Value;

/// Counts the questions asked, and keeps the first disagreements in full.
#[derive(Debug)]
pub struct Report {
    place: String,
    cases: u64,
    disagreements: u64,
    shown: Vec<Disagreement>,
}

/// One question that was answered otherwise than Kubernetes answers it.
#[derive(Debug)]
struct Disagreement {
    place: String,
    question: String,
    want: String,
    got: String,
}

impl Report {
    /// A report on nothing yet.
    #[expect(clippy::new_without_default, reason = "there is one way to start a report")]
    pub fn new() -> Self {
        Self { place: String::new(), cases: 0, disagreements: 0, shown: Vec::new() }
    }

    /// Says where the next questions stand, such as `rbac.jsonl.gz:12 (rbac-1-11)`.
    pub fn at(&mut self, place: String) {
        self.place = place;
    }

    /// Counts one question and compares its answers. Absent, null and empty are the same: the
    /// vectors leave out what is empty.
    pub fn compare(&mut self, question: &Value, want: &Value, got: &Value) {
        let (want, got) = (compact(want), compact(got));
        self.record(question, &want, &got, want == got);
    }

    /// Counts one question and compares its answers as they stand.
    pub fn compare_exactly(&mut self, question: &Value, want: &Value, got: &Value) {
        self.record(question, want, got, want == got);
    }

    fn record(&mut self, question: &Value, want: &Value, got: &Value, agree: bool) {
        self.cases += 1;
        if agree {
            return;
        }
        self.disagreements += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(Disagreement {
                place: self.place.clone(),
                question: without_answer(question).to_string(),
                want: want.to_string(),
                got: got.to_string(),
            });
        }
    }

    /// How many questions were asked.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// How many were answered otherwise than Kubernetes answers them.
    pub fn disagreements(&self) -> u64 {
        self.disagreements
    }
}

/// The first disagreements in full, then the line `cases N, disagreements M`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Disagreement { place, question, want, got } in &self.shown {
            writeln!(f, "{place}\n  question {question}\n  want     {want}\n  got      {got}\n")?;
        }
        let left_out = self.disagreements - self.shown.len() as u64;
        if left_out > 0 {
            writeln!(f, "({left_out} more not shown)")?;
        }
        write!(f, "cases {}, disagreements {}", self.cases, self.disagreements)
    }
}

/// The question alone: the answer is printed beside it anyway.
fn without_answer(question: &Value) -> Value {
    match question {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "want" && *name != "want_status");
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// `value` without the members of objects that are null, `""` or `[]`.
fn compact(value: &Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !is_empty(value));
            Value::Object(kept.map(|(name, value)| (name.clone(), compact(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(compact).collect()),
        other => other.clone(),
    }
}

/// How many disagreements are printed.
const SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn empty_and_absent_are_the_same_but_an_empty_element_counts() {
        let mut report = Report::new();
        report.compare(&json!({}), &json!({"groups": null}), &json!({"groups": [], "uid": ""}));
        assert_eq!((report.cases(), report.disagreements()), (1, 0));
        report.compare(&json!({}), &json!({"groups": [""]}), &json!({}));
        report.compare(&json!({}), &json!({"user": {}}), &json!({}));
        assert_eq!((report.cases(), report.disagreements()), (3, 2));
    }

    #[test]
    fn prints_twenty_disagreements_and_the_count() {
        let mut report = Report::new();
        report.at("x.jsonl:1".to_owned());
        for number in 0..25 {
            report.compare(&json!({"n": number, "want": 1}), &json!(1), &json!(2));
        }
        let text = report.to_string();
        assert_eq!(text.matches("x.jsonl:1\n").count(), 20);
        assert!(text.contains("question {\"n\":0}\n  want     1\n  got      2\n"), "{text}");
        assert!(text.ends_with("(5 more not shown)\ncases 25, disagreements 25"), "{text}");
    }
}

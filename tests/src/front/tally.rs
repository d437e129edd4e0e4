//! How many questions were put to each front, and what came of them.

use std::collections::BTreeMap;
use std::fmt;

use super::Outcome;

/// What came of all questions.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many there are.
    pub questions: usize,
    /// How many were answered by every front that is asked everything.
    pub by_all: usize,
    fronts: BTreeMap<&'static str, BTreeMap<(What, &'static str), usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Answered,
    Refused,
    Unsayable,
}

impl Tally {
    /// Of so many questions, none of which has been put yet.
    pub fn new(questions: usize) -> Self {
        Self { questions, ..Self::default() }
    }

    /// One more outcome of a front; `is_changed` if the question was not asked as it is.
    pub fn add(&mut self, front: &'static str, outcome: &Outcome, is_changed: bool) {
        let outcome = match outcome {
            Outcome::Answered(_) if is_changed => {
                (What::Answered, "as this front carries the question")
            }
            Outcome::Answered(_) => (What::Answered, ""),
            Outcome::Refused(words) => (What::Refused, *words),
            Outcome::Unsayable(reason) => (What::Unsayable, *reason),
        };
        *self.fronts.entry(front).or_default().entry(outcome).or_default() += 1;
    }

    /// The fronts that were asked.
    pub fn fronts(&self) -> impl Iterator<Item = &'static str> {
        self.fronts.keys().copied()
    }

    /// How many questions a front answered, refused, and could not be asked.
    pub fn of(&self, front: &str) -> [usize; 3] {
        [What::Answered, What::Refused, What::Unsayable].map(|what| {
            let outcomes = self.fronts.get(front).into_iter().flatten();
            outcomes.filter(|((found, _), _)| *found == what).map(|(_, count)| count).sum()
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { questions, by_all, fronts } = self;
        writeln!(f, "{questions} questions, {by_all} of them answered by every front")?;
        for (front, outcomes) in fronts {
            for ((what, why), count) in outcomes {
                let what = match what {
                    What::Answered => "answered",
                    What::Refused => "refused",
                    What::Unsayable => "cannot be asked",
                };
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                writeln!(f, "{front:22} {count:6} {what}{why}")?;
            }
        }
        Ok(())
    }
}

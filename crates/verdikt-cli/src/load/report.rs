//! What came of a load, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::kind::Kind;
use super::plot::{self, Bucket};
use super::tally::{Answers, Errors, Mismatch};
use super::{Outcome, Plan};
use crate::output::{BAD, DIM, GOOD, HEAD};
use crate::report::printable;

/// The figures. Calls count that were begun after the warm-up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    server: String,
    kind: Kind,
    #[serde(rename = "loop")]
    mode: Loop,
    connections: usize,
    concurrency: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    warmup_seconds: f64,
    seconds: f64,
    interrupted: bool,
    calls: u64,
    calls_per_second: f64,
    decisions: u64,
    decisions_per_second: f64,
    answers: Answers,
    mismatches: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatch_examples: Vec<Mismatch>,
    errors: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors_by_kind: BTreeMap<String, Errors>,
    /// Calls of an open loop that were due and never begun.
    unsent: u64,
    /// Requests of the file that no call of the kind can ask.
    left_out: usize,
    #[serde(rename = "latencyMicroseconds")]
    latency: Times,
    /// How much of it, in an open loop, was spent before the call was sent.
    #[serde(rename = "waitMicroseconds", skip_serializing_if = "Option::is_none")]
    wait: Option<Times>,
    histogram: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Loop {
    Closed,
    Open,
}

/// Some times, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Times {
    min: f64,
    mean: f64,
    stdev: f64,
    p50: f64,
    p75: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    p9999: f64,
    max: f64,
}

impl Report {
    pub(super) fn new(plan: Plan, left_out: usize, outcome: Outcome) -> Self {
        let Outcome { tally, measured, unsent, is_interrupted } = outcome;
        let seconds = measured.as_secs_f64();
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let (decisions, errors) = (tally.decisions(), tally.failed());
        Self {
            server: plan.server,
            kind: plan.kind,
            mode: if plan.rate.is_some() { Loop::Open } else { Loop::Closed },
            connections: plan.connections,
            concurrency: plan.concurrency,
            rate: plan.rate,
            warmup_seconds: plan.warmup.as_secs_f64(),
            seconds,
            interrupted: is_interrupted,
            calls: tally.calls,
            calls_per_second: per_second(tally.calls),
            decisions,
            decisions_per_second: per_second(decisions),
            answers: tally.answers,
            mismatches: tally.mismatches,
            mismatch_examples: tally.examples,
            errors,
            errors_by_kind: tally.errors,
            unsent,
            left_out,
            latency: Times::of(&tally.latency),
            wait: plan.rate.is_some().then(|| Times::of(&tally.wait)),
            histogram: plot::buckets(&tally.latency),
        }
    }

    /// Whether all calls were answered, and as expected.
    pub(crate) fn is_good(&self) -> bool {
        self.mismatches == 0 && self.errors == 0 && self.calls > 0
    }

    /// For people.
    pub(crate) fn in_words(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{HEAD}{} at {}{HEAD:#}", self.kind.name(), printable(&self.server));
        let _ = writeln!(text, "{}\n", self.setting());
        let row = |text: &mut String, name: &str, value: &str| {
            let _ = writeln!(text, "{HEAD}{name:<11}{HEAD:#}{value}");
        };
        let rate = |rate: f64| format!("{}/s", grouped(rate.round() as u64));
        let mut calls = format!("{}   {}", grouped(self.calls), rate(self.calls_per_second));
        if let Some(wanted) = self.rate {
            calls += &format!(" of {wanted}/s");
        }
        row(&mut text, "Calls", &calls);
        if self.decisions != self.calls {
            let decided = rate(self.decisions_per_second);
            row(&mut text, "Decisions", &format!("{}   {decided}", grouped(self.decisions)));
        }
        row(&mut text, "Answers", &self.answers_in_words());
        self.add_troubles(&mut text, row);
        if self.calls == 0 {
            return text;
        }
        row(&mut text, "Latency", &self.latency.in_words());
        if let Some(wait) = self.wait {
            let words = format!(
                "p50 {}   p99 {}   max {}   {DIM}of that before it was sent{DIM:#}",
                time(wait.p50),
                time(wait.p99),
                time(wait.max)
            );
            row(&mut text, "Wait", &words);
        }
        text.push('\n');
        let Times { p50, p90, p99, p999, .. } = self.latency;
        let marks = [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999)];
        text += &plot::bars(&self.histogram, &marks);
        text
    }

    /// `closed loop, 2 connections × 8 under way, 10.0 s after 1.0 s of warm-up`
    fn setting(&self) -> String {
        let Self { connections, concurrency, seconds, warmup_seconds, .. } = self;
        let mode = match self.mode {
            Loop::Closed => "closed loop",
            Loop::Open => "open loop",
        };
        let plural = if *connections == 1 { "" } else { "s" };
        let each = if *concurrency == 1 { String::new() } else { format!(" × {concurrency}") };
        let warmup = match *warmup_seconds {
            0.0 => String::new(),
            seconds => format!(" after {seconds:.1} s of warm-up"),
        };
        let end = if self.interrupted { ", interrupted" } else { "" };
        format!("{mode}, {connections} connection{plural}{each}, {seconds:.1} s{warmup}{end}")
    }

    fn answers_in_words(&self) -> String {
        let Answers { allowed, denied, no_opinion, unauthenticated } = self.answers;
        let all = [
            (allowed, "allowed"),
            (denied, "denied"),
            (no_opinion, "no opinion"),
            (unauthenticated, "unauthenticated"),
        ];
        let some = all.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> =
            some.map(|(count, name)| format!("{} {name}", grouped(*count))).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    }

    /// What was not as it should be; nothing if all was.
    fn add_troubles(&self, text: &mut String, row: impl Fn(&mut String, &str, &str)) {
        let mut name = "Errors";
        if self.errors_by_kind.is_empty() {
            row(text, name, &format!("{GOOD}none{GOOD:#}"));
        }
        for (kind, Errors { count, example }) in &self.errors_by_kind {
            let example = match example.as_str() {
                "" => String::new(),
                example => format!(" {DIM}{}{DIM:#}", printable(example)),
            };
            row(text, name, &format!("{BAD}{} {kind}{BAD:#}{example}", grouped(*count)));
            name = "";
        }
        if self.mismatches > 0 {
            let count = grouped(self.mismatches);
            row(text, "Mismatches", &format!("{BAD}{count} answers are not the expected{BAD:#}"));
            for Mismatch { request, expected, allowed } in &self.mismatch_examples {
                let word = |allowed: bool| if allowed { "allowed" } else { "not allowed" };
                let (got, wanted) = (word(*allowed), word(*expected));
                row(text, "", &format!("request {request} is {got}, and {wanted} was expected"));
            }
        }
        if self.unsent > 0 {
            let words = format!(
                "{BAD}{} calls were due and never sent{BAD:#}: the server, or this machine, cannot keep up",
                grouped(self.unsent)
            );
            row(text, "Unsent", &words);
        }
        if self.left_out > 0 {
            let words = "requests cannot be asked this way";
            row(text, "Left out", &format!("{} {words}", grouped(self.left_out as u64)));
        }
    }
}

impl Times {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| micros(histogram.value_at_quantile(quantile) as f64);
        let mean = if histogram.is_empty() { 0.0 } else { histogram.mean() };
        let stdev = if histogram.is_empty() { 0.0 } else { histogram.stdev() };
        Self {
            min: micros(histogram.min() as f64),
            mean: micros(mean),
            stdev: micros(stdev),
            p50: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: micros(histogram.max() as f64),
        }
    }

    fn in_words(&self) -> String {
        let all = [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("p99.9", self.p999),
            ("max", self.max),
            ("mean", self.mean),
        ];
        let all = all.map(|(name, value)| format!("{name} {}", time(value)));
        all.join("   ")
    }
}

fn micros(nanoseconds: f64) -> f64 {
    nanoseconds.round() / 1e3
}

/// Microseconds in three digits: `81.2 µs`, `1.24 ms`.
pub(super) fn time(microseconds: f64) -> String {
    let (value, unit) = match microseconds {
        us if us < 1e3 => (us, "µs"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    match value {
        value if value < 10.0 => format!("{value:.2} {unit}"),
        value if value < 100.0 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

/// A number with its thousands apart: `48,213`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        let grouped_are = |number, expected: &str| assert_eq!(grouped(number), expected);
        grouped_are(0, "0");
        grouped_are(999, "999");
        grouped_are(48_213, "48,213");
        grouped_are(1_234_567, "1,234,567");
        let time_is = |microseconds, expected: &str| assert_eq!(time(microseconds), expected);
        time_is(0.0, "0.00 µs");
        time_is(81.24, "81.2 µs");
        time_is(1_240.0, "1.24 ms");
        time_is(999_400.0, "999 ms");
        time_is(12_000_000.0, "12.0 s");
    }
}

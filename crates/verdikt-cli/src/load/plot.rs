//! The distribution of latencies, as bars in a terminal: logarithmic, since that is how latencies are spread.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::report::time;
use crate::output::{DIM, HEAD};

/// Calls that took from this long to that long, in microseconds, the end left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bucket {
    from: f64,
    to: f64,
    calls: u64,
}

/// All that are between the shortest and the longest, with steps as small as there is room for.
pub(super) fn buckets(histogram: &Histogram<u64>) -> Vec<Bucket> {
    if histogram.is_empty() {
        return Vec::new();
    }
    // Values that are too near to be told apart are all taken for the highest of them.
    let ends = [histogram.min(), histogram.max()];
    let range = ends.map(|value| histogram.highest_equivalent(value) as f64 / 1e3);
    let mut edges = Vec::new();
    for steps in STEPS {
        edges = edges_within(range, steps);
        if edges.len() <= MOST_ROWS + 1 {
            break;
        }
    }
    let pairs = edges.iter().zip(edges.iter().skip(1));
    let mut all: Vec<Bucket> =
        pairs.map(|(from, to)| Bucket { from: *from, to: *to, calls: 0 }).collect();
    for recorded in histogram.iter_recorded() {
        let value = recorded.value_iterated_to() as f64 / 1e3;
        let place = all.partition_point(|bucket| bucket.to <= value);
        let place = place.min(all.len().saturating_sub(1));
        if let Some(bucket) = all.get_mut(place) {
            bucket.calls += recorded.count_since_last_iteration();
        }
    }
    all
}

/// Steps of each power of ten, from the last that is not above the shortest to the first above the longest.
fn edges_within([shortest, longest]: [f64; 2], steps: &[f64]) -> Vec<f64> {
    let mut edges = Vec::new();
    for power in FIRST_POWER..=LAST_POWER {
        for step in steps {
            let edge = step * 10_f64.powi(power);
            if edge <= shortest {
                edges.clear();
            }
            edges.push(edge);
            if edge > longest {
                return edges;
            }
        }
    }
    edges
}

/// One line for each bucket, and where some percentiles are.
pub(super) fn bars(buckets: &[Bucket], marks: &[(&str, f64)]) -> String {
    let total: u64 = buckets.iter().map(|bucket| bucket.calls).sum();
    let most = buckets.iter().map(|bucket| bucket.calls).max().unwrap_or_default();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{HEAD}{:<22}{:>7}{HEAD:#}", "Latency from, to", "calls");
    for Bucket { from, to, calls } in buckets {
        let share = *calls as f64 / total.max(1) as f64 * 100.0;
        let share = match share {
            share if *calls > 0 && share < 0.01 => "<0.01 %".to_owned(),
            share => format!("{share:.2} %"),
        };
        let here = marks.iter().filter(|(_, value)| from <= value && value < to);
        let here: Vec<&str> = here.map(|(name, _)| *name).collect();
        let bar = bar(*calls as f64 / most.max(1) as f64);
        let mut line = format!("{:>9}  {:>9} {share:>9} {bar}", short(*from), short(*to));
        if !here.is_empty() {
            let _ = write!(line, " {DIM}{}{DIM:#}", here.join(" "));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// A round number of microseconds: `150 µs`, `2 ms`.
fn short(microseconds: f64) -> String {
    let text = time(microseconds);
    let Some((number, unit)) = text.split_once(' ') else { return text };
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number} {unit}")
}

/// A bar in eighths of a character; whatever is there can be seen.
fn bar(share: f64) -> String {
    let eighths = (share * WIDTH * 8.0).ceil() as usize;
    let rest = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    "█".repeat(eighths / 8) + rest
}

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// The longest bar.
const WIDTH: f64 = 40.0;
const MOST_ROWS: usize = 24;
/// How finely a power of ten is divided, the finest first.
const STEPS: [&[f64]; 4] = [
    &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    &[1.0, 2.0, 5.0],
    &[1.0],
];
/// A nanosecond and an hour, in microseconds.
const FIRST_POWER: i32 = -3;
const LAST_POWER: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(microseconds: &[u64]) -> Vec<Bucket> {
        let mut histogram = Histogram::new(3).unwrap();
        microseconds.iter().for_each(|value| histogram.record(value * 1_000).unwrap());
        buckets(&histogram)
    }

    #[test]
    fn each_call_is_in_one_bucket_whatever_the_range() {
        for values in [&[100][..], &[100, 110, 140], &[1, 3_000_000], &[90, 200, 4_000, 80_000]] {
            let buckets = of(values);
            assert!(buckets.len() <= MOST_ROWS, "{values:?}: {buckets:?}");
            let sum: u64 = buckets.iter().map(|bucket| bucket.calls).sum();
            assert_eq!(sum, values.len() as u64, "{buckets:?}");
            let ends = [buckets.first(), buckets.last()].map(|bucket| bucket.unwrap().calls);
            assert!(ends.iter().all(|calls| *calls > 0), "{values:?}: {buckets:?}");
            assert!(buckets.windows(2).all(|pair| pair[0].to == pair[1].from), "{buckets:?}");
        }
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn bars_are_as_long_as_their_share_and_say_where_percentiles_are() {
        let bucket = |from, to, calls| Bucket { from, to, calls };
        let buckets = [bucket(100.0, 150.0, 80), bucket(150.0, 200.0, 0), bucket(200.0, 300.0, 20)];
        let text = bars(&buckets, &[("p50", 120.0), ("p99", 210.0)]);
        let text = anstream::adapter::strip_str(&text).to_string();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(lines[0].matches('█').count(), 40, "{text}");
        assert_eq!(lines[1].matches('█').count(), 0, "{text}");
        assert_eq!(lines[2].matches('█').count(), 10, "{text}");
        assert!(lines[0].ends_with("p50") && lines[2].ends_with("p99"), "{text}");
        assert!(lines[2].contains("200 µs     300 µs   20.00 %"), "{text}");
    }
}

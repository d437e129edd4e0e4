//! What metrics were at one moment.

use super::Family;

/// Names and values of labels, in their order.
pub type Labels = Box<[(&'static str, Box<str>)]>;

/// All series of one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which.
    pub family: Family,
    /// Its series, by their labels.
    pub samples: Vec<Sample>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What distinguishes it from others of the family.
    pub labels: Labels,
    /// What it was.
    pub value: Value,
}

/// What a series was.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// That of a counter or gauge.
    Number(f64),
    /// That of a histogram.
    Histogram {
        /// How many were no longer than each bound, in seconds.
        buckets: Vec<(f64, u64)>,
        /// Of all of them, in seconds.
        sum: f64,
        /// How many there were.
        count: u64,
    },
}

impl Reading {
    /// A family whose series are known only when somebody asks.
    pub fn new(family: Family) -> Self {
        Self { family, samples: Vec::new() }
    }

    /// The same with one more series.
    #[must_use]
    pub fn with(mut self, labels: &[(&'static str, &str)], value: f64) -> Self {
        let value = Value::Number(value);
        self.samples.push(Sample { labels: super::owned(labels), value });
        self
    }

    /// The number with these labels, whatever others it has; for histograms, how many there were.
    pub fn get(&self, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            labels
                .iter()
                .all(|(name, value)| sample.labels.iter().any(|(n, v)| n == name && **v == **value))
        };
        self.samples.iter().find(has).map(|sample| match &sample.value {
            Value::Number(number) => *number,
            Value::Histogram { count, .. } => number(*count),
        })
    }
}

impl Sample {
    pub(super) fn is_unused(&self) -> bool {
        matches!(self.value, Value::Number(0.0) | Value::Histogram { count: 0, .. })
    }
}

impl Value {
    pub(super) fn count(count: u64) -> Self {
        Self::Number(number(count))
    }

    pub(super) fn zeros(count: u64, bounds: &[f64]) -> Self {
        Self::Histogram {
            buckets: bounds.iter().map(|bound| (*bound, count)).collect(),
            sum: 0.0,
            count,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

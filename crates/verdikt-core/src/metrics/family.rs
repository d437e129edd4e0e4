//! What a metric is called and means; each stands beside the code that counts it.

/// All series of one name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// Such as `apiserver_authorization_decisions_total`.
    pub name: &'static str,
    /// What it means, in upstream's words where upstream has it; with its stability.
    pub help: &'static str,
    /// What its series are.
    pub kind: Kind,
}

/// What the series of a family are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that is set.
    Gauge,
    /// Durations in buckets with these upper bounds, in seconds.
    Histogram(&'static [f64]),
}

impl Family {
    /// A family of counters.
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter }
    }

    /// A family of gauges.
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge }
    }

    /// A family of histograms with these bounds.
    pub const fn histogram(name: &'static str, help: &'static str, bounds: &'static [f64]) -> Self {
        Self { name, help, kind: Kind::Histogram(bounds) }
    }

    pub(super) fn bounds(&self) -> &'static [f64] {
        match self.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::Gauge => &[],
        }
    }
}

/// The bounds Prometheus' client has where none are given.
pub const DEFAULT_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A millisecond and its doubles, fifteen in all: what upstream's filters have.
pub const MILLISECONDS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096,
    8.192, 16.384,
];

//! What is counted and timed, under Kubernetes' names, for whoever exposes it.
//!
//! Whoever counts asks once for a [`Counter`], [`Gauge`] or [`Histogram`] and keeps it: counting then takes no
//! lock and allocates nothing. [`Metrics::read`] gives all of them. A family has a bound on its series, so
//! that no name from outside can make it grow for ever.

mod counter;
mod family;
mod histogram;
mod reading;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use counter::{Counter, Gauge};
pub use family::{DEFAULT_BUCKETS, Family, Kind, MILLISECONDS};
pub use histogram::Histogram;
pub use reading::{Labels, Reading, Sample, Value};

/// All that is counted for one engine. Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Registry>>);

type Registry = BTreeMap<&'static str, (Family, BTreeMap<Labels, Series>)>;
type Pairs<'a> = &'a [(&'static str, &'a str)];

#[derive(Clone, Debug)]
enum Series {
    Counter(Arc<Counter>),
    Gauge(Arc<Gauge>),
    Histogram(Arc<Histogram>),
    /// How often the histogram of another family was told something.
    CountOf(Arc<Histogram>),
    /// As many observations of nothing as the counter of another family says.
    Zeros(Arc<Counter>),
}

impl Metrics {
    /// The counter with these labels; the same whenever it is asked for.
    pub fn counter(&self, family: &Family, labels: Pairs<'_>) -> Arc<Counter> {
        let made = self.series(family, labels, || Series::Counter(Arc::default()));
        if let Series::Counter(counter) = made { counter } else { Arc::default() }
    }

    /// The gauge with these labels.
    pub fn gauge(&self, family: &Family, labels: Pairs<'_>) -> Arc<Gauge> {
        let made = self.series(family, labels, || Series::Gauge(Arc::default()));
        if let Series::Gauge(gauge) = made { gauge } else { Arc::default() }
    }

    /// The histogram with these labels.
    pub fn histogram(&self, family: &Family, labels: Pairs<'_>) -> Arc<Histogram> {
        let new = || Arc::new(Histogram::new(family.bounds()));
        let made = self.series(family, labels, || Series::Histogram(new()));
        if let Series::Histogram(histogram) = made { histogram } else { new() }
    }

    /// A histogram, and a counter in `counts` of how often it is told something.
    pub fn counted_histogram(
        &self,
        counts: &Family,
        family: &Family,
        labels: Pairs<'_>,
    ) -> Arc<Histogram> {
        let histogram = self.histogram(family, labels);
        self.series(counts, labels, || Series::CountOf(Arc::clone(&histogram)));
        histogram
    }

    /// A counter of what takes no time that the buckets could tell, and in `times` a histogram that says so.
    pub fn timeless_counter(
        &self,
        family: &Family,
        times: &Family,
        labels: Pairs<'_>,
    ) -> Arc<Counter> {
        let counter = self.counter(family, labels);
        self.series(times, labels, || Series::Zeros(Arc::clone(&counter)));
        counter
    }

    /// Sets a gauge to 1, and forgets those of the family whose labels differ otherwise than in those that
    /// are named in `keys`.
    pub fn set_info(&self, family: &Family, keys: &[&str], labels: Pairs<'_>) {
        let key = |pairs: &Labels| -> Vec<(&'static str, Box<str>)> {
            pairs.iter().filter(|(name, _)| keys.contains(name)).cloned().collect()
        };
        let own = key(&owned(labels));
        if let Some((_, series)) = self.lock().get_mut(family.name) {
            series.retain(|labels, _| key(labels) != own);
        }
        self.gauge(family, labels).set(1.0);
    }

    /// Forgets the series of a family that have this label.
    pub fn forget(&self, family: &Family, label: (&'static str, &str)) {
        if let Some((_, series)) = self.lock().get_mut(family.name) {
            let (name, value) = label;
            series.retain(|labels, _| !labels.iter().any(|(n, v)| *n == name && **v == *value));
        }
    }

    /// Everything, by name. Counters with labels that have counted nothing are left out, as upstream does.
    pub fn read(&self) -> Vec<Reading> {
        let registry = self.lock();
        let read = |(family, series): &(Family, BTreeMap<Labels, Series>)| {
            let samples = series.iter().map(|(labels, series)| Sample {
                labels: labels.clone(),
                value: series.read(family.bounds()),
            });
            let is_shown = |sample: &Sample| {
                sample.labels.is_empty() || family.kind == Kind::Gauge || !sample.is_unused()
            };
            let samples = samples.filter(is_shown);
            Reading { family: *family, samples: samples.collect() }
        };
        registry.values().map(read).filter(|reading| !reading.samples.is_empty()).collect()
    }

    fn series(&self, family: &Family, labels: Pairs<'_>, make: impl FnOnce() -> Series) -> Series {
        let mut registry = self.lock();
        let (_, series) = registry.entry(family.name).or_insert_with(|| (*family, BTreeMap::new()));
        let labels = owned(labels);
        if series.len() >= MOST_SERIES && !series.contains_key(&labels) {
            return make();
        }
        series.entry(labels).or_insert_with(make).clone()
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn read(&self, bounds: &[f64]) -> Value {
        match self {
            Self::Counter(counter) => Value::count(counter.get()),
            Self::CountOf(histogram) => Value::count(histogram.count()),
            Self::Gauge(gauge) => Value::Number(gauge.get()),
            Self::Histogram(histogram) => histogram.read(),
            Self::Zeros(counter) => Value::zeros(counter.get(), bounds),
        }
    }
}

fn owned(labels: Pairs<'_>) -> Labels {
    labels.iter().map(|(name, value)| (*name, Box::from(*value))).collect()
}

/// How many series a family may have; what comes after is not exposed.
const MOST_SERIES: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    const COUNTS: Family = Family::counter("counts_total", "");
    const TIMES: Family = Family::histogram("times_seconds", "", MILLISECONDS);
    const INFO: Family = Family::gauge("info", "");

    fn numbers(metrics: &Metrics) -> Vec<(String, f64)> {
        let readings = metrics.read();
        let samples = readings.iter().flat_map(|reading| {
            reading.samples.iter().map(|sample| {
                let labels = sample.labels.iter().map(|(name, value)| format!("{name}={value}"));
                let name = reading.family.name;
                let text = format!("{name} {}", labels.collect::<Vec<_>>().join(","));
                let Value::Number(number) = sample.value else { return (text, -1.0) };
                (text, number)
            })
        });
        samples.collect()
    }

    #[test]
    fn counts_of_many_threads_add_up() {
        let metrics = Metrics::default();
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let (counter, times) =
                        (metrics.counter(&COUNTS, &[]), metrics.histogram(&TIMES, &[]));
                    for _ in 0..1_000 {
                        counter.add(1);
                        times.observe(Duration::from_micros(1_500));
                    }
                });
            }
        });
        assert_eq!(metrics.counter(&COUNTS, &[]).get(), 20_000);
        let Value::Histogram { buckets, sum, count } = metrics.histogram(&TIMES, &[]).read() else {
            panic!("a histogram")
        };
        assert_eq!(count, 20_000);
        assert!((sum - 30.0).abs() < 1e-9, "{sum}");
        assert_eq!(buckets[..3], [(0.001, 0), (0.002, 20_000), (0.004, 20_000)]);
        assert_eq!(buckets.len(), 15);
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::new(MILLISECONDS);
        for millis in [0, 1, 2, 16_384, 16_385] {
            histogram.observe(Duration::from_millis(millis));
        }
        let Value::Histogram { buckets, count, .. } = histogram.read() else { panic!() };
        assert_eq!((buckets[0], buckets[1], buckets[14]), ((0.001, 2), (0.002, 3), (16.384, 4)));
        assert_eq!(count, 5);
    }

    #[test]
    fn series_that_counted_nothing_are_not_shown_unless_they_are_alone() {
        let metrics = Metrics::default();
        metrics.counter(&COUNTS, &[]);
        metrics.counter(&COUNTS, &[("a", "x")]);
        let times = metrics.counted_histogram(&COUNTS, &TIMES, &[("a", "y")]);
        assert_eq!(numbers(&metrics), [("counts_total ".to_owned(), 0.0)]);
        times.observe(Duration::ZERO);
        assert_eq!(numbers(&metrics)[1], ("counts_total a=y".to_owned(), 1.0));
    }

    #[test]
    fn a_family_has_a_bound() {
        let metrics = Metrics::default();
        for index in 0..2 * MOST_SERIES {
            metrics.counter(&COUNTS, &[("a", &index.to_string())]).add(1);
        }
        assert_eq!(numbers(&metrics).len(), MOST_SERIES);
        metrics.counter(&COUNTS, &[("a", "7")]).add(1);
        assert_eq!(metrics.counter(&COUNTS, &[("a", "7")]).get(), 2);
    }

    #[test]
    fn information_replaces_what_it_said_before() {
        let metrics = Metrics::default();
        for (issuer, hash) in [("i", "1"), ("j", "1"), ("i", "2")] {
            metrics.set_info(&INFO, &["issuer"], &[("issuer", issuer), ("hash", hash)]);
        }
        let of = |text: &str| (text.to_owned(), 1.0);
        assert_eq!(numbers(&metrics), [of("info issuer=i,hash=2"), of("info issuer=j,hash=1")]);
        metrics.forget(&INFO, ("issuer", "i"));
        assert_eq!(numbers(&metrics), [of("info issuer=j,hash=1")]);
    }
}

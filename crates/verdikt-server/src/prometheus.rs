//! Metrics as text that Prometheus reads.
//!
//! Follows <https://prometheus.io/docs/instrumenting/exposition_formats> and the OpenMetrics 1.0 specification,
//! where they leave a choice as Prometheus' Go client does: a counter that is not called `…_total` is of
//! unknown type in OpenMetrics.

use std::fmt::Write as _;

use verdikt::metrics::{Kind, Labels, Reading, Sample, Value};

/// What a scraper can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that an `Accept` header likes best; text if it is not there.
    pub(crate) fn accepted(accept: &str) -> Self {
        let mut best = (Self::Text, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0, "");
            for parameter in parts {
                match parameter.split_once('=') {
                    Some(("q", value)) => quality = value.parse().unwrap_or(0.0),
                    Some(("version", value)) => version = value,
                    _ => {}
                }
            }
            let format = match (&*media_type, version) {
                ("application/openmetrics-text", "" | "0.0.1" | "1.0.0") => Self::OpenMetrics,
                ("text/plain", "" | "0.0.4") | ("text/*" | "*/*", _) => Self::Text,
                _ => continue,
            };
            if quality > best.1 {
                best = (format, quality);
            }
        }
        best.0
    }

    /// Its `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The whole exposition.
    pub(crate) fn render(self, readings: &[Reading]) -> String {
        let mut text = String::new();
        for reading in readings {
            self.family(reading, &mut text);
        }
        if self == Self::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    fn family(self, reading: &Reading, text: &mut String) {
        let family = &reading.family;
        let base = family.name.strip_suffix("_total");
        let (name, kind) = match (family.kind, self) {
            (Kind::Gauge, _) => (family.name, "gauge"),
            (Kind::Histogram(_), _) => (family.name, "histogram"),
            (Kind::Counter, Self::Text) => (family.name, "counter"),
            (Kind::Counter, Self::OpenMetrics) => match base {
                Some(base) => (base, "counter"),
                None => (family.name, "unknown"),
            },
        };
        let help = escaped(family.help, self == Self::OpenMetrics);
        // Writing to a String does not fail, here and below.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for Sample { labels, value } in &reading.samples {
            match value {
                Value::Number(number) => {
                    let _ = writeln!(text, "{}{} {number}", family.name, of(labels, None));
                }
                Value::Histogram { buckets, sum, count } => {
                    for (bound, count) in buckets {
                        let le = self.bound(*bound);
                        let labels = of(labels, Some(&le));
                        let _ = writeln!(text, "{}_bucket{labels} {count}", family.name);
                    }
                    let all = of(labels, Some("+Inf"));
                    let labels = of(labels, None);
                    let _ = write!(
                        text,
                        "{0}_bucket{all} {count}\n{0}_sum{labels} {sum}\n{0}_count{labels} {count}\n",
                        family.name
                    );
                }
            }
        }
    }

    /// OpenMetrics wants bounds to look like floats.
    fn bound(self, bound: f64) -> String {
        match self {
            Self::OpenMetrics if bound.fract() == 0.0 => format!("{bound}.0"),
            _ => bound.to_string(),
        }
    }
}

fn of(labels: &Labels, le: Option<&str>) -> String {
    let labels = labels.iter().map(|(name, value)| (*name, &**value));
    let mut text = String::new();
    for (name, value) in labels.chain(le.map(|le| ("le", le))) {
        let before = if text.is_empty() { '{' } else { ',' };
        let _ = write!(text, "{before}{name}=\"{}\"", escaped(value, true));
    }
    if !text.is_empty() {
        text.push('}');
    }
    text
}

fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdikt::metrics::{Family, Metrics};

    #[test]
    fn the_format_is_the_one_that_is_liked_best() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, expected) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html, application/xhtml+xml", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; version=1.0.0", Format::OpenMetrics),
            ("application/openmetrics-text; version=2.0.0", Format::Text),
            ("application/openmetrics-text; q=0", Format::Text),
            ("text/plain;q=0.9, application/openmetrics-text;q=0.8", Format::Text),
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text;q=x;;=,,", Format::Text),
        ] {
            assert_eq!(Format::accepted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn both_formats_say_the_same() {
        let metrics = Metrics::default();
        let counter = Family::counter("a_total", "What \"a\" is: \\.");
        metrics.counter(&counter, &[("name", "x\\y\"z\nw")]).add(2);
        metrics.counter(&Family::counter("b", ""), &[]).add(1);
        let times = Family::histogram("c_seconds", "Time.", &[0.5, 1.0]);
        metrics.histogram(&times, &[("k", "v")]).observe(std::time::Duration::from_millis(750));
        metrics.gauge(&Family::gauge("d", "D."), &[]).set(-0.5);
        let readings = metrics.read();
        insta::assert_snapshot!(Format::Text.render(&readings), @r#"
        # HELP a_total What "a" is: \\.
        # TYPE a_total counter
        a_total{name="x\\y\"z\nw"} 2
        # HELP b 
        # TYPE b counter
        b 1
        # HELP c_seconds Time.
        # TYPE c_seconds histogram
        c_seconds_bucket{k="v",le="0.5"} 0
        c_seconds_bucket{k="v",le="1"} 1
        c_seconds_bucket{k="v",le="+Inf"} 1
        c_seconds_sum{k="v"} 0.75
        c_seconds_count{k="v"} 1
        # HELP d D.
        # TYPE d gauge
        d -0.5
        "#);
        insta::assert_snapshot!(Format::OpenMetrics.render(&readings), @r#"
        # HELP a What \"a\" is: \\.
        # TYPE a counter
        a_total{name="x\\y\"z\nw"} 2
        # HELP b 
        # TYPE b unknown
        b 1
        # HELP c_seconds Time.
        # TYPE c_seconds histogram
        c_seconds_bucket{k="v",le="0.5"} 0
        c_seconds_bucket{k="v",le="1.0"} 1
        c_seconds_bucket{k="v",le="+Inf"} 1
        c_seconds_sum{k="v"} 0.75
        c_seconds_count{k="v"} 1
        # HELP d D.
        # TYPE d gauge
        d -0.5
        # EOF
        "#);
    }
}

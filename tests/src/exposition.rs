//! A strict reader of what `/metrics` says: whatever Prometheus would trip over fails.

use std::collections::BTreeMap;

/// What was said: the value of each series, by its name with labels as written.
#[derive(Debug, Default)]
pub struct Exposition {
    values: BTreeMap<String, f64>,
    /// Type of each family.
    types: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads a whole exposition in the text format, or in OpenMetrics.
    ///
    /// # Errors
    /// The first line that should not be there, and why.
    pub fn parse(text: &str, is_open_metrics: bool) -> Result<Self, String> {
        let mut read = Self::default();
        let mut family = String::new();
        let text = match (text.strip_suffix("# EOF\n"), is_open_metrics) {
            (Some(rest), true) => rest,
            (None, false) => text,
            _ => return Err("# EOF".to_owned()),
        };
        if !text.ends_with('\n') {
            return Err("no line break at the end".to_owned());
        }
        let mut has_help = false;
        for line in text.lines() {
            let wrong = |why: &str| Err(format!("{why}: {line}"));
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let Some((name, _)) = rest.split_once(' ') else { return wrong("help") };
                if !is_name(name) || read.types.contains_key(name) || *family > *name {
                    return wrong("a family twice, or not in order");
                }
                (family, has_help) = (name.to_owned(), true);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let Some((name, kind)) = rest.split_once(' ') else { return wrong("type") };
                let known = ["counter", "gauge", "histogram", "unknown"];
                if name != family || !std::mem::take(&mut has_help) || !known.contains(&kind) {
                    return wrong("type");
                }
                read.types.insert(name.to_owned(), kind.to_owned());
            } else {
                read.sample(line, &family, is_open_metrics)?;
            }
        }
        read.check_histograms()?;
        Ok(read)
    }

    fn sample(&mut self, line: &str, family: &str, is_open_metrics: bool) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("{why}: {line}"));
        let Some((series, value)) = line.rsplit_once(' ') else { return wrong("sample") };
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => match rest.strip_suffix('}') {
                Some(labels) => (name, labels),
                None => return wrong("labels"),
            },
            None => (series, ""),
        };
        let kind = self.types.get(family).map_or("", String::as_str);
        let suffixes: &[&str] = match (kind, is_open_metrics) {
            ("counter", true) => &["_total"],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        if !suffixes.iter().any(|suffix| name.strip_suffix(suffix) == Some(family)) {
            return wrong("not of the family before it");
        }
        if !are_labels(labels) {
            return wrong("labels");
        }
        let Ok(value) = value.parse::<f64>() else { return wrong("value") };
        if kind != "gauge" && !(value.is_finite() && value >= 0.0) {
            return wrong("value");
        }
        match self.values.insert(series.to_owned(), value) {
            None => Ok(()),
            Some(_) => wrong("a series twice"),
        }
    }

    /// Buckets rise with their bounds, and the last has all.
    fn check_histograms(&self) -> Result<(), String> {
        let mut by_series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, count) in &self.values {
            let Some((start, le)) = series.split_once("le=\"") else { continue };
            let Some(le) = le.strip_suffix("\"}") else { return Err(series.clone()) };
            let le = le.parse().map_err(|_| series.clone())?;
            let start = start.trim_end_matches([',', '{']).replacen("_bucket", "_count", 1);
            by_series.entry(start).or_default().push((le, *count));
        }
        for (start, mut buckets) in by_series {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            let count = if start.contains('{') { format!("{start}}}") } else { start };
            let all = self.values.get(&count);
            let last = buckets.last();
            let rises = buckets.windows(2).all(|two| two[0].1 <= two[1].1);
            if !rises || last.map(|last| last.0) != Some(f64::INFINITY) || all != last.map(|l| &l.1)
            {
                return Err(format!("{count}: {buckets:?}"));
            }
        }
        Ok(())
    }

    /// The value of a series, written as the text format does.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.values.get(series).copied()
    }

    /// All names of families with their types.
    pub fn families(&self) -> impl Iterator<Item = (&str, &str)> {
        self.types.iter().map(|(name, kind)| (name.as_str(), kind.as_str()))
    }
}

fn is_name(name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(of_name)
}

/// `name="value",…`, each name once.
fn are_labels(mut text: &str) -> bool {
    let mut names = Vec::new();
    while !text.is_empty() {
        let Some((name, rest)) = text.split_once("=\"") else { return false };
        if !is_name(name) || names.contains(&name) {
            return false;
        }
        names.push(name);
        let mut end = None;
        let mut is_escaped = false;
        for (at, c) in rest.char_indices() {
            match c {
                _ if is_escaped => {
                    if !matches!(c, '\\' | '"' | 'n') {
                        return false;
                    }
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let Some(after) = end.and_then(|end| rest.get(end + 1..)) else { return false };
        text = match (after.is_empty(), after.strip_prefix(',')) {
            (true, _) => "",
            (false, Some(more)) if !more.is_empty() => more,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_trips_over_is_refused() {
        let good = "# HELP a A.\n# TYPE a counter\na{x=\"1\"} 1\n";
        assert_eq!(Exposition::parse(good, false).unwrap().get("a{x=\"1\"}"), Some(1.0));
        for (from, to) in [
            ("# HELP a A.\n", ""),
            ("counter", "count"),
            ("a{x=\"1\"} 1", "b 1"),
            ("a{x=\"1\"} 1", "a{x=\"1\"} -1"),
            ("a{x=\"1\"} 1", "a{x=\"1\"} one"),
            ("a{x=\"1\"} 1", "a{x=\"1\",x=\"2\"} 1"),
            ("a{x=\"1\"} 1", "a{x=\"1\",} 1"),
            ("a{x=\"1\"} 1", "a{x=\"\\1\"} 1"),
            ("a{x=\"1\"} 1", "a 1\na 1"),
            ("} 1\n", "} 1"),
            ("} 1\n", "} 1\n# EOF\n"),
        ] {
            assert!(Exposition::parse(&good.replace(from, to), false).is_err(), "{from} {to}");
        }
        let histogram = "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n\
                         h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
        Exposition::parse(histogram, false).unwrap();
        for (from, to) in [("h_count 2", "h_count 3"), ("\"} 1\n", "\"} 3\n"), ("+Inf", "9")] {
            assert!(Exposition::parse(&histogram.replace(from, to), false).is_err(), "{from} {to}");
        }
    }
}

//! Durations as Go's `time.ParseDuration` reads them: `10s`, `1h30m`, `1.5h`.

use std::time::Duration;

/// For flags that kube-apiserver and kubectl take in this form.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.starts_with('-') {
        return Err("it must not be negative".to_owned());
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanoseconds = 0_f64;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, after) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(is_number).unwrap_or(after.len()));
        let number: f64 = number.parse().map_err(|_| invalid())?;
        nanoseconds += number * nanoseconds_of(unit).ok_or_else(invalid)?;
        rest = after;
    }
    if nanoseconds > MOST {
        return Err(invalid());
    }
    Ok(Duration::from_nanos(nanoseconds.round() as u64))
}

fn nanoseconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    })
}

/// What Go's durations can hold, about 292 years.
const MOST: f64 = i64::MAX as f64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, expected) in [
            ("10s", Some(10_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("300ms", Some(300)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("+2m", Some(120_000)),
            (".5s", Some(500)),
            ("10", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1d", None),
            ("1..s", None),
            ("99999999h", None),
        ] {
            let got = parse(text).ok().map(|duration| duration.as_millis());
            assert_eq!(got, expected, "{text}");
        }
    }
}

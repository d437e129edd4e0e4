//! What a plain YAML word means: YAML 1.1 as Kubernetes reads it (`sigs.k8s.io/yaml/goyaml.v2`).

use super::Value;

/// The value of a plain word. Dates stay texts, as they do on the way to JSON.
pub(super) fn resolve(word: &str) -> Value {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ if is_number(word) => Value::Number(word.to_owned()),
        _ => Value::String(word.to_owned()),
    }
}

fn is_number(word: &str) -> bool {
    if matches!(
        word,
        ".nan"
            | ".NaN"
            | ".NAN"
            | ".inf"
            | ".Inf"
            | ".INF"
            | "+.inf"
            | "+.Inf"
            | "+.INF"
            | "-.inf"
            | "-.Inf"
            | "-.INF"
    ) {
        return true;
    }
    match word.bytes().next() {
        Some(b'.') => is_float(word),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = word.replace('_', "");
            is_integer(&plain) || is_float(&plain)
        }
        _ => false,
    }
}

/// Go's `strconv.ParseInt` with base 0: an optional sign, then a prefix that tells the base.
fn is_integer(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (digits, base) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..), 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..), 8),
        [b'0', b'b' | b'B', ..] => (digits.get(2..), 2),
        [b'0', _, ..] => (digits.get(1..), 8),
        _ => (Some(digits), 10),
    };
    digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(base)))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(word: &str) -> bool {
    let word = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is_good = match mantissa.split_once('.') {
        Some((whole, part)) => {
            all_digits(whole) && all_digits(part) && whole.len() + part.len() > 0
        }
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    mantissa_is_good
        && exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !digits.is_empty() && all_digits(digits)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(word: &str) -> &'static str {
        match resolve(word) {
            Value::Null => "null",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Number(_) => "number",
            _ => "string",
        }
    }

    #[test]
    fn words_mean_what_yaml_1_1_says() {
        for (word, expected) in [
            ("", "null"),
            ("~", "null"),
            ("NULL", "null"),
            ("nULL", "string"),
            ("yes", "true"),
            ("y", "true"),
            ("On", "true"),
            ("oN", "string"),
            ("no", "false"),
            ("N", "false"),
            ("off", "false"),
            ("0", "number"),
            ("-1", "number"),
            ("+12", "number"),
            ("1_000", "number"),
            ("0x1F", "number"),
            ("0o17", "number"),
            ("017", "number"),
            ("0b11", "number"),
            ("-0b11", "number"),
            ("1.5", "number"),
            ("1.", "number"),
            (".5", "number"),
            ("1e3", "number"),
            ("1e", "string"),
            ("12345678901234567890123", "number"),
            (".inf", "number"),
            ("-.INF", "number"),
            (".nan", "number"),
            ("089", "number"),
            ("1:30", "string"),
            ("2001-12-14", "string"),
            ("1.2.3", "string"),
            (".", "string"),
            ("-", "string"),
            ("+", "string"),
            ("0x", "string"),
            ("get", "string"),
            ("*", "string"),
        ] {
            assert_eq!(kind(word), expected, "{word}");
        }
    }
}

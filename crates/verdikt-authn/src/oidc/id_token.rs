//! The members of a payload that are looked at whatever is configured.
//!
//! Follows `idToken` of go-oidc v2 (`oidc.go`), decoded by Go's own `encoding/json`: names in any letter
//! case, of several the last, `null` leaves what was there; a value of a wrong kind is an error once all
//! else has been looked at, one that a type decodes itself is an error at once.

use std::borrow::Cow;

use verdikt_core::GoQuoted;

use super::go_time::GoTime;
use crate::jwt::json::{Kind, Value};

/// What a token says about itself.
#[derive(Debug)]
pub(super) struct IdToken {
    pub(super) issuer: String,
    pub(super) audience: Vec<String>,
    pub(super) expiry: GoTime,
    pub(super) not_before: Option<GoTime>,
    claim_names: Vec<(String, String)>,
    claim_sources: Vec<String>,
}

impl IdToken {
    /// Reads a payload.
    ///
    /// # Errors
    /// In the words of Go's decoder.
    pub(super) fn read(payload: Value<'_>) -> Result<Self, String> {
        let mut token = Self {
            issuer: String::new(),
            audience: Vec::new(),
            expiry: GoTime::ZERO,
            not_before: None,
            claim_names: Vec::new(),
            claim_sources: Vec::new(),
        };
        match payload.kind() {
            Kind::Object => {}
            Kind::Null => return Ok(token),
            kind => {
                let kind = kind.name();
                return Err(format!(
                    "json: cannot unmarshal {kind} into Go value of type oidc.idToken"
                ));
            }
        }
        let mut saved = Saved::default();
        for (name, value) in payload.members() {
            token.set(field(&name, &FIELDS), value, &mut saved)?;
        }
        saved.0.map_or(Ok(token), Err)
    }

    fn set(&mut self, name: &str, value: Value<'_>, saved: &mut Saved) -> Result<(), String> {
        match name {
            "iss" => saved.text(value, name, &mut self.issuer),
            "sub" | "nonce" | "at_hash" => saved.text(value, name, &mut String::new()),
            "aud" => self.audience = audience(value)?,
            "exp" => self.expiry = time(value, name)?,
            "iat" => drop(time(value, name)?),
            "nbf" if value.kind() == Kind::Null => self.not_before = None,
            "nbf" => self.not_before = Some(time(value, name)?),
            "_claim_names" => self.add_names(value, saved),
            "_claim_sources" => self.add_sources(value, saved),
            _ => {}
        }
        Ok(())
    }

    fn add_names(&mut self, value: Value<'_>, saved: &mut Saved) {
        match value.kind() {
            Kind::Null => self.claim_names.clear(),
            Kind::Object => {
                for (name, source) in value.members() {
                    let mut text = String::new();
                    saved.text(source, "_claim_names", &mut text);
                    self.claim_names.retain(|(other, _)| *other != name);
                    self.claim_names.push((name.into_owned(), text));
                }
            }
            kind => saved.note(kind, "idToken._claim_names", "map[string]string"),
        }
    }

    fn add_sources(&mut self, value: Value<'_>, saved: &mut Saved) {
        match value.kind() {
            Kind::Null => self.claim_sources.clear(),
            Kind::Object => {
                for (name, source) in value.members() {
                    check_source(source, saved);
                    self.claim_sources.push(name.into_owned());
                }
            }
            kind => {
                saved.note(kind, "idToken._claim_sources", "map[string]oidc.claimSource");
            }
        }
    }

    /// Whether each claim that is said to be elsewhere has a source.
    ///
    /// # Errors
    /// For the first that has none.
    pub(super) fn check_sources(&self) -> Result<(), String> {
        for (_, source) in &self.claim_names {
            if source.is_empty() {
                return Err("oidc: failed to obtain source from claim name".to_owned());
            }
            if !self.claim_sources.contains(source) {
                return Err("oidc: source does not exist".to_owned());
            }
        }
        Ok(())
    }
}

fn check_source(source: Value<'_>, saved: &mut Saved) {
    match source.kind() {
        Kind::Null => {}
        Kind::Object => {
            for (name, value) in source.members() {
                let name = field(&name, &["endpoint", "access_token"]);
                if !name.is_empty() && !matches!(value.kind(), Kind::String | Kind::Null) {
                    let of = format!("claimSource._claim_sources.{name}");
                    saved.note(value.kind(), &of, "string");
                }
            }
        }
        kind => saved.note(kind, "idToken._claim_sources", "oidc.claimSource"),
    }
}

/// The first value of a wrong kind.
#[derive(Default)]
struct Saved(Option<String>);

impl Saved {
    fn note(&mut self, kind: Kind, field: &str, go_type: &str) {
        self.0.get_or_insert_with(|| wrong_type(kind, field, go_type));
    }

    fn text(&mut self, value: Value<'_>, name: &str, into: &mut String) {
        match (value.kind(), value.as_text()) {
            (_, Some(text)) => *into = text.into_owned(),
            (Kind::Null, None) => {}
            (kind, None) => self.note(kind, &format!("idToken.{name}"), "string"),
        }
    }
}

fn wrong_type(kind: Kind, field: &str, go_type: &str) -> String {
    let kind = kind.name();
    format!("json: cannot unmarshal {kind} into Go struct field {field} of type {go_type}")
}

/// The field that a name stands for; empty if for none.
pub(super) fn field<'f>(name: &str, fields: &[&'f str]) -> &'f str {
    let exact = fields.iter().find(|field| **field == name);
    let folded = || fields.iter().find(|field| is_folded(name, field));
    exact.or_else(folded).copied().unwrap_or_default()
}

/// Whether two names are the same but for letter case. Two letters that are not ASCII have an ASCII
/// lower case.
fn is_folded(name: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(field.chars())
}

fn audience(value: Value<'_>) -> Result<Vec<String>, String> {
    match value.kind() {
        Kind::Null => return Ok(vec![String::new()]),
        Kind::Array => {}
        kind => {
            let text = value.as_text().map(|text| vec![text.into_owned()]);
            return text.ok_or_else(|| wrong_type(kind, "idToken.aud", "[]string"));
        }
    }
    let text = |item: Value<'_>| match (item.kind(), item.as_text()) {
        (_, Some(text)) => Ok(text.into_owned()),
        (Kind::Null, None) => Ok(String::new()),
        (kind, None) => Err(wrong_type(kind, "idToken.aud", "string")),
    };
    value.items().map(text).collect()
}

/// A number of seconds, which may stand in a text, and whose fraction does not count.
fn time(value: Value<'_>, name: &str) -> Result<GoTime, String> {
    let number: Cow<'_, str> = match (value.kind(), value.as_text()) {
        (Kind::Null, _) => Cow::Borrowed(""),
        (Kind::Number, _) => String::from_utf8_lossy(value.raw()),
        (_, Some(text)) if is_number(&text) => text,
        (Kind::String, _) => {
            let raw = quoted(value.raw());
            return Err(format!(
                "json: invalid number literal, trying to unmarshal {raw} into Number"
            ));
        }
        (kind, _) => return Err(wrong_type(kind, &format!("idToken.{name}"), "json.Number")),
    };
    if let Ok(seconds) = number.parse() {
        return Ok(GoTime(seconds));
    }
    let problem = |what| format!("strconv.ParseFloat: parsing {}: {what}", GoQuoted(&number));
    match number.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Ok(GoTime(truncated(seconds))),
        Ok(_) => Err(problem("value out of range")),
        Err(_) => Err(problem("invalid syntax")),
    }
}

/// Bytes as Go's `%q` prints them: what is no UTF-8, byte for byte.
fn quoted(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let valid = GoQuoted(chunk.valid()).to_string();
        quoted.push_str(valid.get(1..valid.len() - 1).unwrap_or_default());
        quoted.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    quoted + "\""
}

/// As Go converts on amd64: what does not fit is the smallest number.
#[expect(clippy::cast_possible_truncation, reason = "the bounds are compared before")]
fn truncated(seconds: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&seconds);
    if fits { seconds as i64 } else { i64::MIN }
}

/// Whether a text is a number of JSON.
fn is_number(text: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    let digits = |text: &str| text.trim_start_matches(is_digit).to_owned();
    let text = text.strip_prefix('-').unwrap_or(text);
    if !text.starts_with(is_digit) {
        return false;
    }
    let mut rest = match text.strip_prefix('0') {
        Some(rest) => rest.to_owned(),
        None => digits(text),
    };
    if let Some(fraction) = rest.strip_prefix('.') {
        if !fraction.starts_with(is_digit) {
            return false;
        }
        rest = digits(fraction);
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !exponent.starts_with(is_digit) {
            return false;
        }
        rest = digits(exponent);
    }
    rest.is_empty()
}

const FIELDS: [&str; 10] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "_claim_names",
    "_claim_sources",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::json::Json;

    fn read(payload: &str) -> Result<IdToken, String> {
        IdToken::read(Json::parse(payload.as_bytes(), 100).unwrap().root())
    }

    #[test]
    fn names_are_found_in_any_case_and_the_last_counts() {
        let check = |payload: &str, issuer: &str| {
            assert_eq!(read(payload).unwrap().issuer, issuer, "{payload}");
        };
        check(r#"{"iss":"a"}"#, "a");
        check(r#"{"ISS":"a"}"#, "a");
        check("{\"is\u{17f}\":\"a\"}", "a");
        check(r#"{"iss":"a","ISS":"b"}"#, "b");
        check(r#"{"iss":"a","iss":null}"#, "a");
        check("null", "");
    }

    #[test]
    fn times_are_numbers_or_texts_of_numbers() {
        let check = |time: &str, expected: Result<i64, &str>| {
            let payload = format!(r#"{{"exp":{time}}}"#);
            let found = read(&payload).map(|token| token.expiry.0);
            assert_eq!(found, expected.map_err(str::to_owned), "{time}");
        };
        check("5", Ok(5));
        check("5.9", Ok(5));
        check("-5.9", Ok(-5));
        check("1e3", Ok(1000));
        check("1e30", Ok(i64::MIN));
        check(r#""5""#, Ok(5));
        check(r#""5.5e1""#, Ok(55));
        check("1e999", Err(r#"strconv.ParseFloat: parsing "1e999": value out of range"#));
        check("null", Err(r#"strconv.ParseFloat: parsing "": invalid syntax"#));
        for text in [r#""""#, r#""x""#, r#""01""#, r#""+1""#, r#""1.""#, r#""1e""#, r#"" 1""#] {
            let quoted = GoQuoted(text).to_string();
            let expected =
                format!("json: invalid number literal, trying to unmarshal {quoted} into Number");
            check(text, Err(&expected));
        }
        check(
            "[]",
            Err(
                "json: cannot unmarshal array into Go struct field idToken.exp of type json.Number",
            ),
        );
        assert_eq!(read(r#"{"nbf":null}"#).unwrap().not_before, None);
    }

    #[test]
    fn wrong_kinds_wait_for_what_is_wrong_at_once() {
        let check = |payload: &str, expected: &str| {
            assert_eq!(read(payload).unwrap_err(), expected, "{payload}");
        };
        let wrong_sub =
            "json: cannot unmarshal number into Go struct field idToken.sub of type string";
        check(r#"{"sub":1,"iss":2}"#, wrong_sub);
        check(
            r#"{"sub":1,"aud":2}"#,
            "json: cannot unmarshal number into Go struct field idToken.aud of type []string",
        );
        check(
            r#"{"aud":["a",{}]}"#,
            "json: cannot unmarshal object into Go struct field idToken.aud of type string",
        );
        check("[]", "json: cannot unmarshal array into Go value of type oidc.idToken");
    }

    #[test]
    fn audiences_are_one_or_several() {
        let check = |audience: &str, expected: &[&str]| {
            let payload = format!(r#"{{"aud":{audience}}}"#);
            assert_eq!(read(&payload).unwrap().audience, expected, "{audience}");
        };
        check(r#""a""#, &["a"]);
        check(r#"["a",null]"#, &["a", ""]);
        check("null", &[""]);
        check("[]", &[]);
    }

    #[test]
    fn claims_elsewhere_need_a_source() {
        let check = |payload: &str, expected: Result<(), &str>| {
            let found = read(payload).unwrap().check_sources();
            assert_eq!(found, expected.map_err(str::to_owned), "{payload}");
        };
        check(r#"{"_claim_names":{"g":"s"},"_claim_sources":{"s":{}}}"#, Ok(()));
        check(r#"{"_claim_names":{"g":"s"}}"#, Err("oidc: source does not exist"));
        let no_name = Err("oidc: failed to obtain source from claim name");
        check(r#"{"_claim_names":{"g":null}}"#, no_name);
    }
}

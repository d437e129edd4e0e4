//! Versions.
//!
//! Follows apiserver's `pkg/cel/library/semverlib.go` and `github.com/blang/semver/v4`, whose words
//! errors have.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Opaque;
use super::declare::{Call, Registry, fail, no_overload};
use crate::meter::{Evaluated, Meter};
use crate::number::quote;
use crate::{Type, Value};

pub(crate) const TYPE: &str = "kubernetes.Semver";

/// A version. What was built does not count when versions are compared, and is not kept.
#[derive(Debug)]
pub struct Semver {
    major: u64,
    minor: u64,
    patch: u64,
    pre: Vec<Pre>,
}

/// A part of what is before a release; numbers are less than text.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    Number(u64),
    Text(String),
}

pub(crate) fn declare(registry: &mut Registry) {
    let semver = Type::Opaque(TYPE);
    let normal = [Type::String, Type::Bool];
    registry.global("semver", "string_to_semver", &[Type::String], semver.clone(), of_string);
    registry.global("isSemver", "is_semver_string", &[Type::String], Type::Bool, is_semver);
    registry.global("semver", "string_bool_to_semver", &normal, semver.clone(), of_string);
    registry.global("isSemver", "is_semver_string_bool", &normal, Type::Bool, is_semver);
    let two = [semver.clone(), semver.clone()];
    registry.member("isGreaterThan", "semver_is_greater_than", &two, Type::Bool, |_, args| {
        compare(args).map(|ordering| Value::Bool(ordering.is_gt()))
    });
    registry.member("isLessThan", "semver_is_less_than", &two, Type::Bool, |_, args| {
        compare(args).map(|ordering| Value::Bool(ordering.is_lt()))
    });
    registry.member("compareTo", "semver_compare_to", &two, Type::Int, |_, args| {
        compare(args).map(|ordering| Value::Int(ordering as i64))
    });
    let parts: [(&'static str, &'static str, Call); 3] = [
        ("major", "semver_major", |_, args| part(args, |semver| semver.major)),
        ("minor", "semver_minor", |_, args| part(args, |semver| semver.minor)),
        ("patch", "semver_patch", |_, args| part(args, |semver| semver.patch)),
    ];
    for (name, id, call) in parts {
        registry.member(name, id, std::slice::from_ref(&semver), Type::Int, call);
    }
}

fn read(args: &[Value]) -> Option<Result<Semver, String>> {
    match args {
        [Value::String(text)] | [Value::String(text), Value::Bool(false)] => {
            Some(Semver::parse(text))
        }
        [Value::String(text), Value::Bool(true)] => {
            Some(normalize(text).and_then(|text| Semver::parse(&text)))
        }
        _ => None,
    }
}

fn of_string(_: &mut Meter, args: &[Value]) -> Evaluated {
    match read(args) {
        Some(Ok(semver)) => Ok(Value::Opaque(Opaque::Semver(Arc::new(semver)))),
        Some(Err(error)) => fail(error),
        None => no_overload(),
    }
}

fn is_semver(_: &mut Meter, args: &[Value]) -> Evaluated {
    read(args).map_or_else(no_overload, |read| Ok(Value::Bool(read.is_ok())))
}

fn compare(args: &[Value]) -> Evaluated<Ordering> {
    match args {
        [Value::Opaque(Opaque::Semver(left)), Value::Opaque(Opaque::Semver(right))] => {
            Ok(left.order(right))
        }
        _ => no_overload(),
    }
}

/// Go turns numbers beyond 63 bits into negative ones.
#[expect(clippy::cast_possible_wrap, reason = "so does Go")]
fn part(args: &[Value], of: impl Fn(&Semver) -> u64) -> Evaluated {
    match args {
        [Value::Opaque(Opaque::Semver(semver))] => Ok(Value::Int(of(semver) as i64)),
        _ => no_overload(),
    }
}

impl Semver {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let (major, minor) = (number(major, "major")?, number(minor, "minor")?);
        let (rest, build) = cut(rest, '+');
        let (patch, pre) = cut(rest, '-');
        let patch = number(patch, "patch")?;
        let pre =
            pre.map_or_else(|| Ok(Vec::new()), |pre| pre.split('.').map(Pre::parse).collect())?;
        build.map_or(Ok(()), |build| build.split('.').try_for_each(check_build))?;
        Ok(Self { major, minor, patch, pre })
    }

    fn order(&self, other: &Self) -> Ordering {
        let numbers = |semver: &Self| (semver.major, semver.minor, semver.patch);
        let release = |semver: &Self| semver.pre.is_empty();
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| release(self).cmp(&release(other)))
            .then_with(|| self.pre.cmp(&other.pre))
    }

    pub(super) fn is_equal(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl Pre {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Prerelease is empty".to_owned());
        }
        if is_number(text) {
            if has_leading_zero(text) {
                let what = "Numeric PreRelease version must not contain leading zeroes";
                return Err(format!("{what} {}", quote(text)));
            }
            return parse_uint(text).map(Self::Number);
        }
        if !is_alphanumeric(text) {
            return Err(format!("Invalid character(s) found in prerelease {}", quote(text)));
        }
        Ok(Self::Text(text.to_owned()))
    }
}

fn check_build(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("Build meta data is empty".to_owned());
    }
    if !is_alphanumeric(text) {
        return Err(format!("Invalid character(s) found in build meta data {}", quote(text)));
    }
    Ok(())
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn number(text: &str, name: &str) -> Result<u64, String> {
    if !is_number(text) {
        return Err(format!("Invalid character(s) found in {name} number {}", quote(text)));
    }
    if has_leading_zero(text) {
        let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
        let first = first.to_uppercase();
        return Err(format!(
            "{first}{rest} number must not contain leading zeroes {}",
            quote(text)
        ));
    }
    parse_uint(text)
}

fn parse_uint(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        let why = if text.is_empty() { "invalid syntax" } else { "value out of range" };
        format!("strconv.ParseUint: parsing {}: {why}", quote(text))
    })
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0')
}

/// Without a `v` in front, without zeros in front of numbers, with zeros for missing numbers.
fn normalize(text: &str) -> Result<String, String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err("short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, "0".to_owned());
    }
    Ok(parts.join("."))
}

fn without_zeros(part: &str) -> String {
    if part.len() <= 1 {
        return part.to_owned();
    }
    let trimmed = part.trim_start_matches('0');
    if trimmed.starts_with(|char: char| char.is_ascii_digit()) {
        trimmed.to_owned()
    } else {
        format!("0{trimmed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, normalized: bool, error: Option<&str>) {
        let args = [Value::string(text), Value::Bool(normalized)];
        let read = read(&args).unwrap();
        assert_eq!(read.err().as_deref(), error, "{text}");
    }

    #[test]
    fn versions_are_read_as_blang_reads_them() {
        check("1.2.3", false, None);
        check("1.2.3-rc.1+b.01", false, None);
        check("v1.0", true, None);
        check("v1.0", false, Some("No Major.Minor.Patch elements found"));
        check("01.2.3", false, Some("Major number must not contain leading zeroes \"01\""));
        check("01.2.3", true, None);
        check(
            "1.2.3-01",
            false,
            Some("Numeric PreRelease version must not contain leading zeroes \"01\""),
        );
        check("1.2.x", false, Some("Invalid character(s) found in patch number \"x\""));
        check("1-a", true, Some("short version cannot contain PreRelease/Build meta data"));
        check("", false, Some("Version string empty"));
    }

    #[test]
    fn what_is_before_a_release_is_less() {
        let parse = |text| Semver::parse(text).unwrap();
        let order = ["1.0.0-1", "1.0.0-a", "1.0.0-a.1", "1.0.0", "1.0.1", "1.10.0"];
        assert!(order.windows(2).all(|two| parse(two[0]).order(&parse(two[1])).is_lt()));
        assert!(parse("1.0.0+a").is_equal(&parse("1.0.0+b")));
    }
}

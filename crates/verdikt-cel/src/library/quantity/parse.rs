//! Amounts from text.
//!
//! Follows `ParseQuantity` of apimachinery's `pkg/api/resource/quantity.go` and its `suffix.go`.

use num_bigint::{BigInt, Sign};

use super::amount::{Amount, Quantity, expanded};

/// The parts of a text.
struct Parts<'t> {
    negative: bool,
    /// Without zeros in front; `0` if nothing is left.
    whole: &'t str,
    fraction: &'t str,
    /// Whether there is a digit at all.
    has_digits: bool,
    suffix: &'t str,
}

/// An amount.
pub(super) fn quantity(text: &str) -> Result<Quantity, &'static str> {
    if text.is_empty() {
        return Err(FORMAT);
    }
    let parts = split(text)?;
    let (base, exponent) = suffix(parts.suffix).ok_or(SUFFIX)?;
    let binary = base == Base::Binary;
    if let Some(small) = small(&parts, binary, exponent)? {
        return Ok(Quantity { amount: small });
    }
    big(&parts, binary, exponent)
}

fn split(text: &str) -> Result<Parts<'_>, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let trimmed = unsigned.trim_start_matches('0');
    let (whole, rest) = digits(trimmed);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    let has_digits = trimmed.len() < unsigned.len() || !whole.is_empty() || !fraction.is_empty();
    let whole = if whole.is_empty() { "0" } else { whole };
    let letters = rest.trim_start_matches(|char| "eEinumkKMGTP".contains(char));
    let after_sign = letters.strip_prefix(['+', '-']).unwrap_or(letters);
    if !digits(after_sign).1.is_empty() {
        return Err(FORMAT);
    }
    // A sign alone is zero, and so is nothing but zeros.
    let has_digits = has_digits || trimmed.is_empty();
    Ok(Parts { negative, whole, fraction, has_digits, suffix: rest })
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[derive(PartialEq, Eq)]
enum Base {
    /// Powers of ten.
    Decimal,
    /// Powers of two.
    Binary,
}

fn suffix(text: &str) -> Option<(Base, i64)> {
    let decimal = |exponent| Some((Base::Decimal, exponent));
    let binary = |exponent| Some((Base::Binary, exponent));
    match text {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent: i64 = text.strip_prefix(['e', 'E'])?.parse().ok()?;
            decimal(truncated(exponent))
        }
    }
}

/// Go keeps 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "so does Go")]
const fn truncated(exponent: i64) -> i64 {
    exponent as i32 as i64
}

/// A small amount, if the number has few enough digits to be one for certain.
fn small(parts: &Parts<'_>, binary: bool, exponent: i64) -> Result<Option<Amount>, &'static str> {
    let count = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (whole, fraction) = (count(parts.whole), count(parts.fraction));
    let (precision, scale, factor) = if !binary {
        (18 - (whole + fraction), exponent, 1)
    } else if parts.fraction.is_empty() {
        (15 - whole - exponent * 3 / 10 - 1, 0, 1_i64 << exponent)
    } else {
        return Ok(None);
    };
    // 32 bits, as in Go.
    let scale = truncated(scale - fraction);
    if precision < 0 || scale < NANO {
        return Ok(None);
    }
    let value: i64 = format!("{}{}", parts.whole, parts.fraction).parse().map_err(|_| NUMERIC)?;
    let product = value.checked_mul(factor);
    Ok(product
        .map(|value| Amount::Small { value: if parts.negative { -value } else { value }, scale }))
}

/// A big amount: rounded away from zero to billionths, and capped if its unit is a power of two.
fn big(parts: &Parts<'_>, binary: bool, exponent: i64) -> Result<Quantity, &'static str> {
    if !parts.has_digits {
        return Err(NUMERIC);
    }
    let digits = format!("{}{}", parts.whole, parts.fraction);
    let mut value: BigInt = digits.parse().map_err(|_| NUMERIC)?;
    let fraction = i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
    let mut scale = -fraction;
    if binary {
        value <<= exponent.unsigned_abs();
    } else {
        scale = scale.saturating_add(exponent);
    }
    if scale < NANO {
        value = rounded_up(&value, NANO.saturating_sub(scale));
        scale = NANO;
    } else if value.sign() != Sign::NoSign {
        // It is written out to billionths, which is refused if it is too long.
        value = expanded(value, scale.saturating_sub(NANO)).ok_or(NUMERIC)?;
        scale = NANO;
    }
    let cap = BigInt::from(i64::MAX) * BigInt::from(1_000_000_000);
    if binary && value > cap {
        value = BigInt::from(i64::MAX);
        scale = 0;
    }
    let value = if parts.negative { -value } else { value };
    Ok(Quantity { amount: Amount::Big { value, scale } })
}

/// A positive number without so many of its last digits, and one more if they were not zero.
fn rounded_up(value: &BigInt, drop: i64) -> BigInt {
    let zero = BigInt::from(0);
    let enough = u32::try_from(drop).ok().filter(|drop| u64::from(*drop) <= value.bits());
    let Some(drop) = enough else {
        // Everything is dropped: a power of ten has more bits than digits.
        return BigInt::from(i64::from(*value != zero));
    };
    let power = BigInt::from(10).pow(drop);
    let quotient = value / &power;
    let exact = &quotient * &power == *value;
    if exact { quotient } else { quotient + 1 }
}

/// Billionths.
const NANO: i64 = -9;

const FORMAT: &str = "quantities must match the regular expression \
     '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NUMERIC: &str = "unable to parse numeric part of quantity";
const SUFFIX: &str = "unable to parse quantity's suffix";

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn amounts_compare_by_value() {
        let order = |left, right| quantity(left).unwrap().order(&quantity(right).unwrap());
        assert_eq!(order("200M", "0.2G"), Ordering::Equal);
        assert_eq!(order("50M", "50Mi"), Ordering::Less);
        assert_eq!(order("1.5Gi", "1Gi"), Ordering::Greater);
        assert_eq!(order("-1", "1e-9"), Ordering::Less);
        assert_eq!(order("1e2000000000", "1e1999999999"), Ordering::Greater);
        assert_eq!(order("-1e2000000000", "-1e3"), Ordering::Less);
        assert_eq!(order("0.0000000001", "1n"), Ordering::Equal);
        assert_eq!(order("123456789012345678901234567890", "1"), Ordering::Greater);
        assert_eq!(order("100Ei", "9223372036854775807"), Ordering::Equal);
    }

    #[test]
    fn what_is_no_amount_says_why() {
        let why = |text| quantity(text).err();
        assert_eq!(why(""), Some(FORMAT));
        assert_eq!(why("bob"), Some(FORMAT));
        assert_eq!(why("1.5q"), Some(FORMAT));
        assert_eq!(why("1ii"), Some(SUFFIX));
        assert_eq!(why("1e"), Some(SUFFIX));
        assert_eq!(why("1.G"), None);
        assert_eq!(why("."), None);
        assert_eq!(why("+"), None);
        assert_eq!(why("1.2.3"), Some(FORMAT));
    }

    #[test]
    fn only_small_amounts_are_whole_numbers() {
        let whole = |text| quantity(text).unwrap().to_int();
        assert_eq!(whole("50k"), Some(50_000));
        assert_eq!(whole("500m"), None);
        assert_eq!(whole("1.0"), None);
        assert_eq!(whole("1.5Gi"), None);
        assert_eq!(whole("9223372036854775807"), None);
        assert_eq!(whole("8Ei"), None);
    }
}

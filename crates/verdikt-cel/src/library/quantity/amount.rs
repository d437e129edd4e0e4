//! Exact decimal numbers, small and big.
//!
//! Follows `amount.go`, `math.go` and `quantity.go` of apimachinery's `pkg/api/resource`.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

/// An amount.
#[derive(Debug, Clone)]
pub struct Quantity {
    pub(super) amount: Amount,
}

/// A number times a power of ten.
#[derive(Debug, Clone)]
pub(super) enum Amount {
    Small { value: i64, scale: i64 },
    Big { value: BigInt, scale: i64 },
}

impl Quantity {
    pub(super) const fn of_int(value: i64) -> Self {
        Self { amount: Amount::Small { value, scale: 0 } }
    }

    pub(super) fn sign(&self) -> Ordering {
        match &self.amount {
            Amount::Small { value, .. } => value.cmp(&0),
            Amount::Big { value, .. } => match value.sign() {
                Sign::Minus => Ordering::Less,
                Sign::NoSign => Ordering::Equal,
                Sign::Plus => Ordering::Greater,
            },
        }
    }

    /// The whole number that a small amount is; a big one is none, whatever its value.
    pub(super) fn to_int(&self) -> Option<i64> {
        match self.amount {
            Amount::Small { value, scale } if scale >= 0 => scaled(value, scale),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the result is approximate by its name")]
    pub(super) fn to_double(&self) -> f64 {
        let (base, scale) = match &self.amount {
            Amount::Small { value, scale } => (*value as f64, *scale),
            Amount::Big { value, scale } => {
                // Read from its digits, so that it is rounded once.
                (value.to_string().parse().unwrap_or(f64::NAN), *scale)
            }
        };
        if scale == 0 { base } else { base * power_of_ten(scale) }
    }

    /// How many digits there are, about.
    pub(super) fn digits(&self) -> u64 {
        match &self.amount {
            Amount::Small { .. } => 19,
            Amount::Big { value, .. } => value.bits() / 3 + 1,
        }
    }

    /// The sum or the difference; nothing if it has too many digits to be written out.
    pub(super) fn plus(&self, other: &Self, negate: bool) -> Option<Self> {
        let small = match (&self.amount, &other.amount) {
            (Amount::Small { value: a, scale: m }, Amount::Small { value: b, scale: n }) => {
                let b = if negate { b.wrapping_neg() } else { *b };
                add_small((*a, *m), (b, *n))
            }
            _ => None,
        };
        if let Some((value, scale)) = small {
            return Some(Self { amount: Amount::Small { value, scale } });
        }
        let (left, right, scale) = aligned(&self.amount, &other.amount)?;
        let value = if negate { left - right } else { left + right };
        Some(Self { amount: Amount::Big { value, scale } })
    }

    /// Which amount is less.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let by_sign = self.sign().cmp(&other.sign());
        if by_sign.is_ne() || self.sign().is_eq() {
            return by_sign;
        }
        // Numbers with so different exponents need not be written out.
        let (left, right) = (self.magnitude(), other.magnitude());
        let by_magnitude = match left.cmp(&right) {
            Ordering::Equal => Ordering::Equal,
            _ if (left - right).abs() <= 2 => Ordering::Equal,
            ordering => ordering,
        };
        match (by_magnitude, self.sign()) {
            (Ordering::Equal, _) => {}
            (ordering, Ordering::Less) => return ordering.reverse(),
            (ordering, _) => return ordering,
        }
        match aligned(&self.amount, &other.amount) {
            Some((left, right, _)) => left.cmp(&right),
            None => Ordering::Equal,
        }
    }

    /// The power of ten of the first digit, give or take one.
    fn magnitude(&self) -> i64 {
        let (bits, scale) = match &self.amount {
            Amount::Small { value, scale } => {
                (u64::from(64 - value.unsigned_abs().leading_zeros()), *scale)
            }
            Amount::Big { value, scale } => (value.bits(), *scale),
        };
        // log10(2) is about 30103/100000.
        let digits = u128::from(bits) * 30_103 / 100_000;
        scale.saturating_add(i64::try_from(digits).unwrap_or(i64::MAX))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

/// Small amounts at the smaller scale; nothing if that is not small.
fn add_small(left: (i64, i64), right: (i64, i64)) -> Option<(i64, i64)> {
    match (left, right) {
        (left, (0, _)) => Some(left),
        ((0, _), right) => Some(right),
        ((a, m), (b, n)) if m == n => Some((a.checked_add(b)?, m)),
        ((a, m), (b, n)) if m > n => Some((scaled(a, m - n)?.checked_add(b)?, n)),
        ((a, m), (b, n)) => Some((a.checked_add(scaled(b, n - m)?)?, m)),
    }
}

/// A number times a power of ten.
fn scaled(value: i64, scale: i64) -> Option<i64> {
    if value == 0 || scale == 0 {
        return Some(value);
    }
    let power = 10_i64.checked_pow(u32::try_from(scale).ok()?)?;
    value.checked_mul(power)
}

/// Both numbers at the smaller scale; nothing if one of them has too many digits there.
fn aligned(left: &Amount, right: &Amount) -> Option<(BigInt, BigInt, i64)> {
    let parts = |amount: &Amount| match amount {
        Amount::Small { value, scale } => (BigInt::from(*value), *scale),
        Amount::Big { value, scale } => (value.clone(), *scale),
    };
    let ((a, m), (b, n)) = (parts(left), parts(right));
    let scale = m.min(n);
    Some((expanded(a, m.checked_sub(scale)?)?, expanded(b, n.checked_sub(scale)?)?, scale))
}

/// A number times a power of ten, up to a bound.
pub(super) fn expanded(value: BigInt, zeros: i64) -> Option<BigInt> {
    let zeros = u32::try_from(zeros).ok().filter(|zeros| *zeros <= MAX_ZEROS)?;
    Some(if zeros == 0 { value } else { value * BigInt::from(10).pow(zeros) })
}

/// As Go's `math.Pow10`.
fn power_of_ten(exponent: i64) -> f64 {
    match exponent {
        ..-323 => 0.0,
        309.. => f64::INFINITY,
        // Powers of ten are read exactly, which Go's table holds too.
        _ => format!("1e{exponent}").parse().unwrap_or(f64::NAN),
    }
}

/// How many zeros a number is given to compare or add it.
const MAX_ZEROS: u32 = 100_000;

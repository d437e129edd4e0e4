//! Whether a point lies on the curve P-224, which the cryptographic library does not have: Go refuses keys
//! that do not. Nothing is ever verified with such a key, and points of it are no secret.

use std::sync::LazyLock;

use num_bigint::BigUint;

/// Whether coordinates in big-endian order are smaller than the field's prime, and lie on the curve (FIPS
/// 186-4, D.1.2.2): y² = x³ − 3x + b.
pub(crate) fn is_on_curve(x: &[u8], y: &[u8]) -> bool {
    let [x, y] = [x, y].map(BigUint::from_bytes_be);
    let (prime, b) = &*CURVE;
    x < *prime && y < *prime && (&y * &y + &x * 3_u8) % prime == (&x * &x * &x + b) % prime
}

/// The prime 2²²⁴ − 2⁹⁶ + 1, and b.
static CURVE: LazyLock<(BigUint, BigUint)> = LazyLock::new(|| {
    let one = BigUint::from(1_u8);
    ((&one << 224_u8) - (&one << 96_u8) + &one, BigUint::from_bytes_be(&B))
});

const B: [u8; 28] = [
    0xb4, 0x05, 0x0a, 0x85, 0x0c, 0x04, 0xb3, 0xab, 0xf5, 0x41, 0x32, 0x56, 0x50, 0x44, 0xb0, 0xb7,
    0xd7, 0xbf, 0xd8, 0xba, 0x27, 0x0b, 0x39, 0x43, 0x23, 0x55, 0xff, 0xb4,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_point_is_on_the_curve_and_its_neighbours_are_not() {
        let number = |hex: &[u8]| BigUint::parse_bytes(hex, 16).unwrap();
        let x = number(b"b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21");
        let y = number(b"bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34");
        let (prime, _) = &*CURVE;
        let check = |x: &BigUint, y: &BigUint| is_on_curve(&x.to_bytes_be(), &y.to_bytes_be());
        assert!(check(&x, &y));
        assert!(check(&x, &(prime - &y)));
        assert!(!check(&x, &(&y + 1_u8)) && !check(&(&x + 1_u8), &y));
        assert!(!check(&(&x + prime), &y) && !check(&x, &(&y + prime)));
        assert!(!is_on_curve(&[0; 28], &[0; 28]));
    }
}

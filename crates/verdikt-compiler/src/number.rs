//! Lengths as the numbers that tables keep.

/// A length in four bytes. What would not fit becomes the largest number, under which nothing is found.
pub(crate) fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

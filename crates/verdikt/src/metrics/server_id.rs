//! Which server counted something, as the label `apiserver_id_hash` says it.
//!
//! Follows `NewConfig` of apiserver's `pkg/server/config.go`: the id is made of the name of the host.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The label.
pub(crate) static SERVER_ID: LazyLock<String> = LazyLock::new(|| {
    let host = rustix::system::uname();
    sha256_label(id(host.nodename().to_bytes()).as_bytes())
});

/// How hashes are written in labels; what is empty has none.
pub(crate) fn sha256_label(text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn id(host: &[u8]) -> String {
    let hash = Sha256::digest(host);
    let first = hash.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
    // 26 letters of five bits; the last has two bits to spare.
    let letters = (0..26).map(|index| {
        let shifted = match 123_u32.checked_sub(5 * index) {
            Some(right) => first >> right,
            None => first << 2,
        };
        let bits = u8::try_from(shifted & 31).unwrap_or_default();
        char::from(if bits < 26 { b'a' + bits } else { b'2' + bits - 26 })
    });
    format!("apiserver-{}", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_that_of_kube_apiserver() {
        assert_eq!(id(b"kube-master"), "apiserver-dfh5icftlrm44oxf3rpaaodwwq");
        assert_eq!(sha256_label(b""), "");
    }
}

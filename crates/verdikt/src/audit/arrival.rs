//! What is known of a request when it arrives, before anyone asks what it means.

use std::net::IpAddr;
use std::time::SystemTime;

use verdikt_core::{Attributes, User};

/// A request as it came over the wire.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The id that it brought in `Audit-ID`; with an empty one it gets an id of its own.
    pub audit_id: &'a str,
    /// When it was there.
    pub received: SystemTime,
    /// Path and query, as they were sent.
    pub uri: &'a str,
    /// Where it came from; see [`source_ips`].
    pub source_ips: &'a [IpAddr],
    /// What sent it; only its beginning is kept.
    pub user_agent: &'a str,
    /// Who it was found to come from; none if that could not be found out.
    pub user: Option<&'a User>,
    /// What it asks for.
    pub request: &'a Attributes<'a>,
}

/// The addresses a request came by: what its first `X-Forwarded-For` header says, what `X-Real-Ip`
/// says unless that was among them, and the peer unless it was the last of them. Only the peer is
/// certain.
///
/// Follows `SourceIPs` of apimachinery's `pkg/util/net/http.go`.
pub fn source_ips(forwarded_for: &str, real_ip: &str, peer: Option<IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> =
        forwarded_for.split(',').filter_map(|part| address(part.trim())).collect();
    if let Some(address) = address(real_ip)
        && !addresses.contains(&address)
    {
        addresses.push(address);
    }
    if let Some(peer) = peer.map(|peer| peer.to_canonical())
        && addresses.last() != Some(&peer)
    {
        addresses.push(peer);
    }
    addresses
}

/// An address as Kubernetes reads it: zeros in front of numbers do no harm. An IPv4 address is the
/// same in either form.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let parts: Vec<u8> = text.split('.').map(octet).collect::<Option<_>>()?;
    <[u8; 4]>::try_from(parts).ok().map(IpAddr::from)
}

fn octet(text: &str) -> Option<u8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.trim_start_matches('0').parse().ok().or_else(|| zero(text)) } else { None }
}

fn zero(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte == b'0').then_some(0)
}

/// Longer ones are cut off.
pub(super) const USER_AGENT_BYTES: usize = 1024;
pub(super) const CUT_OFF: &str = "...TRUNCATED";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_comes_last_and_nothing_twice() {
        let check = |forwarded: &str, real: &str, peer: &str, expected: &[&str]| {
            let found = source_ips(forwarded, real, peer.parse().ok());
            let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            assert_eq!(found, expected, "{forwarded} {real} {peer}");
        };
        check("", "", "10.0.0.1", &["10.0.0.1"]);
        check("1.1.1.1, x, 2.2.2.2", "", "2.2.2.2", &["1.1.1.1", "2.2.2.2"]);
        check("1.1.1.1,2.2.2.2", "1.1.1.1", "1.1.1.1", &["1.1.1.1", "2.2.2.2", "1.1.1.1"]);
        check("", "3.3.3.3", "::ffff:3.3.3.3", &["3.3.3.3"]);
        check("", "010.000.1.07", "", &["10.0.1.7"]);
        check("256.1.1.1, 1.1.1, ::1", "", "", &["::1"]);
    }
}

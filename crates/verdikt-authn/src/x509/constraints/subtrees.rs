//! Names as constraints have them, sorted to be searched.
//!
//! Follows Go's `crypto/x509/constraints.go` of Go 1.26.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::super::certificate::ParseError;
use super::super::san::Mailbox;

/// One list, by kind of name; none if it says nothing about that kind.
#[derive(Clone, Debug)]
pub(super) struct Subtrees {
    pub(super) addresses: Option<Addresses>,
    pub(super) domains: Option<Domains>,
    pub(super) uris: Option<Domains>,
    pub(super) emails: Option<Emails>,
}

/// Sorts and drops what is covered by the one before it.
fn sort_and_prune<T>(
    mut list: Vec<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    covers: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    list.sort_by(compare);
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for value in list {
        if !kept.last().is_some_and(|last| covers(last, &value)) {
            kept.push(value);
        }
    }
    kept
}

/// Looks at one value alone: the one that sorts like what is sought, or the last before that.
fn search<T>(list: &[T], compare: impl Fn(&T) -> Ordering, matches: impl Fn(&T) -> bool) -> bool {
    let at = list.partition_point(|value| compare(value) == Ordering::Less);
    if list.get(at).is_some_and(|value| compare(value) == Ordering::Equal) {
        return true;
    }
    list.get(at.saturating_sub(1)).is_some_and(matches)
}

/// An address and a mask of the same length; bits outside of the mask may be set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    address: Vec<u8>,
    mask: Vec<u8>,
}

impl Network {
    pub(super) fn parse(value: &[u8]) -> Result<Self, ParseError> {
        if !matches!(value.len(), 8 | 32) {
            let message = format!("x509: IP constraint contained value of length {}", value.len());
            return Err(ParseError::new(message));
        }
        let (address, mask) = value.split_at_checked(value.len() / 2).unwrap_or_default();
        // Ones, then zeros.
        let ones: u32 = mask.iter().map(|byte| byte.leading_ones()).take_while(|&n| n == 8).sum();
        let after = mask.iter().skip(ones as usize / 8);
        let is_mask = after.enumerate().all(|(at, &byte)| {
            byte == 0 || (at == 0 && byte.leading_ones() + byte.trailing_zeros() == 8)
        });
        if !is_mask {
            return Err("x509: IP constraint contained invalid mask".into());
        }
        Ok(Self { address: address.into(), mask: mask.into() })
    }

    /// As Go's `net.IPNet.Contains`, to which ::ffff:a.b.c.d is a.b.c.d.
    fn contains(&self, address: &[u8]) -> bool {
        let (network, address) = (without_v4_prefix(&self.address), without_v4_prefix(address));
        let mask = if network.len() < self.mask.len() {
            self.mask.get(12..).unwrap_or_default()
        } else {
            &self.mask
        };
        network.len() == address.len()
            && network.iter().zip(address).zip(mask).all(|((a, b), mask)| a & mask == b & mask)
    }

    fn covers(&self, other: &Self) -> bool {
        let last: Vec<u8> =
            other.address.iter().zip(&other.mask).map(|(byte, mask)| byte | !mask).collect();
        self.contains(&other.address) && self.contains(&last)
    }
}

fn without_v4_prefix(address: &[u8]) -> &[u8] {
    const PREFIX: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    match address.strip_prefix(PREFIX) {
        Some(short) if short.len() == 4 => short,
        _ => address,
    }
}

#[derive(Clone, Debug)]
pub(super) struct Addresses {
    v4: Vec<Network>,
    v6: Vec<Network>,
}

impl Addresses {
    pub(super) fn new(networks: Vec<Network>) -> Option<Self> {
        if networks.is_empty() {
            return None;
        }
        let (v4, v6) = networks.into_iter().partition(|network| network.address.len() == 4);
        let sorted = |list| sort_and_prune(list, Network::cmp, Network::covers);
        Some(Self { v4: sorted(v4), v6: sorted(v6) })
    }

    pub(super) fn has(&self, address: &[u8]) -> bool {
        let list = if address.len() == 4 { &self.v4 } else { &self.v6 };
        let compare = |network: &Network| network.address.as_slice().cmp(address);
        search(list, compare, |network| network.contains(address))
    }
}

#[derive(Clone, Debug)]
pub(super) enum Domains {
    /// The empty constraint is about every name.
    All,
    Some {
        sorted: Vec<Vec<u8>>,
        /// Of an exclusion, the part behind the first label: `*.b` is excluded if `.b` is among them.
        parents: BTreeSet<Vec<u8>>,
    },
}

impl Domains {
    pub(super) fn new(list: Vec<Vec<u8>>, is_permitted: bool) -> Option<Self> {
        if list.is_empty() {
            return None;
        }
        if list.iter().any(Vec::is_empty) {
            return Some(Self::All);
        }
        let sorted = sort_and_prune(list, |a, b| compare_domains(a, b), |a, b| has_suffix(a, b));
        let parents = match is_permitted {
            true => BTreeSet::new(),
            false => sorted.iter().filter_map(|name| parent(name)).collect(),
        };
        Some(Self::Some { sorted, parents })
    }

    pub(super) fn has(&self, name: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Some { sorted, parents } => {
                let compare = |constraint: &Vec<u8>| compare_domains(constraint, name);
                search(sorted, compare, |constraint| has_suffix(constraint, name))
                    || (name.starts_with(b"*")
                        && parent(name).is_some_and(|parent| parents.contains(&parent)))
            }
        }
    }
}

/// What follows the first label, its full stop included, in lower case.
fn parent(name: &[u8]) -> Option<Vec<u8>> {
    let stop = name.iter().position(|&byte| byte == b'.')?;
    name.get(stop..).map(<[u8]>::to_ascii_lowercase)
}

/// Compares backwards, without regard to case; the full stop sorts first, so that what lies below a
/// name follows it.
fn compare_domains(a: &[u8], b: &[u8]) -> Ordering {
    let key = |byte: &u8| if *byte == b'.' { 0 } else { byte.to_ascii_lowercase() };
    a.iter().rev().map(key).cmp(b.iter().rev().map(key))
}

/// Whether `name` is `suffix` or lies below it; if the suffix begins with a full stop, below alone.
fn has_suffix(suffix: &[u8], name: &[u8]) -> bool {
    let Some(above) = name.len().checked_sub(suffix.len()) else { return false };
    let (before, end) = name.split_at_checked(above).unwrap_or_default();
    end.eq_ignore_ascii_case(suffix)
        && (suffix.starts_with(b".") || before.is_empty() || before.ends_with(b"."))
}

#[derive(Clone, Debug)]
pub(super) struct Emails {
    mailboxes: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    domains: Option<Domains>,
}

impl Emails {
    pub(super) fn new(list: Vec<Vec<u8>>, is_permitted: bool) -> Option<Self> {
        if list.is_empty() {
            return None;
        }
        let (full, domains): (Vec<_>, Vec<_>) =
            list.into_iter().partition(|value| value.contains(&b'@'));
        let mut mailboxes: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for mailbox in full.iter().filter_map(|value| Mailbox::parse(value)) {
            mailboxes.entry(mailbox.domain).or_default().insert(mailbox.local);
        }
        Some(Self { mailboxes, domains: Domains::new(domains, is_permitted) })
    }

    pub(super) fn has(&self, email: &Mailbox) -> bool {
        let is_named =
            self.mailboxes.get(&email.domain).is_some_and(|locals| locals.contains(&email.local));
        is_named || self.domains.as_ref().is_some_and(|domains| domains.has(&email.domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(list: &[&str], is_permitted: bool) -> Domains {
        Domains::new(list.iter().map(|name| name.as_bytes().to_vec()).collect(), is_permitted)
            .unwrap()
    }

    #[test]
    fn a_domain_covers_what_lies_below_it() {
        let check = |list: &[&str], name: &str, permitted: bool, excluded: bool| {
            let found = (
                domains(list, true).has(name.as_bytes()),
                domains(list, false).has(name.as_bytes()),
            );
            assert_eq!(found, (permitted, excluded), "{list:?} {name}");
        };
        check(&["example.com"], "example.com", true, true);
        check(&["example.com"], "a.EXAMPLE.com", true, true);
        check(&["example.com"], "testexample.com", false, false);
        check(&[".example.com"], "example.com", false, false);
        check(&[".example.com"], "a.example.com", true, true);
        check(&["a.example.com"], "*.example.com", false, true);
        check(&["b.a.example.com"], "*.example.com", false, false);
        check(&["a.com", "a.a.com", "a-a.com"], "x.a-a.com", true, true);
        check(&["", "x"], "anything", true, true);
        check(&["com"], "com", true, true);
        check(&["com"], "*", false, false);
    }

    #[test]
    fn networks_are_found_as_go_finds_them() {
        let check = |networks: &[&[u8]], address: &[u8], expected: bool| {
            let networks = networks.iter().map(|value| Network::parse(value).unwrap()).collect();
            let found = Addresses::new(networks).unwrap().has(address);
            assert_eq!(found, expected, "{address:?}");
        };
        check(&[&[10, 0, 0, 0, 255, 0, 0, 0]], &[10, 1, 2, 3], true);
        check(&[&[10, 0, 0, 0, 255, 0, 0, 0]], &[11, 1, 2, 3], false);
        // The first of a list is looked at even if it sorts behind the address.
        check(&[&[10, 5, 0, 0, 255, 0, 0, 0]], &[10, 1, 2, 3], true);
        // Any other is not.
        check(&[&[9, 0, 0, 0, 255, 0, 0, 0], &[10, 5, 0, 0, 255, 0, 0, 0]], &[10, 1, 2, 3], false);
        check(&[&[10, 0, 0, 0, 255, 0, 0, 0]], &[0; 16], false);
        for bad in [&[10, 0, 0, 0, 255, 0, 255, 0][..], &[10, 0, 0, 0, 5, 0, 0, 0], &[0; 9]] {
            assert!(Network::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mailboxes_are_named_in_full_or_by_domain() {
        let emails = Emails::new(vec![b"a@X.y".to_vec(), b".z".to_vec()], true).unwrap();
        for (email, expected) in
            [("a@x.Y", true), ("A@x.y", false), ("b@x.y", false), ("b@w.z", true), ("b@z", false)]
        {
            assert_eq!(emails.has(&Mailbox::parse(email.as_bytes()).unwrap()), expected, "{email}");
        }
    }
}

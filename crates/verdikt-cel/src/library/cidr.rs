//! Networks: an address and how many of its bits count.
//!
//! Follows apiserver's `pkg/cel/library/cidr.go` and Go's `net/netip`, whose words errors have.

use std::net::IpAddr;

use super::declare::{Registry, fail, no_overload};
use super::{Opaque, ip};
use crate::meter::{Evaluated, Meter};
use crate::number::quote;
use crate::{Type, Value};

pub(crate) const TYPE: &str = "net.CIDR";

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    pub(super) ip: IpAddr,
    pub(super) bits: u8,
}

pub(crate) fn declare(registry: &mut Registry) {
    let (cidr, ip) = (Type::Opaque(TYPE), Type::Opaque(ip::TYPE));
    let one = std::slice::from_ref(&cidr);
    registry.global("cidr", "string_to_cidr", &[Type::String], cidr.clone(), of_string);
    let with_text = [cidr.clone(), Type::String];
    registry.member("containsIP", "cidr_contains_ip_string", &with_text, Type::Bool, contains_ip);
    let with_ip = [cidr.clone(), ip.clone()];
    registry.member("containsIP", "cidr_contains_ip_ip", &with_ip, Type::Bool, contains_ip);
    let id = "cidr_contains_cidr_string";
    registry.member("containsCIDR", id, &with_text, Type::Bool, contains_cidr);
    let two = [cidr.clone(), cidr.clone()];
    registry.member("containsCIDR", "cidr_contains_cidr", &two, Type::Bool, contains_cidr);
    registry.member("ip", "cidr_ip", one, ip, |_, args| {
        with(args, |cidr| Value::Opaque(Opaque::Ip(cidr.ip)))
    });
    registry.member("prefixLength", "cidr_prefix_length", one, Type::Int, |_, args| {
        with(args, |cidr| Value::Int(cidr.bits.into()))
    });
    registry.member("masked", "cidr_masked", one, cidr.clone(), |_, args| {
        with(args, |cidr| Value::Opaque(Opaque::Cidr(cidr.masked())))
    });
    registry.global("isCIDR", "is_cidr", &[Type::String], Type::Bool, |_, args| match args {
        [Value::String(text)] => Ok(Value::Bool(Cidr::parse(text).is_ok())),
        _ => no_overload(),
    });
    registry.global("string", "cidr_to_string", one, Type::String, |_, args| {
        with(args, |cidr| Value::string(format!("{}/{}", cidr.ip, cidr.bits)))
    });
}

fn with(args: &[Value], of: impl Fn(Cidr) -> Value) -> Evaluated {
    match args {
        [Value::Opaque(Opaque::Cidr(cidr))] => Ok(of(*cidr)),
        _ => no_overload(),
    }
}

fn of_string(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    parsed(text).map(|cidr| Value::Opaque(Opaque::Cidr(cidr)))
}

fn parsed(text: &str) -> Evaluated<Cidr> {
    Cidr::parse(text).or_else(|error| {
        fail(format!("network address parse error during conversion from string: {error}"))
    })
}

fn contains_ip(_: &mut Meter, args: &[Value]) -> Evaluated {
    let (cidr, ip) = match args {
        [Value::Opaque(Opaque::Cidr(cidr)), Value::Opaque(Opaque::Ip(ip))] => (cidr, *ip),
        [Value::Opaque(Opaque::Cidr(cidr)), Value::String(text)] => match ip::parse_plain(text) {
            Ok(ip) => (cidr, ip),
            // What is wrong with the address is not said.
            Err(_) => return no_overload(),
        },
        _ => return no_overload(),
    };
    Ok(Value::Bool(cidr.contains(ip)))
}

fn contains_cidr(_: &mut Meter, args: &[Value]) -> Evaluated {
    let (outer, inner) = match args {
        [Value::Opaque(Opaque::Cidr(outer)), Value::Opaque(Opaque::Cidr(inner))] => (outer, *inner),
        [Value::Opaque(Opaque::Cidr(outer)), Value::String(text)] => (outer, parsed(text)?),
        _ => return no_overload(),
    };
    Ok(Value::Bool(outer.bits <= inner.bits && outer.contains(inner.ip)))
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, String> {
        let error = |what: &str| {
            let quoted = quote(text);
            Err(format!(
                "network address parse error during conversion from string: \
                 netip.ParsePrefix({quoted}): {what}"
            ))
        };
        let Some((address, bits)) = text.rsplit_once('/') else { return error("no '/'") };
        let (ip, zone) = match ip::parse(address) {
            Ok(found) => found,
            Err(what) => return error(&what),
        };
        if zone {
            return error("IPv6 zones cannot be present in a prefix");
        }
        let plain = !bits.is_empty()
            && bits.bytes().all(|byte| byte.is_ascii_digit())
            && (bits.len() == 1 || !bits.starts_with('0'));
        if !plain {
            return error(&format!("bad bits after slash: {}", quote(bits)));
        }
        match bits.parse::<u64>() {
            Err(_) => error(&format!("bad bits after slash: {}", quote(bits))),
            Ok(bits) if bits > u64::from(width(ip)) => error("prefix length out of range"),
            Ok(bits) => {
                let bits = u8::try_from(bits).unwrap_or(u8::MAX);
                if ip::is_mapped(ip) {
                    return Err(format!("IPv4-mapped IPv6 address {} is not allowed", quote(text)));
                }
                Ok(Self { ip, bits })
            }
        }
    }

    fn contains(self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && network(self.ip, self.bits) == network(ip, self.bits)
    }

    fn masked(self) -> Self {
        let shift = u32::from(width(self.ip) - self.bits);
        let value = network(self.ip, self.bits).checked_shl(shift).unwrap_or(0);
        let ip = match self.ip {
            IpAddr::V4(_) => IpAddr::V4(u32::try_from(value).unwrap_or_default().into()),
            IpAddr::V6(_) => IpAddr::V6(value.into()),
        };
        Self { ip, bits: self.bits }
    }
}

/// The bits of an address that count.
fn network(ip: IpAddr, bits: u8) -> u128 {
    let value = match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    };
    value.checked_shr(u32::from(width(ip) - bits)).unwrap_or(0)
}

const fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

//! IP addresses.
//!
//! Follows apiserver's `pkg/cel/library/ip.go` and Go's `net/netip`, whose words errors have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Opaque;
use super::declare::{Call, Registry, fail, no_overload};
use crate::meter::{Evaluated, Meter};
use crate::number::quote;
use crate::{Type, Value};

pub(crate) const TYPE: &str = "net.IP";

pub(crate) fn declare(registry: &mut Registry) {
    let ip = Type::Opaque(TYPE);
    registry.global("ip", "string_to_ip", &[Type::String], ip.clone(), of_string);
    registry.global("ip.isCanonical", "ip_is_canonical", &[Type::String], Type::Bool, is_canonical);
    registry.global("isIP", "is_ip", &[Type::String], Type::Bool, is_ip);
    registry.global(
        "string",
        "ip_to_string",
        std::slice::from_ref(&ip),
        Type::String,
        |_, args| with(args, |ip| Value::string(ip.to_string())),
    );
    registry.member("family", "ip_family", std::slice::from_ref(&ip), Type::Int, |_, args| {
        with(args, |ip| Value::Int(if ip.is_ipv4() { 4 } else { 6 }))
    });
    let tests: [(&'static str, &'static str, Call); 5] = [
        ("isUnspecified", "ip_is_unspecified", |_, args| is(args, |ip| ip.is_unspecified())),
        ("isLoopback", "ip_is_loopback", |_, args| is(args, |ip| ip.is_loopback())),
        ("isLinkLocalMulticast", "ip_is_link_local_multicast", |_, args| {
            is(args, is_link_local_multicast)
        }),
        ("isLinkLocalUnicast", "ip_is_link_local_unicast", |_, args| {
            is(args, is_link_local_unicast)
        }),
        ("isGlobalUnicast", "ip_is_global_unicast", |_, args| is(args, is_global_unicast)),
    ];
    for (name, id, call) in tests {
        registry.member(name, id, std::slice::from_ref(&ip), Type::Bool, call);
    }
}

fn with(args: &[Value], of: impl Fn(IpAddr) -> Value) -> Evaluated {
    match args {
        [Value::Opaque(Opaque::Ip(ip))] => Ok(of(*ip)),
        _ => no_overload(),
    }
}

fn is(args: &[Value], holds: impl Fn(IpAddr) -> bool) -> Evaluated {
    with(args, |ip| Value::Bool(holds(ip)))
}

fn of_string(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    parse_plain(text).map(|ip| Value::Opaque(Opaque::Ip(ip))).or_else(fail)
}

fn is_ip(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    Ok(Value::Bool(parse_plain(text).is_ok()))
}

fn is_canonical(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    parse_plain(text).map(|ip| Value::Bool(ip.to_string() == **text)).or_else(fail)
}

/// An address without zone that is no IPv4 address in IPv6 clothes.
pub(super) fn parse_plain(text: &str) -> Result<IpAddr, String> {
    let quoted = quote(text);
    let (ip, zone) = parse(text).map_err(|error| {
        format!("IP Address {quoted} parse error during conversion from string: {error}")
    })?;
    if zone {
        return Err(format!("IP address {quoted} with zone value is not allowed"));
    }
    if is_mapped(ip) {
        return Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"));
    }
    Ok(ip)
}

pub(super) const fn is_mapped(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.to_ipv4_mapped().is_some(),
    }
}

fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(ip.octets(), [224, 0, 0, _]),
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

const fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_global_unicast(ip: IpAddr) -> bool {
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !is_broadcast
        && !ip.is_unspecified()
        && !ip.is_loopback()
        && !ip.is_multicast()
        && !is_link_local_unicast(ip)
}

/// An address and whether it has a zone, as `netip.ParseAddr` reads it.
pub(super) fn parse(text: &str) -> Result<(IpAddr, bool), String> {
    let error = |what: &str| Err(format!("ParseAddr({}): {what}", quote(text)));
    match text.find(['.', ':', '%']).and_then(|at| text.as_bytes().get(at)) {
        Some(b'.') => match v4(text) {
            Ok(octets) => Ok((Ipv4Addr::from(octets).into(), false)),
            Err(what) => error(&what),
        },
        Some(b':') => {
            let (address, zone) = match text.split_once('%') {
                Some((_, "")) => return error("zone must be a non-empty string"),
                Some((address, _)) => (address, true),
                None => (text, false),
            };
            match v6(address) {
                Ok(ip) => Ok((ip.into(), zone)),
                Err(what) => error(&what),
            }
        }
        Some(_) => error("missing IPv6 address"),
        None => error("unable to parse IP"),
    }
}

/// Four numbers with points between them, or what is wrong with them.
fn v4(text: &str) -> Result<[u8; 4], String> {
    let mut octets = [0_u8; 4];
    let mut position = 0;
    let (mut value, mut digits) = (0_u32, 0);
    for (at, char) in text.char_indices() {
        let rest = || quote(text.get(at..).unwrap_or_default());
        match char {
            '0'..='9' => {
                if digits == 1 && value == 0 {
                    return Err("IPv4 field has octet with leading zero".to_owned());
                }
                value = value * 10 + char.to_digit(10).unwrap_or_default();
                digits += 1;
                if value > 255 {
                    return Err("IPv4 field has value >255".to_owned());
                }
            }
            '.' => {
                if digits == 0 || at + 1 == text.len() {
                    return Err(format!("IPv4 field must have at least one digit (at {})", rest()));
                }
                if position == 3 {
                    return Err("IPv4 address too long".to_owned());
                }
                store(&mut octets, position, value);
                position += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(format!("unexpected character (at {})", rest())),
        }
    }
    if position < 3 {
        return Err("IPv4 address too short".to_owned());
    }
    store(&mut octets, 3, value);
    Ok(octets)
}

fn store(octets: &mut [u8; 4], at: usize, value: u32) {
    if let (Some(octet), Ok(value)) = (octets.get_mut(at), u8::try_from(value)) {
        *octet = value;
    }
}

/// Groups of hexadecimal digits with colons between them, or what is wrong with them.
fn v6(text: &str) -> Result<Ipv6Addr, String> {
    let mut groups: Vec<u16> = Vec::with_capacity(8);
    let mut ellipsis = None;
    let mut rest = text;
    let wrong = |what: &str, at: &str| match at {
        "" => Err(what.to_owned()),
        _ => Err(format!("{what} (at {})", quote(at))),
    };
    if let Some(after) = rest.strip_prefix("::") {
        ellipsis = Some(0);
        rest = after;
        if rest.is_empty() {
            return Ok(Ipv6Addr::UNSPECIFIED);
        }
    }
    while groups.len() < 8 {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 4 {
            return wrong("each group must have 4 or less digits", rest);
        }
        if digits == 0 {
            return wrong("each colon-separated field must have at least one digit", rest);
        }
        let (group, after) = rest.split_at_checked(digits).unwrap_or((rest, ""));
        if after.starts_with('.') {
            if ellipsis.is_none() && groups.len() != 6 {
                return wrong(
                    "embedded IPv4 address must replace the final 2 fields of the address",
                    rest,
                );
            }
            if groups.len() > 6 {
                let what = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return wrong(what, rest);
            }
            let [a, b, c, d] = v4(rest)?;
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
            rest = "";
            break;
        }
        groups.push(u16::from_str_radix(group, 16).unwrap_or_default());
        rest = after;
        if rest.is_empty() {
            break;
        }
        let Some(after) = rest.strip_prefix(':') else {
            return wrong("unexpected character, want colon", rest);
        };
        if after.is_empty() {
            return wrong("colon must be followed by more characters", rest);
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            if ellipsis.is_some() {
                return wrong("multiple :: in address", rest);
            }
            ellipsis = Some(groups.len());
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return wrong("trailing garbage after address", rest);
    }
    expand(groups, ellipsis)
}

/// Zeros in the place of `::`, which must stand for something.
fn expand(mut groups: Vec<u16>, ellipsis: Option<usize>) -> Result<Ipv6Addr, String> {
    match ellipsis {
        None if groups.len() < 8 => return Err("address string too short".to_owned()),
        Some(_) if groups.len() == 8 => {
            return Err("the :: must expand to at least one field of zeros".to_owned());
        }
        Some(at) => {
            let zeros = vec![0; 8 - groups.len()];
            groups.splice(at..at, zeros);
        }
        None => {}
    }
    let groups: [u16; 8] = groups.try_into().map_err(|_| "address string too short".to_owned())?;
    Ok(groups.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parse_plain(text).map(|ip| ip.to_string()).unwrap_or_else(|error| error);
        assert!(found.contains(expected), "{text}: {found}");
    }

    #[test]
    fn addresses_are_read_as_netip_reads_them() {
        check("10.0.0.1", "10.0.0.1");
        check("010.0.0.1", "octet with leading zero");
        check("300.0.0.1", "IPv4 field has value >255");
        check("1.2.3", "IPv4 address too short");
        check("1..2.3", "must have at least one digit (at \".2.3\")");
        check("2001:DB8::ABCD", "2001:db8::abcd");
        check("::ffff:1.2.3.4", "IPv4-mapped IPv6 address \"::ffff:1.2.3.4\" is not allowed");
        check("fe80::1%eth0", "with zone value is not allowed");
        check("1:2:3:4:5:6:7::8", "1:2:3:4:5:6:7::8".get(..0).unwrap_or_default());
        check("1:2:3:4:5:6:7:8:9", "trailing garbage");
        check("1::2::3", "multiple :: in address");
        check("bob", "ParseAddr(\"bob\"): unable to parse IP");
        check("::1.2.3.4", "::1.2.3.4".get(..2).unwrap_or_default());
    }
}

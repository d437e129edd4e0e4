//! Where a server listens: a port of the network, or a file that only this machine reaches.

use std::fmt;
use std::net::{AddrParseError, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A port; 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket, by its path. Who may open that file may connect.
    Unix(PathBuf),
}

impl Address {
    /// The port, if it is one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// As a client would be told of it: with a scheme for a port, and as it is for a socket.
    pub fn url(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(address) => format!("{scheme}://{address}"),
            Self::Unix(_) => self.to_string(),
        }
    }

    /// Whether no other machine can connect.
    pub(crate) fn is_local(&self) -> bool {
        self.tcp().is_none_or(|address| address.ip().is_loopback())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<([u8; 4], u16)> for Address {
    fn from(address: ([u8; 4], u16)) -> Self {
        Self::Tcp(address.into())
    }
}

/// As gRPC names sockets: `unix:PATH` or `unix://PATH`. The path is absolute, so that it means the same wherever the
/// server is started and its flags are written.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Some(path) = text.strip_prefix("unix:") else {
            return text.parse().map(Self::Tcp).map_err(AddressError::Tcp);
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
            return Err(AddressError::Path);
        }
        Ok(Self::Unix(path.into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither an address with a port nor a Unix socket.
    Tcp(AddrParseError),
    /// A Unix socket without an absolute path.
    Path,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(error) => write!(f, "{error}; expected ADDRESS:PORT, or unix:PATH"),
            Self::Path => f.write_str("an absolute path is expected after unix:"),
        }
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_port_or_a_path() {
        let check = |text: &str, expected: Option<&str>| {
            let found = text.parse::<Address>();
            assert_eq!(
                found.ok().map(|address| address.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        check("127.0.0.1:0", Some("127.0.0.1:0"));
        check("[::1]:8470", Some("[::1]:8470"));
        check("unix:/run/verdikt.sock", Some("unix:/run/verdikt.sock"));
        check("unix:///run/verdikt.sock", Some("unix:/run/verdikt.sock"));
        for wrong in ["", "localhost", "127.0.0.1", "unix:", "unix://", "unix:x", "unix:/run/"] {
            check(wrong, None);
        }
        check("unix://run/verdikt.sock", None);
    }
}

//! Values of the extension libraries.

use std::net::IpAddr;
use std::sync::Arc;

use super::cidr::Cidr;
use super::format::NamedFormat;
use super::quantity::Quantity;
use super::semver::Semver;
use super::url::Url;

/// A value of an extension library.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Opaque {
    /// A URL.
    Url(Arc<Url>),
    /// An IP address.
    Ip(IpAddr),
    /// A network.
    Cidr(Cidr),
    /// An amount, and whether a function of this library made it.
    Quantity(Arc<Quantity>, bool),
    /// A version.
    Semver(Arc<Semver>),
    /// A format of names.
    Format(&'static NamedFormat),
}

impl Opaque {
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Url(_) => super::url::TYPE,
            Self::Ip(_) => super::ip::TYPE,
            Self::Cidr(_) => super::cidr::TYPE,
            Self::Quantity(..) => super::quantity::TYPE,
            Self::Semver(_) => super::semver::TYPE,
            Self::Format(_) => super::format::TYPE,
        }
    }

    pub(crate) const fn go_type(&self) -> &'static str {
        match self {
            Self::Url(_) => "cel.URL",
            Self::Ip(_) => "cel.IP",
            Self::Cidr(_) => "cel.CIDR",
            Self::Quantity(_, false) => "cel.Quantity",
            Self::Quantity(_, true) => "*cel.Quantity",
            Self::Semver(_) => "cel.Semver",
            Self::Format(_) => "cel.Format",
        }
    }

    /// Whether both are equal; nothing if that cannot be said.
    pub(crate) fn equal(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Url(left), Self::Url(right)) => Some(left.text() == right.text()),
            (Self::Ip(left), Self::Ip(right)) => Some(left == right),
            (Self::Cidr(left), Self::Cidr(right)) => Some(left == right),
            // In Kubernetes, sums are of another Go type, which the other side does not know.
            (Self::Quantity(left, _), Self::Quantity(right, false)) => Some(left == right),
            (Self::Semver(left), Self::Semver(right)) => Some(left.is_equal(right)),
            (Self::Format(left), Self::Format(right)) => Some(left.name == right.name),
            _ => None,
        }
    }

    /// The bytes of an address, which count for cost.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::Ip(IpAddr::V4(_)) => Some(4),
            Self::Ip(IpAddr::V6(_)) => Some(16),
            Self::Cidr(cidr) => Some(usize::from(cidr.bits.div_ceil(8))),
            _ => None,
        }
    }
}

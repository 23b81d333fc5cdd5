//! The two families of addresses.

use std::fmt;
use std::net::IpAddr;

use crate::dns::Rtype;

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamily {
    /// IPv4, of A records and `in-addr.arpa`.
    Ipv4,
    /// IPv6, of AAAA records and `ip6.arpa`.
    Ipv6,
}

impl AddressFamily {
    /// Whether an address is of it.
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            AddressFamily::Ipv4 => address.is_ipv4(),
            AddressFamily::Ipv6 => address.is_ipv6(),
        }
    }

    /// The type of records that hold such addresses.
    pub fn rtype(self) -> Rtype {
        match self {
            AddressFamily::Ipv4 => Rtype::A,
            AddressFamily::Ipv6 => Rtype::AAAA,
        }
    }

    /// Of which the records of a type hold addresses; none: they hold none.
    pub fn of(rtype: Rtype) -> Option<AddressFamily> {
        match rtype {
            Rtype::A => Some(AddressFamily::Ipv4),
            Rtype::AAAA => Some(AddressFamily::Ipv6),
            _ => None,
        }
    }

    /// The one that this is not.
    #[must_use]
    pub fn other(self) -> AddressFamily {
        match self {
            AddressFamily::Ipv4 => AddressFamily::Ipv6,
            AddressFamily::Ipv6 => AddressFamily::Ipv4,
        }
    }

    /// Its unspecified address: what PowerDNS answers for a name without one, and for one that is not to be answered.
    pub fn unspecified(self) -> IpAddr {
        match self {
            AddressFamily::Ipv4 => IpAddr::from([0; 4]),
            AddressFamily::Ipv6 => IpAddr::from([0; 16]),
        }
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressFamily::Ipv4 => "IPv4",
            AddressFamily::Ipv6 => "IPv6",
        })
    }
}

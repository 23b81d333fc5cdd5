//! Records that are worked out from the name that is asked: PowerDNS's `createForward`, `createReverse` and their kin.
//!
//! Has what such a record is made by, and makes its RDATA, as PowerDNS 5.1 does. HOT: allocates nothing and cannot panic. Not
//! responsible for the code it was written as (`zonefile`), nor for the record around the RDATA (`answer`).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod family;
mod rdata;
mod forward;
mod filter;
mod reverse;
mod host_format;

use std::net::IpAddr;

pub use family::AddressFamily;
pub use filter::{AddressFilter, Fallback, FilterRule};
pub use host_format::{HostFormat, HostFormatError};
pub use rdata::ComputedRdata;

use reverse::AskedAddress;

use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{Name, NameRef};

/// How the RDATA of a record is made from the name that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Computed {
    /// The address in the labels before some name: `192-0-2-1.NAME`.
    Address(ComputedAddress),
    /// A host name for the address that a name below `in-addr.arpa` or `ip6.arpa` stands for.
    Host(ComputedHost),
}

/// An address that is read from a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedAddress {
    /// Of which family.
    pub family: AddressFamily,
    /// The name behind the labels that it is read from: the wildcard's without its asterisk.
    pub base: Name,
    /// What becomes of it; none: it is answered, whatever it is.
    pub filter: Option<AddressFilter>,
}

/// A host name that is made from an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedHost {
    /// Of which family the address is.
    pub family: AddressFamily,
    /// How the name looks.
    pub format: HostFormat,
    /// Addresses with names of their own, in ascending order.
    pub exceptions: Box<[(IpAddr, Name)]>,
}

/// What PowerDNS calls hosts of names with too few labels, and of names that hold no address.
const UNKNOWN: &[u8] = b"\x07unknown\0";
const ERROR: &[u8] = b"\x05error\0";

impl Computed {
    /// Longest RDATA that it makes, in bytes.
    pub fn rdata_bytes_max(&self) -> usize {
        match self {
            Computed::Address(ComputedAddress { family: AddressFamily::Ipv4, .. }) => 4,
            Computed::Address(ComputedAddress { family: AddressFamily::Ipv6, .. }) => 16,
            Computed::Host(_) => NAME_BYTES_MAX,
        }
    }

    /// Makes the RDATA for a name; none where there is no record. HOT.
    pub fn rdata<'o>(&self, name: NameRef<'_>, out: &'o mut ComputedRdata) -> Option<&'o [u8]> {
        out.clear();
        match self {
            Computed::Address(made) => match made.address(name)? {
                IpAddr::V4(address) => out.put(&address.octets())?,
                IpAddr::V6(address) => out.put(&address.octets())?,
            },
            Computed::Host(made) => made.put(name, out)?,
        }
        Some(out.as_bytes())
    }

    /// Whether there are names for which there is no record.
    pub fn may_be_empty(&self) -> bool {
        match self {
            Computed::Address(made) => made.filter.as_ref().is_some_and(AddressFilter::may_be_empty),
            Computed::Host(_) => false,
        }
    }

    /// How it is made, as a part of a sentence.
    pub fn explain(&self) -> String {
        match self {
            Computed::Address(ComputedAddress { family, base, filter }) => {
                let filtered = filter.as_ref().map(AddressFilter::explain).unwrap_or_default();
                format!(
                    "made from the name asked: the {family} address in the labels before {base}{filtered}"
                )
            }
            Computed::Host(ComputedHost { family, exceptions, .. }) => {
                let own = match exceptions.len() {
                    0 => String::new(),
                    1 => "; one address has a name of its own".to_owned(),
                    many => format!("; {many} addresses have names of their own"),
                };
                format!(
                    "made from the name asked: a host name for the {family} address that it stands for{own}"
                )
            }
        }
    }
}

impl ComputedAddress {
    /// The address for a name. HOT.
    fn address(&self, name: NameRef<'_>) -> Option<IpAddr> {
        let labels = name.label_count().saturating_sub(self.base.as_ref().label_count());
        let address = match self.family {
            AddressFamily::Ipv4 => IpAddr::V4(forward::ipv4(name, labels)),
            AddressFamily::Ipv6 => IpAddr::V6(forward::ipv6(name, labels)),
        };
        match &self.filter {
            None => Some(address),
            Some(filter) => filter.answer(address),
        }
    }
}

impl ComputedHost {
    /// Writes the host name for a name. HOT.
    fn put(&self, name: NameRef<'_>, out: &mut ComputedRdata) -> Option<()> {
        let asked = match AskedAddress::of(self.family, name) {
            Ok(asked) => asked,
            Err(reverse::NoAddress::TooShort) => return out.put(UNKNOWN),
            Err(reverse::NoAddress::NoDigits) => return out.put(ERROR),
        };
        let own = self.exceptions.binary_search_by_key(&asked.address, |(address, _)| *address);
        match own.ok().and_then(|at| self.exceptions.get(at)) {
            Some((_, host)) => out.put(host.as_ref().wire()),
            None => self.format.put(&asked, out),
        }
    }
}

#[cfg(test)]
mod tests;

//! Address prefixes, as in `192.0.2.0/24`: a network, or a single address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::dns::client_subnet::deciding_bits;

/// The addresses that begin with some bits. Bits behind those are zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// The part before the slash is no address.
    Address,
    /// The part behind the slash is no number of bits of such an address.
    Length {
        /// All the bits there are.
        longest: u8,
    },
    /// The address has bits that the length leaves out.
    BitsBehind {
        /// The same without them.
        meant: Prefix,
    },
}

impl Prefix {
    /// The network of `length` leading bits that an address lies in; with more bits than it has, the address
    /// itself.
    pub fn around(address: IpAddr, length: u8) -> Self {
        let length = length.min(longest(address));
        let cleared = bits(address) & mask(address, length);
        let address = match address {
            IpAddr::V4(_) => {
                let [.., a, b, c, d] = cleared.to_be_bytes();
                IpAddr::from([a, b, c, d])
            }
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(cleared)),
        };
        Self { address, length }
    }

    /// Whether an address lies in it. HOT.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        let differ = bits(self.address) ^ bits(address);
        self.address.is_ipv4() == address.is_ipv4() && differ & mask(address, self.length) == 0
    }

    /// Its address; the bits behind those that it says are 0.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits of an address say whether it lies in it. HOT.
    pub(super) fn deciding_bits(&self, address: IpAddr) -> u8 {
        deciding_bits(self.address, self.length, address)
    }

    /// How many leading bits it says.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether it says all bits: it is an address rather than a network.
    pub fn is_one_address(&self) -> bool {
        self.length == longest(self.address)
    }
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrefixError::Address => f.write_str("no address, with a length or without"),
            PrefixError::Length { longest } => write!(f, "the length is a number up to {longest}"),
            PrefixError::BitsBehind { meant } => write!(f, "bits behind its length; did you mean {meant}?"),
        }
    }
}

impl std::error::Error for PrefixError {}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, length)| (a, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Address)?;
        let longest = longest(address);
        let length = match length {
            None => longest,
            // The number's own reader would take a sign.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let length = digits.parse().ok().filter(|length| *length <= longest);
                length.ok_or(PrefixError::Length { longest })?
            }
            Some(_) => return Err(PrefixError::Length { longest }),
        };
        let prefix = Self::around(address, length);
        if prefix.address == address { Ok(prefix) } else { Err(PrefixError::BitsBehind { meant: prefix }) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How many bits such an address has.
#[inline]
fn longest(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[inline]
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The leading bits of such an address, as [`bits`] holds them.
#[inline]
fn mask(address: IpAddr, length: u8) -> u128 {
    let behind = u32::from(longest(address).saturating_sub(length));
    u128::MAX.checked_shl(behind).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn holds(text: &str, address: &str) -> bool {
        prefix(text).contains(address.parse().unwrap())
    }

    #[test]
    fn a_prefix_holds_the_addresses_that_begin_with_it() {
        assert!(holds("192.0.2.0/24", "192.0.2.255"));
        assert!(!holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("2001:db8::/56", "2001:db8:0:ff::1"));
        assert!(!holds("2001:db8::/56", "2001:db8:0:100::"));
        assert!(holds("192.0.2.1", "192.0.2.1"));
        assert!(!holds("192.0.2.1", "192.0.2.0"));
    }

    #[test]
    fn the_shortest_prefix_holds_one_family_only() {
        assert!(holds("0.0.0.0/0", "255.255.255.255"));
        assert!(!holds("0.0.0.0/0", "::"));
        assert!(holds("::/0", "ffff::"));
        assert!(!holds("::/0", "0.0.0.0"));
    }

    #[test]
    fn a_text_that_is_no_prefix_says_why() {
        let fault = |text: &str| text.parse::<Prefix>().unwrap_err();
        for text in ["", "/24", "192.0.2/24", "localhost", "[::1]"] {
            assert_eq!(fault(text), PrefixError::Address, "{text}");
        }
        for text in ["192.0.2.0/", "192.0.2.0/33", "192.0.2.0/+8", "192.0.2.0/256", "192.0.2.0/24/1"] {
            assert_eq!(fault(text), PrefixError::Length { longest: 32 }, "{text}");
        }
        assert_eq!(fault("::/129"), PrefixError::Length { longest: 128 });
        assert_eq!(fault("192.0.2.1/24"), PrefixError::BitsBehind { meant: prefix("192.0.2.0/24") });
    }

    #[test]
    fn a_prefix_is_written_as_it_is_read() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::1/128"] {
            assert_eq!(prefix(text).to_string(), text);
        }
    }
}

//! Networks that clients are in.
//!
//! Reads them and finds whether a client is in one.

use std::fmt;
use std::net::IpAddr;

use crate::dns::client_subnet::{common_bits, deciding_bits};

/// An address and how many of its leading bits count: `192.0.2.0/24`. Bits behind those are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    /// At most as many as the address has.
    bits: u8,
}

impl Network {
    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or an address alone: the network of just that. None for
    /// anything else.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            // Rust reads "+8" too.
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
        };
        (bits <= most).then_some(Network { address, bits })
    }

    /// How many leading bits count.
    pub(super) fn bits(&self) -> u8 {
        self.bits
    }

    /// How many leading bits of an address say whether it is inside. HOT.
    pub fn deciding_bits(&self, client: IpAddr) -> u8 {
        deciding_bits(self.address, self.bits, client)
    }

    /// Whether a client is inside. HOT.
    #[inline]
    pub fn holds(&self, client: IpAddr) -> bool {
        common_bits(self.address, client).is_some_and(|common| common >= self.bits)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_shares_its_leading_bits() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.77/24", "192.0.2.1", "192.0.1.77"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.0"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1/128", "::1", "::2"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
        ] {
            let read = Network::parse(network).unwrap();
            assert!(read.holds(inside.parse().unwrap()), "{network} {inside}");
            assert!(!read.holds(outside.parse().unwrap()), "{network} {outside}");
        }
        assert_eq!(Network::parse("192.0.2.1").unwrap().to_string(), "192.0.2.1/32");
    }

    #[test]
    fn what_is_no_network_is_not_read_as_one() {
        for text in [
            "",
            "/",
            "192.0.2.0/33",
            "::/129",
            "192.0.2/24",
            "192.0.2.0/+8",
            "192.0.2.0/ 8",
            "192.0.2.0/",
            "x/8",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}

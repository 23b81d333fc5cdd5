//! The EDNS client subnet option (RFC 7871): for whom a resolver asks, and for whom the answer is. HOT.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest value of the option, in bytes: family, two lengths and an IPv6 address.
pub const CLIENT_SUBNET_BYTES_MAX: usize = 20;

/// Where in the value the length of the answer's prefix stands (RFC 7871, section 6).
const SCOPE_AT: usize = 3;

/// With how many of the same bits two addresses begin; none where they are of different families.
#[inline]
pub fn common_bits(one: IpAddr, other: IpAddr) -> Option<u8> {
    let bits = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    // An address has 128 at most.
    u8::try_from(bits).ok()
}

/// How many leading bits of an address say whether it is in the network of the first `length` bits of `network`: to the first
/// that differs (RFC 7871, section 7.2.1, of the scope of an answer).
pub fn deciding_bits(network: IpAddr, length: u8, address: IpAddr) -> u8 {
    common_bits(network, address).map_or(0, |common| common.saturating_add(1).min(length))
}

/// For whom a resolver asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientSubnet {
    /// For clients whose addresses begin with these bits; the others are 0.
    Of {
        /// The address.
        address: IpAddr,
        /// How many of its bits are known, at least one.
        bits: u8,
    },
    /// It will not say for whom (a length of 0).
    Withheld,
    /// Of a family of addresses that is not known here.
    UnknownFamily,
}

/// An option that is not well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedClientSubnet;

impl ClientSubnet {
    /// Reads the value of the option in a query.
    ///
    /// # Errors
    ///
    /// Where the address has more or fewer bytes than its length says, bits behind it, or is too long for its family; or where
    /// the query says a scope, which answers do (RFC 7871, section 6).
    pub fn read(value: &[u8]) -> Result<ClientSubnet, MalformedClientSubnet> {
        let Some((&[family_high, family_low, bits, scope], octets)) = value.split_first_chunk::<4>() else {
            return Err(MalformedClientSubnet);
        };
        let family = u16::from_be_bytes([family_high, family_low]);
        if scope != 0 || octets.len() != usize::from(bits.div_ceil(8)) {
            return Err(MalformedClientSubnet);
        }
        // The last byte of the address has no bits but the first of it.
        let behind = octets.last().map_or(0, |last| last.checked_shl(u32::from(bits % 8)).unwrap_or(0));
        if !bits.is_multiple_of(8) && behind != 0 {
            return Err(MalformedClientSubnet);
        }
        match (family, bits) {
            (0..=2, 0) => Ok(ClientSubnet::Withheld),
            (1, ..=32) => Ok(ClientSubnet::Of { address: Ipv4Addr::from(padded(octets)).into(), bits }),
            (2, ..=128) => {
                Ok(ClientSubnet::Of { address: Ipv6Addr::from(padded::<16>(octets)).into(), bits })
            }
            (0..=2, _) => Err(MalformedClientSubnet),
            _ => Ok(ClientSubnet::UnknownFamily),
        }
    }

    /// Writes the value of an option in a query into `out`, and says how long it is.
    pub fn write(address: IpAddr, bits: u8, out: &mut [u8; CLIENT_SUBNET_BYTES_MAX]) -> usize {
        let (family, octets) = match address {
            IpAddr::V4(address) => (1, Ipv6Addr::from_bits(u128::from(address.to_bits()) << 96).octets()),
            IpAddr::V6(address) => (2, address.octets()),
        };
        let head = [0, family, bits, 0];
        let length = usize::from(bits.div_ceil(8)).min(octets.len());
        for (to, from) in out.iter_mut().zip(head.iter().chain(octets.iter().take(length))) {
            *to = *from;
        }
        head.len() + length
    }

    /// Writes the value of the option in an answer into `out`: as in the query, with how many bits the answer depends on. Says
    /// how long it is.
    pub fn write_answer(query: &[u8], scope: u8, out: &mut [u8; CLIENT_SUBNET_BYTES_MAX]) -> usize {
        for (to, from) in out.iter_mut().zip(query) {
            *to = *from;
        }
        if let Some(byte) = out.get_mut(SCOPE_AT) {
            *byte = scope;
        }
        query.len().min(out.len())
    }
}

fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    whole.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_read_as_it_is_written_and_comes_back_with_its_scope() {
        for (text, bits, length) in
            [("198.51.100.0", 24, 7), ("198.51.100.128", 25, 8), ("2001:db8::", 32, 8), ("::1", 128, 20)]
        {
            let address: IpAddr = text.parse().unwrap();
            let mut value = [0; CLIENT_SUBNET_BYTES_MAX];
            assert_eq!(ClientSubnet::write(address, bits, &mut value), length, "{text}");
            assert_eq!(
                ClientSubnet::read(&value[..length]),
                Ok(ClientSubnet::Of { address, bits }),
                "{text}"
            );
            let mut answer = [0; CLIENT_SUBNET_BYTES_MAX];
            assert_eq!(ClientSubnet::write_answer(&value[..length], 20, &mut answer), length);
            assert_eq!((answer[3], &answer[4..], &answer[..3]), (20, &value[4..], &value[..3]));
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for value in [
            &[][..],
            &[0, 1, 24],
            &[0, 1, 24, 0, 198, 51],
            &[0, 1, 24, 0, 198, 51, 100, 0],
            &[0, 1, 24, 24, 198, 51, 100],
            &[0, 1, 23, 0, 198, 51, 101],
            &[0, 1, 33, 0, 198, 51, 100, 0, 0],
            &[0, 0, 8, 0, 1],
            &[0, 1, 0, 0, 0],
            &[0, 2, 129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(ClientSubnet::read(value), Err(MalformedClientSubnet), "{value:?}");
        }
        for family in [0, 1, 2] {
            assert_eq!(ClientSubnet::read(&[0, family, 0, 0]), Ok(ClientSubnet::Withheld));
        }
        assert_eq!(ClientSubnet::read(&[0, 3, 8, 0, 1]), Ok(ClientSubnet::UnknownFamily));
    }
}

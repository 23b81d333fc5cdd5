//! The hash by which PowerDNS chooses: Bob Jenkins' hash of 1996.
//!
//! Gives the same numbers as PowerDNS, so that a client or a name gets the answer that PowerDNS gave.

use std::net::IpAddr;

/// The hash of a client's address: its octets in network order.
#[inline]
pub fn client_hash(client: IpAddr) -> u32 {
    match client {
        IpAddr::V4(address) => jenkins(&address.octets()),
        IpAddr::V6(address) => jenkins(&address.octets()),
    }
}

/// The hash of a name: its wire form in lower case, which the caller sees to.
#[inline]
pub fn name_hash(lower: &[u8]) -> u32 {
    jenkins(lower)
}

/// Where a value stands on the ring of a consistent hash: one point for each unit of its weight.
pub(super) fn ring_points(value: &[u8], weight: u32) -> impl Iterator<Item = u32> {
    let mut key = [value, b"-"].concat();
    let prefix = key.len();
    (0..weight).map(move |unit| {
        key.truncate(prefix);
        key.extend_from_slice(unit.to_string().as_bytes());
        jenkins(&key)
    })
}

fn jenkins(key: &[u8]) -> u32 {
    // The algorithm counts in 32 bits; a name or a value of a LUA record is far shorter than they reach.
    let length = u32::try_from(key.len()).unwrap_or(0);
    let (mut a, mut b, mut c) = (0x9e37_79b9_u32, 0x9e37_79b9_u32, 0_u32);
    let (blocks, tail) = key.as_chunks::<12>();
    for &[k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11] in blocks {
        a = a.wrapping_add(u32::from_le_bytes([k0, k1, k2, k3]));
        b = b.wrapping_add(u32::from_le_bytes([k4, k5, k6, k7]));
        c = c.wrapping_add(u32::from_le_bytes([k8, k9, k10, k11]));
        (a, b, c) = mix(a, b, c);
    }
    // The lowest byte of `c` is the length's.
    let byte = |at: usize| u32::from(tail.get(at).copied().unwrap_or(0));
    let at = |at: usize| {
        let [i, j, k, l] = [at, at.wrapping_add(1), at.wrapping_add(2), at.wrapping_add(3)].map(byte);
        i | j << 8 | k << 16 | l << 24
    };
    a = a.wrapping_add(at(0));
    b = b.wrapping_add(at(4));
    c = c.wrapping_add(length).wrapping_add(at(8) << 8);
    mix(a, b, c).2
}

fn mix(a: u32, b: u32, c: u32) -> (u32, u32, u32) {
    let (mut a, mut b, mut c) = (a, b, c);
    for [first, second, third] in [[13, 8, 13], [12, 16, 5], [3, 10, 15]] {
        a = a.wrapping_sub(b).wrapping_sub(c) ^ (c >> first);
        b = b.wrapping_sub(c).wrapping_sub(a) ^ (a << second);
        c = c.wrapping_sub(a).wrapping_sub(b) ^ (b >> third);
    }
    (a, b, c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    /// Figures that PowerDNS itself gave for these clients.
    #[test]
    fn a_client_hashes_as_with_powerdns() {
        let hash = |text: &str| client_hash(text.parse().unwrap());
        assert_eq!(hash("127.0.0.1"), 4_196_678_856);
        assert_eq!(hash("127.0.0.2"), 287_116_632);
        assert_eq!(hash("127.0.0.3"), 2_937_953_017);
        assert_eq!(hash("127.0.0.4"), 3_848_753_758);
        assert_eq!(hash("127.0.0.5"), 2_919_307_402);
        assert_eq!(hash("192.0.2.1"), 3_312_216_360);
        assert_eq!(hash("::1"), 1_530_700_467);
    }

    /// Figures of PowerDNS's own tests.
    #[test]
    fn a_name_hashes_as_with_powerdns() {
        let hash = |text: &str| name_hash(&text.parse::<Name>().unwrap().as_ref().to_lowercase());
        assert_eq!(hash("test.namehashed.example.org"), 1_903_138_504);
        assert_eq!(hash("Test2.NameHashed.example.org"), 1_631_520_935);
    }
}

//! DNS cookies (RFC 7873) of the interoperable kind (RFC 9018): makes and checks server cookies.
//!
//! The time comes in as an argument.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use crate::dns::edns::CLIENT_COOKIE_BYTES;

/// Length of client and server cookie together (RFC 9018, section 4).
pub const COOKIE_BYTES: usize = 24;

/// A server cookie is honoured for an hour (RFC 9018, section 4.3).
const LIFETIME_SECONDS: u32 = 3600;
/// Clocks of the servers of one anycast address may differ by five minutes (RFC 9018, section 4.3).
const SKEW_SECONDS: u32 = 300;

/// The secret that server cookies are made with; servers that share an address share it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CookieSecret([u8; 16]);

impl CookieSecret {
    /// A secret of 128 bits.
    pub const fn new(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// A number made of the secret, to seed a random number generator.
    pub fn seed(&self) -> u64 {
        SipHasher24::new_with_key(&self.0).finish()
    }

    /// The cookie that is sent back: the client's and ours.
    pub fn cookie(&self, client: [u8; CLIENT_COOKIE_BYTES], now: u32, address: IpAddr) -> [u8; COOKIE_BYTES] {
        let mut cookie = [0; COOKIE_BYTES];
        let [c0, c1, c2, c3, c4, c5, c6, c7] = client;
        let [t0, t1, t2, t3] = now.to_be_bytes();
        // Version 1, three reserved bytes, the time.
        let head = [c0, c1, c2, c3, c4, c5, c6, c7, 1, 0, 0, 0, t0, t1, t2, t3];
        let hash = self.hash(&head, address);
        for (to, from) in cookie.iter_mut().zip(head.iter().chain(&hash)) {
            *to = *from;
        }
        cookie
    }

    /// Whether a client and server cookie together are valid: made by us for this client, and not too long
    /// ago.
    pub fn is_ours(&self, cookie: &[u8], now: u32, address: IpAddr) -> bool {
        let Some((head, hash)) = cookie.split_first_chunk::<16>() else { return false };
        let [.., 1, _, _, _, t0, t1, t2, t3] = *head else { return false };
        // Serial arithmetic (RFC 1982): the clock wraps in 2106.
        let age = now.wrapping_sub(u32::from_be_bytes([t0, t1, t2, t3]));
        let fresh = age <= LIFETIME_SECONDS || age.wrapping_neg() <= SKEW_SECONDS;
        fresh && hash == self.hash(head, address)
    }

    fn hash(&self, head: &[u8; 16], address: IpAddr) -> [u8; 8] {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(head);
        match address {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()),
        }
        hasher.finish().to_le_bytes()
    }
}

impl std::fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: CookieSecret = CookieSecret::new([
        0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf,
    ]);
    const CLIENT: [u8; 8] = [0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57];

    fn address() -> IpAddr {
        "198.51.100.100".parse().unwrap()
    }

    /// RFC 9018, appendix A.1: a new server cookie.
    #[test]
    fn a_cookie_is_the_one_of_the_rfc() {
        let expected = [
            0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57, 0x01, 0x00, 0x00, 0x00, 0x5c, 0xf7, 0x9f, 0x11,
            0x1f, 0x81, 0x30, 0xc3, 0xee, 0xe2, 0x94, 0x80,
        ];
        assert_eq!(SECRET.cookie(CLIENT, 1_559_731_985, address()), expected);
    }

    #[test]
    fn a_cookie_is_honoured_for_an_hour_and_only_from_its_client() {
        let made = 1_559_731_985;
        let cookie = SECRET.cookie(CLIENT, made, address());
        assert!(SECRET.is_ours(&cookie, made + 3600, address()));
        assert!(!SECRET.is_ours(&cookie, made + 3601, address()));
        assert!(SECRET.is_ours(&cookie, made - 300, address()));
        assert!(!SECRET.is_ours(&cookie, made - 301, address()));
        assert!(!SECRET.is_ours(&cookie, made, "198.51.100.101".parse().unwrap()));
        assert!(!SECRET.is_ours(&cookie[..23], made, address()));
    }
}

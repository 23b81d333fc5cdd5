//! The addresses of this host, and which clients they make its own.
//!
//! Not responsible for finding them: that is `zones`.

use std::net::IpAddr;

/// The addresses of this host besides loopback. A client at one of them is on this host, and has its network: so are the
/// nodes of a cluster whose resolv.conf names the node's own address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostAddresses(Box<[IpAddr]>);

impl HostAddresses {
    /// Of addresses in any order.
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let addresses = addresses.into_iter().map(|address| address.to_canonical());
        let mut addresses: Vec<IpAddr> = addresses.filter(|address| !address.is_loopback()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        Self(addresses.into())
    }

    /// Whether a client is on this host. HOT: where a pool answers clients elsewhere with something else.
    #[inline]
    pub fn have(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        client.is_loopback() || self.0.binary_search(&client).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_is_on_this_host_at_loopback_and_at_an_address_of_it() {
        let texts = ["192.0.2.14", "2001:db8::14", "127.0.0.1", "192.0.2.13", "192.0.2.14"];
        let host = HostAddresses::new(texts.map(address));
        for own in ["192.0.2.13", "192.0.2.14", "::ffff:192.0.2.14", "2001:db8::14", "127.9.8.7", "::1"] {
            assert!(host.have(address(own)), "{own}");
        }
        for other in ["192.0.2.15", "2001:db8::15", "::ffff:192.0.2.1", "0.0.0.0"] {
            assert!(!host.have(address(other)), "{other}");
        }
        assert!(HostAddresses::default().have(address("::ffff:127.0.0.1")));
    }
}

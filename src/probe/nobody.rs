//! Addresses that no host can have.

use std::net::IpAddr;

/// Why no host has an address: it stands for many, or for any.
pub fn no_host(address: IpAddr) -> Option<&'static str> {
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() {
        Some("is not the address of a host: it means any address")
    } else if address.is_multicast() {
        Some("is not the address of a host: it is a multicast group")
    } else if is_broadcast {
        Some("is not the address of a host: it is the broadcast address")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_many_or_for_any_is_no_host() {
        for address in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "::", "ff02::1"] {
            assert!(no_host(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in ["127.0.0.1", "192.0.2.255", "240.0.0.1", "::1", "fe80::1", "2001:db8::1"] {
            assert_eq!(no_host(address.parse().unwrap()), None, "{address}");
        }
    }
}

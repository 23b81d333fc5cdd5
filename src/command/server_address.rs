//! The address of a name server, as arguments take it.

use std::net::{IpAddr, SocketAddr};

/// Where a name server listens unless something else is said.
const USUAL_PORT: u16 = 53;

/// Reads an address with or without a port; an IPv6 address with a port is in brackets.
pub(super) fn read_server(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => Ok(SocketAddr::new(address, USUAL_PORT)),
        Err(_) => text.parse::<SocketAddr>(),
    };
    match address {
        Ok(address) if address.port() == 0 => Err("port 0 cannot be asked".to_owned()),
        Ok(address) => Ok(address),
        Err(_) => {
            Err("write it as 192.0.2.1, 192.0.2.1:5300 or [2001:db8::1]:5300; names are not looked up"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_with_a_port_or_without() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5300", "192.0.2.1:5300"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5300", "[2001:db8::1]:5300"),
        ] {
            assert_eq!(read_server(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "ns1.example.com", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.300"] {
            assert!(read_server(text).is_err(), "{text}");
        }
    }
}

//! Addresses as other servers write them. Networks are in `networks`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::word::Word;
use crate::source::Diagnostic;

/// The port of DNS.
pub(super) const DNS_PORT: u16 = 53;

/// `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5300`.
pub(super) fn socket_address(word: &Word, port: u16) -> Result<SocketAddr, Diagnostic> {
    let text = word.text.as_str();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let read = match bare.parse::<IpAddr>() {
        Ok(ip) => Ok(SocketAddr::new(ip, port)),
        Err(_) => text.parse::<SocketAddr>(),
    };
    match read {
        Ok(address) if address.port() == 0 => Err(Diagnostic::error(word.span, "port 0 cannot be asked")),
        Ok(address) => Ok(SocketAddr::new(address.ip().to_canonical(), address.port())),
        Err(_) => Err(Diagnostic::error(word.span, format!("`{text}` is not an address"))
            .help("names and zones of interfaces (`%eth0`) are not looked up: write an address")),
    }
}

/// A port from 1 on.
pub(super) fn port(word: &Word) -> Result<u16, Diagnostic> {
    let port = word.text.parse::<u16>().ok().filter(|port| *port != 0);
    port.ok_or_else(|| Diagnostic::error(word.span, format!("`{}` is not a port: 1 to 65535", word.text)))
}

/// A server to ask: without its port where that is the usual one.
pub(super) fn upstream(address: SocketAddr) -> String {
    if address.port() == DNS_PORT { address.ip().to_string() } else { address.to_string() }
}

/// Whether a query to `asked` reaches a listener on `listening`, as far as the addresses show.
pub(super) fn reaches(asked: SocketAddr, listening: SocketAddr) -> bool {
    let any = listening.ip().is_unspecified() && asked.ip().is_loopback();
    asked.port() == listening.port() && (asked.ip() == listening.ip() || any)
}

/// Whether who listens on `wide` has `narrow`, too.
pub(super) fn covers(wide: SocketAddr, narrow: SocketAddr) -> bool {
    let family = wide.is_ipv4() == narrow.is_ipv4();
    wide.port() == narrow.port() && (wide.ip() == narrow.ip() || (wide.ip().is_unspecified() && family))
}

/// Every address of both families, at one port.
pub(super) fn everywhere(port: u16) -> [SocketAddr; 2] {
    [SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))]
}

/// Loopback of both families, at one port.
pub(super) fn on_this_host(port: u16) -> [SocketAddr; 2] {
    [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
}

//! IPv6 addresses that mean something only together with an interface: `fe80::1%eth0` (RFC 4007, section 11).
//!
//! Reads addresses with and without an interface, and says what is wrong with one.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use rustix::net::netdevice::name_to_index;
use socket2::{Domain, Socket, Type};

use crate::setting::Value;
use crate::source::Diagnostic;

/// An address, with the number of its interface where it needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopedIp {
    ip: IpAddr,
    /// 0: none.
    interface: u32,
}

/// Why a text is not such an address.
#[derive(Debug)]
pub enum ScopeError {
    /// It is not an address at all.
    NoAddress,
    /// Every link has such addresses: without its interface this one may be on any.
    NoInterface(Ipv6Addr),
    /// Only link-local addresses have an interface.
    NotLinkLocal(Ipv6Addr),
    /// There is no interface of this name now.
    NoSuchInterface(String),
    /// Whether there is one cannot be found out.
    Unknown(String, io::Error),
}

impl ScopeError {
    /// The fault of a value that has such an address. An interface that is not there may come, so that this is a
    /// warning: the rest of the file holds without the address.
    pub fn fault(&self, value: Value<'_>) -> Diagnostic {
        match self {
            ScopeError::NoSuchInterface(_) => {
                let message = format!("{self}: this address is left out until a reload finds it");
                Diagnostic::warning(value.span(), message).help("`ip -brief link` names the interfaces")
            }
            ScopeError::NoInterface(_) => {
                value.fault(self.to_string()).help("`ip -6 -brief address` shows on which it is")
            }
            ScopeError::NoAddress | ScopeError::NotLinkLocal(_) | ScopeError::Unknown(..) => {
                value.fault(self.to_string())
            }
        }
    }
}

impl ScopedIp {
    /// The place at this port of it.
    pub fn at(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => SocketAddr::new(ip.into(), port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.interface).into(),
        }
    }
}

/// `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`, `fe80::1%2`.
impl FromStr for ScopedIp {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (address, interface) =
            text.split_once('%').map_or((text, None), |(address, interface)| (address, Some(interface)));
        let ip = address.parse::<IpAddr>().map_err(|_| ScopeError::NoAddress)?;
        let interface = match (ip, interface) {
            (IpAddr::V6(ip), None) if ip.is_unicast_link_local() => return Err(ScopeError::NoInterface(ip)),
            (_, None) => 0,
            (IpAddr::V6(ip), Some(name)) if ip.is_unicast_link_local() => index_of(name)?,
            (IpAddr::V6(ip), Some(_)) => return Err(ScopeError::NotLinkLocal(ip)),
            (IpAddr::V4(_), Some(_)) => return Err(ScopeError::NoAddress),
        };
        Ok(Self { ip, interface })
    }
}

/// Reads `192.0.2.1:53`, `[2001:db8::1]:53` or `[fe80::1%eth0]:53`.
///
/// # Errors
/// When it is no address with a port, or one that means nothing as it stands.
pub fn scoped_place(text: &str) -> Result<SocketAddr, ScopeError> {
    let Some((ip, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) else {
        // Without brackets only IPv4 has a port.
        return text.parse().map_err(|_| ScopeError::NoAddress);
    };
    if !ip.contains(':') || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScopeError::NoAddress);
    }
    let port = port.parse().map_err(|_| ScopeError::NoAddress)?;
    Ok(ip.parse::<ScopedIp>()?.at(port))
}

/// Reads the address of a host, with a port as [`scoped_place`] does or without: then it is the usual one.
///
/// # Errors
/// When it is no address, or one that means nothing as it stands.
pub fn scoped_host(text: &str, usual_port: u16) -> Result<SocketAddr, ScopeError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<ScopedIp>() {
        Ok(ip) => Ok(ip.at(usual_port)),
        Err(ScopeError::NoAddress) => scoped_place(text),
        Err(error) => Err(error),
    }
}

/// The number of an interface, by its name or written as a number.
fn index_of(name: &str) -> Result<u32, ScopeError> {
    if let Some(number) = name.parse().ok().filter(|number| *number != 0) {
        return Ok(number);
    }
    // The kernel looks interfaces up through any socket.
    let found = Socket::new(Domain::UNIX, Type::DGRAM, None)
        .and_then(|socket| name_to_index(&socket, name).map_err(io::Error::from));
    found.map_err(|error| match error.raw_os_error() {
        // A text that is too long for the name of an interface names none, and neither does the empty one.
        Some(libc::ENODEV | libc::ENAMETOOLONG | libc::EINVAL) => {
            ScopeError::NoSuchInterface(name.to_owned())
        }
        _ => ScopeError::Unknown(name.to_owned(), error),
    })
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeError::NoAddress => f.write_str("no address"),
            ScopeError::NoInterface(ip) => {
                write!(f, "`{ip}` is link-local, and means nothing without its interface: `{ip}%eth0`")
            }
            ScopeError::NotLinkLocal(ip) => write!(f, "`{ip}` is not link-local: it has no interface"),
            ScopeError::NoSuchInterface(name) => write!(f, "this host has no interface `{name}` now"),
            ScopeError::Unknown(name, error) => {
                write!(f, "the interface `{name}` cannot be looked up: {error}")
            }
        }
    }
}

impl std::error::Error for ScopeError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match scoped_place(text) {
            Ok(place) => place.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_link_local_address_has_its_interface_by_name_or_by_number() {
        let lo = index_of("lo").unwrap();
        assert_eq!(read("[fe80::1%lo]:53"), format!("[fe80::1%{lo}]:53"));
        assert_eq!(read("[fe80::1%7]:53"), "[fe80::1%7]:53");
        assert_eq!(read("[2001:db8::1]:53"), "[2001:db8::1]:53");
        assert_eq!(read("192.0.2.1:53"), "192.0.2.1:53");
        // IPv4 routes its link-local addresses by the table.
        assert_eq!(read("169.254.1.1:53"), "169.254.1.1:53");
    }

    #[test]
    fn what_means_nothing_says_why() {
        assert!(read("[fe80::1]:53").contains("means nothing without its interface"));
        assert!(read("[2001:db8::1%lo]:53").contains("is not link-local"));
        for none in ["nonesuch", "a name that is too long", "0", ""] {
            let error = read(&format!("[fe80::1%{none}]:53"));
            assert!(error.contains("has no interface `"), "{none:?}: {error}");
        }
        for text in [
            "",
            "fe80::1%lo",
            "[fe80::1%lo]",
            "[192.0.2.1]:53",
            "192.0.2.1%lo:53",
            "[::1]:+53",
            "[::1]:65536",
        ] {
            assert_eq!(read(text), "no address", "{text}");
        }
    }
}

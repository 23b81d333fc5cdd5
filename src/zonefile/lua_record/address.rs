//! Addresses in LUA records: how they are written, and where they are tested.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::probe::{Port, ProbeKind};
use crate::source::Span;
use crate::zone::{AddressFamily, TestedName};

/// How addresses of a family are written.
pub(super) fn forms(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::Ipv4 => "write it as '192.0.2.1', or with a port of its own as '192.0.2.1:8443'",
        AddressFamily::Ipv6 => "write it as '2001:db8::1', or with a port of its own as '[2001:db8::1]:8443'",
    }
}

/// An address as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenAddress {
    pub(super) address: IpAddr,
    /// Overrides the port of the function.
    pub(super) port: Option<Port>,
    pub(super) span: Span,
}

/// A member to be, and what is tested for it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) address: IpAddr,
    /// Where that is.
    pub(super) at: At,
    pub(super) kind: ProbeKind,
    pub(super) span: Span,
}

/// Where a member is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At its own address.
    Itself,
    /// At another one.
    Address(IpAddr),
    /// At those of a name.
    Name(TestedName),
}

/// The address, and the text of the port behind it: `192.0.2.1:8443`, `[2001:db8::1]:8443`.
pub(super) fn split_port(text: &str) -> Option<(IpAddr, Option<&str>)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']')?;
        let address = address.parse::<Ipv6Addr>().ok()?.into();
        return match behind {
            "" => Some((address, None)),
            _ => Some((address, Some(behind.strip_prefix(':')?))),
        };
    }
    if let Ok(address) = text.parse() {
        return Some((address, None));
    }
    let (address, port) = text.split_once(':')?;
    Some((address.parse::<Ipv4Addr>().ok()?.into(), Some(port)))
}

pub(super) fn read_port(text: &str) -> Option<Port> {
    // Rust reads "+80" too.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).and_then(Port::new)
}

//! Addresses with ports, to listen on.
//!
//! Says what is wrong with one, and the remedy.

use std::net::{IpAddr, SocketAddr};

use crate::setting::Value;
use crate::source::Diagnostic;
use crate::transport::{ScopeError, ScopedIp, scoped_place};

/// An address with a port that can be asked. Where the port is missing, `usual_port` is suggested.
pub(super) fn socket_address(value: Value<'_>, usual_port: u16) -> Result<SocketAddr, Diagnostic> {
    let text = value.text()?;
    let address = match scoped_place(text) {
        Ok(address) => address,
        Err(ScopeError::NoAddress) => {
            let (message, help) = why_no_address(text, usual_port);
            return Err(value.fault(message).help(help));
        }
        Err(error) => return Err(error.fault(value)),
    };
    if address.port() == 0 {
        return Err(value.fault("port 0 cannot be asked").help(with_port(address.ip(), usual_port)));
    }
    if let IpAddr::V6(ip) = address.ip()
        && let Some(mapped) = ip.to_ipv4_mapped()
    {
        // IPv6 sockets are IPv6 only, so this one would never be asked.
        let help = format!("write \"{}\"", SocketAddr::from((mapped, address.port())));
        return Err(value.fault(format!("`{ip}` is an IPv4 address mapped into IPv6")).help(help));
    }
    Ok(address)
}

/// Whether a socket at `taken` that shares its port with nobody leaves none at `wanted`.
pub(super) fn stands_in_the_way(taken: SocketAddr, wanted: SocketAddr) -> bool {
    let (held, asked) = (taken.ip(), wanted.ip());
    let of_all = |one: IpAddr, other: IpAddr| one.is_unspecified() && one.is_ipv4() == other.is_ipv4();
    taken.port() == wanted.port() && (held == asked || of_all(held, asked) || of_all(asked, held))
}

/// What is wrong with a text that is no address with a port, and the remedy.
fn why_no_address(text: &str, usual_port: u16) -> (String, String) {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return (format!("`{text}` has no port"), with_port(ip, usual_port));
    }
    if bare.contains('%') && !matches!(bare.parse::<ScopedIp>(), Err(ScopeError::NoAddress)) {
        return (format!("`{text}` has no port"), format!("write \"[{bare}]:{usual_port}\""));
    }
    if let Some((host, port)) = text.rsplit_once(':') {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = host.parse::<IpAddr>() {
            return (format!("`{port}` is not a port: 1 to 65535"), with_port(ip, usual_port));
        }
        if let (true, Ok(port)) = (matches!(host, "" | "*"), port.parse::<u16>()) {
            return (
                format!("`{text}` names no address"),
                format!("for all addresses write \"0.0.0.0:{port}\" and \"[::]:{port}\""),
            );
        }
    }
    (
        format!("`{text}` is not an address with a port"),
        format!(
            "write it as \"192.0.2.1:{usual_port}\" or \"[2001:db8::1]:{usual_port}\"; names are not looked up"
        ),
    )
}

fn with_port(ip: IpAddr, usual_port: u16) -> String {
    format!("write \"{}\"", SocketAddr::from((ip, usual_port)))
}

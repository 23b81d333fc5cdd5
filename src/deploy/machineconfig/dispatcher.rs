//! The NetworkManager dispatcher script for a node: its own address first in resolv.conf.
//!
//! Fills the addresses into the script, which is `systemd/99-edgedns`.

use std::net::{IpAddr, SocketAddr};

use super::error::Error;
use super::node_file::{Mode, NodeFile, NodePath};
use crate::source::{Diagnostic, Severity};

/// Where NetworkManager looks for it.
pub(super) const PATH: &str = "/etc/NetworkManager/dispatcher.d/99-edgedns";

const SCRIPT: &str = include_str!("../../../systemd/99-edgedns");

/// The line of the script that says where edgedns listens.
const LISTEN: &str = "readonly LISTEN=\"\"";

/// The only port that resolv.conf can mean.
const DNS_PORT: u16 = 53;

/// The script for nodes that listen like this.
///
/// # Errors
///
/// When resolv.conf can have none of the addresses.
pub(super) fn file(listen: &[SocketAddr]) -> Result<NodeFile, Error> {
    let places = listen.iter().filter(|place| place.port() == DNS_PORT && !place.ip().is_loopback());
    let addresses: Vec<String> =
        places.map(SocketAddr::ip).map(|address: IpAddr| address.to_string()).collect();
    if addresses.is_empty() {
        return Err(Error::NoNodeAddress);
    }
    let line = format!("readonly LISTEN=\"{}\"", addresses.join(" "));
    let bytes = SCRIPT.replacen(LISTEN, &line, 1).into_bytes();
    Ok(NodeFile { path: NodePath::known(PATH), mode: Mode::Script, bytes })
}

/// What it changes for the whole node.
pub(super) fn remark() -> Diagnostic {
    let message = "with --dispatcher every look-up of a node comes to edgedns, and so do those of its pods";
    Diagnostic::placeless(Severity::Note, message).remark(
        "names that edgedns neither serves nor forwards are refused; a node then asks the next name server, \
         cluster DNS tells its pods that it failed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(places: &[&str]) -> Vec<SocketAddr> {
        places.iter().map(|place| place.parse().unwrap()).collect()
    }

    #[test]
    fn the_script_knows_where_edgedns_listens() {
        let file = file(&listen(&["127.0.0.1:53", "192.0.2.13:53", "[2001:db8::13]:53", "192.0.2.14:5353"]))
            .unwrap();
        let text = String::from_utf8(file.bytes).unwrap();
        assert!(text.contains("\nreadonly LISTEN=\"192.0.2.13 2001:db8::13\"\n"), "{text}");
        assert_eq!(text.matches("readonly LISTEN=").count(), 1);
    }

    #[test]
    fn what_listens_on_loopback_alone_is_no_name_server_of_a_node() {
        assert_eq!(file(&listen(&["127.0.0.1:53", "192.0.2.13:5353"])), Err(Error::NoNodeAddress));
    }
}

//! Whether the host has the addresses it is to listen on.

use std::net::IpAddr;

use super::finding::{Finding, Grade, listed};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "addresses";

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let addresses: Vec<IpAddr> = wanted.listen.iter().map(|place| place.ip()).collect();
    if addresses.iter().any(|address| address.is_unspecified()) {
        return vec![Finding::new(SUBJECT, Grade::Fine, "every address of the host is listened at")];
    }
    if host.own.is_empty() {
        let message = "the addresses of this host cannot be read";
        return vec![Finding::new(SUBJECT, Grade::Warning, message).help("compare with `ip -brief address`")];
    }
    let is_own = |address: &&IpAddr| host.own.contains(address);
    let (outward, own): (Vec<&IpAddr>, Vec<&IpAddr>) = {
        let outward: Vec<&IpAddr> = addresses.iter().filter(|address| !address.is_loopback()).collect();
        let own = outward.iter().copied().filter(is_own).collect();
        (outward, own)
    };
    let strange: Vec<&IpAddr> = outward.iter().copied().filter(|address| !is_own(address)).collect();
    if outward.is_empty() {
        let message = "edgedns is to listen on loopback alone: other nodes and pods cannot ask it";
        return vec![
            Finding::new(SUBJECT, Grade::Warning, message).help("add the node's own address to `listen`"),
        ];
    }
    if own.is_empty() {
        let message = format!("this host has none of the addresses to listen at: {}", listed(strange));
        let has = host.own.iter().filter(|address| is_reachable(**address));
        return vec![
            Finding::new(SUBJECT, Grade::Error, message)
                .note("edgedns starts anyway and listens in case they come; until then no client reaches it")
                .note(format!("it has {}", listed(has)))
                .help("write one of those into `[server] listen`, or leave `listen` out to take them all"),
        ];
    }
    let mut found = vec![Finding::new(SUBJECT, Grade::Fine, format!("this host has {}", listed(own)))];
    if !strange.is_empty() {
        let message = format!("of other hosts, or yet to come: {}", listed(strange));
        found.push(Finding::new(SUBJECT, Grade::Fine, message));
    }
    found
}

/// Whether others can reach it without saying through which interface.
fn is_reachable(address: IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !address.is_loopback() && !is_link_local
}

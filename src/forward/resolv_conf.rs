//! The system's upstreams: `nameserver` lines of resolv.conf(5).
//!
//! Responsible for reading them, and for noticing that the file is another
//! one: it is replaced, its link is changed, or its text is.
//! Not responsible for which of them is this server itself.

use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::settings::{Protocol, UpstreamAddress};

/// Longest file that is read, in bytes; a real one has a few hundred.
const FILE_BYTES_MAX: usize = 64 << 10;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// What tells one state of a file from another, through links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    /// Of the file as it is now; a missing one has a stamp, too.
    pub(super) fn of(path: &Path) -> Self {
        Self(
            fs::metadata(path)
                .ok()
                .map(|file| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec())),
        )
    }
}

/// The upstreams in a file, in its order; none where it cannot be read.
pub(super) fn read(path: &Path) -> Vec<UpstreamAddress> {
    match fs::read(path) {
        Ok(text) => upstreams_in(&text),
        Err(error) => {
            tracing::warn!("{}: {error}", path.display());
            Vec::new()
        }
    }
}

/// The upstreams that the text of a resolv.conf(5) names, in its order, each
/// once. What is no address is left out, as every resolver does.
pub fn upstreams_in(text: &[u8]) -> Vec<UpstreamAddress> {
    let mut found = Vec::new();
    let text = text.get(..text.len().min(FILE_BYTES_MAX)).unwrap_or_default();
    for line in String::from_utf8_lossy(text).lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let Some(address) = words.next().and_then(address) else { continue };
        let upstream = UpstreamAddress { address, protocol: Protocol::Plain };
        if !found.contains(&upstream) {
            found.push(upstream);
        }
    }
    found
}

/// `192.0.2.1`, `2001:db8::1`, `fe80::1%2`, or one with a port, as OpenBSD
/// writes it: `[192.0.2.1]:5353`.
fn address(word: &str) -> Option<SocketAddr> {
    if let Some(bracketed) = word.strip_prefix('[') {
        let (inner, port) = bracketed.split_once(']')?;
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port != 0)?,
            None => DNS_PORT,
        };
        return Some(SocketAddr::new(inner.parse().ok()?, port));
    }
    if let Some((ip, scope)) = word.split_once('%') {
        let ip: Ipv6Addr = ip.parse().ok()?;
        // An interface is given by its number; names would need a look-up.
        return Some(SocketAddrV6::new(ip, DNS_PORT, 0, scope.parse().ok()?).into());
    }
    Some(SocketAddr::new(word.parse::<IpAddr>().ok()?, DNS_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        upstreams_in(text.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn name_servers_are_read_in_their_order_and_each_once() {
        let text = "# by NetworkManager\nsearch lab.example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \
                    # second\noptions edns0\nnameserver 192.0.2.1\n nameserver fe80::1%2\n";
        assert_eq!(shown(text), ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%2]:53"]);
    }

    #[test]
    fn a_port_may_stand_behind_brackets() {
        assert_eq!(shown("nameserver [127.0.0.5]:5353\nnameserver [::1]"), ["127.0.0.5:5353", "[::1]:53"]);
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        assert!(
            shown("nameserver dns.example\nnameserver\nnameserver [::1]:x\nnameserverx 192.0.2.1").is_empty()
        );
    }

    #[test]
    fn a_file_that_is_replaced_or_goes_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resolv.conf");
        let missing = Stamp::of(&path);
        fs::write(&path, "nameserver 192.0.2.1\n").unwrap();
        let first = Stamp::of(&path);
        fs::write(folder.path().join("other"), "nameserver 192.0.2.2\n").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        let second = Stamp::of(&path);
        assert!(missing != first && first != second && second != missing);
        assert_eq!(second, Stamp::of(&path));
    }
}

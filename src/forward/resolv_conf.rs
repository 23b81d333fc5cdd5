//! The system's upstreams: `nameserver` lines of resolv.conf(5).
//!
//! Reads them, and notices a change of the file: it is replaced, its link is changed, or its text is.

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::requestor::{Protocol, Remote};
use crate::source::{open_regular, patiently_for};
use crate::transport::{ScopeError, ScopedIp};

/// Longest file that is read, in bytes; a real one has a few hundred.
const FILE_BYTES_MAX: usize = 64 << 10;

/// Longest wait for the file: it is local, and other work waits meanwhile.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// The keyword of a name server.
const NAME_SERVER: &str = "nameserver";

/// The others that some system knows: resolv.conf(5) of Linux, the BSDs and macOS.
const KEYWORDS: &[&str] = &[
    "domain",
    "family",
    "interface",
    "lookup",
    "options",
    "port",
    "search",
    "search_order",
    "sortlist",
    "timeout",
];

/// What distinguishes one state of a file from another, through links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    /// Of the file as it is now; a missing one has a stamp, too.
    pub(super) fn of(path: &Path) -> Self {
        let named = path.to_owned();
        Self(
            patiently_for(path, WAIT_MAX, move |_| fs::metadata(named))
                .ok()
                .map(|file| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec())),
        )
    }
}

/// What a resolv.conf(5) says of name servers.
#[derive(Debug, Default)]
pub struct ResolvConf {
    /// The upstreams that it names, in its order, each once.
    pub upstreams: Vec<Remote>,
    /// What it says besides that is not understood.
    pub passed_over: Vec<PassedOver>,
}

/// A line that is not understood, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Which, from 1.
    pub line: usize,
    /// Where it is in the file, in bytes.
    pub bytes: Range<usize>,
    /// Why it names no upstream.
    pub why: String,
}

/// The upstreams in a file, in its order; none if it cannot be read. Logs each line that is passed over.
pub(super) fn read(path: &Path) -> Vec<Remote> {
    let named = path.to_owned();
    let read = patiently_for(path, WAIT_MAX, move |_| {
        let mut text = Vec::new();
        // A pipe would wait for its other end. One byte more shows that there are more.
        open_regular(&named)?.0.take((FILE_BYTES_MAX as u64).saturating_add(1)).read_to_end(&mut text)?;
        Ok(text)
    });
    match read {
        Ok(text) => {
            let ResolvConf { upstreams, passed_over } = ResolvConf::of(&text);
            for PassedOver { line, why, .. } in passed_over {
                tracing::warn!("{}:{line}: {why}", path.display());
            }
            upstreams
        }
        Err(error) => {
            tracing::warn!("{}: {error}", path.display());
            Vec::new()
        }
    }
}

/// The upstreams that the text of a resolv.conf(5) names, in its order, each once.
#[cfg(feature = "fuzzing")]
pub fn upstreams_in(text: &[u8]) -> Vec<Remote> {
    ResolvConf::of(text).upstreams
}

impl ResolvConf {
    /// Reads the text of one.
    pub fn of(text: &[u8]) -> Self {
        let mut read = Self::default();
        let mut start = 0_usize;
        for (number, bytes) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            let end = start.saturating_add(bytes.trim_ascii_end().len());
            let place = start..end;
            start = start.saturating_add(bytes.len());
            if end > FILE_BYTES_MAX {
                let why =
                    format!("a resolv.conf has at most {FILE_BYTES_MAX} bytes: what follows is not read");
                read.passed_over.push(PassedOver { line: number, bytes: place, why });
                break;
            }
            let (address, why) = name_server(&String::from_utf8_lossy(bytes));
            let upstream = address.map(|address| Remote { address, protocol: Protocol::Udp });
            read.upstreams.extend(upstream.filter(|upstream| !read.upstreams.contains(upstream)));
            read.passed_over.extend(why.map(|why| PassedOver { line: number, bytes: place, why }));
        }
        read
    }
}

/// The name server of a line, if it is about one, and what of the line is not understood.
fn name_server(line: &str) -> (Option<SocketAddr>, Option<String>) {
    let mut words = line.split_whitespace();
    let is_comment = |word: &str| word.starts_with(['#', ';']);
    match words.next() {
        None => return (None, None),
        Some(NAME_SERVER) => {}
        Some(word) if is_comment(word) || KEYWORDS.contains(&word) => return (None, None),
        Some(word) => return (None, Some(format!("`{word}` is not a keyword of resolv.conf"))),
    }
    let Some(word) = words.next().filter(|word| !is_comment(word)) else {
        return (None, Some("`nameserver` names no address".to_owned()));
    };
    match address(word) {
        Err(why) => (None, Some(why)),
        Ok(address) => {
            let more = words.next().filter(|word| !is_comment(word));
            // As the C library has it.
            let more =
                more.map(|more| format!("a line names one address: `{word}` is taken, `{more}` is not"));
            (Some(address), more)
        }
    }
}

/// `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0` (RFC 4007, section 11), or one with a port, as OpenBSD writes
/// it: `[192.0.2.1]:5353`.
fn address(word: &str) -> Result<SocketAddr, String> {
    let (bare, port) = match word.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        None => (word, Some(DNS_PORT)),
        Some((bare, "")) => (bare, Some(DNS_PORT)),
        Some((bare, port)) => {
            (bare, port.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port != 0))
        }
    };
    let port = port.ok_or_else(|| format!("`{word}` has no port that can be asked"))?;
    match bare.parse::<ScopedIp>() {
        Ok(ip) => Ok(ip.at(port)),
        Err(ScopeError::NoAddress) if word.parse::<SocketAddr>().is_ok() => {
            Err(format!("`{word}`: an address with a port is written `[192.0.2.1]:5353`"))
        }
        Err(ScopeError::NoAddress) if word.contains(',') => {
            Err(format!("`{word}`: each address has a line of its own"))
        }
        Err(ScopeError::NoAddress) => Err(format!("`{word}` is not an address, and names are not looked up")),
        Err(error) => Err(error.to_string()),
    }
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
    fn a_link_local_server_is_asked_through_its_interface() {
        let lo = "fe80::1%lo".parse::<ScopedIp>().unwrap().at(53).to_string();
        assert_eq!(shown("nameserver fe80::1%lo\nnameserver [fe80::1%lo]:53\n"), [lo]);
    }

    #[test]
    fn a_line_that_is_not_understood_is_passed_over_and_says_why() {
        let text = "domain lab.example\nsearch a b\n; options\n\nnameserver 192.0.2.9 # last\n";
        let all = ResolvConf::of(text.as_bytes());
        assert_eq!((all.upstreams.len(), all.passed_over), (1, vec![]));
        for (line, why) in [
            ("nameserver dns.example", "`dns.example` is not an address"),
            ("nameserver", "names no address"),
            ("nameserver # none", "names no address"),
            ("nameserver [::1]:x", "has no port"),
            ("nameserver 10.0.0.1:53", "is written `[192.0.2.1]:5353`"),
            ("nameserver 10.0.0.1,10.0.0.2", "a line of its own"),
            ("nameserver 10.0.0.1 10.0.0.2", "`10.0.0.1` is taken, `10.0.0.2` is not"),
            ("nameserver fe80::1", "means nothing without its interface"),
            ("nameserver fe80::1%nonesuch", "has no interface `nonesuch` now"),
            ("nameserver 2001:db8::1%lo", "is not link-local"),
            ("nameservers 192.0.2.1", "`nameservers` is not a keyword"),
        ] {
            let read = ResolvConf::of(format!("# first\n{line}\nnameserver 192.0.2.9\n").as_bytes());
            let [one] = &read.passed_over[..] else { panic!("{line}: {:?}", read.passed_over) };
            assert!(one.why.contains(why), "{line}: {}", one.why);
            assert_eq!((one.line, one.bytes.clone()), (2, 8..8 + line.len()), "{line}");
            let taken = 1 + usize::from(why.contains("is taken"));
            assert_eq!(read.upstreams.len(), taken, "{line}");
        }
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

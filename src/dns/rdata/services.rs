//! Well-known services: the ports in the RDATA of WKS (RFC 1035, section 3.4.2), by name and as a bitmap.

use std::fmt::{self, Write};

use super::number;
use super::reader::Reader;
use crate::source::Diagnostic;

/// Bytes of a bitmap with all ports.
const BYTES_MAX: usize = 65_536 / 8;

/// Services by the names that RFC 1010 and its successors give them. A list of our own, because an answer
/// must not depend on the `/etc/services` of the machine that reads the zone.
const SERVICES: &[(&str, u16)] = &[
    ("tcpmux", 1),
    ("rje", 5),
    ("echo", 7),
    ("discard", 9),
    ("users", 11),
    ("systat", 11),
    ("daytime", 13),
    ("netstat", 15),
    ("quote", 17),
    ("qotd", 17),
    ("msp", 18),
    ("chargen", 19),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("rlp", 39),
    ("graphics", 41),
    ("nameserver", 42),
    ("nicname", 43),
    ("whois", 43),
    ("tacacs", 49),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("gopher", 70),
    ("finger", 79),
    ("http", 80),
    ("www", 80),
    ("kerberos", 88),
    ("supdup", 95),
    ("hostnames", 101),
    ("hostname", 101),
    ("iso-tsap", 102),
    ("x400", 103),
    ("x400-snd", 104),
    ("pop2", 109),
    ("pop3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("sftp", 115),
    ("uucp-path", 117),
    ("nntp", 119),
    ("ntp", 123),
    ("netbios-ns", 137),
    ("netbios-dgm", 138),
    ("netbios-ssn", 139),
    ("imap", 143),
    ("imap2", 143),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("bgp", 179),
    ("irc", 194),
    ("ldap", 389),
    ("https", 443),
    ("exec", 512),
    ("login", 513),
    ("shell", 514),
    ("syslog", 514),
    ("printer", 515),
    ("talk", 517),
    ("route", 520),
    ("uucp", 540),
];

/// Reads all words that are left as ports, in any order.
pub(super) fn read(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let at = reader.out.len();
    while !reader.rest.is_empty() {
        let token = reader.word(what)?;
        let port = number::named(what, &token, SERVICES, u64::from(u16::MAX))?;
        // Not above 65,535, so it is a port.
        let port = usize::from(u16::try_from(port).unwrap_or(0));
        let byte = at + port / 8;
        if reader.out.len() <= byte {
            reader.out.resize(byte + 1, 0);
        }
        if let Some(bits) = reader.out.get_mut(byte) {
            *bits |= 0x80 >> (port % 8);
        }
    }
    Ok(())
}

/// Whether these bytes are a bitmap, not longer than it must be.
pub(super) fn fit(bytes: &[u8]) -> bool {
    bytes.len() <= BYTES_MAX && bytes.last() != Some(&0)
}

/// Writes the numbers of the ports, separated by blanks.
pub(super) fn write(bytes: &[u8], out: &mut String) -> fmt::Result {
    let mut blank = "";
    for (place, &bits) in bytes.iter().enumerate() {
        for bit in (0..8).filter(|bit| bits & 0x80 >> bit != 0) {
            write!(out, "{blank}{}", place * 8 + bit)?;
            blank = " ";
        }
    }
    Ok(())
}

//! Broken, unusual and hostile messages: whether there is a response, and its rcode and flags. Its records
//! are not compared.

use std::fmt;

use super::peers_are_installed;
use super::server::{Kind, Server};
use super::zone::{Data, Kin, Pair, Planted, Record, Which};

/// A message and what is odd about it.
struct Odd {
    what: &'static str,
    message: Vec<u8>,
    answer: Expected,
}

/// Which of the peers a response must be like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// NSD and Knot alike: if they differ, this list is wrong.
    Both,
    /// NSD, for the reason given.
    Nsd(&'static str),
    /// Knot, for the reason given.
    Knot(&'static str),
    /// Neither, but this RCODE, for the reason given.
    Rcode(u16, &'static str),
}

/// What of a response is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Silence,
    Response {
        rcode: u16,
        opcode: u8,
        authoritative: bool,
        truncated: bool,
        recursion_desired: bool,
        answers: bool,
    },
}

#[test]
fn odd_messages_are_answered_as_the_peers_answer_them() {
    if !peers_are_installed() {
        return;
    }
    let record = |owner, data| Record { zone: Which::First, owner, data };
    let pair = Pair::new(Kin::Sibling, &[record(vec!["a"], Data::A(1)), record(vec!["b"], Data::Txt(1))]);
    let planted = [Planted { pair: &pair, index: 0 }];
    let [nsd, knot, ours] = [Kind::Nsd, Kind::Knot, Kind::Edgedns].map(|kind| kind.serve(&planted));
    let ask = |server: &Server, odd: &Odd| Head::read(server.ask_raw(&odd.message).as_deref());
    let mut faults = Vec::new();
    for odd in odd_messages() {
        let [nsd, knot, ours] = [&nsd, &knot, &ours].map(|server| ask(server, &odd));
        let (right, why) = match odd.answer {
            Expected::Both => (nsd == knot && ours == nsd, "both"),
            Expected::Nsd(why) => (ours == nsd, why),
            Expected::Knot(why) => (ours == knot, why),
            Expected::Rcode(wanted, why) => (ours.rcode() == Some(wanted), why),
        };
        if !right {
            faults
                .push(format!("{} ({why}):\n  NSD     {nsd}\n  Knot    {knot}\n  edgedns {ours}", odd.what));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

impl Head {
    fn read(response: Option<&[u8]>) -> Self {
        let Some(response) = response else { return Head::Silence };
        let [flags_high, flags_low] = [response[2], response[3]];
        Head::Response {
            rcode: extended_rcode(response) << 4 | u16::from(flags_low & 0xf),
            opcode: flags_high >> 3 & 0xf,
            authoritative: flags_high & 4 != 0,
            truncated: flags_high & 2 != 0,
            recursion_desired: flags_high & 1 != 0,
            answers: response[7] > 0,
        }
    }

    fn rcode(self) -> Option<u16> {
        match self {
            Head::Silence => None,
            Head::Response { rcode, .. } => Some(rcode),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head::Response { rcode, opcode, authoritative, truncated, recursion_desired, answers } = *self
        else {
            return out.write_str("silence");
        };
        write!(out, "rcode {rcode} opcode {opcode}")?;
        let flags =
            [(authoritative, "AA"), (truncated, "TC"), (recursion_desired, "RD"), (answers, "records")];
        flags.iter().filter(|(set, _)| *set).try_for_each(|(_, flag)| write!(out, " {flag}"))
    }
}

/// The upper bits of the RCODE, from an OPT record that ends the response.
fn extended_rcode(response: &[u8]) -> u16 {
    // Root, type 41, payload size, extended RCODE, version, flags, no options: as every server here writes it.
    match response.last_chunk::<11>() {
        Some([0, 0, 41, _, _, extended, _, _, _, 0, 0]) => u16::from(*extended),
        _ => 0,
    }
}

/// A query for `a.z0.test. A`, from its parts.
struct Parts {
    flags: u16,
    counts: [u16; 4],
    qname: Vec<u8>,
    qtype: u16,
    qclass: u16,
    rest: Vec<u8>,
}

impl Parts {
    fn usual() -> Self {
        let qname = b"\x01a\x02z0\x04test\0".to_vec();
        Self { flags: 0, counts: [1, 0, 0, 0], qname, qtype: 1, qclass: 1, rest: Vec::new() }
    }

    fn message(&self) -> Vec<u8> {
        let mut message = vec![0x12, 0x34];
        message.extend(self.flags.to_be_bytes());
        message.extend(self.counts.iter().flat_map(|count| count.to_be_bytes()));
        message.extend(&self.qname);
        message.extend(self.qtype.to_be_bytes());
        message.extend(self.qclass.to_be_bytes());
        message.extend(&self.rest);
        message
    }
}

fn with(what: &'static str, answer: Expected, change: impl FnOnce(&mut Parts)) -> Odd {
    let mut parts = Parts::usual();
    change(&mut parts);
    Odd { what, message: parts.message(), answer }
}

fn with_opt(what: &'static str, answer: Expected, opt: &[u8]) -> Odd {
    with(what, answer, |parts| {
        parts.counts[3] = 1;
        parts.rest = opt.to_vec();
    })
}

fn odd_messages() -> Vec<Odd> {
    [headers(), questions(), sections(), options(), cut_short()].into_iter().flatten().collect()
}

fn headers() -> Vec<Odd> {
    use Expected::{Both, Knot};
    let flags = |what, answer, flags| with(what, answer, |parts| parts.flags = flags);
    let mut odd = vec![
        flags("QR is set", Both, 0x8000),
        flags("RD is set", Both, 0x0100),
        flags("AA is set", Both, 0x0400),
        flags("TC is set", Both, 0x0200),
        flags("RA is set", Both, 0x0080),
        flags("Z is set", Both, 0x0040),
        flags("AD and CD are set", Both, 0x0030),
        flags("an RCODE is set", Knot("BIND and Knot ignore it"), 0x0003),
        flags("opcode IQUERY", Both, 1 << 11),
        flags("opcode STATUS", Both, 2 << 11),
        flags("opcode 3", Both, 3 << 11),
        flags("opcode DSO", Both, 6 << 11),
        flags("opcode 15", Both, 15 << 11),
    ];
    let notify = |parts: &mut Parts| {
        (parts.flags, parts.qname, parts.qtype) = (4 << 11, b"\x07example\0".to_vec(), 6);
    };
    let not_copied = Knot("NOTAUTH: the zone is not copied here; NSD says NXDOMAIN");
    odd.push(with("NOTIFY for a zone that is not ours", not_copied, notify));
    odd
}

fn questions() -> Vec<Odd> {
    use Expected::{Both, Nsd, Rcode};
    let qtype = |what, answer, qtype| with(what, answer, |parts| parts.qtype = qtype);
    let qclass = |what, answer, qclass| with(what, answer, |parts| parts.qclass = qclass);
    let qname = |what, answer, qname: &[u8]| with(what, answer, |parts| parts.qname = qname.to_vec());
    let broken = Nsd("FORMERR, as BIND; Knot is silent");
    let long = |last: u8| {
        let mut name = [&[63][..], &[b'a'; 63]].concat().repeat(3);
        name.push(last);
        name.extend(vec![b'a'; usize::from(last)]);
        name.push(0);
        name
    };
    let chaos = |what, answer, name: &[u8], qtype| {
        with(what, answer, |parts| (parts.qname, parts.qtype, parts.qclass) = (name.to_vec(), qtype, 3))
    };
    vec![
        qtype("AXFR over UDP", Rcode(5, "REFUSED, as over TCP, and as BIND"), 252),
        qtype("IXFR over UDP", Rcode(5, "REFUSED, as BIND"), 251),
        qtype("MAILA", Both, 254),
        qtype("OPT as QTYPE", Both, 41),
        qtype("TSIG as QTYPE", Both, 250),
        qtype("QTYPE 0", Nsd("NODATA, as BIND"), 0),
        qtype("QTYPE 65535", Both, 65_535),
        qclass("class CH for a name of ours", Both, 3),
        qclass("class HS", Both, 4),
        qclass("class NONE", Both, 254),
        qclass("class 0", Both, 0),
        chaos("version.bind", Both, b"\x07version\x04bind\0", 16),
        chaos("version.bind A", Both, b"\x07version\x04bind\0", 1),
        chaos("a CHAOS name nobody knows", Both, b"\x03foo\x04bind\0", 16),
        qname("the root", Both, b"\0"),
        qname("a name that is not ours", Both, b"\x07example\0"),
        qname("a NUL in a label", Both, b"\x03a\0b\x02z0\x04test\0"),
        qname("a name of 255 octets", Both, &long(61)),
        qname("a name of 256 octets", broken, &long(62)),
        qname("a pointer to itself", broken, b"\xc0\x0c"),
        qname("a pointer into the header", broken, b"\x01a\xc0\x00"),
        qname("a label of type 0x40", broken, &[b"\x41", &[b'a'; 65][..], b"\0"].concat()),
        qname("a label of type 0x80", broken, b"\x81a\0"),
    ]
}

fn sections() -> Vec<Odd> {
    use Expected::{Both, Knot, Nsd};
    let record = b"\x01a\x02z0\x04test\0\0\x01\0\x01\0\0\0\x05\0\x04\x01\x02\x03\x04".to_vec();
    let counts = |what, answer, counts, rest: Vec<u8>| {
        with(what, answer, |parts| (parts.counts, parts.rest) = (counts, rest))
    };
    let accepted = Knot("answered, as BIND");
    vec![
        counts(
            "two questions",
            Nsd("FORMERR, as BIND; Knot is silent"),
            [2, 0, 0, 0],
            b"\0\0\x01\0\x01".to_vec(),
        ),
        counts("a record in the answer section", accepted, [1, 1, 0, 0], record.clone()),
        counts("a record in the authority section", accepted, [1, 0, 1, 0], record.clone()),
        counts("a record in the additional section", accepted, [1, 0, 0, 1], record.clone()),
        counts("a record before OPT", accepted, [1, 0, 0, 2], [&record[..], OPT].concat()),
        counts("a record announced and not there", Both, [1, 0, 0, 1], Vec::new()),
        counts("an answer announced and not there", Both, [1, 1, 0, 0], Vec::new()),
        counts("OPT in the answer section", Both, [1, 1, 0, 0], OPT.to_vec()),
        counts("OPT in the authority section", Both, [1, 0, 1, 0], OPT.to_vec()),
        counts("two OPT records", Both, [1, 0, 0, 2], [OPT, OPT].concat()),
        counts("bytes behind the message", Nsd("ignored, as BIND"), [1, 0, 0, 0], b"abc".to_vec()),
        counts(
            "a broken TSIG record",
            Both,
            [1, 0, 0, 1],
            b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x04abcd".to_vec(),
        ),
    ]
}

/// Root, OPT, 1232 octets, no extended RCODE, version 0, no flags, no options.
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";

fn options() -> Vec<Odd> {
    use Expected::{Both, Nsd, Rcode};
    let opt = |size: u16, rest: &[u8]| [b"\0\0\x29", &size.to_be_bytes()[..], rest].concat();
    let cookie = |len: u8| {
        let data = vec![7; usize::from(len)];
        opt(1232, &[&[0, 0, 0, 0, 0, len + 4, 0, 10, 0, len][..], &data].concat())
    };
    let bad_cookie = Rcode(1, "RFC 7873, section 5.2.2: FORMERR, as BIND");
    vec![
        with_opt("EDNS version 1", Both, b"\0\0\x29\x04\xd0\0\x01\0\0\0\0"),
        with_opt("an extended RCODE in the query", Both, b"\0\0\x29\x04\xd0\x05\0\0\0\0\0"),
        with_opt("every EDNS flag", Both, b"\0\0\x29\x04\xd0\0\0\xff\xff\0\0"),
        with_opt("a payload size of 0", Both, &opt(0, &[0; 6])),
        with_opt("a payload size of 65535", Both, &opt(65_535, &[0; 6])),
        with_opt("an option nobody knows", Both, &opt(1232, b"\0\0\0\0\0\x06\xfd\xe9\0\x02ab")),
        with_opt("an option that is longer than OPT", Both, &opt(1232, b"\0\0\0\0\0\x06\xfd\xe9\0\x20ab")),
        with_opt("an option of three bytes", Both, &opt(1232, b"\0\0\0\0\0\x03\0\0\0")),
        with_opt("OPT that is longer than the message", Both, &opt(1232, b"\0\0\0\0\0\x20")),
        with_opt(
            "OPT at a name",
            Nsd("FORMERR, as BIND: RFC 6891, section 6.1.2"),
            b"\x01x\0\0\x29\x04\xd0\0\0\0\0\0\0",
        ),
        with_opt("padding", Both, &opt(1232, b"\0\0\0\0\0\x08\0\x0c\0\x04\0\0\0\0")),
        with_opt("keepalive over UDP", Both, &opt(1232, b"\0\0\0\0\0\x04\0\x0b\0\0")),
        with_opt("a client cookie", Both, &cookie(8)),
        with_opt("a server cookie that is not ours", Both, &cookie(24)),
        with_opt("a cookie of 7 octets", bad_cookie, &cookie(7)),
        with_opt("a cookie of 12 octets", bad_cookie, &cookie(12)),
        with_opt("a cookie of 41 octets", bad_cookie, &cookie(41)),
    ]
}

fn cut_short() -> Vec<Odd> {
    let whole = Parts::usual().message();
    let cut = |what, answer, len| Odd { what, message: whole[..len].to_vec(), answer };
    let broken = Expected::Nsd("FORMERR, as BIND; Knot is silent");
    let mut no_question = vec![0; 12];
    no_question[0] = 1;
    vec![
        cut("one byte", Expected::Both, 1),
        cut("eleven bytes", Expected::Both, 11),
        cut("a header that promises a question", broken, 12),
        cut("half a name", broken, 15),
        cut("no class", broken, whole.len() - 2),
        Odd { what: "no question", message: no_question, answer: Expected::Both },
    ]
}

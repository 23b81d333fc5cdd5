//! Any bytes as what an upstream sends back: the client gets a response to its own question, and that
//! response says nothing the upstream did not say or must not say.
//!
//! The first byte of the input selects the transports (the client's, the upstream's) and how the message is
//! made (`made_message`). The second selects the client's query, or is the length of a query that the input
//! holds. The rest makes the message.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use edgedns::answer::{
    CookieSecret, Counters, ForwardTable, ForwardedZone, Identity, Peer, Prefix, Reply, Snapshot, Transport,
    WorkerContext, respond,
};
use edgedns::dns::Rtype;
use edgedns::dns::message::{Extra, HEADER_BYTES, Header, Question};
use edgedns::forward::{self, Client, ForwardZone, Rebinding, Rehearsal, Upstreams, Way};
use edgedns::health::Verdict;
use edgedns::requestor::{Protocol, Remote};

use super::made_message;
use super::told::{self, Told};
use crate::invariant::{Stream, longest};
use crate::served::{CLIENT, Served, name, query};

/// Records that may follow a question, whole and in pieces, and instructions that make some.
pub(crate) const WORDS: &[&[u8]] = &[
    b"\x81\x80\0\x01\0\x01\0\0\0\0",
    b"\x81\x83\0\x01\0\0\0\x01\0\0",
    b"\x83\x80\0\x01\0\0\0\0\0\0",
    b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\xc6\x33\x64\x07",
    b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\x0a\x01\x02\x03",
    b"\xc0\x0c\0\x1c\0\x01\x7f\xff\xff\xff\0\x10\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
    b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x10",
    b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x0d\x03www\x07example\0",
    b"\xc0\x10\0\x27\0\x01\0\0\0\x3c\0\x09\x07example\0",
    b"\xc0\x0c\0\x06\0\x01\0\0\x03\x84\0\x16\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x3c",
    b"\xc0\x0c\0\x41\0\x01\0\0\x01\x2c\0\x0b\0\x01\0\0\x04\0\x04\x0a\0\0\x01",
    b"\0\0\x29\x04\xd0\0\0\x80\0\0\0",
    b"\0\0\x29\x04\xd0\x01\0\0\0\0\x06\0\x0f\0\x02\0\x12",
    b"\0\0\xfa\0\xff\0\0\0\0\0\0",
    b"\x07trusted\x04test\0",
    b"\x07example\0",
    b"\xc0\x0c",
    b"\xc0\x02",
    b"\xc0\xff",
    b"\x80\0\0\0",
    b"\xff\xff\xff\xff",
];

const OVER_TCP: u8 = 1;
const OVER_CONNECTION: u8 = 2;

/// Queries that a client may ask without having to be written out: name, type, and what follows.
const QUERIES: &[(&str, u16, &[u8])] = &[
    ("www.elsewhere.test.", 1, b""),
    ("wWw.elseWHERE.test.", 28, b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"),
    ("www.elsewhere.test.", 65, b"\0\0\x29\x02\0\0\0\0\0\0\x0c\0\x0a\0\x08cccccccc"),
    ("www.elsewhere.test.", 255, b"\0\0\x29\x10\0\0\0\0\0\0\0"),
    ("host.trusted.test.", 1, b""),
    ("alias.example.", 1, b"\0\0\x29\x04\xd0\0\0\0\0\0\0"),
    ("Deep.W.example.", 15, b""),
    ("x.d.example.", 28, b""),
    (".", 2, b"\0\0\x29\x04\xd0\0\0\0\0\0\0"),
];

/// A zone whose aliases lead outside.
const ZONE: &str = "$TTL 60\n@ SOA ns host 1 2 3 4 30\n@ NS ns\nns A 192.0.2.53\n\
    alias CNAME www.elsewhere.test.\n*.w CNAME alias\nd DNAME trusted.test.\n";

/// Names whose addresses may be private: those of our own zone, and of a zone that is not protected.
const TRUSTED: [&str; 2] = ["example.", "trusted.test."];

/// Moments at which the answer is asked for again, in seconds.
const LATER: [u64; 4] = [1, 59, 86_399, 86_401];

/// What has been sent to a client, and because of what.
struct Sent<'s> {
    client: Client<'s>,
    /// What the client was sent, as it is and taken apart.
    response: &'s [u8],
    told: Told,
    /// What the upstream has said.
    upstream: &'s Told,
    /// The name that it was asked for, in lower case.
    wanted: String,
    /// Whether somebody else is asked for what stands behind its last alias.
    leads_on: bool,
    age: Age,
}

/// How long after the upstream's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Seconds(u32),
    /// After its time.
    Stale,
}

/// A sentence, and whether it is true.
type Invariant = (&'static str, fn(&Sent<'_>) -> bool);

/// What holds for whatever is sent.
const INVARIANTS: [Invariant; 9] = [
    ("the id and the question come back as they were asked", |sent| {
        let question = question(sent.client.query);
        sent.response[..2] == sent.client.query[..2] && sent.response[HEADER_BYTES..].starts_with(question)
    }),
    ("it is a response, from a server that asks on", |sent| {
        let header = Header::read(sent.response).expect("a whole header");
        let asked = Header::read(sent.client.query).expect("a whole header");
        header.is_response() && header.opcode() == asked.opcode() && header.flags & 0x0080 != 0
    }),
    ("it is no longer than the client takes", |sent| {
        let over_stream = sent.client.peer.transport.is_stream();
        let stream = if over_stream { Stream::Connection } else { Stream::Datagram };
        sent.response.len() <= longest(sent.client.query, stream)
    }),
    ("it ends with its last record", |sent| sent.told.end == sent.response.len()),
    ("it has an OPT record where the client has one", |sent| {
        let (_, rest) = Question::read(sent.client.query).expect("a question");
        // What follows without being counted is no record.
        let counted = Header::read(sent.client.query).is_some_and(|header| header.counts[1..] != [0; 3]);
        let asked = counted && Extra::read(rest).is_some_and(|(extra, _)| extra.rtype == Rtype::OPT);
        sent.told.opts.len() == usize::from(asked) && sent.told.opts.iter().all(|opt| told::is_opt(opt))
    }),
    ("it is whole, or says that it is cut off and has nothing", |sent| {
        let truncated = sent.told.flags & Header::TC != 0;
        let empty = sent.told.sections.iter().all(Vec::is_empty);
        if truncated { empty } else { sent.is_error() || sent.is_whole() }
    }),
    ("it says nothing that the upstream has not said", |sent| {
        sent.pairs().all(|(given, said)| {
            (&given.owner, given.rtype, &given.data) == (&said.owner, said.rtype, &said.data)
        })
    }),
    ("no TTL has grown", |sent| {
        sent.pairs().all(|(given, said)| match sent.age {
            // The highest bit means 0 (RFC 2181, section 8).
            Age::Seconds(_) if said.ttl > 0x7fff_ffff => given.ttl == 0,
            // A made one is its own source.
            Age::Seconds(_) if std::ptr::eq(given, said) => true,
            Age::Seconds(age) => given.ttl <= said.ttl.saturating_sub(age),
            Age::Stale => given.ttl == 30,
        })
    }),
    ("no stranger's name leads to a private address", |sent| {
        let trusted = |owner: &str| TRUSTED.iter().any(|apex| told::is_at_or_below(owner, apex));
        let mut records = sent.told.sections.iter().flatten();
        trusted(&sent.wanted)
            || records.all(|one| trusted(&one.owner) || !one.addresses.iter().any(is_private))
    }),
];

impl Sent<'_> {
    /// Whether it is an error instead of what the upstream has said.
    fn is_error(&self) -> bool {
        matches!(self.told.flags & 0x0f, 2 | 5)
    }

    /// Records of the answer section that our zones have put there.
    fn begun(&self) -> usize {
        let begun = self.client.partial.and_then(Header::read);
        begun.map_or(0, |header| usize::from(header.counts[1]))
    }

    /// Whether the answer is all there; what adds to it may be left out.
    fn is_whole(&self) -> bool {
        let [answers, authorities, _] = &self.told.sections;
        if self.leads_on {
            let at_alias = answers.last().is_some_and(|last| last.rtype == Rtype::CNAME);
            return at_alias && authorities.is_empty();
        }
        let upstream = self.upstream.sections.iter().take(2).map(Vec::len);
        let mut sent: Vec<usize> = self.told.sections.iter().take(2).map(Vec::len).collect();
        sent[0] -= self.begun();
        upstream.eq(sent)
    }

    /// Every record that is sent on, with the one it was.
    fn pairs(&self) -> impl Iterator<Item = (&told::Record, &told::Record)> {
        let chain = self.leads_on.then(|| self.told.sections[0].iter().skip(self.begun()));
        let links = chain.into_iter().flatten().map(|given| (given, self.source(given)));
        let sections = (!self.leads_on).then(|| self.sections()).into_iter().flatten();
        links.chain(sections)
    }

    /// The record that a link of a chain was; the link itself where it is the CNAME of a DNAME that the upstream has
    /// sent alone.
    fn source<'r>(&'r self, given: &'r told::Record) -> &'r told::Record {
        let said = self.upstream.sections[0].iter();
        let same = said
            .filter(|said| (&given.owner, given.rtype, &given.data) == (&said.owner, said.rtype, &said.data));
        same.max_by_key(|said| said.ttl).unwrap_or_else(|| {
            let made = self.upstream.sections[0]
                .iter()
                .any(|said| said.rtype == Rtype::DNAME && told::is_at_or_below(&given.owner, &said.owner));
            assert!(
                made && given.rtype == Rtype::CNAME,
                "the upstream has not said {} {}",
                given.owner,
                given.data
            );
            given
        })
    }

    fn sections(&self) -> impl Iterator<Item = (&told::Record, &told::Record)> {
        let skip = [self.begun(), 0, 0];
        let given = self.told.sections.iter().zip(skip).map(|(section, ours)| section.iter().skip(ours));
        given.zip(&self.upstream.sections).flat_map(|(given, said)| given.zip(said))
    }
}

/// Panics unless the property holds.
pub(crate) fn holds(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    let transport = if how & OVER_TCP == 0 { Transport::Udp } else { Transport::Tcp };
    let way = if how & OVER_CONNECTION == 0 { Way::Datagram } else { Way::Connection };
    let Some((query, rest)) = client_query(rest) else { return };
    let peer = Peer { transport, ..CLIENT };
    let Some(begun) = forwarded(peer, &query) else { return };
    let client = Client { peer, query: &query, partial: begun.as_deref() };
    let Some(rehearsal) = Rehearsal::new(settings(), client, [7; 16]) else { return };
    let message = made_message::of(how >> 2, rehearsal.query(), rest);
    try_out(&rehearsal, &message, way, client);
}

/// Lets the upstream say it, and everybody ask.
fn try_out(rehearsal: &Rehearsal, message: &[u8], way: Way, client: Client<'_>) {
    let mut out = vec![0; room(client)];
    let Some(length) = rehearsal.take(message, way, client, &mut out) else {
        assert_eq!(rehearsal.again(Duration::ZERO, client, &mut out), None, "what is not taken is not kept");
        return;
    };
    assert!(answers(rehearsal.query(), message, way), "only a whole response to our query is taken");
    let upstream = Told::read(message);
    let (asked, _) = Question::read(rehearsal.query()).expect("a question");
    let wanted = asked.qname.to_string().to_ascii_lowercase();
    let leads_on = rehearsal.leads_on(message);
    let check = |client, response: &[u8], age| {
        let told = Told::read(response);
        let wanted = wanted.clone();
        let sent = Sent { client, response, told, upstream: &upstream, wanted, leads_on, age };
        for (invariant, holds) in INVARIANTS {
            assert!(holds(&sent), "{invariant}; {age:?}, {client:?}: {response:02x?}");
        }
    };
    check(client, &out[..length], Age::Seconds(0));
    // Somebody else asks the same over TCP, in capitals, and in a buffer with other bytes in it.
    let shouted = shouted(client.query);
    let peer = Peer { transport: Transport::Tcp, ..client.peer };
    let begun = forwarded(peer, &shouted).expect("forwarded as before");
    let second = Client { peer, query: &shouted, partial: begun.as_deref() };
    for seconds in LATER {
        let age = Age::Seconds(u32::try_from(seconds).expect("a day"));
        for client in [client, second] {
            let mut out = vec![0xff; room(client)];
            if let Some(length) = rehearsal.again(Duration::from_secs(seconds), client, &mut out) {
                check(client, &out[..length], age);
            }
        }
    }
    let after = Duration::from_secs(LATER[3]);
    for client in [client, second] {
        let mut out = vec![0xff; room(client)];
        if let Some(length) = rehearsal.serve_stale(after, client, &mut out) {
            check(client, &out[..length], Age::Stale);
        }
    }
}

/// Whether a message is a whole response to our query: seen from outside.
fn answers(query: &[u8], message: &[u8], way: Way) -> bool {
    let question = question(query);
    let header = Header::read(message).expect("a whole header");
    let same = match (way, message.get(HEADER_BYTES..HEADER_BYTES + question.len())) {
        (Way::Datagram, Some(same)) => same == question,
        // Nobody else can have sent it: the case may be the upstream's own.
        (Way::Connection, Some(same)) => same.eq_ignore_ascii_case(question),
        (_, None) => false,
    };
    let kind = header.is_response() && header.opcode().0 == 0 && header.flags & Header::TC == 0;
    same && kind && header.counts[0] == 1 && message[..2] == query[..2]
}

/// The client's query, and what follows it.
fn client_query(input: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (&which, rest) = input.split_first()?;
    if let Some(&(qname, qtype, opt)) = QUERIES.get(usize::from(which)) {
        let mut query = query(qname, qtype);
        query[11] = u8::from(!opt.is_empty());
        query.extend_from_slice(opt);
        return Some((query, rest));
    }
    let (query, rest) = rest.split_at_checked(usize::from(which))?;
    Some((query.to_vec(), rest))
}

/// What our zones have begun to answer, for a query that is forwarded; none for others.
fn forwarded(peer: Peer, query: &[u8]) -> Option<Option<Box<[u8]>>> {
    let mut scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
    let mut out = vec![0; 1232];
    match respond(server(), &mut scratch, peer, query, &mut out) {
        Reply::Forward => Some(None),
        Reply::ForwardTail { len } => Some(Some(out[..len].into())),
        Reply::Send { .. } | Reply::Drop | Reply::HandOver(_) => None,
    }
}

/// The same in capitals. Bytes of the OPT record may change, too: only the name is one.
fn shouted(query: &[u8]) -> Vec<u8> {
    let mut shouted = query.to_vec();
    let end = HEADER_BYTES + question(query).len() - 4;
    shouted[HEADER_BYTES..end].make_ascii_uppercase();
    shouted
}

/// The question of a message that has one.
pub(super) fn question(query: &[u8]) -> &[u8] {
    Question::read(query).expect("a question").0.wire
}

/// The buffer that a transport has for a response.
fn room(client: Client<'_>) -> usize {
    if client.peer.transport.is_stream() { usize::from(u16::MAX) } else { edgedns::answer::UDP_PAYLOAD_MAX }
}

/// Addresses that lead to this host or into networks behind it, as others list them.
fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || first == 0
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            let mapped = ip.to_ipv4_mapped().is_some_and(|ip| is_private(&IpAddr::V4(ip)));
            mapped || ip.to_bits() < 2 || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}

fn settings() -> forward::Settings {
    let zone = |apex: &str, rebinding| {
        let upstream = Remote { address: SocketAddr::from(([192, 0, 2, 1], 53)), protocol: Protocol::Udp };
        ForwardZone { rebinding, ..ForwardZone::new(name(apex), Upstreams::Listed(vec![upstream])) }
    };
    forward::Settings {
        zones: vec![zone(".", Rebinding::Refused), zone(TRUSTED[1], Rebinding::Allowed)],
        cookies: Some(CookieSecret::new([7; 16])),
        own_zones: vec![name(TRUSTED[0])],
        ..forward::Settings::default()
    }
}

fn server() -> &'static Snapshot {
    static SERVER: OnceLock<Snapshot> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut served = Served::default();
        served.add("example.", ZONE, |_| Vec::new());
        let everything = ForwardedZone { apex: name("."), allow: vec![Prefix::around(CLIENT.address, 8)] };
        let mut snapshot = served.snapshot(Identity::default(), |_| Verdict::Up);
        snapshot.forward = ForwardTable::new([everything]).map(Arc::new);
        snapshot
    })
}

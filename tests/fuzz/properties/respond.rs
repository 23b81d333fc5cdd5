//! Any bytes as a query: the response, if there is one, is a message that answers it.
//!
//! The lowest bit of the first byte selects TCP, the next one a rate limit; the rest is the query.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use edgedns::answer::{
    CookieSecret, Counters, Identity, Peer, RateLimit, Snapshot, Transport, UDP_PAYLOAD_MAX, WorkerContext,
};
use edgedns::health::Verdict;
use hickory_proto::op::Message;

use crate::invariant::{self, Stream};
use crate::served::{self, CLIENT, Served};

/// Every kind of record and name that is answered in a way of its own.
const ZONE: &str = r#"
$TTL 60
@ SOA ns host 1 2 3 4 30
@ NS ns
ns A 192.0.2.53
ns AAAA 2001:db8::53
*.w A 192.0.2.1
x.ent.w TXT "x"
mx MX 5 ns
_x._tcp SRV 0 0 1 api
s HTTPS 1 api alpn=h2
api LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
api LUA AAAA "ifportup(1, {'2001:db8::1', '2001:db8::2'})"
one LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'}, {selector='random'})"
none LUA A "ifportup(2, {'192.0.2.1'}, {backupSelector='empty'})"
fails LUA A "ifportup(3, {'192.0.2.1'}, {failOnIncompleteCheck='true'})"
*.apps LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
alias CNAME api
*.alias CNAME api.d
nowhere CNAME missing
d DNAME t
api.t LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
*.w.t LUA A "ifportup(1, {'192.0.2.3'})"
sub.t NS ns.sub.t
ns.sub.t A 192.0.2.54
loop DNAME x.loop
sub NS ns.sub
sub DS 1 8 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ns.sub A 192.0.2.54
$GENERATE 1-99 big A 192.0.2.$
$GENERATE 1-30 *.many A 192.0.2.$
$GENERATE 1-500 huge MX $ host-$.some.where
"#;

/// Names of the zone, types, and records that may follow a question.
pub(crate) const WORDS: &[&[u8]] = &[
    b"\x07example\0",
    b"\x03api\x07example\0\0\x01\0\x01",
    b"\x01a\x01b\x01w",
    b"\x04apps",
    b"\x03sub",
    b"\x05alias",
    b"\x01d",
    b"\x04loop",
    b"\x03big\x07example\0\0\x01\0\x01",
    b"\x04huge\x07example\0\0\x0f\0\x01",
    b"\x07version\x04bind\0\0\x10\0\x03",
    b"\0\xff\0\x01",
    b"\0\xfc\0\x01",
    b"\0\0\x29\x04\xd0\0\0\x80\0\0\0",
    b"\0\0\x29\x04\xd0\0\0\0\0\0\x10\0\x03\0\0\0\x0a\0\x08cccccccc",
    b"\0\0\xfa\0\xff\0\0\0\0\0\x11\0\0\0k\x49\xd2\0\x01\x2c\0\0\x12\x34\0\0\0\0",
    b"\xc0\x0c",
];

const OVER_TCP: u8 = 1;
const LIMITED: u8 = 2;

/// Panics unless the property holds.
pub(crate) fn holds(input: &[u8]) {
    let Some((&how, query)) = input.split_first() else { return };
    let (transport, stream, room) = match how & OVER_TCP {
        0 => (Transport::Udp, Stream::Datagram, UDP_PAYLOAD_MAX),
        _ => (Transport::Tcp, Stream::Connection, usize::from(u16::MAX)),
    };
    let peer = Peer { transport, ..CLIENT };
    let mut snapshot = server().clone();
    if how & LIMITED != 0 {
        snapshot.limit = Some(Arc::new(RateLimit::new(NonZeroU32::MIN, 1, Vec::new())));
    }
    let (first, again) = answers(&snapshot, peer, query, vec![0; room]);
    let (twin, twin_again) = answers(&snapshot, peer, query, vec![0xff; room]);
    assert_eq!(first, twin, "nothing of the buffer shows through");
    assert_eq!(again, twin_again, "nothing of the buffer shows through");
    for response in [first, again].into_iter().flatten() {
        invariant::check(query, &response, stream);
        let message = Message::from_vec(&response).expect("it decodes");
        if message.metadata.truncation {
            assert!(message.answers.is_empty() && message.authorities.is_empty(), "TC stands alone");
        }
    }
}

/// The first response to a query, and the next: under a limit, what is sent in its stead.
fn answers(
    snapshot: &Snapshot,
    peer: Peer,
    query: &[u8],
    mut out: Vec<u8>,
) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let mut scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
    scratch.set_now(Duration::from_secs(1_800_000_000));
    let mut ask = || served::ask(snapshot, &mut scratch, peer, query, &mut out).map(<[u8]>::to_vec);
    (ask(), ask())
}

fn server() -> &'static Snapshot {
    static SERVER: OnceLock<Snapshot> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut served = Served::default();
        served.add("example.", ZONE, |_| Vec::new());
        served.add_zone_without_version("broken.test.");
        let identity = Identity {
            nsid: Some("n".repeat(300)),
            version: Some("1".into()),
            cookies: Some(CookieSecret::new([7; 16])),
        };
        served.snapshot(identity, |target| match target {
            "192.0.2.1:2" => Verdict::Down,
            "192.0.2.1:3" => Verdict::Pending,
            _ => Verdict::Up,
        })
    })
}

//! Answering allocates nothing: no kind of answer does, nor a query that cannot be read, nor an answer from
//! the cache. And what is kept of an update takes no more memory than it may.
#![allow(unsafe_code, reason = "a global allocator that counts can only be written with it")]

mod forwarded;
mod updates;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgedns::answer::{
    CookieSecret, Counters, Identity, Peer, Prefix, Publisher, RateLimit, Reply, Requester, Snapshot,
    Transport, WorkerContext,
};
use edgedns::health::Verdict;
use edgedns::source::Digest;
use edgedns::tls::ClientProof;
use edgedns::transport::{Filter, Responder, SnapshotResponder, Taps};
use edgedns::zones::live::{Outcome, REMEMBERED_MAX, Remembered, RequestKey};

use crate::served::{self, CLIENT, Served, query};
use forwarded::{Forwarded, finds};
use updates::{Updated, token};

/// The system's allocator, with a count for each thread: tests beside this one do not disturb.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Bytes that are held, less those that are given back for other threads.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// What a block takes: its length before it, in steps of 16 bytes, and no fewer than 32.
fn block_bytes(size: usize) -> isize {
    isize::try_from((size + 8).next_multiple_of(16).max(32)).expect("a block is smaller")
}

// SAFETY: every call is passed on unchanged; counting touches only a plain cell of the thread that needs no
// allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + block_bytes(layout.size()));
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - block_bytes(layout.size()));
        // SAFETY: the block came from `alloc` above, that is, from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + block_bytes(size) - block_bytes(layout.size()));
        // SAFETY: as for `dealloc`; the caller keeps the promises about `size`.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ZONE: &str = r#"
$TTL 60
@ SOA ns host 1 2 3 4 30
@ NS ns
ns A 192.0.2.53
*.w A 192.0.2.1
mx MX 5 ns
_x._tcp SRV 0 0 1 api
api LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
one LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'}, {selector='random'})"
same LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'}, {selector='hashed'})"
none LUA A "ifportup(2, {'192.0.2.1'}, {backupSelector='empty'})"
fails LUA A "ifportup(3, {'192.0.2.1'}, {failOnIncompleteCheck='true'})"
*.apps LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
sample LUA A "pickrandomsample(2, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
weighted LUA A "pickwhashed({{1, '192.0.2.1'}, {2, '192.0.2.2'}})"
named LUA TXT "picknamehashed({{1, 'a'}, {2, 'b'}})"
told LUA A "pickselfweighted('http://x:1/', {'192.0.2.1', '192.0.2.2'})"
ring LUA A "pickchashed({{1, '192.0.2.1'}, {2, '192.0.2.2'}})"
seen LUA A "view({{{'127.0.0.0/8', '::/0'}, {'192.0.2.1', '192.0.2.2'}}})"
stranger LUA A "view({{{'198.51.100.0/24'}, {'192.0.2.1'}}})"
chosen LUA CNAME "pickrandom({'api.example', 'api.d.example', 'gone.example'})"
*.forward LUA A "filterForward(createForward(), newNMG{'192.0.2.0/24'}, '')"
*.six LUA AAAA "createForward6()"
*.reverse LUA PTR "createReverse('%5%.%6%.example')"
*.reverse6 LUA PTR "createReverse6('%33%.%34%.example')"
alias CNAME api
nowhere CNAME missing
d DNAME t
api.t LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
mx.t MX 5 ns
loop DNAME x.loop
sub NS ns.sub
ns.sub A 192.0.2.54
$GENERATE 1-99 big A 192.0.2.$
"#;

/// What a zone has that comes signed; its NSEC or NSEC3 records are added. Each RRset has a signature, right or wrong.
const SIGNED: &str = "
$TTL 60
@ SOA ns host 1 2 3 4 30
@ RRSIG SOA 13 2 60 20301231000000 20200101000000 7 @ AAAA
@ DNSKEY 257 3 13 AQID
@ RRSIG DNSKEY 13 2 60 20301231000000 20200101000000 7 @ AAAA
*.w A 192.0.2.1
*.w RRSIG A 13 3 60 20301231000000 20200101000000 7 @ AAAA
alias CNAME x.w
d DNAME w
sub NS ns.sub
ns.sub A 192.0.2.54
$GENERATE 1-40 big A 192.0.2.$
";

/// Answers of such zones.
const SIGNED_QUESTIONS: [(&str, u16); 14] = [
    ("", 6),
    ("", 28),
    ("", 43),
    ("x.w.", 1),
    ("x.w.", 28),
    ("alias.", 1),
    ("alias.", 28),
    ("x.d.", 1),
    ("below.sub.", 1),
    ("w.", 1),
    ("not.here.", 1),
    ("big.", 1),
    ("x.w.", 46),
    ("alias.", 47),
];

/// Every kind of answer there is.
const QUESTIONS: [(&str, u16); 39] = [
    ("ns.example.", 1),
    ("example.", 2),
    ("example.", 6),
    ("example.", 43),
    ("x.y.w.example.", 1),
    ("x.w.example.", 28),
    ("mx.example.", 15),
    ("_x._tcp.example.", 33),
    ("api.example.", 1),
    ("sample.example.", 1),
    ("weighted.example.", 1),
    ("named.example.", 16),
    ("told.example.", 1),
    ("ring.example.", 1),
    ("seen.example.", 1),
    ("stranger.example.", 1),
    ("chosen.example.", 1),
    ("192-0-2-1.forward.example.", 1),
    ("none.forward.example.", 1),
    ("2001-db8--1.six.example.", 28),
    ("1.2.0.192.reverse.example.", 12),
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.reverse6.example.", 12),
    ("one.example.", 1),
    ("same.example.", 1),
    ("none.example.", 1),
    ("fails.example.", 1),
    ("some.apps.example.", 1),
    ("alias.example.", 1),
    ("nowhere.example.", 1),
    ("api.d.example.", 1),
    ("mx.d.example.", 15),
    ("missing.d.example.", 1),
    ("a.loop.example.", 1),
    ("below.sub.example.", 1),
    ("missing.example.", 1),
    ("ns.example.", 255),
    ("big.example.", 1),
    ("elsewhere.test.", 1),
    ("example.", 252),
];

/// OPT records, and a TSIG record.
const EXTRAS: [&[u8]; 6] = [
    b"",
    b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00",
    b"\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00",
    b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x10\x00\x03\x00\x00\x00\x0a\x00\x08cccccccc",
    b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0b\x00\x08\x00\x07\x00\x01\x18\x00\xc6\x33\x64",
    b"\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x11\x00\x00\x00\x6b\x49\xd2\x00\x01\x2c\x00\x00\x12\x34\x00\x00\x00\x00",
];

/// Bytes that are held for each of `count` things while `come` has them come.
fn held_for_each(count: usize, come: impl FnOnce()) -> isize {
    let before = HELD.get();
    come();
    (HELD.get() - before) / isize::try_from(count).expect("a few")
}

#[test]
fn an_answer_that_is_remembered_takes_little() {
    let mut remembered = Remembered::default();
    let (requester, now) =
        (Requester { address: CLIENT.address, key: None, proof: ClientProof::Nothing }, Instant::now());
    let keep = || {
        for number in 0..REMEMBERED_MAX {
            let key = RequestKey::new(&requester, Digest::of(&number.to_be_bytes()));
            remembered.keep(&key, &Ok(Outcome::Made { from: 1, to: 2 }), now);
        }
    };
    let each = held_for_each(REMEMBERED_MAX, keep);
    assert!(each < 128, "{each} bytes");
}

/// A name that comes below another one, as an ACME client's does, and a record that comes at a name that is there. The steps
/// that are kept for incremental transfers are bounded, and as many as may be before.
#[test]
fn an_update_takes_no_more_memory_than_it_may() {
    let (hosts, names) = (40_000, 3_000);
    let mut updated = Updated::with_hosts(hosts);
    updated.make((0..13_500).map(|number| token("ns", number)));
    let came = held_for_each(names, || {
        updated.make((0..names).map(|host| token(&format!("_acme-challenge.h{host}"), host)))
    });
    let others = (hosts / 2..hosts).take(names / 2);
    let changed =
        held_for_each(names / 2, || updated.make(others.map(|host| token(&format!("h{host}"), host))));
    assert!(updated.changed_names() >= 2 * names + names / 2, "put together anew");
    assert!(
        came < 1250 && changed < 1150,
        "{came} bytes for each name that came, {changed} for each that is changed"
    );
}

#[test]
fn no_answer_allocates() {
    let (snapshot, mut scratch) = server();
    let mut out = vec![0; 65_535];
    for (qname, qtype) in QUESTIONS {
        for extra in EXTRAS {
            let mut query = query(qname, qtype);
            query.extend_from_slice(extra);
            query[11] = u8::from(!extra.is_empty());
            for transport in [Transport::Udp, Transport::Tcp] {
                let peer = Peer { transport, ..CLIENT };
                let (allocations, answered) = counted(&snapshot, &mut scratch, peer, &query, &mut out);
                assert_eq!(allocations, 0, "{qname} {qtype} with {extra:02x?} over {transport:?}");
                assert!(answered, "{qname} {qtype} with {extra:02x?} over {transport:?}");
            }
        }
    }
}

#[test]
fn no_answer_with_signatures_allocates() {
    let hash = "2t7b4g4vsa5smi47k61mv5bv1a22bojr";
    let denials = [
        ("signed.test.", "@ NSEC *.w SOA RRSIG NSEC DNSKEY\n*.w NSEC @ A RRSIG NSEC\n".to_owned()),
        ("hashed.test.", format!("@ NSEC3PARAM 1 0 3 AABB\n{hash} NSEC3 1 0 3 AABB {hash} A\n")),
    ];
    let mut served = Served::default();
    for (apex, denials) in &denials {
        served.add(apex, &format!("{SIGNED}{denials}"), |_| Vec::new());
    }
    let snapshot = served.snapshot(Identity::default(), |_| Verdict::Up);
    let mut scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
    let mut out = vec![0; 65_535];
    for (apex, _) in &denials {
        for (name, qtype) in SIGNED_QUESTIONS {
            for extra in &EXTRAS[..2] {
                let mut query = query(&format!("{name}{apex}"), qtype);
                query.extend_from_slice(extra);
                query[11] = u8::from(!extra.is_empty());
                let (allocations, answered) = counted(&snapshot, &mut scratch, CLIENT, &query, &mut out);
                assert_eq!(allocations, 0, "{name}{apex} {qtype} with {extra:02x?}");
                assert!(answered, "{name}{apex} {qtype} with {extra:02x?}");
            }
        }
    }
}

#[test]
fn no_answer_of_pools_with_signatures_allocates() {
    let mut served = Served::default();
    served.add_signed("example.", ZONE);
    let (mut scratch, mut out) = (WorkerContext::new(Arc::new(Counters::default()), 1), vec![0; 65_535]);
    for verdict in [Verdict::Up, Verdict::Down, Verdict::Pending] {
        let snapshot = served.snapshot(Identity::default(), |_| verdict);
        for (qname, qtype) in QUESTIONS {
            let mut query = query(qname, qtype);
            query.extend_from_slice(EXTRAS[1]);
            query[11] = 1;
            // What is chosen by chance leads one way or the other.
            for _ in 0..8 {
                let (allocations, answered) = counted(&snapshot, &mut scratch, CLIENT, &query, &mut out);
                assert_eq!(allocations, 0, "{qname} {qtype}, {verdict}");
                assert!(answered, "{qname} {qtype}, {verdict}");
            }
        }
    }
}

#[test]
fn no_answer_over_the_limit_allocates() {
    let (mut snapshot, mut scratch) = server();
    let exempt = Prefix::around(IpAddr::from([192, 0, 2, 0]), 24);
    snapshot.limit = Some(Arc::new(RateLimit::new(NonZeroU32::MIN, 2, vec![exempt])));
    let mut out = vec![0; 1232];
    let mut held_back = 0;
    for (qname, qtype) in QUESTIONS {
        let query = query(qname, qtype);
        for _ in 0..10 {
            let (allocations, answered) = counted(&snapshot, &mut scratch, CLIENT, &query, &mut out);
            assert_eq!(allocations, 0, "{qname} {qtype}");
            held_back += usize::from(!answered);
        }
    }
    assert!(held_back > QUESTIONS.len(), "{held_back} were held back");
}

#[test]
fn no_broken_query_allocates() {
    let (snapshot, mut scratch) = server();
    let mut out = vec![0; 65_535];
    let mut whole = query("api.example.", 1);
    whole.extend_from_slice(EXTRAS[3]);
    whole[11] = 1;
    for length in 0..whole.len() {
        let (allocations, _) = counted(&snapshot, &mut scratch, CLIENT, &whole[..length], &mut out);
        assert_eq!(allocations, 0, "the first {length} bytes");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut query = whole.clone();
            query[at] ^= 1 << bit;
            let (allocations, _) = counted(&snapshot, &mut scratch, CLIENT, &query, &mut out);
            assert_eq!(allocations, 0, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_worker_allocates_for_a_trace_only_while_there_is_one() {
    let (snapshot, scratch) = server();
    let (publisher, taps) = (Publisher::new(snapshot), Taps::default());
    let mut responder = SnapshotResponder::new(publisher.readers().reader(), scratch, &taps);
    let (query, mut out) = (query("api.example.", 1), vec![0; 1232]);
    let mut batch = || {
        let before = ALLOCATIONS.get();
        responder.begin_batch();
        for _ in 0..10 {
            assert!(matches!(responder.respond(CLIENT, &query, &mut out), Reply::Send { .. }));
        }
        ALLOCATIONS.get() - before
    };
    assert_eq!(batch(), 0);
    let trace = taps.open(Filter::default(), Instant::now() + Duration::from_secs(60));
    assert!(batch() > 0, "queries are copied");
    drop(trace);
    // The batch that finds out that it is over only lets go.
    assert_eq!((batch(), batch()), (0, 0));
}

#[test]
fn no_answer_of_an_upstream_that_is_in_the_cache_allocates() {
    let server = Forwarded::start();
    let mut worker = server.worker();
    let mut queries = Vec::new();
    for (qname, qtype) in [("one.test.", 1), ("many.test.", 1), ("none.test.", 28)] {
        // Without an OPT record, with DO, and with a cookie.
        for extra in [EXTRAS[0], EXTRAS[1], EXTRAS[3]] {
            let mut query = query(qname, qtype);
            query.extend_from_slice(extra);
            query[11] = u8::from(!extra.is_empty());
            queries.push(query);
        }
    }
    server.fill(&mut worker, &queries);
    let mut out = vec![0; 65_535];
    for query in &queries {
        for transport in [Transport::Udp, Transport::Tcp] {
            let peer = Peer { transport, ..CLIENT };
            let before = ALLOCATIONS.get();
            let found = finds(&mut worker, peer, query, &mut out);
            assert_eq!(ALLOCATIONS.get() - before, 0, "{query:02x?} over {transport:?}");
            assert!(found, "{query:02x?} over {transport:?}");
        }
    }
    server.stop();
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

/// How often one answer allocated, and whether there was one.
fn counted(
    snapshot: &Snapshot,
    scratch: &mut WorkerContext,
    peer: Peer,
    query: &[u8],
    out: &mut [u8],
) -> (usize, bool) {
    let before = ALLOCATIONS.get();
    let answered = served::ask(snapshot, scratch, peer, query, out).is_some();
    (ALLOCATIONS.get() - before, answered)
}

fn server() -> (Snapshot, WorkerContext) {
    let mut served = Served::default();
    served.add("example.", ZONE, |_| Vec::new());
    served.add_zone_without_version("broken.test.");
    let identity = Identity {
        nsid: Some("ns1".into()),
        version: Some("1".into()),
        cookies: Some(CookieSecret::new([7; 16])),
    };
    let verdict = |target: &str| match target {
        "192.0.2.1:2" => Verdict::Down,
        "192.0.2.1:3" => Verdict::Pending,
        _ => Verdict::Up,
    };
    let mut snapshot = served.snapshot(identity, verdict);
    snapshot.subnet_from = Some(["0.0.0.0/0", "::/0"].map(|all| all.parse().expect("a prefix")).into());
    (snapshot, WorkerContext::new(Arc::new(Counters::default()), 1))
}

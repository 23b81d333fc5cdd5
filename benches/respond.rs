//! What an answer costs, from the bytes of a query to the bytes of the response, and what compiling a zone costs.
//!
//! Names are asked at random, so that in a large zone every look-up misses the caches, as it does in life. One
//! iteration answers [`BATCH`] queries; divan's items per second are queries.

#[path = "../tests/answers/served.rs"]
mod served;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock};

use divan::Bencher;
use divan::counter::ItemsCount;
use edgedns::answer::{Counters, Identity, Scratch, Snapshot, compile, respond};
use edgedns::health::Verdict;

use served::{CLIENT, Served, query, read};

/// Names in a zone: the cluster's own, a small provider's, and a large one's.
const SIZES: [u32; 3] = [20, 100_000, 1_000_000];

/// Queries of one iteration: as many different names, so that they do not stay in the cache.
const BATCH: u32 = 4096;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn hit(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}.example.", label(number % names)), 1));
}

#[divan::bench(args = SIZES)]
fn nodata(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}.example.", label(number % names)), 28));
}

#[divan::bench(args = SIZES)]
fn nxdomain(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}x.example.", label(number % names)), 1));
}

#[divan::bench(args = SIZES)]
fn wildcard(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}.apps.example.", label(number)), 16));
}

#[divan::bench(args = SIZES)]
fn pool(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |_| ("api.example.".into(), 1));
}

#[divan::bench(args = SIZES)]
fn pool_at_a_wildcard(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}.apps.example.", label(number)), 1));
}

#[divan::bench(args = SIZES)]
fn referral(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}.sub.example.", label(number)), 1));
}

#[divan::bench(args = SIZES)]
fn srv_with_addresses(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |_| ("_etcd-server-ssl._tcp.example.".into(), 33));
}

#[divan::bench(args = SIZES)]
fn redirected_by_a_dname(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |_| ("api.d.example.".into(), 1));
}

#[divan::bench(args = SIZES)]
fn refused(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, |number| (format!("{}.elsewhere.test.", label(number)), 1));
}

#[divan::bench(args = [100_000], sample_count = 5)]
fn compiling(bencher: Bencher<'_, '_>, names: u32) {
    let zone = read("example.", &text(names), |_| Vec::new());
    bencher.counter(ItemsCount::new(names)).bench_local(|| compile(&zone));
}

#[divan::bench(args = [100_000], sample_count = 5)]
fn reading_zone_text(bencher: Bencher<'_, '_>, names: u32) {
    let text = text(names);
    bencher.counter(ItemsCount::new(names)).bench_local(|| read("example.", &text, |_| Vec::new()));
}

/// Answers queries for the names and types that `question` makes of numbers.
fn ask(bencher: Bencher<'_, '_>, names: u32, question: impl Fn(u32) -> (String, u16)) {
    let snapshot = snapshot(names);
    let queries: Vec<Vec<u8>> = (0..BATCH)
        .map(|number| {
            let (qname, qtype) = question(number.wrapping_mul(2_654_435_761));
            query(&qname, qtype)
        })
        .collect();
    let mut scratch = Scratch::new(Arc::new(Counters::default()), 1);
    let mut out = [0; 1232];
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for query in &queries {
            divan::black_box(respond(&snapshot, &mut scratch, CLIENT, query, &mut out));
        }
    });
}

/// A server with a zone of so many names; made once.
fn snapshot(names: u32) -> Arc<Snapshot> {
    static MADE: OnceLock<Mutex<HashMap<u32, Arc<Snapshot>>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().expect("no benchmark panics");
    let fresh = || {
        let mut served = Served::default();
        served.add("example.", &text(names), |_| Vec::new());
        Arc::new(served.snapshot(Identity::default(), |_| Verdict::Up))
    };
    Arc::clone(made.entry(names).or_insert_with(fresh))
}

/// A cluster's zone, and so many names more.
fn text(names: u32) -> String {
    let mut text = String::from(
        r#"$TTL 60
@ SOA ns host 1 2 3 4 30
@ NS ns
ns A 192.0.2.53
api LUA A "ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
*.apps LUA A "ifportup(443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
*.apps TXT "any name"
sub NS ns.sub
ns.sub A 192.0.2.54
d DNAME t
api.t A 192.0.2.1
etcd-0 A 192.0.2.1
etcd-1 A 192.0.2.2
etcd-2 A 192.0.2.3
_etcd-server-ssl._tcp SRV 0 10 2380 etcd-0
_etcd-server-ssl._tcp SRV 0 10 2380 etcd-1
_etcd-server-ssl._tcp SRV 0 10 2380 etcd-2
"#,
    );
    for number in 0..names {
        let _ = writeln!(text, "{} A 192.0.2.1", label(number));
    }
    text
}

/// A label that looks random and is the same in every run.
fn label(number: u32) -> String {
    format!("n{:08x}-{number}", number.wrapping_mul(0x9e37_79b9))
}

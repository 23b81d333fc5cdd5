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
use edgedns::answer::{Counters, Identity, Snapshot, WorkerContext, compile, respond};
use edgedns::health::Verdict;

use served::{CLIENT, Served, query, read};

/// Names in a zone: the cluster's own, a small provider's, and a large one's.
const SIZES: [u32; 3] = [20, 100_000, 1_000_000];

/// Queries of one iteration: as many different names, so that they do not stay in the cache.
const BATCH: u32 = 4096;

/// What clients ask: how the question for a number looks in a zone of so many names.
struct Kind {
    name: &'static str,
    question: fn(number: u32, names: u32) -> (String, u16),
}

const KINDS: [Kind; 10] = [
    Kind { name: "hit", question: |number, names| (format!("{}.example.", label(number % names)), 1) },
    Kind { name: "nodata", question: |number, names| (format!("{}.example.", label(number % names)), 28) },
    Kind { name: "nxdomain", question: |number, names| (format!("{}x.example.", label(number % names)), 1) },
    Kind { name: "wildcard", question: |number, _| (format!("{}.apps.example.", label(number)), 16) },
    Kind { name: "pool", question: |_, _| ("api.example.".into(), 1) },
    Kind {
        name: "pool_at_a_wildcard",
        question: |number, _| (format!("{}.apps.example.", label(number)), 1),
    },
    Kind { name: "referral", question: |number, _| (format!("{}.sub.example.", label(number)), 1) },
    Kind { name: "srv_with_addresses", question: |_, _| ("_etcd-server-ssl._tcp.example.".into(), 33) },
    Kind { name: "redirected_by_a_dname", question: |_, _| ("api.d.example.".into(), 1) },
    Kind { name: "refused", question: |number, _| (format!("{}.elsewhere.test.", label(number)), 1) },
];

/// Times everything; `--answer KIND ROUNDS` answers so many batches of one kind instead, in a zone of a cluster's
/// size, for whoever counts instructions: what two numbers of rounds cost more or less is answers alone.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [option, name, rounds] if option == "--answer" => {
            let mut asked = Asked::new(kind(name), SIZES[0]);
            (0..rounds.parse().expect("a number of rounds")).for_each(|_: u32| asked.answer());
        }
        _ => divan::main(),
    }
}

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).expect("one of KINDS")
}

#[divan::bench(args = SIZES)]
fn hit(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "hit");
}

#[divan::bench(args = SIZES)]
fn nodata(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "nodata");
}

#[divan::bench(args = SIZES)]
fn nxdomain(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "nxdomain");
}

#[divan::bench(args = SIZES)]
fn wildcard(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "wildcard");
}

#[divan::bench(args = SIZES)]
fn pool(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "pool");
}

#[divan::bench(args = SIZES)]
fn pool_at_a_wildcard(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "pool_at_a_wildcard");
}

#[divan::bench(args = SIZES)]
fn referral(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "referral");
}

#[divan::bench(args = SIZES)]
fn srv_with_addresses(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "srv_with_addresses");
}

#[divan::bench(args = SIZES)]
fn redirected_by_a_dname(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "redirected_by_a_dname");
}

#[divan::bench(args = SIZES)]
fn refused(bencher: Bencher<'_, '_>, names: u32) {
    ask(bencher, names, "refused");
}

#[divan::bench(args = [100_000], sample_count = 5)]
fn compiling(bencher: Bencher<'_, '_>, names: u32) {
    let zone = read("example.", &text(names), |_| Vec::new());
    bencher.counter(ItemsCount::new(names)).bench_local(|| compile(&zone).expect("the zone is compiled"));
}

#[divan::bench(args = [100_000], sample_count = 5)]
fn reading_zone_text(bencher: Bencher<'_, '_>, names: u32) {
    let text = text(names);
    bencher.counter(ItemsCount::new(names)).bench_local(|| read("example.", &text, |_| Vec::new()));
}

fn ask(bencher: Bencher<'_, '_>, names: u32, name: &str) {
    let mut asked = Asked::new(kind(name), names);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| asked.answer());
}

/// A batch of queries of one kind, and whoever answers them.
struct Asked {
    snapshot: Arc<Snapshot>,
    queries: Vec<Vec<u8>>,
    scratch: WorkerContext,
    out: [u8; 1232],
}

impl Asked {
    fn new(kind: &Kind, names: u32) -> Asked {
        let queries = (0..BATCH).map(|number| {
            let (qname, qtype) = (kind.question)(number.wrapping_mul(2_654_435_761), names);
            query(&qname, qtype)
        });
        Asked {
            snapshot: snapshot(names),
            queries: queries.collect(),
            scratch: WorkerContext::new(Arc::new(Counters::default()), 1),
            out: [0; 1232],
        }
    }

    fn answer(&mut self) {
        for query in &self.queries {
            let reply = respond(&self.snapshot, &mut self.scratch, CLIENT, query, &mut self.out);
            divan::black_box(reply);
        }
    }
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

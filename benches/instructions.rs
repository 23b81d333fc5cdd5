//! How many instructions an answer costs, for each kind of query.
//!
//! `cargo bench --bench instructions` prints a table. Times differ from run to run and from machine to machine; these
//! numbers repeat exactly as long as compiler and sources stay as they are, so that one instruction more is seen.
//! They are counted by callgrind (Debian's package `valgrind`), under which this program runs itself.
//!
//! Responsible for counting in `respond`. Not responsible for what waiting for memory costs: that is `respond.rs`.

#[path = "../tests/answers/served.rs"]
mod served;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use edgedns::answer::{CookieSecret, Counters, Identity, Scratch, Snapshot, respond};
use edgedns::health::Verdict;

use served::{CLIENT, Served, query};

/// What this program is told when it runs under callgrind.
const COUNTED: &str = "--counted";

/// Queries of one kind, each for another name where the kind has many.
const QUERIES: u32 = 1000;

/// How every query of a kind looks: the name of a number, and the type.
type Ask = fn(u32) -> (String, u16);

/// The kinds of query, by what answers them. The last is what a cluster is asked, as in `side-by-side`.
const KINDS: [(&str, Ask); 12] = [
    ("pool", |_| ("api.lab.example.".into(), 1)),
    ("pool at a wildcard", |number| (format!("app{number}.apps.lab.example."), 1)),
    ("address", |_| ("helper.lab.example.".into(), 1)),
    ("address at a wildcard", |number| (format!("x{number}.plain.lab.example."), 1)),
    ("NODATA", |_| ("api.lab.example.".into(), 28)),
    ("NODATA at a wildcard", |number| (format!("app{number}.apps.lab.example."), 28)),
    ("NXDOMAIN", |number| (format!("missing{number}.lab.example."), 1)),
    ("SRV with addresses", |_| ("_etcd-server-ssl._tcp.lab.example.".into(), 33)),
    ("referral", |number| (format!("x{number}.sub.lab.example."), 1)),
    ("below a DNAME", |_| ("api.d.lab.example.".into(), 1)),
    ("not ours", |number| (format!("x{number}.elsewhere.test."), 1)),
    ("a cluster's mix", mix),
];

/// What a query carries behind its question.
const EXTRAS: [(&str, &[u8]); 3] = [
    ("plain", b""),
    ("EDNS", b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"),
    ("cookie", b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x08cccccccc"),
];

/// The names of a cluster, and one of each further kind.
const ZONE: &str = r#"
$TTL 60
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 192.0.2.53
@ LUA A "ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
api LUA A "ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
api-int LUA A "ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
registry LUA A "ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
*.apps LUA A "ifportup(443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})"
*.plain A 192.0.2.4
helper A 192.0.2.11
etcd-0 A 192.0.2.1
etcd-1 A 192.0.2.2
etcd-2 A 192.0.2.3
_etcd-server-ssl._tcp SRV 0 10 2380 etcd-0
_etcd-server-ssl._tcp SRV 0 10 2380 etcd-1
_etcd-server-ssl._tcp SRV 0 10 2380 etcd-2
sub NS ns.sub
ns.sub A 192.0.2.54
d DNAME t
api.t A 192.0.2.1
"#;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == COUNTED) {
        answer_every_kind();
        return ExitCode::SUCCESS;
    }
    let Some(counts) = count() else { return ExitCode::FAILURE };
    println!("instructions an answer, by kind of query and what it carries");
    print!("{:<24}", "");
    EXTRAS.iter().for_each(|(extra, _)| print!("{extra:>10}"));
    println!();
    for ((kind, _), counts) in KINDS.iter().zip(counts.chunks(EXTRAS.len())) {
        print!("{kind:<24}");
        counts.iter().for_each(|count| print!("{:>10}", count / u64::from(QUERIES)));
        println!();
    }
    ExitCode::SUCCESS
}

/// Runs this program under callgrind, and returns what it counted for each kind and extra.
fn count() -> Option<Vec<u64>> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let counted = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args(["--toggle-collect=*::answer_all", "--dump-after=*::answer_all"])
        .arg(format!("--callgrind-out-file={}", folder.path().join("counted").display()))
        .arg(std::env::current_exe().expect("the path of this program"))
        .arg(COUNTED)
        .stderr(Stdio::null())
        .status();
    match counted {
        Ok(status) if status.success() => {}
        Ok(status) => {
            eprintln!("callgrind ended with {status}");
            return None;
        }
        Err(error) => {
            eprintln!("valgrind counts the instructions, and cannot be run: {error}");
            return None;
        }
    }
    // One part for each call, in their order; the last is what came after all of them.
    let parts = 1..=KINDS.len() * EXTRAS.len();
    Some(parts.map(|part| summary(&folder.path().join(format!("counted.{part}")))).collect())
}

/// The instructions of one part.
fn summary(part: &Path) -> u64 {
    let text = fs::read_to_string(part).expect("callgrind writes a part for each call");
    let line = text.lines().find_map(|line| line.strip_prefix("summary:").or(line.strip_prefix("totals:")));
    line.and_then(|number| number.trim().parse().ok()).expect("a part says how many instructions it has")
}

/// Answers what there is to count.
fn answer_every_kind() {
    let mut served = Served::default();
    served.add("lab.example.", ZONE, |_| Vec::new());
    let identity = Identity { cookies: Some(CookieSecret::new([7; 16])), ..Identity::default() };
    let snapshot = served.snapshot(identity, |_| Verdict::Up);
    let mut scratch = Scratch::new(Arc::new(Counters::default()), 1);
    scratch.set_now(Duration::from_secs(1_700_000_000));
    for (_, ask) in KINDS {
        for (_, extra) in EXTRAS {
            let queries: Vec<Vec<u8>> = (0..QUERIES)
                .map(|number| {
                    let (qname, qtype) = ask(number);
                    let mut query = query(&qname, qtype);
                    query.extend_from_slice(extra);
                    query[11] = u8::from(!extra.is_empty());
                    query
                })
                .collect();
            answer_all(&snapshot, &mut scratch, &queries);
        }
    }
}

/// What is counted. A function of its own, so that callgrind knows where it begins and ends.
#[inline(never)]
fn answer_all(snapshot: &Snapshot, scratch: &mut Scratch, queries: &[Vec<u8>]) {
    let mut out = [0; 1232];
    for query in queries {
        black_box(respond(snapshot, scratch, CLIENT, query, &mut out));
    }
}

/// Half pools, three in ten random names at a wildcard pool, a tenth NODATA, SRV, names that are not there.
fn mix(number: u32) -> (String, u16) {
    let pool = ["api.", "api-int.", "registry.", ""];
    let no_data = ["api.", "api-int.", "helper."];
    let one_of = |names: &[&str]| format!("{}lab.example.", names[number as usize / 20 % names.len()]);
    match number % 20 {
        0..10 => (one_of(&pool), 1),
        10..16 => (format!("app{number}.apps.lab.example."), 1),
        16..18 => (one_of(&no_data), 28),
        18 => ("_etcd-server-ssl._tcp.lab.example.".into(), 33),
        _ => (format!("missing{number}.lab.example."), 1),
    }
}

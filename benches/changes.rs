//! What a change of one owner costs, from the changeset to the version that can be published, by the size of the zone.
//!
//! Every change brings the next serial, as every change does, and is made to a version that has none or many before it.
//! `cargo bench --bench changes -- --memory` says what a changed owner takes of memory instead.

#[path = "../tests/answers/served.rs"]
mod served;

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use divan::Bencher;
use edgedns::answer::{CompiledZone, Links, compile_for_changes};
use edgedns::dns::{Rtype, Ttl};
use edgedns::source::{Diagnostics, Sources, Span};
use edgedns::zone::{Changeset, Record, Zone};

use served::{name, read};

/// Names in a zone.
const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];

/// Owners that changed before, of a version that is not merged yet.
const CHANGED: u32 = 10_000;

/// Owners whose memory is measured.
const MEASURED: u32 = 100_000;

/// A version of a zone, as its writer has it.
struct Version {
    zone: Zone,
    compiled: CompiledZone,
    links: Links,
}

fn main() {
    if std::env::args().any(|argument| argument == "--memory") {
        memory();
    } else {
        divan::main();
    }
}

/// The record of a host gets another address.
#[divan::bench(args = SIZES)]
fn an_owner_changes(bencher: Bencher<'_, '_>, names: u32) {
    let version = fresh(names);
    let mut number = 0;
    bencher
        .with_inputs(|| host(version, names, next(&mut number)))
        .bench_local_refs(|changes| after(version, changes));
}

/// A name comes that an ACME client wants to see, and the name above it is that of a host.
#[divan::bench(args = SIZES)]
fn a_name_comes(bencher: Bencher<'_, '_>, names: u32) {
    let version = fresh(names);
    let mut number = 0;
    bencher
        .with_inputs(|| challenge(version, names, next(&mut number)))
        .bench_local_refs(|changes| after(version, changes));
}

/// As the first, where ten thousand owners changed before.
#[divan::bench(args = SIZES)]
fn an_owner_changes_after_many(bencher: Bencher<'_, '_>, names: u32) {
    let mut version = after(fresh(names), &host(fresh(names), names, 0));
    for number in 1..CHANGED {
        version = after(&version, &host(&version, names, number));
    }
    let mut number = CHANGED;
    bencher
        .with_inputs(|| host(&version, names, next(&mut number)))
        .bench_local_refs(|changes| after(&version, changes));
}

/// The host that a thousand aliases lead to.
#[divan::bench(args = SIZES)]
fn what_a_thousand_aliases_lead_to_changes(bencher: Bencher<'_, '_>, names: u32) {
    let version = fresh(names);
    let added = vec![record("hub.example.", Rtype::A, &[192, 0, 2, 2])];
    let changes = with_serial(version, added);
    bencher.bench_local(|| after(version, &changes));
}

fn next(number: &mut u32) -> u32 {
    *number += 1;
    *number
}

fn after(version: &Version, changes: &Changeset) -> Version {
    let mut found = Diagnostics::default();
    let changed = version.zone.after(changes, &[], place(), &mut found).expect("they fit");
    let (zone, nodes) = changed.expect("a sound zone");
    let affected = version.links.affected(&zone, &nodes);
    zone.check_aliases(affected.iter().copied(), &mut found);
    let mut links = version.links.clone();
    let compiled = version.compiled.after(&zone, &affected, &mut links).expect("it fits");
    Version { zone, compiled, links }
}

/// A zone of so many hosts, a thousand of whose names are aliases.
fn fresh(names: u32) -> &'static Version {
    static VERSIONS: [OnceLock<Version>; SIZES.len()] = [const { OnceLock::new() }; SIZES.len()];
    let place = SIZES.iter().position(|size| *size == names).expect("one of SIZES");
    VERSIONS[place].get_or_init(|| {
        let mut text =
            String::from("$TTL 60\n@ SOA ns host 1 2 3 4 30\n@ NS ns\nns A 192.0.2.53\nhub A 192.0.2.1\n");
        (0..1_000).for_each(|number| writeln!(text, "alias{number} CNAME hub").expect("a string takes all"));
        for number in 0..names {
            let [a, b, c, d] = address(number, 0);
            writeln!(text, "host{number} A {a}.{b}.{c}.{d}").expect("a string takes all");
        }
        let mut zone = read("example.", &text, |_| Vec::new());
        zone.prepare_for_changes();
        let (compiled, links) = compile_for_changes(&zone).expect("it fits");
        Version { zone, compiled, links }
    })
}

fn address(number: u32, turn: u8) -> [u8; 4] {
    let [_, b, c, d] = number.to_be_bytes();
    [10 + turn, b, c, d]
}

fn host(version: &Version, names: u32, number: u32) -> Changeset {
    let number = number.wrapping_mul(7919) % names;
    let owner = format!("host{number}.example.");
    let is = version.zone.find(name(&owner).as_ref()).expect("a host");
    let is = version.zone.node(is).rrset(Rtype::A).expect("a host");
    let removed = is.rdatas().map(|rdata| record(&owner, Rtype::A, rdata));
    let turn = u8::from(is.rdatas().next().is_some_and(|rdata| rdata[0] == 10));
    let mut changes = with_serial(version, vec![record(&owner, Rtype::A, &address(number, turn))]);
    changes.removed.extend(removed);
    changes
}

fn challenge(version: &Version, names: u32, number: u32) -> Changeset {
    let owner = format!("_acme-challenge.host{}.example.", number.wrapping_mul(7919) % names);
    with_serial(version, vec![record(&owner, Rtype::TXT, &[&[43][..], &[b'x'; 43]].concat())])
}

fn with_serial(version: &Version, mut added: Vec<Record>) -> Changeset {
    let soa = |serial: u32| {
        let names = [name("ns.example."), name("host.example.")];
        let names = names.iter().flat_map(|name| name.as_ref().wire().to_vec());
        let numbers = [serial, 2, 3, 4, 30].into_iter().flat_map(u32::to_be_bytes);
        record("example.", Rtype::SOA, &names.chain(numbers).collect::<Vec<u8>>())
    };
    let serial = version.zone.serial();
    added.push(soa(serial + 1));
    Changeset { removed: vec![soa(serial)], added }
}

fn record(owner: &str, rtype: Rtype, rdata: &[u8]) -> Record {
    let ttl = Ttl::from_seconds(60).expect("a minute");
    Record { owner: name(owner), rtype, ttl, rdata: rdata.into() }
}

fn place() -> Span {
    static PLACE: OnceLock<Span> = OnceLock::new();
    *PLACE.get_or_init(|| Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7))
}

/// What changed owners take beside the version that they are changes to.
fn memory() {
    let names = SIZES[SIZES.len() - 1];
    let first = Arc::new(fresh(names));
    let measure = |what: &str, changes: fn(&Version, u32, u32) -> Changeset| {
        let before = resident();
        let mut version = after(&first, &changes(&first, names, 0));
        for number in 1..MEASURED {
            version = after(&version, &changes(&version, names, number));
        }
        let bytes = resident().saturating_sub(before) / u64::from(MEASURED);
        println!("{what}: {bytes} bytes each, {} nodes", version.zone.changed_nodes());
        version
    };
    let one = measure("owners that changed", host);
    let other = measure("names that came", challenge);
    drop((one, other));
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

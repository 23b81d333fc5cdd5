//! A zone with changes answers byte for byte as the whole zone compiled at once, and is refused where that is refused:
//! whether it is put together anew now and then, or never.
//!
//! Random zones and long sequences of changes, of names and types that meet each other often: empty non-terminals,
//! wildcards, zone cuts, DNAMEs, aliases, additional addresses, guarded RRsets, LUA records that are tested at a name,
//! TTLs. `CHANGES_SEEDS=500 cargo test --lib answer::tests::changes` runs more of them.

#![allow(clippy::arithmetic_side_effects, reason = "a test of small numbers")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::dns::{NameRef, Rtype, Ttl};
use crate::probe::{Life, Port, Probe, ProbeKind, Tcp};
use crate::zone::{
    Changeset, ChangesetError, Expected, Guard, GuardTemplate, Guarding, Member, NodeKind, Pool,
    PoolSettings, Record, Test, TestedName,
};

/// Zones, each with so many changesets, if nobody wants more.
const SEEDS: u64 = 16;
const STEPS: usize = 25;

/// Of the versions that are put together anew now and then: on the average after so many changesets.
const MERGED_EVERY: usize = 4;

/// Few labels, so that names meet.
const LABELS: [&str; 6] = ["a", "b", "c", "*", "g", "l"];
const TYPES: [Rtype; 11] = [
    Rtype::A,
    Rtype::AAAA,
    Rtype::TXT,
    Rtype::CNAME,
    Rtype::MX,
    Rtype::SRV,
    Rtype::NS,
    Rtype::DNAME,
    Rtype::DS,
    Rtype::HTTPS,
    Rtype::PTR,
];
const ASKED: [u16; 19] = [1, 28, 16, 5, 15, 33, 2, 39, 43, 65, 12, 6, 255, 65_280, 0, 46, 47, 48, 50];

/// What stands in a zone that comes signed, right or wrong: by NSEC records, or by NSEC3 records.
const SIGNED: [Rtype; 6] = [Rtype::A, Rtype::CNAME, Rtype::NS, Rtype::RRSIG, Rtype::RRSIG, Rtype::NSEC];
const SIGNED_3: [Rtype; 6] = [Rtype::A, Rtype::CNAME, Rtype::DS, Rtype::RRSIG, Rtype::RRSIG, Rtype::NSEC3];

/// A generator that is the same everywhere (xorshift).
struct Chance(u64, &'static [Rtype]);

impl Chance {
    fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, &TYPES)
    }

    /// The owner of an NSEC3 record.
    fn hash(&mut self) -> String {
        format!(
            "{}.example.",
            "0123456789abcdefghijklmnopqrstuv".repeat(2)[self.below(32)..][..32].to_owned()
        )
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn one_in(&mut self, most: usize) -> bool {
        self.below(most) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn name(&mut self) -> String {
        let labels = 1 + self.below(3);
        (0..labels).map(|_| format!("{}.", self.of(&LABELS))).collect::<String>() + "example."
    }

    /// Where a record leads: mostly in the zone.
    fn target(&mut self) -> Vec<u8> {
        let name = match self.below(12) {
            0 => "far.test.".into(),
            1 => "example.".into(),
            2 => format!("x.{}", self.name()),
            _ => self.name(),
        };
        wire(&name)
    }

    fn rdata(&mut self, rtype: Rtype) -> Vec<u8> {
        let number = u8::try_from(self.below(4)).unwrap();
        match rtype {
            Rtype::A => vec![192, 0, 2, number],
            Rtype::AAAA => [[0x20, 1, 0xd, 0xb8].as_slice(), &[0; 11], &[number]].concat(),
            Rtype::TXT => vec![2, b't', number],
            Rtype::MX => [[0, number].as_slice(), &self.target()].concat(),
            Rtype::SRV => [[0, 0, 0, number, 1, 187].as_slice(), &self.target()].concat(),
            Rtype::HTTPS => [[0, number + 1].as_slice(), &self.target()].concat(),
            Rtype::DS => [[0, number, 8, 2].as_slice(), &[7; 32]].concat(),
            Rtype::RRSIG => {
                let covers = self.of(self.1).0.to_be_bytes();
                let fixed = [&covers[..], &[13, 2], &[0; 12], &[0, 7]].concat();
                [&fixed[..], &wire("example."), &[number]].concat()
            }
            Rtype::NSEC => [&self.target()[..], &[0, 1, 0x40 | number]].concat(),
            Rtype::NSEC3 => [[1, 0, 0, 0, 0, 20].as_slice(), &[number; 20], &[0, 1, 0x40]].concat(),
            _ => self.target(),
        }
    }
}

fn wire(name: &str) -> Vec<u8> {
    name.parse::<Name>().unwrap().as_ref().wire().to_vec()
}

fn ttl(seconds: usize) -> Ttl {
    Ttl::from_seconds(u32::try_from(seconds).unwrap()).unwrap()
}

fn soa(serial: u32) -> Record {
    let rdata =
        [&[2, b'n', b's'][..], &wire("example."), &[0], &serial.to_be_bytes(), &[0, 0, 0, 30].repeat(4)];
    Record {
        owner: "example.".parse().unwrap(),
        rtype: Rtype::SOA,
        ttl: ttl(60),
        rdata: rdata.concat().into(),
    }
}

fn place() -> Span {
    Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7)
}

/// What guards the addresses of `g`, and in some zones the SRV records of `c.g`.
fn guards(chance: &mut Chance) -> Vec<Guarding> {
    let test = Test::Same(ProbeKind::Tcp(Tcp { port: Port::new(443).unwrap() }));
    let template = |test: &Test| GuardTemplate::each_second(test.clone());
    let guarding = |owner: &str, test: &Test| Guarding {
        owner: owner.parse().unwrap(),
        origin: place().into(),
        hosts: Vec::new(),
        guards: vec![template(test)],
        choice: PoolSettings::default(),
        records: Expected::Now,
    };
    let mut guards = Vec::new();
    if chance.one_in(2) {
        guards.push(guarding("g.example.", &test));
        guards.push(guarding("*.g.example.", &test));
    }
    if chance.one_in(3) {
        guards.push(guarding("c.g.example.", &Test::TargetPort));
    }
    guards
}

/// A LUA record as it is read: with a member that is tested at its own address, or at those of a name.
fn lua(owner: &str, tested: Option<TestedName>) -> Pool {
    let kind = ProbeKind::Tcp(Tcp { port: Port::new(443).unwrap() });
    let second = Duration::from_secs(1);
    let address = "192.0.2.9".parse().unwrap();
    let probe = Probe { address, source: None, timeout: second, kind };
    let guard = Guard {
        probe,
        interval: second,
        retry: second,
        rise: NonZeroU32::MIN,
        fall: NonZeroU32::MIN,
        life: Life::default(),
    };
    let members = vec![Member { guards: vec![guard], tested, ..Member::at(address) }];
    let pool = Pool::new(owner.parse().unwrap(), Rtype::A, ttl(60), members, place());
    Pool { lua: Some("ifportup(443, {'192.0.2.9'})".into()), ..pool }
}

/// A zone that begins with enough for its guards.
fn first(chance: &mut Chance, guards: &[Guarding]) -> Zone {
    let mut builder = Builder::new("example.".parse().unwrap(), place());
    let mut add = |owner: &str, rtype: Rtype, rdata: &[u8]| {
        builder.add(owner.parse::<Name>().unwrap().as_ref(), rtype, ttl(60), rdata, place()).unwrap();
    };
    add("example.", Rtype::SOA, &soa(1).rdata);
    add("example.", Rtype::NS, &wire("ns.test."));
    for owner in ["g.example.", "*.g.example.", "b.example."] {
        add(owner, Rtype::A, &[192, 0, 2, 1]);
    }
    add("c.g.example.", Rtype::SRV, &[&[0, 0, 0, 0, 1, 187][..], &wire("b.example.")].concat());
    if chance.1 != TYPES {
        add("example.", Rtype::DNSKEY, &[1, 1, 3, 13, 1]);
        let signature = [&[0, 48, 13, 1][..], &[0; 12], &[0, 7], &wire("example."), &[1]].concat();
        add("example.", Rtype::RRSIG, &signature);
        if chance.1.contains(&Rtype::NSEC3) {
            add("example.", Rtype::NSEC3PARAM, &[1, 0, 0, 0, 0]);
        } else {
            add("example.", Rtype::NSEC, &[&wire("a.example.")[..], &[0, 1, 0x40]].concat());
        }
    }
    let with_pools: &[&str] = if chance.1 == TYPES { &["l.example.", "a.l.example."] } else { &[] };
    for owner in with_pools {
        if chance.one_in(2) {
            let tested = TestedName { name: "b.example.".parse().unwrap(), origin: place().into() };
            builder.add_pool(lua(owner, Some(tested).filter(|_| chance.one_in(2)))).unwrap();
        }
    }
    guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
    let mut found = Diagnostics::default();
    builder.finish(&mut found).unwrap_or_else(|| panic!("{found:?}"))
}

/// Changes of a few owners, which mostly leave the zone sound, and the serial.
fn changes(chance: &mut Chance, zone: &Zone) -> Changeset {
    let serial = zone.serial();
    let mut removed = BTreeMap::from([(key(&soa(serial)), soa(serial))]);
    let mut added = BTreeMap::from([(key(&soa(serial + 1)), soa(serial + 1))]);
    let mut records: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for (owner, rtype, ttl, rdata) in zone.records().filter(|(_, rtype, ..)| *rtype != Rtype::SOA) {
        let record = Record { owner: owner.to_name(), rtype, ttl, rdata: rdata.into() };
        records.entry(owner.to_string()).or_default().push(record);
    }
    for _ in 0..1 + chance.below(4) {
        let existing: Vec<&String> = records.keys().collect();
        let owner = match chance.below(4) {
            0 | 1 => chance.of(&existing).clone(),
            2 if chance.1.contains(&Rtype::NSEC3) => chance.hash(),
            _ => chance.name(),
        };
        let there = records.get(&owner).cloned().unwrap_or_default();
        let goes = |which: &dyn Fn(&Record) -> bool, removed: &mut BTreeMap<_, _>| {
            removed.extend(there.iter().filter(|one| which(one)).map(|one| (key(one), one.clone())));
        };
        let action = chance.below(8);
        if action == 0 {
            // All of an owner, or a whole type of it.
            let rtype = there.first().filter(|_| chance.one_in(2)).map(|one| one.rtype);
            goes(&|one| rtype.is_none_or(|rtype| one.rtype == rtype), &mut removed);
            continue;
        }
        if action == 1 {
            if !there.is_empty() {
                let one = there[chance.below(there.len())].clone();
                removed.insert(key(&one), one);
            }
            continue;
        }
        let rtype = if chance.one_in(4) { Rtype::CNAME } else { chance.of(chance.1) };
        let is_alone = |rtype: Rtype| rtype == Rtype::CNAME;
        if !chance.one_in(20) {
            goes(
                &|one| {
                    is_alone(one.rtype) || is_alone(rtype) || (rtype == Rtype::DNAME && one.rtype == rtype)
                },
                &mut removed,
            );
        }
        if rtype == Rtype::DNAME && !chance.one_in(8) {
            let below = format!(".{owner}");
            let hidden = records.iter().filter(|(name, _)| name.ends_with(&below)).flat_map(|(_, all)| all);
            removed.extend(hidden.map(|one| (key(one), one.clone())));
        }
        if action == 2 {
            // Another TTL, of all or of some.
            goes(&|one| one.rtype == rtype, &mut removed);
        }
        let ttl = ttl(30 * (1 + chance.below(3)));
        for _ in 0..1 + chance.below(2) {
            let rdata = chance.rdata(rtype).into();
            let record = Record { owner: owner.parse().unwrap(), rtype, ttl, rdata };
            added.insert(key(&record), record);
            if is_alone(rtype) || rtype == Rtype::DNAME {
                break;
            }
        }
    }
    // It stays signed: without its keys it would be read without its signatures.
    removed.retain(|_, one| chance.1 == TYPES || !is_of_keys(one));
    // What is there already, and stays, does not come.
    let stays = |one: &Record| {
        let there = records.get(&one.owner.to_string()).into_iter().flatten();
        there.clone().any(|other| key(other) == key(one)) && !removed.contains_key(&key(one))
    };
    let added = added.into_values().filter(|one| !stays(one)).collect();
    Changeset { removed: removed.into_values().collect(), added }
}

/// Whether a record says with what the zone is signed.
fn is_of_keys(record: &Record) -> bool {
    let is_signature = record.rtype == Rtype::RRSIG && record.rdata.starts_with(&[0, 48]);
    record.owner.to_string() == "example." && (record.rtype == Rtype::DNSKEY || is_signature)
}

fn key(record: &Record) -> (String, u16, Vec<u8>) {
    (record.owner.to_string(), record.rtype.0, record.rdata.to_vec())
}

/// Versions of one zone that must be the same: made from change to change; likewise, and put together anew every few
/// steps; and put together each time.
struct Triplets {
    unmerged: Version,
    merged: Version,
    whole: Zone,
    guards: Vec<Guarding>,
}

/// One that is made from change to change.
struct Version {
    zone: Zone,
    compiled: Arc<CompiledZone>,
    links: Links,
}

/// What came of changes: the zone, or what is wrong with it.
type Outcome<T> = Result<T, BTreeSet<String>>;

fn errors(found: &Diagnostics) -> BTreeSet<String> {
    found.iter().filter(|one| one.is_error()).map(|one| one.message.clone()).collect()
}

impl Version {
    fn of(mut zone: Zone) -> Version {
        zone.prepare_for_changes();
        let (compiled, links) = compile_for_changes(&zone).unwrap();
        Version { zone, compiled: compiled.into(), links }
    }

    fn after(&self, changes: &Changeset, guards: &[Guarding]) -> Result<Outcome<Version>, ChangesetError> {
        let mut found = Diagnostics::default();
        let Some((zone, nodes)) = self.zone.after(changes, guards, place(), &mut found)? else {
            return Ok(Err(errors(&found)));
        };
        let affected = self.links.affected(&zone, &nodes);
        zone.check_aliases(affected.iter().copied(), &mut found);
        if found.errors() > 0 {
            return Ok(Err(errors(&found)));
        }
        let mut links = self.links.clone();
        let compiled = self.compiled.after(&zone, &affected, &mut links).unwrap();
        Ok(Ok(Version { zone, compiled: compiled.into(), links }))
    }
}

/// A zone put together anew, after changes.
fn put_together(
    zone: &Zone,
    changes: &Changeset,
    guards: &[Guarding],
) -> Result<Outcome<Zone>, ChangesetError> {
    let mut found = Diagnostics::default();
    let zone = changes.apply(zone, guards, place(), &mut found)?.finish(&mut found);
    Ok(zone.ok_or_else(|| errors(&found)))
}

fn put_together_as_it_is(zone: &Zone, guards: &[Guarding]) -> Zone {
    put_together(zone, &Changeset::default(), guards).unwrap().unwrap()
}

impl Triplets {
    fn new(zone: Zone, guards: Vec<Guarding>) -> Triplets {
        let again = || put_together_as_it_is(&zone, &guards);
        let (merged, whole) = (Version::of(again()), again());
        Triplets { unmerged: Version::of(zone), merged, whole, guards }
    }

    /// All after changes; whether these were taken.
    fn step(&mut self, changes: &Changeset, chance: &mut Chance, told: &str) -> bool {
        let whole = put_together(&self.whole, changes, &self.guards);
        let one_by_one = [&self.unmerged, &self.merged].map(|version| version.after(changes, &self.guards));
        let [unmerged, merged] = one_by_one.map(|one| match (one, &whole) {
            (Ok(Ok(version)), Ok(Ok(whole))) => {
                assert_same_zone(&version.zone, whole, told);
                Some(version)
            }
            (Ok(Err(one)), Ok(Err(other))) => {
                assert_eq!(&one, other, "{told}: other faults are told\n{changes:?}");
                None
            }
            (Err(_), Err(_)) => None,
            (one, other) => panic!(
                "{told}: {:?} one by one, {:?} as a whole\n{changes:?}",
                one.map(|taken| taken.map(|_| "taken")),
                other.as_ref().map(|taken| taken.as_ref().map(|_| "taken"))
            ),
        });
        let (Some(unmerged), Some(merged), Ok(Ok(whole))) = (unmerged, merged, whole) else { return false };
        let names = names(&[&self.whole, &whole]);
        (self.unmerged, self.merged, self.whole) = (unmerged, merged, whole);
        if chance.one_in(MERGED_EVERY) {
            self.merged = Version::of(put_together_as_it_is(&self.merged.zone, &self.guards));
            assert_same_zone(&self.merged.zone, &self.whole, told);
        }
        self.assert_same_answers(&names, changes, chance, told);
        true
    }

    fn assert_same_answers(
        &self,
        names: &BTreeSet<String>,
        changes: &Changeset,
        chance: &mut Chance,
        told: &str,
    ) {
        let whole = snapshot(&self.whole);
        let versions = [("unmerged", &self.unmerged), ("merged", &self.merged)];
        let versions = versions.map(|(what, one)| (what, snapshot_of(&one.zone, Arc::clone(&one.compiled))));
        for qname in names {
            for qtype in ASKED {
                let query = if chance.one_in(2) { query(qname, qtype, 1232) } else { with_do(qname, qtype) };
                let answer = |snapshot| answer(snapshot, Transport::Tcp, &query, 65_535);
                let other = answer(&whole);
                for (what, version) in &versions {
                    let one = answer(version);
                    if one != other {
                        let message =
                            |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| Message::from_vec(bytes));
                        panic!(
                            "{told}: {qname} {qtype}\n{what}: {:#?}\nwhole: {:#?}\n{changes:#?}\n{:#?}",
                            message(&one),
                            message(&other),
                            told_records(&self.whole)
                        );
                    }
                }
            }
        }
    }
}

fn with_do(qname: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend_from_slice(&wire(qname));
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1, 0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
    query
}

/// Every name of these zones, in each case with one below it and one beside it.
fn names(zones: &[&Zone]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for node in zones.iter().flat_map(|zone| zone.nodes()) {
        let beside = node.name().parent().filter(|parent| parent.is_at_or_below(zones[0].apex()));
        names.insert(node.name().to_string());
        names.insert(format!("x.{}", node.name()));
        names.extend(beside.map(|parent: NameRef<'_>| format!("x.{parent}")));
    }
    names
}

fn told_records(zone: &Zone) -> Vec<String> {
    let told = zone
        .records()
        .map(|(owner, rtype, ttl, rdata)| format!("{owner} {} {rtype} {rdata:?}", ttl.seconds()));
    told.collect()
}

fn assert_same_zone(one: &Zone, other: &Zone, told: &str) {
    assert_eq!(told_records(one), told_records(other), "{told}");
    assert_eq!((one.serial(), one.record_count()), (other.serial(), other.record_count()), "{told}");
    assert_eq!(one.memory(), other.memory(), "{told}: it takes as much memory as the other");
    let kinds = |zone: &Zone| -> BTreeMap<String, NodeKind> {
        zone.node_ids().map(|id| (zone.node(id).name().to_string(), zone.node(id).kind())).collect()
    };
    assert_eq!(kinds(one), kinds(other), "{told}");
    let pools = |zone: &Zone| -> BTreeMap<String, Vec<Pool>> {
        let mut pools: BTreeMap<String, Vec<Pool>> = BTreeMap::new();
        for node in zone.nodes() {
            for pool in node.pools().map(|id| Pool::clone(&zone.pools()[id.index()])) {
                assert_eq!(pool.owner.as_ref(), node.name(), "{told}");
                pools.entry(format!("{} {}", pool.owner, pool.rtype)).or_default().push(pool);
            }
        }
        pools
    };
    assert_eq!(pools(one), pools(other), "{told}");
    assert_eq!(one.pools().len(), other.pools().len(), "{told}: a pool is left that no node has");
}

#[test]
fn a_zone_with_changes_answers_as_the_whole_zone_compiled_at_once() {
    changes_lead_to_the_whole_zone(&TYPES);
}

#[test]
fn a_signed_zone_with_changes_answers_as_the_whole_zone_compiled_at_once() {
    changes_lead_to_the_whole_zone(&SIGNED);
    changes_lead_to_the_whole_zone(&SIGNED_3);
}

fn changes_lead_to_the_whole_zone(types: &'static [Rtype]) {
    let seeds = std::env::var("CHANGES_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..seeds {
        let mut chance = Chance::new(seed + 1);
        chance.1 = types;
        let guards = if types == TYPES { guards(&mut chance) } else { Vec::new() };
        let zone = first(&mut chance, &guards);
        let mut triplets = Triplets::new(zone, guards);
        for step in 0..STEPS {
            let changes = changes(&mut chance, &triplets.whole);
            let told = format!("seed {seed}, step {step}");
            if triplets.step(&changes, &mut chance, &told) { taken += 1 } else { refused += 1 }
        }
    }
    assert!(taken > refused && refused > 0, "{taken} changesets were taken, {refused} refused");
}

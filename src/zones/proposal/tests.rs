//! What becomes of proposals: accepted at the cost of what they change, put together anew, or refused.

use super::*;
use crate::dns::{Name, Rtype, Ttl};
use crate::probe::{Port, ProbeKind, Tcp};
use crate::source::{Sources, Span};
use crate::zone::{
    Builder, Elsewhere, Expected, GuardTemplate, HostAddress, HostName, Machines, PoolSettings, Test,
};
use crate::zones::source::{Changing, ZoneSources};

fn named() -> Origin {
    Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7).into()
}

fn inputs(sources: ZoneSources) -> Inputs {
    Inputs { sources, ..Inputs::default() }
}

fn live() -> Inputs {
    let mut sources = ZoneSources::default();
    sources.push(Changing::Updates);
    inputs(sources)
}

fn soa(serial: u32) -> Record {
    let rdata = [&[0, 0][..], &serial.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
    record("example.", Rtype::SOA, &rdata)
}

fn record(owner: &str, rtype: Rtype, rdata: &[u8]) -> Record {
    let ttl = Ttl::from_seconds(60).unwrap();
    Record { owner: owner.parse().unwrap(), rtype, ttl, rdata: rdata.into() }
}

fn proposal(contents: Contents, inputs: Inputs) -> Proposal {
    let zone = ZoneId::from("example.".parse::<Name>().unwrap());
    Proposal { zone, contents, inputs: Arc::new(inputs), origin: VersionOrigin::Sources }
}

fn version(inputs: Inputs) -> ZoneVersion {
    let mut builder = Builder::new("example.".parse().unwrap(), named());
    for Record { owner, rtype, ttl, rdata } in [soa(1), record("example.", Rtype::NS, b"\x02ns\x04test\x00")]
    {
        builder.add(owner.as_ref(), rtype, ttl, &rdata, named()).unwrap();
    }
    let zone = builder.finish(&mut Diagnostics::default()).unwrap();
    proposal(Contents::Whole(Box::new(zone)), inputs).accept(None).unwrap()
}

fn changes(base: u32, added: Record) -> Contents {
    let changes = Changeset { removed: vec![soa(base)], added: vec![soa(base + 1), added] };
    Contents::Changes { base, changes, origin: named() }
}

#[test]
fn changes_make_the_next_version_of_the_one_they_are_to() {
    let host = record("h.example.", Rtype::A, &[192, 0, 2, 1]);
    let first = version(live());
    let second = proposal(changes(1, host), live()).accept(Some(&first)).unwrap();
    assert_eq!((second.serial, second.records), (2, 3));
    assert!(!Arc::ptr_eq(&first.compiled, &second.compiled));
    assert_eq!((first.serial, first.records), (1, 2), "the first is what it was");
}

#[test]
fn a_version_of_many_changes_is_put_together_anew() {
    let mut current = version(live());
    let changed_nodes = |version: &ZoneVersion| version.contents.as_ref().unwrap().changed_nodes();
    let (mut before, mut most, mut whole) = (0, 0, 0);
    for number in 0..5_000_u32 {
        let name = format!("h{number}.sub.example.");
        let host = record(&name, Rtype::A, &[192, 0, 2, 1]);
        current = proposal(changes(1 + 2 * number, host.clone()), live()).accept(Some(&current)).unwrap();
        whole += usize::from(current.is_put_together());
        if number % 2 == 0 {
            let changes =
                Changeset { removed: vec![soa(current.serial), host], added: vec![soa(current.serial + 1)] };
            let contents = Contents::Changes { base: current.serial, changes, origin: named() };
            current = proposal(contents, live()).accept(Some(&current)).unwrap();
        } else {
            let host = record(&name, Rtype::TXT, b"\x01t");
            current = proposal(changes(current.serial, host), live()).accept(Some(&current)).unwrap();
        }
        whole += usize::from(current.is_put_together());
        assert!(!current.is_merge_due(), "{number} changes");
        most = most.max(changed_nodes(&current));
        if most > changed_nodes(&current) {
            break;
        }
        before = current.records;
    }
    // What the second changeset of the last round changed.
    assert!(changed_nodes(&current) <= 3 && current.compiled.changed_nodes() <= 3);
    assert!(most > 1_000 && current.records >= before, "{most} nodes changed, {before} records");
    assert_eq!(whole, 1, "it was made as a whole once, and is known to be");
    let next = changes(current.serial, record("next.example.", Rtype::A, &[192, 0, 2, 2]));
    assert_eq!(proposal(next, live()).accept(Some(&current)).unwrap().records, current.records + 1);
}

#[test]
fn a_version_of_one_change_to_what_many_aliases_lead_to_is_put_together_anew() {
    let mut current = version(live());
    let hub = record("hub.example.", Rtype::A, &[192, 0, 2, 1]);
    let alias = |number: u32| record(&format!("a{number}.example."), Rtype::CNAME, b"\x03hub\x07example\x00");
    let added = (0..5_000).map(alias).chain([hub.clone(), soa(2)]).collect();
    let changes = Changeset { removed: vec![soa(1)], added };
    let contents = Contents::Changes { base: 1, changes, origin: named() };
    current = proposal(contents, live()).accept(Some(&current)).unwrap();
    assert_eq!(current.compiled.changed_nodes(), 0, "put together anew");
    let changes = Changeset {
        removed: vec![soa(2), hub],
        added: vec![soa(3), record("hub.example.", Rtype::A, &[192, 0, 2, 2])],
    };
    let contents = Contents::Changes { base: 2, changes, origin: named() };
    current = proposal(contents, live()).accept(Some(&current)).unwrap();
    assert_eq!((current.serial, current.compiled.changed_nodes()), (3, 0));
}

#[test]
fn members_by_name_follow_the_addresses_of_their_hosts() {
    let named_host = |name: &str| HostName { name: name.parse().unwrap(), origin: named(), elsewhere: None };
    let guarding = || Guarding {
        owner: "api.example.".parse().unwrap(),
        origin: named(),
        hosts: vec![named_host("m0.example."), named_host("m1.example.")],
        guards: Vec::new(),
        choice: PoolSettings::default(),
        records: Expected::Now,
    };
    let inputs = || Inputs { guards: vec![guarding()], ..live() };
    let host = |name: &str, last: u8| record(name, Rtype::A, &[192, 0, 2, last]);
    let version_with = |hosts: &[Record]| {
        let mut builder = Builder::new("example.".parse().unwrap(), named());
        let apex = [soa(1), record("example.", Rtype::NS, b"\x02ns\x04test\x00")];
        for Record { owner, rtype, ttl, rdata } in apex.iter().chain(hosts) {
            builder.add(owner.as_ref(), *rtype, *ttl, rdata, named()).unwrap();
        }
        builder.guard(guarding());
        let mut found = Diagnostics::default();
        let zone = builder.finish(&mut found).ok_or_else(|| found.first_error().unwrap().message.clone())?;
        Ok::<_, String>(proposal(Contents::Whole(Box::new(zone)), inputs()).accept(None).unwrap())
    };
    let api = |version: &ZoneVersion| {
        let records = version.contents.as_ref().unwrap().records();
        let own = records.filter(|(owner, ..)| owner.to_string() == "api.example.");
        let mut last: Vec<u8> = own.filter_map(|(.., rdata)| rdata.last().copied()).collect();
        last.sort_unstable();
        last
    };
    let first = version_with(&[host("m0.example.", 1), host("m1.example.", 2)]).unwrap();
    assert_eq!(api(&first), [1, 2]);
    let changes = Changeset {
        removed: vec![soa(1), host("m1.example.", 2)],
        added: vec![soa(2), host("m1.example.", 3), host("m1.example.", 4)],
    };
    let moved = Contents::Changes { base: 1, changes, origin: named() };
    let second = proposal(moved, inputs()).accept(Some(&first)).unwrap();
    assert_eq!(api(&second), [1, 3, 4]);
    // So does a version that is put together anew.
    let merged = merged(second);
    assert_eq!(api(&merged), [1, 3, 4]);
    // So do their TTLs, of all hosts at once, and a change elsewhere leaves all as it is.
    let slower = |name: &str, last: u8| Record { ttl: Ttl::from_seconds(90).unwrap(), ..host(name, last) };
    let changes = Changeset {
        removed: vec![soa(2), host("m0.example.", 1), host("m1.example.", 3), host("m1.example.", 4)],
        added: vec![
            soa(3),
            slower("m0.example.", 1),
            slower("m1.example.", 3),
            slower("m1.example.", 4),
            host("other.example.", 9),
        ],
    };
    let contents = Contents::Changes { base: 2, changes, origin: named() };
    let third = proposal(contents, inputs()).accept(Some(&merged)).unwrap();
    let ttls = |version: &ZoneVersion| -> Vec<(String, u32)> {
        let records = version.contents.as_ref().unwrap().records();
        let addresses = records.filter(|(_, rtype, ..)| *rtype == Rtype::A);
        addresses.map(|(owner, _, ttl, _)| (owner.to_string(), ttl.seconds())).collect()
    };
    let is_slow = |(owner, ttl): &(String, u32)| *ttl == if owner == "other.example." { 60 } else { 90 };
    assert_eq!((api(&third), ttls(&third).len()), (vec![1, 3, 4], 7));
    assert!(ttls(&third).iter().all(is_slow), "{:?}", ttls(&third));
    assert!(ttls(&super::merged(third)).iter().all(is_slow));
    let removed = Changeset { removed: vec![soa(2), host("m0.example.", 1)], added: vec![soa(3)] };
    let gone = Contents::Changes { base: 2, changes: removed, origin: named() };
    let fault = proposal(gone, inputs()).accept(Some(&merged)).err().unwrap().to_string();
    assert!(fault.contains("`m0.example.`, a member of `api.example.`, has no address"), "{fault}");
    let missing = version_with(&[host("m0.example.", 1)]).err().unwrap();
    assert_eq!(missing, "`m1.example.`, a member of `api.example.`, has no address");
}

/// A version whose `api` has these hosts of other zones, each with the last parts of its addresses.
fn with_hosts(hosts: &[(&str, &[&str])], machines: Machines) -> Inputs {
    let ttl = Ttl::from_seconds(60).unwrap();
    let host = |(name, addresses): &(&str, &[&str])| {
        let address = |one: &&str| HostAddress { address: one.parse().unwrap(), ttl };
        let addresses = addresses.iter().map(address).collect();
        let elsewhere = Some(Elsewhere { zone: "nodes.test.".parse().unwrap(), addresses });
        HostName { name: format!("{name}.nodes.test.").parse().unwrap(), origin: named(), elsewhere }
    };
    let guard = GuardTemplate::each_second(Test::Same(ProbeKind::Tcp(Tcp { port: Port::new(443).unwrap() })));
    let guarding = Guarding {
        owner: "api.example.".parse().unwrap(),
        origin: named(),
        hosts: hosts.iter().map(host).collect(),
        guards: vec![guard],
        choice: PoolSettings { machines, ..PoolSettings::default() },
        records: Expected::Now,
    };
    Inputs { guards: vec![guarding], ..live() }
}

/// The first version with these inputs.
fn first_with(inputs: Inputs) -> ZoneVersion {
    let mut builder = Builder::new("example.".parse().unwrap(), named());
    for Record { owner, rtype, ttl, rdata } in [soa(1), record("example.", Rtype::NS, b"\x02ns\x04test\x00")]
    {
        builder.add(owner.as_ref(), rtype, ttl, &rdata, named()).unwrap();
    }
    inputs.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
    let mut found = Diagnostics::default();
    let zone = builder.finish(&mut found).unwrap_or_else(|| panic!("{:?}", found.first_error()));
    proposal(Contents::Whole(Box::new(zone)), inputs).accept(None).unwrap()
}

/// The version after `before`, where hosts have other addresses.
fn moved(before: &ZoneVersion, inputs: Inputs) -> ZoneVersion {
    let changes = Changeset { removed: vec![soa(before.serial)], added: vec![soa(before.serial + 1)] };
    let contents = Contents::Changes { base: before.serial, changes, origin: named() };
    proposal(contents, inputs).accept(Some(before)).unwrap()
}

/// The members of its pools, each with the addresses that are probed for it.
fn probed(version: &ZoneVersion) -> Vec<String> {
    let members = version.pools.iter().flat_map(|pool| {
        let all = pool.groups.iter().flatten();
        all.map(|member| {
            let probes: Vec<String> =
                member.guards.iter().map(|guard| guard.probe.address.to_string()).collect();
            format!("{}: {}", pool.show(member), probes.join(" "))
        })
    });
    let mut members: Vec<String> = members.collect();
    members.sort();
    members
}

#[test]
fn members_follow_hosts_of_other_zones_at_the_cost_of_what_changes() {
    let hosts = |hosts: &[(&str, &[&str])]| with_hosts(hosts, Machines::Apart);
    let first = first_with(hosts(&[("m0", &["192.0.2.1"]), ("m1", &["192.0.2.2"])]));
    assert_eq!(probed(&first), ["192.0.2.1: 192.0.2.1", "192.0.2.2: 192.0.2.2"]);
    let second = moved(&first, hosts(&[("m0", &["192.0.2.1"]), ("m1", &["192.0.2.3", "2001:db8::1"])]));
    assert_eq!(probed(&second), ["192.0.2.1: 192.0.2.1", "192.0.2.3: 192.0.2.3", "2001:db8::1: 2001:db8::1"]);
    assert!(second.since.is_some(), "it was not put together anew");
    assert_eq!(second.since.as_ref().unwrap().rrsets().len(), 3, "SOA, A and AAAA");
    // Whoever is put together anew comes to the same.
    assert_eq!(
        probed(&merged(second)),
        probed(&moved(&first, hosts(&[("m0", &["192.0.2.1"]), ("m1", &["192.0.2.3", "2001:db8::1"])])))
    );
}

#[test]
fn a_pool_whose_hosts_are_not_known_yet_comes_with_the_first_of_them_and_is_guarded() {
    let hosts = |hosts: &[(&str, &[&str])]| with_hosts(hosts, Machines::Apart);
    let first = first_with(hosts(&[("m0", &[]), ("m1", &[])]));
    assert!(first.pools.is_empty());
    let second = moved(&first, hosts(&[("m0", &["192.0.2.1"]), ("m1", &[])]));
    assert_eq!(probed(&second), ["192.0.2.1: 192.0.2.1"]);
    let third = moved(&second, hosts(&[("m0", &["192.0.2.1"]), ("m1", &["192.0.2.2"])]));
    assert_eq!(probed(&third), ["192.0.2.1: 192.0.2.1", "192.0.2.2: 192.0.2.2"]);
}

#[test]
fn hosts_that_change_places_are_the_machines_of_their_new_addresses() {
    let hosts =
        |first: &[&str], second: &[&str]| with_hosts(&[("m0", first), ("m1", second)], Machines::ByPlace);
    let first = first_with(hosts(&["192.0.2.1", "2001:db8::1"], &["192.0.2.2", "2001:db8::2"]));
    assert_eq!(probed(&first)[0], "192.0.2.1: 192.0.2.1 2001:db8::1");
    let second = moved(&first, hosts(&["192.0.2.1", "2001:db8::2"], &["192.0.2.2", "2001:db8::1"]));
    assert_eq!(
        probed(&second),
        [
            "192.0.2.1: 192.0.2.1 2001:db8::2",
            "192.0.2.2: 192.0.2.2 2001:db8::1",
            "2001:db8::1: 192.0.2.2 2001:db8::1",
            "2001:db8::2: 192.0.2.1 2001:db8::2",
        ]
    );
}

#[test]
fn changes_to_another_version_or_without_contents_or_to_an_unsound_zone_are_refused() {
    let host = || record("h.example.", Rtype::A, &[192, 0, 2, 1]);
    let refused = |contents, current: Option<&ZoneVersion>| {
        proposal(contents, live()).accept(current).err().unwrap().to_string()
    };
    let current = version(live());
    assert_eq!(
        refused(changes(7, host()), Some(&current)),
        "the changes are to serial 7, and the zone is at serial 1"
    );
    let forgotten = version(inputs(ZoneSources::default()));
    assert!(forgotten.contents.is_none(), "a zone that is read as a whole is not kept in memory");
    for current in [Some(&forgotten), None] {
        assert_eq!(refused(changes(1, host()), current), "the contents of the zone are not in memory");
    }
    let alias = record("example.", Rtype::CNAME, b"\x01a\x04test\x00");
    assert!(refused(changes(1, alias), Some(&current)).contains("CNAME"));
}

//! What pools answer by the recipes of docs/pools.md: members by name, addresses that are probed elsewhere, shares that grow.

use std::net::{IpAddr, Ipv4Addr};

use harness::client::{addresses, ask};
use harness::lab::{API, PORT, QUICK_PROBES};
use harness::loopback;
use harness::master::Master;
use harness::program::{Program, Site, said};
use hickory_proto::rr::RecordType;

/// A site whose zone has these records and whose `api` is guarded, with these lines more.
fn site(records: &str, guard: &str) -> Site {
    let site = Site::new();
    write_zone(&site, 1, records);
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n{QUICK_PROBES}\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = {PORT}\n{guard}\n"
    ));
    site
}

fn write_zone(site: &Site, serial: u32, records: &str) {
    let soa = format!("@ SOA ns.lab.example. root.lab.example. {serial} 3600 600 86400 60");
    site.write("lab.zone", &format!("$TTL 60\n{soa}\n@ NS ns\nns A 127.0.0.1\n{records}"));
}

fn as_ip(hosts: &[Ipv4Addr]) -> Vec<IpAddr> {
    hosts.iter().copied().map(IpAddr::V4).collect()
}

#[test]
fn members_by_name_follow_the_zone_and_a_host_without_address_leaves_it_as_it_was() {
    let hosts = [loopback(), loopback(), loopback()];
    let _masters = hosts.map(|host| Master::open_at(host, PORT));
    let records = |second: Ipv4Addr| format!("master-0 A {}\nmaster-1 A {second}\n", hosts[0]);
    let site = site(&records(hosts[1]), "members = [\"master-0\", \"master-1\"]");
    let program = site.start();
    program.wait_for_addresses(API, &as_ip(&hosts[..2]));
    write_zone(&site, 2, &records(hosts[2]));
    assert!(site.ask(&["reload"]).status.success());
    program.wait_for_addresses(API, &as_ip(&[hosts[0], hosts[2]]));
    write_zone(&site, 3, &format!("master-0 A {}\n", hosts[0]));
    let refused = said(&site.ask(&["reload"]));
    assert!(
        refused.contains("`master-1.lab.example.`, a member of `api.lab.example.`, has no address"),
        "{refused}"
    );
    program.wait_for_addresses(API, &as_ip(&[hosts[0], hosts[2]]));
    program.stop();
}

#[test]
fn an_address_is_answered_as_long_as_the_one_that_is_probed_for_it_passes() {
    let (inside, other) = (loopback(), loopback());
    let (mut behind, _master) = (Master::open_at(inside, PORT), Master::open_at(other, PORT));
    let outside = Ipv4Addr::new(198, 51, 100, 3);
    let guard = format!("probe-at = {{ \"{outside}\" = \"{inside}\" }}");
    let site = site(&format!("api A {outside}\napi A {other}\n"), &guard);
    let program = site.start();
    let mut both = as_ip(&[outside, other]);
    both.sort_unstable();
    program.wait_for_addresses(API, &both);
    behind.close();
    program.wait_for_addresses(API, &as_ip(&[other]));
    behind.open();
    program.wait_for_addresses(API, &both);
    program.stop();
}

/// In how many of so many answers an address is.
fn answered(program: &Program, address: Ipv4Addr, asked: usize) -> usize {
    let given = (0..asked).map(|_| addresses(&ask(program.listen(), API, RecordType::A).expect("an answer")));
    given.filter(|given| given.contains(&IpAddr::V4(address))).count()
}

#[test]
fn a_master_that_is_back_is_in_few_answers_at_first() {
    let hosts = [loopback(), loopback()];
    let mut masters = hosts.map(|host| Master::open_at(host, PORT));
    // So long that it takes one of its ten steps while this runs.
    let site = site(&format!("api A {}\napi A {}\n", hosts[0], hosts[1]), "slow-start = \"1h\"");
    let program = site.start();
    program.wait_for_addresses(API, &as_ip(&hosts));
    assert_eq!(answered(&program, hosts[1], 100), 100, "a first verdict is no return");
    masters[1].close();
    program.wait_for_addresses(API, &as_ip(&hosts[..1]));
    masters[1].open();
    program.wait_for_line(&format!("{}:{PORT} up after 1 pass", hosts[1]));
    // A tenth of 500 within five standard deviations.
    let few = answered(&program, hosts[1], 500);
    assert!((16..=84).contains(&few), "{few} of 500");
    assert_eq!(answered(&program, hosts[0], 100), 100);
    let shown = said(&site.ask(&["status"]));
    assert!(shown.contains("up (10 % of its share)"), "{shown}");
    let told = said(&site.ask(&["explain", API, "A"]));
    assert!(told.contains("has come back and gets 10 % of its share"), "{told}");
    program.stop();
}

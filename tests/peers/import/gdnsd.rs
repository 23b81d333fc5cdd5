//! gdnsd and what is made of its files give the same addresses, whatever masters are up.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::rr::RecordType;

use super::access::imported;
use super::answers::{addresses, answer, ask};
use super::servers::{Server, installed};
use harness::master::Master;
use harness::node::Node;
use harness::{free_port, loopback, loopback_network};

const ZONE: &str = "\
@ SOA ns.@Z host ( 1 7200 30M 3D 10 )
@ 300 NS ns
ns 300 A 192.0.2.1
www 600/30 DYNA multifo!web ; three
    60 TXT \"beside it\"
sf 300 IN DYNA simplefo!one
meta 300 DYNA metafo!sites
second 300 DYNC metafo!sites/two
$ORIGIN sub
plain 300 DYNA static!here
still.@F 60 A 192.0.2.2
alias.@Z 300 CNAME www.@Z
";

/// Names without pools, whose answers are compared as they are.
const PLAIN: &[(&str, RecordType)] = &[
    ("ns.lab.test.", RecordType::A),
    ("www.lab.test.", RecordType::TXT),
    ("www.lab.test.", RecordType::AAAA),
    ("plain.sub.lab.test.", RecordType::A),
    ("still.lab.test.", RecordType::A),
    ("lab.test.", RecordType::NS),
    ("sub.lab.test.", RecordType::A),
    ("nothing.lab.test.", RecordType::A),
];

fn config(listen: std::net::SocketAddr, folder: &str, port: u16, address: impl Fn(u8) -> Ipv4Addr) -> String {
    format!(
        "# gdnsd\noptions => {{ listen => [ {listen} ], run_dir => \"{folder}/run\", state_dir => \"{folder}/state\" }}\n\
         service_types = {{\n  port = {{ plugin = tcp_connect, port = {port}, up_thresh = 1, ok_thresh = 1, down_thresh = 1, \
         interval = 2, timeout = 1 }}\n}}\n\
         plugins => {{\n  multifo => {{ web => {{ service_types => [ port ], up_thresh => 0.3, a => {a}, b => {b}, c => {c} }} }}\n\
         \x20 simplefo => {{ one => {{ service_types => port, primary => {a}, secondary => {b} }} }}\n\
         \x20 metafo => {{ resources => {{ sites => {{ service_types => port, datacenters => [ one, two ],\n\
         \x20   dcmap => {{ one => [ {a}, {b} ], two => {{ x => {c} }} }} }} }} }}\n\
         \x20 static => {{ here => 192.0.2.7 }}\n}}\n",
        a = address(13),
        b = address(14),
        c = address(15),
    )
}

#[test]
fn what_gdnsd_answers_is_answered() {
    let Some(gdnsd) = installed("gdnsd") else { return };
    let [a, b, c] = loopback_network();
    let address = |last: u8| Ipv4Addr::new(a, b, c, last);
    let port = free_port(loopback()).port();
    let mut masters: Vec<Master> = [13, 14, 15].map(|last| Master::closed_at(address(last), port)).into();
    let listen = free_port(loopback());
    let node = Node::new(&[("etc/zones/lab.test", ZONE), ("etc/run/x", ""), ("etc/state/x", "")]);
    node.write("etc/config", &config(listen, &node.path("etc").display().to_string(), port, address));
    let result = node.import_with("gdnsd", "etc", &[]);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    masters.iter_mut().for_each(Master::open);
    let mut theirs = Server::gdnsd(&gdnsd, &node.path("etc"));
    theirs.wait_until("gdnsd answers", || ask(listen, "lab.test.", RecordType::SOA).map(|_| ()));
    let (site, ours) = imported(&result, &node.path("new"));
    for up in [&[13, 14, 15][..], &[14, 15], &[15], &[13]] {
        for (master, last) in masters.iter_mut().zip([13, 14, 15]) {
            if up.contains(&last) { master.open() } else { master.close() }
        }
        let has = |lasts: &[u8]| lasts.iter().copied().filter(|last| up.contains(last)).collect::<Vec<u8>>();
        let first =
            |lasts: &[u8], others: &[u8]| if has(lasts).is_empty() { has(others) } else { has(lasts) };
        let one = if up.contains(&13) {
            vec![13]
        } else if up.contains(&14) {
            vec![14]
        } else {
            vec![13]
        };
        for (name, wanted) in [
            ("www.lab.test.", has(&[13, 14, 15])),
            ("sf.lab.test.", one),
            ("meta.lab.test.", first(&[13, 14], &[15])),
            ("second.lab.test.", vec![15]),
        ] {
            let wanted: Vec<IpAddr> = wanted.into_iter().map(|last| address(last).into()).collect();
            let set: BTreeSet<IpAddr> = wanted.iter().copied().collect();
            theirs.wait_until(&format!("gdnsd answers {wanted:?} for {name}"), || {
                let got: BTreeSet<IpAddr> = addresses(listen, name)?.into_iter().collect();
                (got == set).then_some(())
            });
            ours.wait_for_addresses(name, &wanted);
        }
        // gdnsd leaves it to the client to follow an alias.
        let wanted: Vec<IpAddr> = has(&[13, 14, 15]).into_iter().map(|last| address(last).into()).collect();
        ours.wait_for_addresses("alias.lab.test.", &wanted);
    }
    for (name, qtype) in PLAIN {
        let (theirs, ours) = (answer(listen, name, *qtype), answer(site.listen(), name, *qtype));
        assert_eq!((ours.code, ours.records), (theirs.code, theirs.records), "{name} {qtype}");
    }
    ours.stop();
}

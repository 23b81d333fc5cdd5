//! LUA records beside PowerDNS: both servers load one zone file and probe the same targets.
//!
//! Functions that probe other addresses than they answer, those that read the name that is asked, and what goes by the client
//! that a resolver names; `answers` compares the records of real nodes.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};

use super::answers::{IN_A_ROW, addresses, answer, ask};
use super::servers::{Server, installed};
use super::target::Target;
use harness::program::{Program, Site};
use harness::stub::{query, send};
use harness::{free_port, loopback};

/// `ext` answers addresses where nobody is: each while a URL elsewhere is up, the second set while the first is not.
fn zone(first: SocketAddr, second: SocketAddr) -> String {
    format!(
        "$TTL 10\n@ IN SOA ns host 1 3600 600 86400 10\n@ IN NS ns\nns IN A 192.0.2.53\n\
         ext IN LUA A \"ifurlextup({{{{['192.0.2.1']='http://{first}/'}}, {{['192.0.2.2']='http://{second}/'}}}}, {{interval=0.1}})\"\n"
    )
}

/// Waits until both servers answer `ext` with this address alone. PowerDNS answers any address before it has probed.
fn wait_for_both(theirs: &mut Server, place: SocketAddr, ours: &Program, wanted: [u8; 4]) {
    let wanted = IpAddr::from(wanted);
    theirs.wait_until(&format!("PowerDNS answers {wanted}"), || {
        (0..IN_A_ROW).all(|_| addresses(place, "ext.lab.example.") == Some(vec![wanted])).then_some(())
    });
    ours.wait_for_addresses("ext.lab.example.", &[wanted]);
}

#[test]
fn a_url_of_another_host_decides_about_an_address_as_in_powerdns() {
    let Some(pdns) = installed("pdns_server") else { return };
    let (first, second) = (Target::start_at(free_port(loopback())), Target::start_at(free_port(loopback())));
    let site = Site::new();
    site.write("lab.zone", &zone(first.place, second.place));
    site.configure("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n");
    let place = free_port(loopback());
    let folder = site.folder().display();
    site.write(
        "bind.conf",
        &format!("zone \"lab.example\" {{ type master; file \"{folder}/lab.zone\"; }};\n"),
    );
    site.write(
        "pdns.conf",
        &format!(
            "launch=bind\nbind-config={folder}/bind.conf\nenable-lua-records=yes\nlua-health-checks-interval=1\n\
             local-address={place}\n"
        ),
    );
    let mut theirs = Server::pdns(&pdns, site.folder());
    theirs.wait_until("PowerDNS answers", || ask(place, "lab.example", RecordType::SOA).map(|_| ()));
    let ours = site.start();
    wait_for_both(&mut theirs, place, &ours, [192, 0, 2, 1]);
    first.close();
    wait_for_both(&mut theirs, place, &ours, [192, 0, 2, 2]);
    first.open();
    second.close();
    wait_for_both(&mut theirs, place, &ours, [192, 0, 2, 1]);
    ours.stop();
}

/// PowerDNS and edgedns with one zone; none where PowerDNS is not installed.
fn both_with(zone: &str, more: &str) -> Option<(Server, SocketAddr, Site, Program)> {
    let pdns = installed("pdns_server")?;
    let site = Site::new();
    site.write(
        "lab.zone",
        &format!("$TTL 10\n@ IN SOA ns host 1 3600 600 86400 10\n@ IN NS ns\nns IN A 192.0.2.53\n{zone}"),
    );
    site.configure(
        "client-subnet-from = [\"127.0.0.0/8\"]\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n",
    );
    let place = free_port(loopback());
    let folder = site.folder().display();
    let own = format!("zone \"lab.example\" {{ type master; file \"{folder}/lab.zone\"; }};\n");
    site.write("bind.conf", &own);
    let settings = format!(
        "launch=bind\nbind-config={folder}/bind.conf\nenable-lua-records=yes\nlocal-address={place}\n{more}"
    );
    site.write("pdns.conf", &settings);
    let mut theirs = Server::pdns(&pdns, site.folder());
    theirs.wait_until("PowerDNS answers", || ask(place, "lab.example", RecordType::SOA).map(|_| ()));
    let ours = site.start();
    Some((theirs, place, site, ours))
}

/// Names of which PowerDNS 4.7.3 makes what 5.1 makes.
const MADE: [(&str, RecordType, &str); 24] = [
    ("1.2.3.4.f", RecordType::A, "1.2.3.4"),
    ("1.2.3.4.static.f", RecordType::A, "1.2.3.4"),
    ("1.2.3.4.5.6.f", RecordType::A, "1.2.3.4"),
    ("invalid.1.2.3.4.f", RecordType::A, "0.0.0.0"),
    ("invalid.f", RecordType::A, "0.0.0.0"),
    ("1-2-3-4.f", RecordType::A, "1.2.3.4"),
    ("1-2-3-4.foo.f", RecordType::A, "1.2.3.4"),
    ("1-2-3-4aa.foo.bar.f", RecordType::A, "0.0.0.0"),
    ("1-2-3-4.foo.bar.baz.f", RecordType::A, "0.0.0.0"),
    ("ip-is-here-for-you-1-2-3-4.f", RecordType::A, "1.2.3.4"),
    ("ip40414243.f", RecordType::A, "64.65.66.67"),
    ("ip-441424.f", RecordType::A, "0.0.0.0"),
    ("some-text-with-more-than-five-dashes.f", RecordType::A, "0.0.0.0"),
    ("2.2.2.2.f", RecordType::A, "0.0.0.0"),
    ("010.0x10.1.2.all", RecordType::A, "8.16.1.2"),
    ("192-010-2-001.all", RecordType::A, "192.10.2.1"),
    ("192.0.2.256.all", RecordType::A, "0.0.0.0"),
    ("4.3.2.1.r", RecordType::PTR, "1-2-3-4.example.com."),
    ("001.2.3.4.r", RecordType::PTR, "4-3-2-001.example.com."),
    ("10.10.10.10.r", RecordType::PTR, "quad10.example.com."),
    ("4.3.2.1.hex", RecordType::PTR, "h01020304.1.2.3.4.example.com."),
    (
        "8.b.d.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.2.r6",
        RecordType::PTR,
        "2001--db8.example.com.",
    ),
    (
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.r6",
        RecordType::PTR,
        "example.example.com.",
    ),
    ("8.b.d.r6", RecordType::PTR, "unknown."),
];

#[test]
fn names_with_addresses_in_them_are_answered_as_in_powerdns() {
    let zone = "*.f IN LUA A \"filterForward(createForward(), newNMG{'1.0.0.0/8', '64.0.0.0/8'})\"\n\
                *.all IN LUA A \"createForward()\"\n\
                *.r IN LUA PTR \"createReverse('%5%.example.com', {['10.10.10.10'] = 'quad10.example.com.'})\"\n\
                *.hex IN LUA PTR \"createReverse('h%6%.%1%.%2%.%3%.%4%.example.com')\"\n\
                *.r6 IN LUA PTR \"createReverse6('%33%.example.com', {['2001:db8::1'] = 'example.example.com.'})\"\n";
    let Some((_theirs, place, _site, ours)) = both_with(zone, "") else { return };
    for (name, rtype, wanted) in MADE {
        let name = format!("{name}.lab.example.");
        let (old, new) = (answer(place, &name, rtype), answer(ours.listen(), &name, rtype));
        assert_eq!(new, old, "{name} {rtype}");
        assert!(
            new.records.iter().all(|(.., data)| data == wanted) && new.records.len() == 1,
            "{name}: {new:?}"
        );
    }
    ours.stop();
}

#[test]
fn a_resolver_gets_for_its_clients_what_powerdns_gives_for_them() {
    let zone = "view IN LUA A \"view({{{'203.0.113.0/24'}, {'192.0.2.2'}}, {{'203.0.112.0/22'}, {'192.0.2.3'}}, \
                {{'0.0.0.0/0', '2001:db8::/48'}, {'192.0.2.4'}}})\"\n\
                hashed IN LUA A \"pickhashed({'192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5'})\"\n\
                weighed IN LUA A \"pickwhashed({{15, '192.0.2.1'}, {42, '192.0.2.2'}, {7, '192.0.2.3'}})\"\n";
    let Some((_theirs, place, _site, ours)) = both_with(zone, "edns-subnet-processing=yes\n") else { return };
    let subnets = [
        "203.0.113.128/25",
        "203.0.114.0/24",
        "198.51.100.0/24",
        "127.0.0.1/32",
        "192.0.0.0/20",
        "2001:db8::/56",
    ];
    let mut seen = std::collections::BTreeSet::new();
    for subnet in subnets {
        let (address, bits) = subnet.split_once('/').expect("a length");
        let option =
            ClientSubnet::new(address.parse().expect("an address"), bits.parse().expect("a number"), 0);
        for name in ["view", "hashed", "weighed"] {
            let mut asked = query(&format!("{name}.lab.example."), RecordType::A);
            asked.edns.get_or_insert_default().options_mut().insert(EdnsOption::Subnet(option));
            let [old, new] = [place, ours.listen()].map(|server| {
                let response = send(server, &asked).unwrap_or_else(|| panic!("{server} is silent"));
                response.answers.iter().map(|record| record.data.to_string()).collect::<Vec<_>>()
            });
            assert_eq!((new.len(), &new), (1, &old), "{name} for {subnet}");
            seen.extend(new.into_iter().map(|address| (name, address)));
        }
    }
    assert!(seen.len() >= 7, "clients get different answers: {seen:?}");
    ours.stop();
}

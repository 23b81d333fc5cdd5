//! LUA records beside PowerDNS: both servers load one zone file and probe the same targets.
//!
//! Only functions that probe other addresses than they answer are tested here; `answers` compares the records
//! of real nodes.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::RecordType;

use super::answers::{IN_A_ROW, addresses, ask};
use super::servers::{Server, installed};
use super::target::Target;
use harness::program::{Program, Site};
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

//! NSD, Knot DNS, BIND and PowerDNS as primaries: edgedns copies their zone, and follows it as they tell of changes.
//!
//! | | first copy | what has changed | NOTIFY | the same with TSIG |
//! |---|---|---|---|---|
//! | NSD | AXFR | IXFR | heeded | `nsd_is_followed_with_a_key…` |
//! | Knot DNS | AXFR | IXFR | heeded | `knot_is_followed_with_a_key…` |
//! | BIND | AXFR | IXFR | heeded | `bind_is_followed_with_a_key…` |
//! | PowerDNS | AXFR | AXFR: it sends no differences | heeded | `powerdns_is_followed_with_a_key…` |

mod expire;
mod server;
mod signed;
mod tls;
mod updates;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask};
use harness::program::{Program, Site};
use harness::{PATIENCE, free_port, loopback, wait_for};
use server::{
    Primary, SECRET, bind, bind_with_a_key, knot, knot_with_a_key, nsd, nsd_with_a_key, patient_zone,
    powerdns, powerdns_with_a_key, write_zone, zone,
};

/// How a primary sends what has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    /// The difference.
    Changes,
    /// The whole zone again.
    Whole,
}

/// A secondary of a primary, with what it says in the log.
fn secondary(site: &Site, place: SocketAddr, rest: &str) -> Program {
    site.configure(&format!(
        "[admin]\nsocket = \"{}\"\n[probe]\nstartup-wait = \"0s\"\n[[zone]]\nname = \"lab.example\"\nprimary = [\"{place}\"]\n{rest}",
        site.folder().join("control.sock").display()
    ));
    site.start()
}

fn wait_for_address(program: &Program, primary: &Primary, last: u8) {
    let wanted = [format!("192.0.2.{last}").parse::<std::net::IpAddr>().expect("an address")];
    wait_for(&format!("192.0.2.{last} after:\n{}", primary.log()), PATIENCE, || {
        let response = ask(program.listen(), "www.lab.example.", RecordType::A)?;
        let is_there = response.metadata.response_code == ResponseCode::NoError;
        (is_there && addresses(&response) == wanted).then_some(())
    });
}

/// The answers of both, as text, to what is in the zone.
fn same_answers(program: &Program, primary: &Primary) {
    for (qname, qtype) in [
        ("lab.example.", RecordType::SOA),
        ("lab.example.", RecordType::NS),
        ("h77.lab.example.", RecordType::A),
        ("x.wild.lab.example.", RecordType::TXT),
        ("odd.lab.example.", RecordType::Unknown(65280)),
        ("nobody.lab.example.", RecordType::A),
        ("a.sub.lab.example.", RecordType::A),
    ] {
        let told = |place| {
            // One that is busy is asked again.
            let response = wait_for("a response", PATIENCE, || ask(place, qname, qtype));
            // Servers differ in what they send besides.
            let mut records: Vec<String> = response.answers.iter().map(|record| record.to_string()).collect();
            records.sort();
            (response.metadata.response_code, records)
        };
        assert_eq!(told(program.listen()), told(primary.place), "{qname} {qtype}");
    }
}

fn follows(
    program: &str,
    address: Ipv4Addr,
    sends: Sends,
    configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
) {
    let site = Site::new();
    let Some(primary) = start_patient(program, address, &site, configure) else { return };
    let ours = secondary(&site, primary.place, "");
    wait_for_address(&ours, &primary, 1);
    same_answers(&ours, &primary);
    changes_are_followed(&ours, &primary, sends);
    ours.stop();
}

/// Starts a primary whose secondaries hear of another version by NOTIFY alone.
fn start_patient(
    program: &str,
    address: Ipv4Addr,
    site: &Site,
    configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
) -> Option<Primary> {
    Primary::start(program, address, site.listen(), |folder, place, notified, command| {
        write_zone(folder, &patient_zone(1, 1));
        configure(folder, place, notified, command);
    })
}

/// The primary has another version, says so, and sends what has changed, or all of it.
fn changes_are_followed(ours: &Program, primary: &Primary, sends: Sends) {
    primary.change_to(&patient_zone(2, 2));
    wait_for_address(ours, primary, 2);
    same_answers(ours, primary);
    let told = |sends| match sends {
        Sends::Changes => "zone lab.example. from serial 1 to 2: changes of ",
        Sends::Whole => "zone lab.example. serial 2: ",
    };
    ours.wait_for_line(told(sends));
    if sends == Sends::Whole {
        let log = ours.log();
        assert!(!log.iter().any(|line| line.text.contains(told(Sends::Changes))), "{log:?}");
    }
}

#[test]
fn nsd_is_followed() {
    follows("nsd", loopback(), Sends::Changes, nsd);
}

#[test]
fn knot_is_followed() {
    follows("knotd", loopback(), Sends::Changes, knot);
}

#[test]
fn bind_is_followed() {
    // BIND listens only where an interface has the address.
    follows("named", Ipv4Addr::LOCALHOST, Sends::Changes, bind);
}

#[test]
fn powerdns_is_followed() {
    follows("pdns_server", loopback(), Sends::Whole, powerdns);
}

/// A primary that gives its zone to whoever has the key, and signs its NOTIFY messages with it.
fn follows_with_a_key(
    program: &str,
    address: Ipv4Addr,
    sends: Sends,
    configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
) {
    let site = Site::new();
    let Some(primary) = start_patient(program, address, &site, configure) else { return };
    let without = secondary(&site, primary.place, "");
    without.wait_for_line("cannot be copied");
    without.stop();
    for secret in ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SECRET] {
        site.configure(&format!(
            "[admin]\nsocket = \"{}\"\n[[key]]\nname = \"transfer\"\nsecret = \"{secret}\"\n\
             [[zone]]\nname = \"lab.example\"\nprimary = [\"{} key:transfer\"]\n",
            site.folder().join("control.sock").display(),
            primary.place
        ));
        let ours = site.start();
        if secret == SECRET {
            wait_for_address(&ours, &primary, 1);
            changes_are_followed(&ours, &primary, sends);
        } else {
            let line = ours.wait_for_line("cannot be copied");
            // PowerDNS signs no error.
            assert!(
                ["BADSIG", "the response is not signed"].iter().any(|why| line.text.contains(why)),
                "{line:?}"
            );
        }
        ours.stop();
    }
}

#[test]
fn nsd_is_followed_with_a_key_and_refuses_who_has_none() {
    follows_with_a_key("nsd", loopback(), Sends::Changes, nsd_with_a_key);
}

#[test]
fn knot_is_followed_with_a_key_and_refuses_who_has_none() {
    follows_with_a_key("knotd", loopback(), Sends::Changes, knot_with_a_key);
}

#[test]
fn bind_is_followed_with_a_key_and_refuses_who_has_none() {
    follows_with_a_key("named", Ipv4Addr::LOCALHOST, Sends::Changes, bind_with_a_key);
}

#[test]
fn powerdns_is_followed_with_a_key_and_refuses_who_has_none() {
    follows_with_a_key("pdns_server", loopback(), Sends::Whole, powerdns_with_a_key);
}

#[test]
fn lua_records_of_powerdns_become_pools_that_follow_their_targets() {
    let site = Site::new();
    let (one, other) = (loopback(), loopback());
    let target = free_port(one);
    let listener = TcpListener::bind(target).expect("a free port");
    let with_pool = |serial: u32, last: u8, port: u16| {
        let code = format!("ifportup({port}, {{'{one}', '{other}'}}, {{interval=1}})");
        zone(serial, last) + &format!("api 5 IN LUA A \"{code}\"\n")
    };
    let text = with_pool(1, 1, target.port());
    let with_lua = |folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command| {
        fs::write(folder.join("lab.zone"), text).expect("a zone file");
        powerdns(folder, place, notified, command);
    };
    let Some(primary) = Primary::start("pdns_server", loopback(), site.listen(), with_lua) else { return };
    let refusing = secondary(&site, primary.place, "");
    refusing.wait_for_line("it sends a LUA record of `api.lab.example.`");
    refusing.stop();
    let accepting = secondary(&site, primary.place, "lua = \"accept\"\n");
    wait_for_address(&accepting, &primary, 1);
    accepting.wait_for_addresses("api.lab.example.", &[one.into()]);
    // Nothing is transferred: it is the targets that change.
    let _listener_at_other = TcpListener::bind((other, target.port())).expect("a free port");
    drop(listener);
    accepting.wait_for_addresses("api.lab.example.", &[other.into()]);
    // The next version has other targets.
    let next = free_port(one);
    let _listener = TcpListener::bind(next).expect("a free port");
    primary.change_to(&with_pool(2, 2, next.port()));
    wait_for_address(&accepting, &primary, 2);
    accepting.wait_for_addresses("api.lab.example.", &[one.into()]);
    // Nobody probes the ones of before any more.
    let probed = |port: u16| {
        let targets = site.status()["targets"].clone();
        let names = targets.as_array().expect("targets").iter().map(|target| target["name"].to_string());
        names.filter(|name| name.contains(&format!(":{port}"))).count()
    };
    assert_eq!((probed(target.port()), probed(next.port())), (0, 2));
    accepting.stop();
}

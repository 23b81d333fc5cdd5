//! NOTIFY: from whom it is heeded.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use harness::scripted_primary::{Record, Step, a, honest, notify_from, ns, rtype, soa_of};

use super::*;

const NOERROR: u8 = 0;
const REFUSED: u8 = 5;
const NOTAUTH: u8 = 9;

/// A version whose secondaries do not ask for it by themselves while a test runs.
fn version(serial: u32, last: u8) -> Vec<Record> {
    let soa = soa_of(serial, [3600, 3600, 86_400]);
    vec![soa.clone(), ns(), a("www", last), soa]
}

#[test]
fn a_notify_of_a_primary_leads_to_a_refresh_at_once_and_one_of_a_stranger_to_nothing() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    primary.says(honest(version(2, 2)));
    let stranger = UdpSocket::bind((loopback(), 0)).expect("a socket");
    assert_eq!(notify_from(&stranger, program.listen(), 2), REFUSED);
    let asked = primary.count(rtype::SOA);
    assert_eq!(primary.notify(program.listen(), 1), NOERROR, "that is here: nobody is asked");
    assert_eq!(primary.notify(program.listen(), 2), NOERROR);
    wait_for_address(&program, "192.0.2.2");
    assert_eq!(primary.count(rtype::SOA), asked + 1);
}

#[test]
fn a_notify_for_a_zone_that_is_not_copied_is_answered_notauth() {
    let site = Site::new();
    site.configure("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n");
    site.write("lab.zone", "@ 60 IN SOA ns h 1 60 60 60 60\n@ 60 IN NS ns.test.\n");
    let program = site.start();
    let stranger = UdpSocket::bind((loopback(), 0)).expect("a socket");
    assert_eq!(notify_from(&stranger, program.listen(), 2), NOTAUTH);
}

#[test]
fn a_notify_of_what_is_here_has_a_primary_asked_that_did_not_answer_before() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    program.stop();
    // It is asked at the start, and then after an hour.
    primary.says(|query| vec![Step::Message(query.response_as(query.id, 2, &[]))]);
    let program = site.start();
    program.wait_for_line("stays at serial 1");
    primary.says(honest(version(1, 1)));
    assert_eq!(primary.notify(program.listen(), 1), NOERROR);
    program.wait_for_line("is confirmed again");
}

#[test]
fn a_notify_that_comes_during_a_transfer_leads_to_one_more_question() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    let newest = Arc::new(AtomicU8::new(2));
    let (go, gone) = channel::<()>();
    let (told, held) = (Arc::clone(&newest), Mutex::new(gone));
    primary.says(move |query| {
        let newest = told.load(Ordering::Relaxed);
        if query.qtype != rtype::SOA {
            // The end of the test lets all of them go on.
            let _ = held.lock().expect("no transfer panics").recv();
        }
        honest(version(newest.into(), newest))(query)
    });
    assert_eq!(primary.notify(program.listen(), 2), NOERROR);
    wait_for("the transfer", PATIENCE, || (primary.count(rtype::IXFR) == 1).then_some(()));
    let asked = primary.count(rtype::SOA);
    newest.store(3, Ordering::Relaxed);
    for serial in std::iter::repeat_n(2, 40).chain([3]).chain(std::iter::repeat_n(2, 40)) {
        assert_eq!(primary.notify(program.listen(), serial), NOERROR);
    }
    assert_eq!(primary.count(rtype::SOA), asked, "it is in the midst of one");
    drop(go);
    wait_for_address(&program, "192.0.2.3");
    program.stop();
}

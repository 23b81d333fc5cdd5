//! Copying, refreshing, and what is left of a copy at the next start.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::scripted_primary::{Record, Step, a, honest, ns, rtype, soa, soa_of, version};

use super::*;

#[test]
fn a_zone_is_copied_and_then_changes_with_its_primary() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    assert!(status(&site)["file"].as_str().unwrap().contains(&primary.place().to_string()));
    let changes = vec![soa(2), soa(1), a("www", 1), soa(2), a("www", 2), soa(2)];
    primary.says(move |query| match query.qtype {
        rtype::IXFR => {
            assert_eq!(query.serial, Some(1));
            vec![Step::Message(query.response(&changes))]
        }
        _ => honest(version(2, 2))(query),
    });
    program.reload_and_wait();
    assert_eq!(primary.count(rtype::IXFR), 0, "a reload asks nobody whose zone stays as it is");
    wait_for_address(&program, "192.0.2.2");
    assert_eq!((primary.count(rtype::AXFR), primary.count(rtype::IXFR)), (1, 1));
    program.stop();
}

#[test]
fn a_start_serves_the_copy_of_before_while_no_primary_is_there() {
    let primary = ScriptedPrimary::start(honest(version(7, 3)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.3");
    program.stop();
    let place = primary.place();
    drop(primary);
    let program = site.start();
    assert_eq!(address(&program).as_deref(), Some("192.0.2.3"), "at once");
    let line = program.wait_for_line("stays at serial 7");
    assert!(line.text.contains(&place.to_string()), "{line:?}");
    let status = status(&site);
    assert_eq!(status["serial"], 7);
    assert!(status["error"].as_str().unwrap().contains("no primary confirms it"), "{status}");
    assert!(status["stale_seconds"].as_u64().is_some_and(|age| age < 60), "{status}");
}

#[test]
fn a_copy_that_is_too_old_is_not_served_and_one_that_a_primary_confirms_is() {
    let primary = ScriptedPrimary::start(honest(version(7, 3)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.3");
    program.stop();
    let copy = site.folder().join("state/copies/lab.example.zone");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 86_400);
    std::fs::File::options().write(true).open(&copy).unwrap().set_modified(long_ago).unwrap();
    primary.says(|_| Vec::new());
    let program = site.start();
    assert_eq!(response_code(&program), ResponseCode::ServFail);
    primary.says(honest(version(7, 3)));
    wait_for_address(&program, "192.0.2.3");
}

#[test]
fn a_zone_whose_primaries_are_silent_for_too_long_answers_servfail() {
    let times = [1, 1, 3];
    let records = vec![soa_of(1, times), ns(), a("www", 1), soa_of(1, times)];
    let primary = ScriptedPrimary::start(honest(records.clone()));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    let copied = status(&site)["copied"].clone();
    assert_eq!(copied["expire_seconds"], 3, "{copied}");
    assert!(copied["expires_in_seconds"].as_u64().is_some_and(|left| left < 4), "{copied}");
    primary.says(|_| vec![Step::Silence]);
    program.wait_for_line("has expired");
    wait_for("SERVFAIL", PATIENCE, || (response_code(&program) == ResponseCode::ServFail).then_some(()));
    assert_eq!(status(&site)["copied"]["expires_in_seconds"], 0);
    primary.says(honest(records));
    wait_for_address(&program, "192.0.2.1");
}

#[test]
fn what_has_expired_is_replaced_by_whatever_the_primary_has() {
    let times = [1, 1, 8];
    let records = |serial, last| {
        let soa = soa_of(serial, times);
        vec![soa.clone(), ns(), a("www", last), soa]
    };
    let primary = ScriptedPrimary::start(honest(records(9, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    // It was restored from a backup.
    primary.says(honest(records(4, 2)));
    let line = program.wait_for_line("stays at serial 9");
    assert!(line.text.contains("it is at serial 4, which is older than ours, 9"), "{line:?}");
    assert_eq!(address(&program).as_deref(), Some("192.0.2.1"));
    // Once it has expired: the next question to the primary may come before the loop has said so.
    wait_for_address(&program, "192.0.2.2");
    assert_eq!(primary.count(rtype::IXFR), 0, "nothing leads from a version to an older one");
}

#[test]
fn the_next_primary_is_asked_when_one_is_gone_or_behind() {
    let (behind, newest) =
        (ScriptedPrimary::start(honest(version(1, 1))), ScriptedPrimary::start(honest(version(1, 1))));
    let site = site_of(&[&behind, &newest], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    newest.says(honest(version(2, 2)));
    // The first one says each second that the zone is as it was: nobody asks the other before it speaks.
    wait_for("the one that has spoken is asked", PATIENCE, || {
        // It says so again while it was too slow to be asked in time, and the first one was asked instead.
        newest.notify(program.listen(), 2);
        let is_there = |_| {
            std::thread::sleep(Duration::from_millis(5));
            address(&program).as_deref() == Some("192.0.2.2")
        };
        (0..400).any(is_there).then_some(())
    });
    // The one that is behind is asked when the other has gone; what it has is of no use.
    drop(newest);
    // Before, it may be that neither has answered in time.
    let line = program.wait_for_line("it is at serial 1, which is older than ours, 2");
    assert!(line.text.contains("stays at serial 2"), "{line:?}");
    assert_eq!(address(&program).as_deref(), Some("192.0.2.2"));
}

#[test]
fn a_primary_that_is_not_there_delays_no_start_and_no_other_zone() {
    let primary = ScriptedPrimary::start(|_| vec![Step::Silence]);
    let site = site_of(&[&primary], "[[zone]]\nname = \"other.example\"\nfile = \"other.zone\"\n");
    site.write("other.zone", "@ 60 IN SOA ns h 1 60 60 60 60\n@ 60 IN NS ns.test.\nwww 60 IN A 192.0.2.77\n");
    let program = site.start();
    let other = ask(program.listen(), "www.other.example.", RecordType::A).expect("a response");
    assert_eq!(addresses(&other).len(), 1);
    assert_eq!(response_code(&program), ResponseCode::ServFail);
    primary.says(honest(version(1, 1)));
    wait_for_address(&program, "192.0.2.1");
}

#[test]
fn records_of_a_primary_are_guarded_as_those_of_a_file() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let target = free_port(loopback());
    let listener = std::net::TcpListener::bind(target).expect("a free port");
    let std::net::IpAddr::V4(address) = target.ip() else { panic!("a loopback address") };
    let mut records = version(1, 1);
    records[2].3 = address.octets().to_vec();
    records.insert(3, a("www", 1));
    primary.says(honest(records));
    let probe = format!(
        "[[zone.probe]]\nnames = [\"www\"]\ntcp = {}\ninterval = \"20ms\"\ntimeout = \"200ms\"\nretry = \"20ms\"\n",
        target.port()
    );
    let site = site_of(&[&primary], &probe);
    let program = site.start();
    wait_for("the zone is served", PATIENCE, || self::address(&program));
    program.wait_for_addresses(QNAME, &[address.into()]);
    drop(listener);
}

#[test]
fn a_reverse_zone_that_is_made_from_a_copy_follows_it() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let reverse = "[[zone]]\nname = \"2.0.192.in-addr.arpa\"\nreverse-of = \"lab.example\"\n";
    let site = site_of(&[&primary], reverse);
    let program = site.start();
    let named = |last: u8| {
        let response = ask(program.listen(), &format!("{last}.2.0.192.in-addr.arpa."), RecordType::PTR)?;
        let target = response.answers.first().map(|record| record.data.to_string())?;
        (target == QNAME).then_some(())
    };
    wait_for("the name of the first address", PATIENCE, || named(1));
    primary.says(honest(version(2, 2)));
    wait_for("the name of the second address", PATIENCE, || named(2));
    assert!(named(1).is_none());
}

#[test]
fn an_explanation_says_where_the_records_come_from() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    let said = harness::program::said(&site.run(&["explain", QNAME, "--socket", "control.sock"]));
    assert!(said.contains(&format!("copied from primary {}", primary.place())), "{said}");
    let checked = harness::program::said(&site.check());
    assert!(
        checked.contains(&format!("zone lab.example.: copied from primary {}", primary.place())),
        "{checked}"
    );
}

#[test]
fn what_new_settings_do_not_allow_is_confirmed_by_no_primary() {
    let mut records = version(1, 1);
    records.insert(3, a("api", 1));
    (records[3].1, records[3].3) = (rtype::LUA, b"\x00\x01\x1cifportup(443, {'192.0.2.1'})".to_vec());
    let primary = ScriptedPrimary::start(honest(records));
    let site = site_of(&[&primary], "lua = \"accept\"\n");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    configure(&site, &[&primary], "");
    program.reload_and_wait();
    program.wait_for_line("its records cannot be served with these settings: it has LUA records");
    let line = program.wait_for_line("cannot be copied");
    assert!(line.text.contains("it sends a LUA record of `api.lab.example.`"), "{line:?}");
    // It has the serial that is served, and yet what it has is another thing now.
    let asked = primary.count(rtype::SOA);
    wait_for("it is asked again", PATIENCE, || (primary.count(rtype::SOA) > asked + 1).then_some(()));
    assert!(status(&site)["error"].as_str().unwrap().contains("LUA"), "{}", status(&site));
    assert_eq!(address(&program).as_deref(), Some("192.0.2.1"));
    configure(&site, &[&primary], "lua = \"accept\"\n");
    program.reload_and_wait();
    wait_for("all is well", PATIENCE, || status(&site)["error"].is_null().then_some(()));
}

/// A version whose hosts all say which one it is, and large enough that writing it takes a while.
fn large(serial: u32) -> Vec<Record> {
    let last = u8::try_from(serial % 250).expect("a small number");
    let hosts = (0..1_500).map(|host| a(&format!("h{host}"), last));
    let soa = soa_of(serial, [1, 1, 86_400]);
    [soa.clone(), ns(), a("www", last)].into_iter().chain(hosts).chain([soa]).collect()
}

/// The serial of the copy on the disk, all of which must be of that version.
fn serial_of_copy(site: &Site) -> Option<u32> {
    let text = std::fs::read_to_string(site.folder().join("state/copies/lab.example.zone")).ok()?;
    let (head, rest) = text.split_once('\n').expect("a first line");
    let serial = head.split_once("at serial ").expect("a serial").1.split(',').next();
    let serial: u32 = serial.expect("a serial").parse().expect("a serial");
    let address = format!("192.0.2.{}", serial % 250);
    assert_eq!(rest.lines().filter(|line| line.ends_with(&address)).count(), 1_501, "{head}");
    Some(serial)
}

#[test]
fn a_kill_at_any_moment_leaves_a_copy_that_is_whole_and_was_served() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20);
    // Each question finds a newer version, so that one is always being copied, served or written.
    let newest = Arc::new(AtomicU32::new(1));
    let told = Arc::clone(&newest);
    let primary = ScriptedPrimary::start(move |query| match query.qtype {
        rtype::SOA => honest(large(told.fetch_add(1, Ordering::Relaxed) + 1))(query),
        _ => honest(large(told.load(Ordering::Relaxed)))(query),
    });
    let site = site_of(&[&primary], "");
    let mut before = None;
    for kill in 0..kills {
        let mut program = site.start();
        if let Some(serial) = before {
            let wanted = format!("192.0.2.{}", serial % 250);
            let seen = address(&program).expect("the copy is served at once");
            assert!(
                seen == wanted || newest.load(Ordering::Relaxed) > serial,
                "{seen} where {wanted} was kept"
            );
        }
        let asked = primary.count(rtype::AXFR) + primary.count(rtype::IXFR);
        wait_for("a transfer", PATIENCE, || {
            let rounds = primary.count(rtype::AXFR) + primary.count(rtype::IXFR);
            primary.notify(program.listen(), newest.load(Ordering::Relaxed) + 1);
            (rounds > asked).then_some(())
        });
        // Anywhere in what follows, which takes some 50 ms; once it is to end.
        if kill == 0 {
            wait_for("the first copy", PATIENCE, || serial_of_copy(&site));
        }
        std::thread::sleep(Duration::from_millis(kill * 7 % 90));
        program.kill();
        let after = serial_of_copy(&site);
        assert!(after >= before, "{after:?} after {before:?}");
        assert!(after <= Some(newest.load(Ordering::Relaxed)));
        before = after;
    }
    assert!(before.is_some(), "no copy was ever written");
}

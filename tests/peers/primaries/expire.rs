//! EDNS EXPIRE (RFC 7314): a primary that is a secondary itself says how long its own copy holds, and ours holds no longer.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use harness::tools::tool;

use super::*;

/// `expire` of the zone, in seconds.
const EXPIRE: u64 = 3600;

/// Half of that has passed since anybody has confirmed the copy.
const CONFIRMED: Duration = Duration::from_secs(EXPIRE / 2);

/// BIND as a secondary whose primary has gone. It takes the time of its file for when that was confirmed last.
fn bind_without_a_primary(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    bind(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("named.conf")).expect("a config file");
    let nobody = free_port(loopback());
    let secondary = format!(
        "type secondary; masterfile-format text; primaries port {} {{ {}; }};",
        nobody.port(),
        nobody.ip()
    );
    let text = text.replace("type primary;", &secondary).replace("ixfr-from-differences yes;", "");
    fs::write(folder.join("named.conf"), text).expect("a config file");
    let file = fs::File::options().append(true).open(folder.join("lab.zone")).expect("a zone file");
    file.set_modified(SystemTime::now() - CONFIRMED).expect("a file of ours");
}

/// For how many seconds a copy is served still.
fn expires_in(site: &Site) -> u64 {
    let status = site.status();
    status["zones"][0]["copied"]["expires_in_seconds"].as_u64().unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn a_copy_from_a_secondary_holds_for_as_long_as_that_one_and_for_no_more_after_a_restart() {
    let site = Site::new();
    let bind = Primary::start("named", Ipv4Addr::LOCALHOST, site.listen(), bind_without_a_primary);
    let Some(primary) = bind else { return };
    let state = site.folder().join("state");
    fs::create_dir(&state).expect("a scratch folder");
    site.configure(&format!(
        "[admin]\nstate-directory = \"{}\"\nsocket = \"{}\"\n[[zone]]\nname = \"lab.example\"\nprimary = [\"{}\"]\n",
        state.display(),
        site.folder().join("control.sock").display(),
        primary.place
    ));
    let program = site.start();
    wait_for_address(&program, &primary, 1);
    let half = CONFIRMED.as_secs();
    let left = expires_in(&site);
    assert!((half - 60..=half).contains(&left), "{left} of {half} s");
    // The refresh time is a second: confirmations are told to hold for as long.
    let confirmed = |site: &Site| site.status()["zones"][0]["copied"]["confirmed_at"].clone();
    let first = confirmed(&site);
    wait_for("a confirmation", PATIENCE, || (confirmed(&site) != first).then_some(()));
    assert!(expires_in(&site) <= left);
    program.stop();
    drop(primary);
    let program = site.start();
    let left_after = expires_in(&site);
    assert!((half - 60..=left).contains(&left_after), "{left_after} after {left} s");
    program.stop();
}

#[test]
fn a_copy_from_a_primary_holds_for_all_of_its_expire() {
    for (name, address, configure) in [
        ("named", Ipv4Addr::LOCALHOST, bind as fn(&Path, SocketAddr, SocketAddr, &mut Command)),
        ("knotd", loopback(), knot),
        ("nsd", loopback(), nsd),
    ] {
        let site = Site::new();
        let Some(primary) = Primary::start(name, address, site.listen(), configure) else { continue };
        let program = secondary(&site, primary.place, "");
        wait_for_address(&program, &primary, 1);
        let left = expires_in(&site);
        assert!((EXPIRE - 60..=EXPIRE).contains(&left), "{name}: {left} of {EXPIRE} s");
        program.stop();
    }
}

/// What a server says to an EXPIRE option: for how many seconds its zone holds.
fn told(place: SocketAddr, from: &str, words: &[&str]) -> Option<u64> {
    let mut dig = tool("dig")?;
    dig.args([&format!("@{}", place.ip()), "-p", &place.port().to_string(), "-b", from]);
    let told = dig.args(["+expire", "+tries=1"]).args(words).output().expect("dig runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let seconds = told.split_once("; EXPIRE: ")?.1.split_whitespace().next()?;
    Some(seconds.parse().unwrap_or_else(|error| panic!("{error}: {told}")))
}

#[test]
fn expire_is_told_as_other_primaries_do_for_the_soa_record_and_a_transfer() {
    if tool("dig").is_none() {
        return;
    }
    let site = Site::new();
    site.write("lab.zone", &zone(1, 1));
    site.configure(
        "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\n",
    );
    let program = site.start();
    let said = |place, from| {
        let asked: [&[&str]; 3] =
            [&["lab.example", "SOA"], &["lab.example", "SOA", "+tcp"], &["www.lab.example", "A"]];
        asked.map(|words| told(place, from, words))
    };
    let ours = said(program.listen(), "127.0.0.1");
    assert_eq!(ours, [Some(EXPIRE), Some(EXPIRE), None]);
    let nobody = free_port(loopback());
    if let Some(bind) = Primary::start("named", Ipv4Addr::LOCALHOST, nobody, bind) {
        assert_eq!(said(bind.place, "127.0.0.1"), ours, "BIND");
    }
    if let Some(knot) = Primary::start("knotd", loopback(), nobody, knot) {
        assert_eq!(
            said(knot.place, "127.0.0.1")[..2],
            ours[..2],
            "Knot DNS, which says it to other questions too"
        );
    }
    if let Some(nsd) = Primary::start("nsd", loopback(), nobody, nsd) {
        // Its zones hold for the expire time of their SOA records: so it is here, without the option.
        assert_eq!(said(nsd.place, "127.0.0.1"), [None; 3], "NSD 4.6");
    }
    program.stop();
}

/// How long the copy holds that BIND has from an earlier start.
const LEFT_FROM_BEFORE: u64 = 300;

/// BIND as a secondary of `primary`, with a copy that holds not much longer.
fn bind_that_copies(primary: SocketAddr) -> impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command) {
    move |folder, place, notified, command| {
        bind(folder, place, notified, command);
        let text = fs::read_to_string(folder.join("named.conf")).expect("a config file");
        let secondary = format!(
            "type secondary; masterfile-format text; min-refresh-time 1; min-retry-time 1; primaries port {} {{ {}; }};",
            primary.port(),
            primary.ip()
        );
        let text = text.replace("type primary;", &secondary).replace("ixfr-from-differences yes;", "");
        fs::write(folder.join("named.conf"), text).expect("a config file");
        let file = fs::File::options().append(true).open(folder.join("lab.zone")).expect("a zone file");
        let confirmed = SystemTime::now() - Duration::from_secs(EXPIRE - LEFT_FROM_BEFORE);
        file.set_modified(confirmed).expect("a file of ours");
        command.args(["-d", "1"]);
    }
}

#[test]
fn a_copy_tells_bind_for_how_long_it_holds_itself() {
    if tool("dig").is_none() {
        return;
    }
    let site = Site::new();
    let first = Primary::start("named", Ipv4Addr::LOCALHOST, site.listen(), bind_without_a_primary);
    let Some(first) = first else { return };
    let program = secondary(&site, first.place, "allow-transfer = [\"127.0.0.0/8\"]\n");
    wait_for_address(&program, &first, 1);
    let half = CONFIRMED.as_secs();
    let left = told(program.listen(), "127.0.0.1", &["lab.example", "SOA"]).expect("an EXPIRE option");
    assert!((half - 60..=half).contains(&left), "{left} of {half} s");
    let copies = bind_that_copies(program.listen());
    let last =
        Primary::start("named", Ipv4Addr::LOCALHOST, free_port(loopback()), copies).expect("as before");
    // BIND 9.18 asks with the SOA record alone, and takes the later of the two (RFC 7314, section 4).
    let begun = Instant::now();
    let left_there = wait_for("a confirmed copy", PATIENCE * 2, || {
        let left = told(last.place, "127.0.0.1", &["lab.example", "SOA"]).expect("an EXPIRE option");
        assert!(left > LEFT_FROM_BEFORE || begun.elapsed() < PATIENCE, "{left} s:\n{}", last.log());
        (left > LEFT_FROM_BEFORE).then_some(left)
    });
    assert!((half - 60..=left).contains(&left_there), "{left_there} after {left} s:\n{}", last.log());
    program.stop();
}

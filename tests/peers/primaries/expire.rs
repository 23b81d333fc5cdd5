//! EDNS EXPIRE (RFC 7314): a primary that is a secondary itself says how long its own copy holds, and ours holds no longer.

use std::fs;
use std::time::{Duration, SystemTime};

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

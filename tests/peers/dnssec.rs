//! Zones that edgedns signs, before the checkers of BIND, NLnet Labs and Knot DNS; and keys of theirs and ours.

mod feeds;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use edgedns::dns::{Name, rdata};
use edgedns::dnssec::{
    Algorithm, DenialKind, Event, Key, Pair, Period, SEP, Shelf, Signing, Time, Timing, ZONE_KEY, ZoneKeys,
    read_folder, sign, write_key,
};
use edgedns::source::{Diagnostics, Sources, Span};
use edgedns::zone::{Builder, Zone};
use edgedns::zonefile;
use harness::program::Site;
use harness::tools::tool;
use harness::zone_keys::{self, only_key};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::side_by_side::zone::{Planted, Which, pairs};

/// Random zones that are tried with each way of denial.
const ZONES: u32 = 30;

/// A zone with everything that is signed in a way of its own.
const ZONE: &str = concat!(include_str!("../data/dnssec/in-every-way.zone"), "rp 60 RP Host.Master Www\n");

fn now() -> Time {
    Time::of(SystemTime::now())
}

fn zone(apex: &str, text: &str) -> Option<Zone> {
    let mut sources = Sources::default();
    let file = sources.add("zone", text.as_bytes().to_vec());
    let mut builder = Builder::new(apex.parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    builder.finish(&mut found).filter(|_| found.errors() == 0)
}

fn key(apex: &str, algorithm: Algorithm, flags: u16) -> Key {
    let (public, secret) = Pair::generate(algorithm, flags).unwrap();
    let pair = Pair::new(&public, &secret).unwrap();
    let timing = Timing::default().with(Event::Publish, now()).with(Event::Activate, now());
    Key::new(apex.parse().unwrap(), public, pair, timing.with(Event::SyncPublish, now()))
}

/// The text of a zone, signed with keys.
fn signed(zone: &Zone, keys: Vec<Key>) -> String {
    signed_with(zone, keys, DenialKind::Nsec)
}

/// The same with a way of denial.
fn signed_with(zone: &Zone, keys: Vec<Key>, denial: DenialKind) -> String {
    let keys = ZoneKeys::new(keys).unwrap().in_effect(now()).unwrap();
    let signing = Signing { keys, validity: Period::at(now(), 0).validity(), denial };
    let added = sign(zone, &signing, &mut Shelf::default(), NonZeroUsize::new(2).unwrap()).unwrap();
    let mut text = String::new();
    zonefile::write(zone, &mut text);
    for record in added {
        text += &format!("{} {} IN {} ", record.owner, record.ttl, record.rtype);
        rdata::write(record.rtype, &record.rdata, &mut text);
        text.push('\n');
    }
    text
}

fn run(command: &mut Command) -> Output {
    command.output().expect("it runs")
}

/// Has every checker judge a signed zone.
#[track_caller]
fn assert_sound(apex: &str, text: &str) {
    let kzonecheck: (&str, &[&str], bool) = ("kzonecheck", &["-d", "on", "-o"], true);
    assert_accepted(apex, text, &[&CHECKERS[..], &[kzonecheck]].concat());
}

/// Checkers with their options, and whether they are told the apex.
const CHECKERS: [(&str, &[&str], bool); 2] =
    [("dnssec-verify", &["-z", "-o"], true), ("ldns-verify-zone", &[], false)];

#[track_caller]
fn assert_accepted(apex: &str, text: &str, checkers: &[(&str, &[&str], bool)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.zone");
    fs::write(&path, text).unwrap();
    for (checker, options, wants_apex) in checkers.iter().copied() {
        let Some(mut command) = tool(checker) else { continue };
        command.args(options).args(wants_apex.then_some(apex)).arg(&path);
        let output = run(&mut command);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{checker}: {}\n{text}", said.concat());
    }
}

#[test]
fn every_checker_accepts_a_zone_that_is_signed_by_one_key_by_a_pair_and_by_two_algorithms() {
    let apex = "Example.org.";
    let zone = zone(apex, ZONE).unwrap();
    for algorithm in Algorithm::ALL {
        assert_sound(apex, &signed(&zone, vec![key(apex, algorithm, ZONE_KEY | SEP)]));
        let pair = [ZONE_KEY | SEP, ZONE_KEY].map(|flags| key(apex, algorithm, flags));
        assert_sound(apex, &signed(&zone, pair.into()));
    }
    let both = Algorithm::ALL.map(|algorithm| key(apex, algorithm, ZONE_KEY | SEP));
    // kzonecheck refuses such zones, those of dnssec-signzone, too.
    assert_accepted(apex, &signed(&zone, both.into()), &CHECKERS);
}

#[test]
fn every_checker_accepts_a_zone_that_denies_by_hashes() {
    let apex = "Example.org.";
    let zone = zone(apex, ZONE).unwrap();
    for denial in [DenialKind::Nsec3, DenialKind::Nsec3OptOut] {
        let key = key(apex, Algorithm::EcdsaP256Sha256, ZONE_KEY | SEP);
        assert_sound(apex, &signed_with(&zone, vec![key], denial));
    }
}

#[test]
fn dnssec_verify_and_ldns_accept_random_zones() {
    for denial in DenialKind::ALL {
        assert_random_zones_are_accepted(denial);
    }
}

fn assert_random_zones_are_accepted(denial: DenialKind) {
    let mut runner = TestRunner::new(ProptestConfig { cases: ZONES, ..ProptestConfig::default() });
    let tried = std::cell::Cell::new(0);
    let accepted = runner.run(&pairs(), |pair| {
        let planted = Planted { pair: &pair, index: 7 };
        for which in [Which::First, Which::Second] {
            let apex = planted.apex(which);
            let text = planted.text(which);
            // BIND loads no zone with such a delegation.
            let has_wildcard_cut = text.lines().any(|line| line.starts_with("*.") && line.contains(" NS "));
            let Some(zone) = zone(&apex, &text).filter(|_| !has_wildcard_cut) else { continue };
            let key = key(&apex, Algorithm::EcdsaP256Sha256, ZONE_KEY | SEP);
            // kzonecheck looks for glue as well, which such zones lack.
            assert_accepted(&apex, &signed_with(&zone, vec![key], denial), &CHECKERS);
            tried.set(tried.get() + 1);
        }
        Ok(())
    });
    accepted.unwrap();
    assert!(tried.get() > ZONES / 2, "{}", tried.get());
}

#[test]
fn keys_of_bind_are_read_with_their_times_and_algorithms() {
    let (folder, apex) = (tempfile::tempdir().unwrap(), "example.org");
    let zone = zone("example.org.", ZONE).unwrap();
    for (algorithm, flags) in [("13", "-fKSK"), ("15", "-fKSK"), ("13", ""), ("15", "")] {
        let Some(mut command) = tool("dnssec-keygen") else { return };
        let times = ["-P", "now", "-A", "now", "-P", "sync", "now", "-D", "+1y"];
        command.args(["-q", "-K"]).arg(folder.path()).args(["-a", algorithm]).args(times);
        command.args((!flags.is_empty()).then_some(flags)).arg(apex);
        assert!(run(&mut command).status.success());
    }
    let name: Name = apex.parse().unwrap();
    let keys = read_folder(folder.path(), name.as_ref()).unwrap();
    assert_eq!(keys.len(), 4);
    for file in &keys {
        let timing = file.key.timing();
        let year =
            timing.get(Event::Delete).unwrap().seconds() - timing.get(Event::Publish).unwrap().seconds();
        assert!(timing.is_active(now().after(1)) && year.abs_diff(365 * 86_400) < 86_400);
    }
    let keys: Vec<Key> = keys.into_iter().map(|file| file.key).collect();
    assert_sound("example.org.", &signed(&zone, keys));
}

#[test]
fn bind_signs_with_keys_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let name: Name = "example.org.".parse().unwrap();
    let timing = Timing::default()
        .with(Event::Created, now())
        .with(Event::Publish, now())
        .with(Event::Activate, now());
    let mut tags = Vec::new();
    for algorithm in Algorithm::ALL {
        let (public, secret) = Pair::generate(algorithm, ZONE_KEY | SEP).unwrap();
        tags.push(public.tag());
        write_key(folder.path(), &name, public, &secret, &timing).unwrap();
    }
    let path: &Path = &folder.path().join("example.org.zone");
    fs::write(path, ZONE).unwrap();
    let Some(mut command) = tool("dnssec-signzone") else { return };
    command.current_dir(folder.path()).args(["-S", "-z", "-K", ".", "-o", "example.org."]).arg(path);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(folder.path().join("example.org.zone.signed")).unwrap();
    for tag in tags {
        assert!(text.contains(&format!(" {tag} example.org.")), "{tag}");
    }
    let set = |tag: &str| {
        let mut command = tool("dnssec-settime").unwrap();
        run(command.current_dir(folder.path()).args(["-K", ".", "-p", "all", tag]))
    };
    for file in read_folder(folder.path(), name.as_ref()).unwrap() {
        let said = set(file.stem.file_name().unwrap().to_str().unwrap());
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}

/// The serial of the zone's file.
const OF_FILE: u32 = 2_026_113_001;

/// That of what is signed of it after a start: other servers may have other signatures with the one of before.
const FIRST: u32 = OF_FILE + 1;

/// A signed zone that may be transferred and updated.
const CONFIG: &str = "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n[[zone]]\n\
    name = \"example.org\"\nfile = \"example.org.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\n[zone.dnssec]\n\
    keys = \"keys\"\n[[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"ANY\"]\n";

/// A server with that zone, and its key.
fn site() -> Site {
    let site = Site::new();
    site.write("example.org.zone", &ZONE.replace("alias 60 CNAME WWW\n", ""));
    zone_keys::generate(&site, "example.org", "keys");
    site.configure(CONFIG);
    site
}

/// The config of that zone with a way of denial.
fn config_with(denial: DenialKind) -> String {
    let line = format!("keys = \"keys\"\ndenial = \"{}\"\n", denial.name());
    CONFIG.replace("keys = \"keys\"\n", &line)
}

/// The zone as a secondary gets it.
fn transferred(server: SocketAddr) -> Option<String> {
    let mut command = tool("dig")?;
    let port = server.port().to_string();
    command.args([&format!("@{}", server.ip()), "-p", &port, "+onesoa", "+nocomments", "+nocmd", "+nostats"]);
    command.args(["+noquestion", "example.org", "AXFR"]);
    Some(String::from_utf8(run(&mut command).stdout).unwrap())
}

fn serial(text: &str) -> u32 {
    let soa = text.lines().find(|line| line.contains("\tSOA\t")).unwrap_or_else(|| panic!("{text}"));
    soa.split_ascii_whitespace().nth(6).unwrap().parse().unwrap()
}

/// Sends an update of these lines.
fn update(server: SocketAddr, lines: &str) {
    let mut child = tool("nsupdate")
        .unwrap()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nsupdate runs");
    let orders = format!("server {} {}\nzone example.org\n{lines}send\n", server.ip(), server.port());
    child.stdin.take().unwrap().write_all(orders.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", harness::program::said(&output));
}

/// What is transferred once it has this serial.
fn wait_for_serial(server: SocketAddr, wanted: u32) -> String {
    let begin = Instant::now();
    loop {
        let text = transferred(server).unwrap();
        if text.contains("\tSOA\t") && serial(&text) == wanted {
            return text;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The records of a text, in one order.
fn sorted(text: &str) -> BTreeSet<&str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with(';')).collect()
}

/// What has changed since a serial.
fn incremental(server: SocketAddr, since: u32) -> String {
    let mut command = tool("dig").unwrap();
    let port = server.port().to_string();
    command.args([&format!("@{}", server.ip()), "-p", &port, "+tcp", "+nocomments", "+nocmd", "+nostats"]);
    command.args(["+noquestion", "example.org", &format!("IXFR={since}")]);
    String::from_utf8(run(&mut command).stdout).unwrap()
}

/// The begin of all signatures that one key has made, `YYYYMMDDHHMMSS`.
fn inceptions(text: &str) -> BTreeSet<String> {
    signatures(text).map(|words| words[9].to_owned()).collect()
}

/// The words of the signatures among records; a long owner is followed by spaces in place of tabs.
fn signatures(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let words = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    words.filter(|words| words.get(3) == Some(&"RRSIG"))
}

#[test]
fn what_is_transferred_is_signed_after_updates_too_and_every_checker_accepts_it() {
    for denial in DenialKind::ALL {
        assert_updates_are_signed(denial);
    }
}

fn assert_updates_are_signed(denial: DenialKind) {
    let site = site();
    site.configure(&config_with(denial));
    let program = site.start();
    let Some(_) = transferred(program.listen()) else { return };
    assert_sound("example.org.", &wait_for_serial(program.listen(), FIRST));
    let steps = [
        "update add new.example.org 60 A 192.0.2.99\n",
        "update add x.deep.empty.non.terminal.example.org 60 TXT y\nupdate delete www.example.org\n",
        "update add insecure.example.org 60 DS 1 13 2 0101010101010101010101010101010101010101010101010101010101010101\n",
        "update delete deep.empty.non.terminal.example.org\nupdate delete x.deep.empty.non.terminal.example.org\n",
        "update add aaa.example.org 60 A 192.0.2.2\nupdate add zzz.example.org 60 A 192.0.2.1\n",
        "update delete aaa.example.org\nupdate add new.example.org 60 AAAA 2001:db8::1\n",
    ];
    for (count, lines) in (1..).zip(steps) {
        update(program.listen(), lines);
        let text = wait_for_serial(program.listen(), FIRST + count);
        assert_sound("example.org.", &text);
    }
    // Who has the version before is sent what has changed, signatures included, and not the zone.
    let whole = transferred(program.listen()).unwrap().lines().count();
    let changed = incremental(program.listen(), FIRST + 5);
    let signatures = signatures(&changed).count();
    assert!(signatures >= 8 && changed.lines().count() < whole / 2, "{changed}");
    // A restart makes no signature, and no serial: who has this version has it still.
    let before = transferred(program.listen()).unwrap();
    program.stop();
    let program = site.start();
    let text = wait_for_serial(program.listen(), FIRST + 6);
    assert_eq!(sorted(&text), sorted(&before));
    assert!(text.contains("zzz.example.org.") && !text.contains("www.example.org.\t60\tIN\tA\t"), "{text}");
    // Other servers are sent what changes next, and not the zone.
    update(program.listen(), "update add after.example.org 60 A 192.0.2.98\n");
    assert_sound("example.org.", &wait_for_serial(program.listen(), FIRST + 7));
    let changed = incremental(program.listen(), FIRST + 6);
    assert!(changed.lines().count() < before.lines().count() / 2, "{changed}");
    program.stop();
    // Where they are lost, all are others, and so is the serial.
    fs::remove_dir_all(site.folder().join("state/signatures")).unwrap();
    let program = site.start();
    assert_sound("example.org.", &wait_for_serial(program.listen(), FIRST + 8));
    program.stop();
    // What is not whole is told, and not used.
    let kept = site.folder().join("state/signatures/example.org.signatures");
    let mut bytes = fs::read(&kept).unwrap();
    let place = bytes.len() - 100;
    bytes[place] ^= 1;
    fs::write(&kept, bytes).unwrap();
    let program = site.start();
    program.wait_for_line("its digest is another one; it is signed anew");
    assert_sound("example.org.", &wait_for_serial(program.listen(), FIRST + 9));
    program.stop();
}

#[test]
fn a_new_week_and_a_new_key_sign_the_zone_anew_with_the_next_serial() {
    let site = site();
    let program = site.start();
    let Some(_) = transferred(program.listen()) else { return };
    let first = wait_for_serial(program.listen(), FIRST);
    let old = inceptions(&first);
    assert_eq!(old.len(), 1, "{first}");
    // The newest time that was ever seen counts, whatever the clock says.
    let next_week = now().after(7 * 86_400).seconds();
    fs::write(site.folder().join("state/newest-time"), format!("{next_week}\n")).unwrap();
    program.reload_and_wait();
    program.wait_for_line("newest-time and reload");
    let second = wait_for_serial(program.listen(), FIRST + 1);
    let new = inceptions(&second);
    assert!(new.len() == 1 && new > old, "{old:?} {new:?}");
    // The zone signing key of another, from the same folder.
    let made = site.run(&["dnssec", "generate", "example.org", "--keys", "keys", "--zone-signing"]);
    assert!(made.status.success());
    program.reload_and_wait();
    let third = wait_for_serial(program.listen(), FIRST + 2);
    assert_eq!(third.matches("\tDNSKEY\t").count(), 2, "{third}");
    let status = site.status();
    assert!(status["zones"][0]["signed_until"].is_string(), "{status:#}");
    program.stop();
}

#[test]
fn another_way_of_denial_signs_the_zone_anew_with_the_next_serial() {
    let site = site();
    site.configure_watched(CONFIG);
    let program = site.start();
    let Some(_) = transferred(program.listen()) else { return };
    assert!(wait_for_serial(program.listen(), FIRST).contains("\tNSEC\t"));
    let told = [("NSEC3 1 0 0 - ", DenialKind::Nsec3), ("NSEC3 1 1 0 - ", DenialKind::Nsec3OptOut)];
    for (count, (told, denial)) in (1..).zip(told) {
        site.configure_watched(&config_with(denial));
        program.reload_and_wait();
        let text = wait_for_serial(program.listen(), FIRST + count);
        let words = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(told) && !text.contains("\tNSEC\t"), "{text}");
        assert_sound("example.org.", &text);
    }
    site.configure_watched(CONFIG);
    program.reload_and_wait();
    let text = wait_for_serial(program.listen(), FIRST + 3);
    assert!(!text.contains("NSEC3") && text.contains("\tNSEC\t"), "{text}");
    program.stop();
}

#[test]
fn a_roll_that_has_begun_waits_with_a_status_of_its_own() {
    let site = site();
    let roll = || site.run(&["dnssec", "roll", "example.org", "--keys", "keys"]);
    let (begun, waits) = (roll(), roll());
    let said = harness::program::said(&begun);
    assert!(begun.status.success() && said.contains("a key is made that follows"), "{said}");
    let said = harness::program::said(&waits);
    assert!(waits.status.code() == Some(3) && said.contains("then it signs"), "{said}");
    let keys = harness::program::said(&site.run(&["dnssec", "keys", "example.org", "--keys", "keys"]));
    assert!(keys.contains("signs,") && keys.contains("in the zone, Activate at"), "{keys}");
}

#[test]
fn a_zone_whose_keys_cannot_be_used_is_answered_servfail_and_never_unsigned() {
    let site = site();
    site.configure_watched(CONFIG);
    let private = |mode: u32| {
        for entry in fs::read_dir(site.folder().join("keys")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "private") {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    };
    private(0o644);
    let check = site.check();
    assert!(!check.status.success() && harness::program::said(&check).contains("chmod 600"));
    let program = site.start();
    let Some(text) = transferred(program.listen()) else { return };
    assert!(!text.contains("SOA"), "{text}");
    // Nobody says so: the keys are looked at.
    private(0o600);
    assert_sound("example.org.", &wait_for_serial(program.listen(), FIRST));
    // While it is served, it stays.
    private(0o644);
    let reload = site.reload().wait_with_output().unwrap();
    assert!(!reload.status.success());
    assert_eq!(serial(&transferred(program.listen()).unwrap()), FIRST);
    program.stop();
}

#[test]
fn a_key_of_powerdns_is_taken_over_with_its_dnskey_record() {
    let site = Site::new();
    site.write("example.org.zone", ZONE);
    let folder = site.folder().display().to_string();
    site.write(
        "named.conf",
        &format!("zone \"example.org\" {{ type master; file \"{folder}/example.org.zone\"; }};\n"),
    );
    site.write(
        "pdns.conf",
        &format!("launch=bind\nbind-config={folder}/named.conf\nbind-dnssec-db={folder}/keys.sqlite\n"),
    );
    let tell = |words: &[&str]| {
        let mut command = tool("pdnsutil")?;
        command.arg(format!("--config-dir={folder}")).args(words);
        let output = run(&mut command);
        assert!(output.status.success(), "{}", harness::program::said(&output));
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let Some(_) = tell(&["create-bind-db", &format!("{folder}/keys.sqlite")]) else { return };
    tell(&["secure-zone", "example.org"]);
    site.write("secret", &tell(&["export-zone-key", "example.org", "1"]).unwrap());
    let record = tell(&["export-zone-dnskey", "example.org", "1"]).unwrap();
    site.write("record", &record);
    // The secret alone says as much.
    let alone = site.run(&["dnssec", "import", "example.org", "secret", "--keys", "alone"]);
    assert!(alone.status.success(), "{}", harness::program::said(&alone));
    assert!(record.contains(&only_key(&site, "alone")), "{record}");
    let taken =
        site.run(&["dnssec", "import", "example.org", "secret", "--dnskey", "record", "--keys", "keys"]);
    assert!(taken.status.success(), "{}", harness::program::said(&taken));
    assert!(record.contains(&only_key(&site, "keys")), "{record}");
}

#[test]
fn a_key_of_knot_is_taken_over_from_its_pem() {
    for algorithm in ["13", "15"] {
        let site = Site::new();
        let tell = |words: &[&str]| {
            let mut command = tool("keymgr")?;
            command.arg("-D").arg(site.folder().join("kasp")).arg("example.org.").args(words);
            let output = run(&mut command);
            assert!(output.status.success(), "{}", harness::program::said(&output));
            Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        };
        let generated = tell(&["generate", &format!("algorithm={algorithm}"), "ksk=yes", "zsk=yes"]);
        let Some(id) = generated else { return };
        let pem = format!("kasp/keys/{id}.pem");
        let taken = site.run(&["dnssec", "import", "example.org", &pem, "--keys", "keys"]);
        assert!(taken.status.success(), "{}", harness::program::said(&taken));
        assert!(tell(&["dnskey", &id]).unwrap().contains(&only_key(&site, "keys")));
        let ds = site.run(&["dnssec", "ds", "example.org", "--keys", "keys"]);
        let digest =
            |text: &str| text.split_ascii_whitespace().last().unwrap_or_default().to_ascii_lowercase();
        let theirs = tell(&["ds", &id]).unwrap();
        let theirs = theirs.lines().find(|line| line.contains(&format!(" {algorithm} 2 "))).unwrap();
        assert_eq!(digest(&harness::program::said(&ds)), digest(theirs));
    }
}

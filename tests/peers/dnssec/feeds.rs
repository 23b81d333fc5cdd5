//! Zones whose records come while they are served, signed here: copies of a zone that is not, and keys of etcd.

use super::*;
use harness::etcd::{Etcd, Security};
use harness::program::Program;
use harness::{PATIENCE, wait_for};

/// What clients may have of these zones, and how they are signed.
const SIGNED: &str = "allow-transfer = [\"127.0.0.0/8\"]\n[zone.dnssec]\nkeys = \"keys\"\n";

const ADMIN: &str = "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n";

/// A server of the zone that does not sign, may be updated, and tells another one of it.
fn primary(notified: SocketAddr) -> (Site, Program) {
    let site = Site::new();
    site.write("example.org.zone", &ZONE.replace("alias 60 CNAME WWW\n", ""));
    site.configure(&format!(
        "{ADMIN}[[zone]]\nname = \"example.org\"\nfile = \"example.org.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\n\
         notify = [\"{notified}\"]\n{}{}",
        grant("ANY"),
        grant("NS")
    ));
    let program = site.start();
    (site, program)
}

/// Everybody may update records of a type.
fn grant(rtype: &str) -> String {
    format!("[[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"{rtype}\"]\n")
}

/// What is waited for in a zone.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// Records of this owner.
    Has(&'static str),
    /// None of this owner any more.
    Lacks(&'static str),
}

impl Wanted {
    fn is_there(self, text: &str) -> bool {
        let has = |owner: &str| text.lines().any(|line| line.starts_with(owner) && !line.contains("	NSEC"));
        text.contains("	SOA	")
            && match self {
                Wanted::Has(owner) => has(owner),
                Wanted::Lacks(owner) => !has(owner),
            }
    }
}

/// What is transferred once it is what is wanted.
fn wait_until(server: SocketAddr, wanted: Wanted) -> String {
    wait_for(&format!("{wanted:?}"), PATIENCE, || transferred(server).filter(|text| wanted.is_there(text)))
}

#[test]
fn a_copy_is_signed_here_from_change_to_change_with_serials_of_its_own() {
    let site = Site::new();
    let (_origin, primary) = primary(site.listen());
    zone_keys::generate(&site, "example.org", "keys");
    let config =
        format!("{ADMIN}[[zone]]\nname = \"example.org\"\nprimary = [\"{}\"]\n{SIGNED}", primary.listen());
    site.configure(&config);
    let program = site.start();
    let Some(_) = transferred(program.listen()) else { return };
    let text = wait_for_serial(program.listen(), FIRST);
    assert_sound("example.org.", &text);
    let mut last = FIRST;
    for (lines, wanted) in [
        ("update add new.example.org 60 A 192.0.2.99\n", Wanted::Has("new.example.org.")),
        (
            "update add a.b.c.example.org 60 TXT y\nupdate delete www.example.org\n",
            Wanted::Lacks("www.example.org."),
        ),
        (
            "update delete new.example.org\nupdate add zzz.example.org 60 A 192.0.2.1\n",
            Wanted::Has("zzz.example.org."),
        ),
    ] {
        update(primary.listen(), lines);
        let text = wait_until(program.listen(), wanted);
        assert_sound("example.org.", &text);
        assert!(serial(&text) > last, "{last}: {text}");
        // Who has the version before is sent what has changed.
        let changed = incremental(program.listen(), last);
        assert!(changed.lines().count() < text.lines().count() / 2, "{changed}");
        last = serial(&text);
    }
    // Another key signs it anew; what comes of the primary afterwards is signed as well.
    let made = site.run(&["dnssec", "generate", "example.org", "--keys", "keys", "--zone-signing"]);
    assert!(made.status.success());
    program.reload_and_wait();
    let begin = Instant::now();
    while transferred(program.listen()).unwrap().matches("\tDNSKEY\t").count() != 2 {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    update(primary.listen(), "update add after.example.org 60 A 192.0.2.98\n");
    let text = wait_until(program.listen(), Wanted::Has("after.example.org."));
    assert_sound("example.org.", &text);
    assert!(serial(&text) >= last + 2, "{last}: {text}");
    last = serial(&text);
    program.stop();
    // A start serves the copy, signed, with no serial that other servers have already, and goes on from there.
    update(primary.listen(), "update add meanwhile.example.org 60 A 192.0.2.97\n");
    let program = site.start();
    let text = wait_until(program.listen(), Wanted::Has("meanwhile.example.org."));
    assert_sound("example.org.", &text);
    assert!(serial(&text) > last, "{last}: {text}");
    let status = site.status();
    assert!(status["zones"][0]["signed_until"].is_string(), "{status:#}");
    // It is never served unsigned: what comes is signed with the keys that are served, and a reload that finds none changes nothing.
    for entry in fs::read_dir(site.folder().join("keys")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    last = serial(&text);
    update(primary.listen(), "update add keyless.example.org 60 A 192.0.2.96\n");
    let text = wait_until(program.listen(), Wanted::Has("keyless.example.org."));
    assert_sound("example.org.", &text);
    assert!(serial(&text) > last, "{last}: {text}");
    program.reload();
    program.wait_for_line("the zone cannot be signed");
    assert_eq!(transferred(program.listen()).unwrap(), text);
    program.stop();
    primary.stop();
}

/// Neither the records of a zone cut nor its glue are signed: all signatures are there again, whatever has become of those.
#[test]
fn a_delegation_that_has_changed_while_the_server_was_down_has_a_new_serial_and_else_it_stays() {
    let site = Site::new();
    let (_origin, primary) = primary(site.listen());
    zone_keys::generate(&site, "example.org", "keys");
    site.configure(&format!(
        "{ADMIN}[[zone]]\nname = \"example.org\"\nprimary = [\"{}\"]\n{SIGNED}",
        primary.listen()
    ));
    let program = site.start();
    let Some(_) = transferred(program.listen()) else { return };
    let wait_for_text = |program: &Program, wanted: &str| {
        wait_for(wanted, PATIENCE, || transferred(program.listen()).filter(|text| text.contains(wanted)))
    };
    update(primary.listen(), "update add cut.example.org 60 NS one.ns.test\n");
    let first = wait_for_text(&program, "one.ns.test.");
    program.stop();
    // Where the copy is lost, what comes is signed as if it were new: it is what was served.
    let copy = site.folder().join("state/copies/example.org.zone");
    let older = fs::read(&copy).expect("a copy");
    fs::remove_file(&copy).expect("a copy");
    let program = site.start();
    assert_eq!(sorted(&wait_for_text(&program, "one.ns.test.")), sorted(&first));
    program.stop();
    fs::remove_file(&copy).expect("a copy");
    let lines = "update delete cut.example.org NS\nupdate add cut.example.org 60 NS two.ns.test\n";
    update(primary.listen(), lines);
    let program = site.start();
    let second = wait_for_text(&program, "two.ns.test.");
    assert_sound("example.org.", &second);
    assert!(serial(&second) > serial(&first), "{second}");
    program.stop();
    primary.stop();
    // A server that is killed may leave a copy that is older than what it has served last.
    fs::write(&copy, older).expect("a copy");
    let program = site.start();
    let third = wait_for_text(&program, "one.ns.test.");
    assert_sound("example.org.", &third);
    assert!(serial(&third) > serial(&second), "{third}");
    program.stop();
    // The same of what it has served last, all of it.
    let program = site.start();
    assert_eq!(sorted(&wait_for_text(&program, "one.ns.test.")), sorted(&third));
    program.stop();
}

#[test]
fn a_zone_of_keys_of_etcd_is_signed_here_from_change_to_change() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    let site = Site::new();
    zone_keys::generate(&site, "example.org", "keys");
    etcd.put("/skydns/org/example/www", "{\"host\":\"192.0.2.1\"}");
    let endpoints: Vec<String> = etcd.endpoints().iter().map(|one| format!("\"{one}\"")).collect();
    site.configure(&format!(
        "{ADMIN}[probe]\nstartup-wait = \"0s\"\n[[zone]]\nname = \"example.org\"\nallow-transfer = [\"127.0.0.0/8\"]\n\
         [zone.etcd]\nendpoints = [{}]\nnameservers = [\"ns.test\"]\n[zone.dnssec]\nkeys = \"keys\"\n",
        endpoints.join(", ")
    ));
    let program = site.start();
    let Some(_) = transferred(program.listen()) else { return };
    let mut last = 0;
    let mut follow = |program: &Program, wanted: Wanted| {
        let text = wait_until(program.listen(), wanted);
        assert_sound("example.org.", &text);
        assert!(serial(&text) > last, "{last}: {text}");
        last = serial(&text);
    };
    follow(&program, Wanted::Has("www.example.org."));
    etcd.put("/skydns/org/example/new", "{\"host\":\"192.0.2.2\"}");
    follow(&program, Wanted::Has("new.example.org."));
    etcd.delete("/skydns/org/example/www");
    follow(&program, Wanted::Lacks("www.example.org."));
    program.stop();
    etcd.put("/skydns/org/example/meanwhile", "{\"host\":\"192.0.2.3\"}");
    let program = site.start();
    follow(&program, Wanted::Has("meanwhile.example.org."));
    // What comes while the keys cannot be read is signed with those that are served; a reload says what is wrong.
    let away = site.folder().join("away");
    fs::rename(site.folder().join("keys"), &away).unwrap();
    etcd.put("/skydns/org/example/later", "{\"host\":\"192.0.2.4\"}");
    follow(&program, Wanted::Has("later.example.org."));
    program.reload();
    program.wait_for_line("the zone cannot be signed");
    etcd.put("/skydns/org/example/last", "{\"host\":\"192.0.2.5\"}");
    follow(&program, Wanted::Has("last.example.org."));
    fs::rename(&away, site.folder().join("keys")).unwrap();
    program.reload_and_wait();
    etcd.delete("/skydns/org/example/later");
    follow(&program, Wanted::Lacks("later.example.org."));
    program.stop();
}

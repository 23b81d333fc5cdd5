//! Rolls of keys, and the way out of DNSSEC, by a clock that is turned: what Unbound, whose cache grows old with it, and delv
//! say at every step.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use edgedns::dns::Name;
use edgedns::dnssec::{Time, read_folder};
use harness::clock::Clock;
use harness::program::{Program, Site, said};
use harness::tools::tool;
use harness::unbound::Unbound;
use harness::{PATIENCE, wait_for, zone_keys};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

/// The zone whose keys are rolled.
const ZONE: &str = "roll.test.";

/// TTL of everything, in seconds.
const TTL: u64 = 300;

/// The clock is turned by so much at a time: caches have records of several steps.
const TURN: Duration = Duration::from_secs(70);

/// Most turns of a roll: four times a TTL, and as long again for the parent.
const TURNS_MAX: usize = 60;

/// What is asked at each step, and what is answered.
const ASKED: [(&str, RecordType, ResponseCode); 6] = [
    ("roll.test.", RecordType::SOA, ResponseCode::NoError),
    ("roll.test.", RecordType::CDS, ResponseCode::NoError),
    ("www.roll.test.", RecordType::A, ResponseCode::NoError),
    ("www.roll.test.", RecordType::TXT, ResponseCode::NoError),
    ("x.wild.roll.test.", RecordType::A, ResponseCode::NoError),
    ("missing.roll.test.", RecordType::A, ResponseCode::NXDomain),
];

/// A server of a zone and of the one above it, and a validator that trusts the latter; all by one clock.
struct Lab {
    clock: Clock,
    site: Site,
    program: Program,
    unbound: Unbound,
    parent_serial: u32,
}

/// Whether answers are to be validated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Secure,
    /// Without DS records nothing can be.
    Insecure,
}

impl Lab {
    /// With keys of these options of `edgedns dnssec generate`.
    fn start(keys: &[&[&str]]) -> Option<Lab> {
        let (clock, site) = (Clock::new()?, Site::new());
        let parent_key = zone_keys::generate(&site, "test.", "parent-keys");
        zone_keys::write_anchors(&site, "test.", &parent_key);
        for options in keys {
            let made = site.run(&[&["dnssec", "generate", ZONE, "--keys", "keys"], *options].concat());
            assert!(made.status.success(), "{}", said(&made));
        }
        site.write(
            "roll.zone",
            &format!(
                "$TTL {TTL}\n@ SOA ns host 1 3600 600 86400 {TTL}\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.1\n\
                 *.wild A 192.0.2.2\n"
            ),
        );
        write_parent(&site, 1, &ds(&site, &clock));
        site.configure(&config("[zone.dnssec]\nkeys = \"keys\"\n"));
        let program = site.spawn_as(|command| clock.give_to(command));
        program.wait_for_line("ready: ");
        let anchors = [("test.", parent_key.as_str())];
        let unbound = Unbound::start_as(program.listen(), &anchors, "", |command| clock.give_to(command))?;
        Some(Lab { clock, site, program, unbound, parent_serial: 1 })
    }

    /// Runs a step of `edgedns dnssec`, has the server see what came of it, and the parent follow where it is asked to.
    /// What was said.
    fn step(&mut self, command: &[&str]) -> String {
        let parent = self.program.listen().to_string();
        let ttl = format!("{TTL}s");
        let waits = ["--parent", &parent, "--zone-ttl", &ttl, "--ds-ttl", &ttl, "--propagation", "20s"];
        let words = [&["dnssec", command[0], ZONE, "--keys", "keys"], &command[1..], &waits].concat();
        let output = self.site.run_as(&words, |command| self.clock.give_to(command));
        let text = said(&output);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{text}");
        if text.contains("the parent is to have") {
            let ds = if text.contains("no DS record") { String::new() } else { ds(&self.site, &self.clock) };
            self.parent_serial += 1;
            write_parent(&self.site, self.parent_serial, &ds);
        }
        self.program.reload_and_wait();
        text
    }

    /// Waits until the server signs with the keys that are to sign now.
    fn settle(&self) {
        let zone: Name = ZONE.parse().unwrap();
        wait_for("signatures of the keys in effect", PATIENCE, || {
            let now = Time::of(self.clock.now());
            let keys = read_folder(&self.site.folder().join("keys"), zone.as_ref()).unwrap();
            let tags = |is_one: &dyn Fn(&edgedns::dnssec::Key) -> bool| -> BTreeSet<String> {
                let keys = keys.iter().map(|file| &file.key).filter(|key| is_one(key));
                keys.map(|key| key.public().tag().to_string()).collect()
            };
            let published = tags(&|key| key.timing().is_published(now));
            let signing = tags(&|key| key.timing().is_active(now));
            let served = served(self.program.listen())?;
            (served.0 == published && served.1 == signing).then_some(())
        });
    }

    /// Has both validators judge every answer.
    fn validate(&self, wanted: Wanted, at: &str) {
        for (qname, qtype, rcode) in ASKED {
            let answer = self.unbound.ask(qname, qtype);
            let answer =
                answer.unwrap_or_else(|| panic!("{at}: {qname} {qtype}: silent\n{}", self.unbound.log()));
            let (code, is_secure) = (answer.metadata.response_code, answer.metadata.authentic_data);
            assert_eq!(code, rcode, "{at}: {qname} {qtype}\n{}", self.unbound.log());
            // A cache may know the DS records for a while that are gone, but never the other way round.
            assert!(
                is_secure || wanted == Wanted::Insecure,
                "{at}: {qname} {qtype} is not validated\n{}",
                self.unbound.log()
            );
        }
        if wanted == Wanted::Insecure {
            return;
        }
        let Some(mut delv) = tool("delv") else { return };
        let (ip, port) = (self.program.listen().ip(), self.program.listen().port());
        delv.args([format!("@{ip}"), "-p".into(), port.to_string(), "-a".into()]);
        delv.arg(self.site.folder().join("anchors")).args(["+root=test.", "www.roll.test.", "A"]);
        // It goes by the real clock, which the library does not turn for it: signatures hold from an hour before they are made.
        assert!(self.clock.ahead() < Duration::from_secs(3600), "{at}");
        let told = said(&delv.output().expect("delv runs"));
        assert!(told.contains("; fully validated"), "{at}: {told}");
    }

    /// Goes on until what `command` says has all of `end`; what was said on the way, each once.
    fn until(&mut self, command: &[&str], end: &str, wanted: Wanted) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        for turn in 0..TURNS_MAX {
            let text = self.step(command);
            self.settle();
            self.validate(wanted, &format!("turn {turn}: {text}"));
            if told.last() != Some(&text) {
                told.push(text.clone());
            }
            if text.contains(end) {
                return told;
            }
            self.clock.turn(TURN);
        }
        panic!("it never ends: {told:#?}");
    }

    /// The end of what is awaited last: keys that leave.
    fn pass(&mut self) {
        for turn in 0..=(2 * TTL / TURN.as_secs()) {
            self.clock.turn(TURN);
            self.program.reload_and_wait();
            self.settle();
            self.validate(Wanted::Secure, &format!("behind the roll, turn {turn}"));
        }
    }

    fn published(&self) -> usize {
        served(self.program.listen()).expect("DNSKEY records").0.len()
    }
}

fn config(dnssec: &str) -> String {
    format!(
        "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n[[zone]]\nname = \"test\"\nfile = \"parent.zone\"\n\
         [zone.dnssec]\nkeys = \"parent-keys\"\n[[zone]]\nname = \"roll.test\"\nfile = \"roll.zone\"\n{dnssec}"
    )
}

fn write_parent(site: &Site, serial: u32, ds: &str) {
    site.write(
        "parent.zone",
        &format!(
            "$TTL {TTL}\n@ SOA ns host {serial} 3600 600 86400 {TTL}\n@ NS ns\nns A 127.0.0.1\nroll NS ns.roll\n\
             ns.roll A 127.0.0.1\n{ds}"
        ),
    );
}

/// The DS records that the zone above is to have.
fn ds(site: &Site, clock: &Clock) -> String {
    let words = ["dnssec", "ds", ZONE, "--keys", "keys"];
    let output = site.run_as(&words, |command| clock.give_to(command));
    String::from_utf8(output.stdout).expect("records")
}

/// The tags of the keys in the zone, and of those that sign it; none while there is no answer.
fn served(server: SocketAddr) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let asked = |words: &[&str]| {
        let mut dig = tool("dig").expect("dig");
        let port = server.port().to_string();
        dig.args([&format!("@{}", server.ip()), "-p", &port, "+tcp", "+tries=1"]).args(words);
        String::from_utf8(dig.output().expect("dig runs").stdout).expect("text")
    };
    let keys = asked(&[ZONE, "DNSKEY", "+multiline", "+noall", "+answer"]);
    let tags =
        keys.split("key id = ").skip(1).map(|rest| rest.split_ascii_whitespace().next().unwrap().to_owned());
    let both = [ZONE, "www.roll.test."].map(|name| {
        asked(&[name, if name == ZONE { "DNSKEY" } else { "A" }, "+dnssec", "+noall", "+answer"])
    });
    let signatures = both.iter().flat_map(|text| text.lines()).filter(|line| line.contains("\tRRSIG\t"));
    let signing = signatures.filter_map(|line| line.split_ascii_whitespace().nth(10)).map(str::to_owned);
    let tags: BTreeSet<String> = tags.collect();
    (!tags.is_empty()).then(|| (tags, signing.collect()))
}

#[test]
fn a_key_that_signs_everything_is_rolled_and_every_answer_stays_valid() {
    let Some(mut lab) = Lab::start(&[&[]]) else { return };
    let told = lab.until(&["roll"], "and the roll is over", Wanted::Secure);
    assert!(told.iter().any(|text| text.contains("the parent is to have the DS record")), "{told:#?}");
    lab.pass();
    assert_eq!(lab.published(), 1);
    lab.program.stop();
}

#[test]
fn both_keys_of_a_pair_are_rolled_and_every_answer_stays_valid() {
    let Some(mut lab) = Lab::start(&[&[], &["--zone-signing"]]) else { return };
    for role in [&["roll", "--zone-signing"][..], &["roll"]] {
        lab.until(role, "and the roll is over", Wanted::Secure);
        lab.pass();
        assert_eq!(lab.published(), 2, "{role:?}");
    }
    lab.program.stop();
}

#[test]
fn all_keys_are_rolled_to_another_algorithm_and_back_and_every_answer_stays_valid() {
    for keys in [&[&[][..]][..], &[&[], &["--zone-signing"]]] {
        let Some(mut lab) = Lab::start(keys) else { return };
        for algorithm in ["ED25519", "ECDSAP256SHA256"] {
            let roll = ["roll", "--algorithm", algorithm];
            lab.until(&roll, "nothing is left of others", Wanted::Secure);
            assert_eq!(lab.published(), keys.len(), "{algorithm}");
        }
        lab.program.stop();
    }
}

#[test]
fn a_zone_leaves_dnssec_and_no_answer_is_taken_for_forged() {
    let Some(mut lab) = Lab::start(&[&[]]) else { return };
    lab.step(&["leave"]);
    wait_for("CDS 0 0 0 00", PATIENCE, || {
        let mut dig = tool("dig").expect("dig");
        let (ip, port) = (lab.program.listen().ip().to_string(), lab.program.listen().port().to_string());
        dig.args([&format!("@{ip}"), "-p", &port, "+short", ZONE, "CDS"]);
        let told = String::from_utf8(dig.output().expect("dig runs").stdout).expect("text");
        (told.trim() == "0 0 0 00").then_some(())
    });
    lab.until(&["leave"], "nobody needs its signatures", Wanted::Insecure);
    lab.site.configure(&config(""));
    lab.program.reload_and_wait();
    for turn in 0..=(TTL / TURN.as_secs()) {
        for (qname, qtype, rcode) in ASKED {
            let answer = lab.unbound.ask(qname, qtype).expect("an answer");
            assert_eq!(
                answer.metadata.response_code,
                rcode,
                "turn {turn}: {qname} {qtype}\n{}",
                lab.unbound.log()
            );
        }
        lab.clock.turn(TURN);
    }
    lab.program.stop();
}

#[test]
fn a_zone_that_stays_after_all_has_the_records_of_its_keys_again() {
    let Some(mut lab) = Lab::start(&[&[]]) else { return };
    lab.step(&["leave"]);
    lab.until(&["leave"], "caches may have DS records", Wanted::Insecure);
    let stays = lab.site.run(&["dnssec", "leave", ZONE, "--keys", "keys", "--cancel"]);
    assert!(stays.status.success(), "{}", said(&stays));
    let again = lab.site.run(&["dnssec", "leave", ZONE, "--keys", "keys", "--cancel"]);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    write_parent(&lab.site, 100, &ds(&lab.site, &lab.clock));
    lab.program.reload_and_wait();
    for _ in 0..=(TTL / TURN.as_secs()) {
        lab.validate(Wanted::Insecure, "on its way back");
        lab.clock.turn(TURN);
    }
    lab.validate(Wanted::Secure, "it is back");
    lab.program.stop();
}

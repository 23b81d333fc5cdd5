//! Catalog zones (RFC 9432): zones come and go as they say. The producer is another edgedns, with the catalog as a plain
//! zone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask};
use harness::program::{Program, Site};
use harness::{PATIENCE, wait_for};

const CATALOG: &str = "catalog.example";

/// A server with catalogs and the zones that they name.
struct Producer {
    site: Site,
    program: Option<Program>,
    serial: u32,
    config: String,
}

impl Producer {
    fn start(consumer: SocketAddr, catalogs: &[&str], zones: &[&str]) -> Producer {
        let zone = |name: &&str| {
            format!(
                "[[zone]]\nname = \"{name}\"\nfile = \"{name}.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\n\
                 notify = [\"{consumer}\"]\n"
            )
        };
        let config: String = catalogs.iter().chain(zones).map(zone).collect();
        let producer = Producer { site: Site::new(), program: None, serial: 1, config };
        for (place, name) in zones.iter().enumerate() {
            producer.site.write(
                &format!("{name}.zone"),
                &format!(
                    "@ 60 IN SOA ns h 1 1 1 3600 60\n@ 60 IN NS ns.test.\nwww 60 IN A 192.0.2.{}\n",
                    1 + place
                ),
            );
        }
        catalogs.iter().for_each(|catalog| producer.write(catalog, "2", &[]));
        producer
    }

    /// What is served of zone number so much.
    fn address(place: u8) -> String {
        format!("192.0.2.{}", 1 + place)
    }

    fn write(&self, catalog: &str, version: &str, records: &[&str]) {
        let records: String = records.iter().map(|record| format!("{record}\n")).collect();
        let (serial, head) = (self.serial, "@ 0 IN NS invalid.\n");
        self.site.write(
            &format!("{catalog}.zone"),
            &format!(
                "@ 0 IN SOA a. a. {serial} 1 1 3600 60\n{head}version 0 IN TXT \"{version}\"\n{records}"
            ),
        );
    }

    /// The next version of the catalog, with these members: `label zone`, or records as they are.
    fn says(&mut self, members: &[&str]) {
        self.says_of(CATALOG, "2", members);
    }

    fn says_of(&mut self, catalog: &str, version: &str, members: &[&str]) {
        self.serial += 1;
        let records: Vec<String> = members
            .iter()
            .map(|member| match member.split_once(' ') {
                Some((label, zone)) if !zone.contains(' ') => format!("{label}.zones 0 IN PTR {zone}."),
                _ => (*member).to_owned(),
            })
            .collect();
        self.write(catalog, version, &records.iter().map(String::as_str).collect::<Vec<_>>());
        match &self.program {
            Some(program) => program.reload_and_wait(),
            None => {
                self.site.configure(&format!("[probe]\nstartup-wait = \"0s\"\n{}", self.config));
                self.program = Some(self.site.start());
            }
        }
    }

    fn listen(&self) -> SocketAddr {
        self.site.listen()
    }
}

/// The config of a consumer with a state directory; `rest` stands behind the keys of the catalog.
fn configure(site: &Site, rest: &str) {
    let state = site.folder().join("state");
    let _ = std::fs::create_dir(&state);
    site.configure(&format!(
        "[admin]\nstate-directory = \"{}\"\nsocket = \"{}\"\n[probe]\nstartup-wait = \"0s\"\n{rest}",
        state.display(),
        site.folder().join("control.sock").display(),
    ));
}

fn catalog_of(name: &str, producer: &Producer) -> String {
    format!("[[catalog]]\nname = \"{name}\"\nprimary = [\"{}\"]\n", producer.listen())
}

/// A producer that names some of its zones, and a consumer that follows it.
fn both(zones: &[&str], members: &[&str], rest: &str) -> (Producer, Site, Program) {
    let site = Site::new();
    let mut producer = Producer::start(site.listen(), &[CATALOG], zones);
    producer.says(members);
    configure(&site, &format!("{}{rest}", catalog_of(CATALOG, &producer)));
    let program = site.start();
    (producer, site, program)
}

/// Where `www` of a zone is, or how the question is refused.
fn www(program: &Program, zone: &str) -> String {
    let Some(response) = ask(program.listen(), &format!("www.{zone}."), RecordType::A) else {
        return "nothing".to_owned();
    };
    match response.metadata.response_code {
        ResponseCode::NoError => addresses(&response).first().map(ToString::to_string).unwrap_or_default(),
        other => format!("{other:?}"),
    }
}

fn wait_for_www(program: &Program, zone: &str, wanted: &str) {
    wait_for(&format!("{zone} {wanted}: {:?}", program.log()), PATIENCE, || {
        (www(program, zone) == wanted).then_some(())
    });
}

fn catalog_status(site: &Site) -> serde_json::Value {
    site.status()["catalogs"][0].clone()
}

fn has_copy(site: &Site, zone: &str) -> bool {
    site.folder().join(format!("state/copies/{zone}.zone")).exists()
}

#[test]
fn zones_come_and_go_as_the_catalog_says() {
    let (mut producer, site, program) = both(&["a.test", "b.test", "c.test"], &["1 a.test"], "");
    wait_for_www(&program, "a.test", &Producer::address(0));
    assert_eq!(www(&program, "b.test"), "Refused");
    producer.says(&["1 a.test", "2 b.test", "3 c.test"]);
    wait_for_www(&program, "b.test", &Producer::address(1));
    wait_for_www(&program, "c.test", &Producer::address(2));
    wait_for("a copy", PATIENCE, || has_copy(&site, "a.test").then_some(()));
    producer.says(&["2 b.test", "3 c.test"]);
    wait_for_www(&program, "a.test", "Refused");
    assert!(!has_copy(&site, "a.test"), "it is forgotten");
    assert_eq!(
        (www(&program, "b.test"), www(&program, "c.test")),
        (Producer::address(1), Producer::address(2))
    );
    let status = site.status();
    let zones: Vec<&str> =
        status["zones"].as_array().unwrap().iter().filter_map(|zone| zone["catalog"].as_str()).collect();
    assert_eq!(zones, ["catalog.example."; 2]);
    assert_eq!((&status["catalogs"][0]["members"], &status["catalogs"][0]["serial"]), (&2.into(), &4.into()));
    // A member follows its own primary as any other copy does.
    producer.site.write(
        "b.test.zone",
        "@ 60 IN SOA ns h 2 1 1 3600 60\n@ 60 IN NS ns.test.\nwww 60 IN A 192.0.2.99\n",
    );
    producer.says(&["2 b.test", "3 c.test"]);
    wait_for_www(&program, "b.test", "192.0.2.99");
    program.stop();
}

#[test]
fn nobody_is_answered_from_the_catalog_itself() {
    let (_producer, _site, program) = both(&["a.test"], &["1 a.test"], "");
    wait_for_www(&program, "a.test", &Producer::address(0));
    let response = ask(program.listen(), "version.catalog.example.", RecordType::TXT).expect("a response");
    assert_eq!(response.metadata.response_code, ResponseCode::Refused);
}

#[test]
fn a_broken_catalog_changes_nothing_until_it_is_mended() {
    let (mut producer, site, program) = both(&["a.test", "b.test"], &["1 a.test"], "");
    wait_for_www(&program, "a.test", &Producer::address(0));
    for (version, members, why) in [
        ("1", &["2 b.test"][..], "its version is \"1\""),
        ("2", &["1 b.test", "2 b.test"], "b.test. is named twice"),
        ("2", &["1 a.test", "1 b.test"], "has 2 PTR records"),
    ] {
        producer.says_of(CATALOG, version, members);
        let line = program.wait_for_line(why);
        assert!(line.text.contains("is broken, its 1 members stay as they are"), "{line:?}");
        assert!(catalog_status(&site)["broken"].as_str().unwrap().contains(why));
        assert_eq!(
            (www(&program, "a.test"), www(&program, "b.test")),
            (Producer::address(0), "Refused".into())
        );
    }
    assert!(String::from_utf8_lossy(&site.ask(&["status"]).stdout).contains("is broken"));
    // A start with a broken one serves what the last good one named.
    program.stop();
    let program = site.start();
    assert_eq!(www(&program, "a.test"), Producer::address(0), "at once");
    program.wait_for_line("is broken");
    producer.says(&["2 b.test"]);
    wait_for_www(&program, "b.test", &Producer::address(1));
    wait_for_www(&program, "a.test", "Refused");
    assert!(catalog_status(&site)["broken"].is_null());
}

#[test]
fn a_start_without_the_producer_serves_what_the_last_one_served() {
    let (mut producer, site, program) = both(&["a.test", "b.test"], &["1 a.test", "2 b.test"], "");
    for (place, zone) in [(0, "a.test"), (1, "b.test")] {
        wait_for_www(&program, zone, &Producer::address(place));
        wait_for("a copy", PATIENCE, || has_copy(&site, zone).then_some(()));
    }
    program.stop();
    producer.program.take().unwrap().stop();
    let program = site.start();
    assert_eq!(www(&program, "a.test"), Producer::address(0), "at once");
    assert_eq!(www(&program, "b.test"), Producer::address(1), "at once");
    // It follows the producer when that is there again.
    producer.says(&["2 b.test"]);
    wait_for_www(&program, "a.test", "Refused");
}

#[test]
fn the_group_of_a_member_says_how_it_is_served() {
    let groups =
        "[[catalog.group]]\nname = \"inside\"\nallow-query = [\"192.0.2.0/24\"]\n[[catalog.group]]\n";
    let (mut producer, site, program) =
        both(&["a.test"], &["1 a.test", "group.1.zones 0 IN TXT other"], groups);
    wait_for_www(&program, "a.test", &Producer::address(0));
    producer.says(&["1 a.test", "group.1.zones 0 IN TXT other", "group.1.zones 0 IN TXT inside"]);
    wait_for_www(&program, "a.test", "Refused");
    let status = site.status();
    assert_eq!(status["zones"][1]["group"], "inside", "{status}");
    assert_eq!(status["zones"][1]["copied"]["axfr"], 1, "it was not fetched again: {status}");
    let asked = ["explain", "www.a.test", "A", "--from", "192.0.2.1", "--socket", "control.sock"];
    let told = harness::program::said(&site.run(&asked));
    assert!(told.contains("a member of the catalog catalog.example., in group \"inside\""), "{told}");
    producer.says(&["1 a.test"]);
    wait_for_www(&program, "a.test", &Producer::address(0));
    // Another config does the same.
    configure(
        &site,
        &format!("{}[[catalog.group]]\nallow-query = [\"192.0.2.0/24\"]\n", catalog_of(CATALOG, &producer)),
    );
    program.reload_and_wait();
    wait_for_www(&program, "a.test", "Refused");
}

#[test]
fn another_label_has_the_zone_begin_anew() {
    let (mut producer, site, program) = both(&["a.test"], &["1 a.test"], "");
    wait_for_www(&program, "a.test", &Producer::address(0));
    wait_for("a copy", PATIENCE, || has_copy(&site, "a.test").then_some(()));
    // What is known of it has a later serial than the primary has: only a copy that is made anew is taken.
    producer.site.write(
        "a.test.zone",
        "@ 60 IN SOA ns h 0 1 1 3600 60\n@ 60 IN NS ns.test.\nwww 60 IN A 192.0.2.98\n",
    );
    producer.says(&["1 a.test"]);
    program.wait_for_line("older than ours, 1");
    assert_eq!(www(&program, "a.test"), Producer::address(0));
    producer.says(&["2 a.test"]);
    program.wait_for_line("zones of catalogs begun anew: a.test.");
    wait_for_www(&program, "a.test", "192.0.2.98");
}

#[test]
fn a_zone_of_the_config_file_stays_what_it_is() {
    let own = "[[zone]]\nname = \"a.test\"\nfile = \"own.zone\"\n";
    let site = Site::new();
    let mut producer = Producer::start(site.listen(), &[CATALOG], &["a.test", "b.test"]);
    producer.says(&["1 a.test", "2 b.test"]);
    site.write("own.zone", "@ 60 IN SOA ns h 1 1 1 3600 60\n@ 60 IN NS ns.test.\nwww 60 IN A 192.0.2.77\n");
    configure(&site, &format!("{own}{}", catalog_of(CATALOG, &producer)));
    let program = site.start();
    wait_for_www(&program, "b.test", &Producer::address(1));
    assert_eq!(www(&program, "a.test"), "192.0.2.77");
    program
        .wait_for_line("zone a.test. is no member of catalog catalog.example. here: the config file has it");
    assert_eq!(catalog_status(&site)["clashes"]["a.test."], "the config file has it");
    producer.says(&["2 b.test"]);
    wait_for("no clash", PATIENCE, || {
        catalog_status(&site)["clashes"].as_object().unwrap().is_empty().then_some(())
    });
    assert_eq!(www(&program, "a.test"), "192.0.2.77");
    // What the operator takes out is the catalog's again, and what comes in is the operator's.
    producer.says(&["1 a.test", "2 b.test"]);
    configure(&site, &format!("{}{}", own.replace("a.test", "b.test"), catalog_of(CATALOG, &producer)));
    program.reload_and_wait();
    wait_for_www(&program, "a.test", &Producer::address(0));
    wait_for_www(&program, "b.test", "192.0.2.77");
}

#[test]
fn a_zone_goes_from_one_catalog_to_the_other_when_both_say_so() {
    let site = Site::new();
    let mut producer = Producer::start(site.listen(), &["one.example", "two.example"], &["a.test"]);
    producer.says_of("one.example", "2", &["1 a.test"]);
    configure(
        &site,
        &format!("{}{}", catalog_of("one.example", &producer), catalog_of("two.example", &producer)),
    );
    let program = site.start();
    wait_for_www(&program, "a.test", &Producer::address(0));
    producer.says_of("two.example", "2", &["1 a.test"]);
    program.wait_for_line("it is a member of one.example., which has no `coo` property for it");
    let owner = || site.status()["zones"][2]["catalog"].as_str().map(str::to_owned);
    assert_eq!(owner().as_deref(), Some("one.example."));
    producer.says_of("one.example", "2", &["1 a.test", "coo.1.zones 0 IN PTR two.example."]);
    producer.says_of("two.example", "2", &["1 a.test"]);
    wait_for("the new owner", PATIENCE, || (owner().as_deref() == Some("two.example.")).then_some(()));
    producer.says_of("one.example", "2", &[]);
    wait_for("the old one", PATIENCE, || (site.status()["catalogs"][0]["serial"] == 6).then_some(()));
    assert_eq!(www(&program, "a.test"), Producer::address(0));
    assert_eq!(site.status()["zones"][2]["copied"]["axfr"], 1, "with the same label it is the same copy");
}

#[test]
fn a_catalog_that_loses_most_of_many_members_at_once_waits_for_the_operator() {
    let names: Vec<String> = (0..10).map(|number| format!("z{number}.test")).collect();
    let zones: Vec<&str> = names.iter().map(String::as_str).collect();
    let members: Vec<String> =
        names.iter().enumerate().map(|(place, name)| format!("m{place} {name}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let (mut producer, site, program) = both(&zones, &members, "");
    wait_for_www(&program, "z9.test", &Producer::address(9));
    producer.says(&[]);
    program.wait_for_line("catalog catalog.example. has lost 10 of 10 members at once");
    assert_eq!(www(&program, "z9.test"), Producer::address(9));
    assert_eq!(catalog_status(&site)["held"], 10);
    // A start does not let go of them either.
    program.stop();
    let program = site.start();
    program.wait_for_line("has lost 10 of 10 members at once");
    wait_for_www(&program, "z9.test", &Producer::address(9));
    program.reload_and_wait();
    wait_for_www(&program, "z9.test", "Refused");
    wait_for("none", PATIENCE, || (catalog_status(&site)["members"] == 0).then_some(()));
}

#[test]
fn a_catalog_may_be_a_file_and_check_says_what_it_would_be() {
    let site = Site::new();
    let mut producer = Producer::start(site.listen(), &[CATALOG], &["a.test", "b.test"]);
    producer.says(&["1 a.test", "2 b.test"]);
    let group = |name: &str| format!("[[catalog.group]]\n{name}primary = [\"{}\"]\n", producer.listen());
    let catalog = "[[catalog]]\nname = \"catalog.example\"\nfile = \"catalog.zone\"\n";
    configure(&site, &format!("{catalog}{}{}", group(""), group("name = \"nodes\"\n")));
    let write = |serial: u32, records: &str| {
        let head = format!("@ 0 IN SOA a. a. {serial} 1 1 3600 60\n@ 0 IN NS invalid.\n");
        site.write("catalog.zone", &format!("{head}version 0 IN TXT 2\n{records}"));
    };
    write(1, "1.zones 0 IN PTR a.test.\ngroup.1.zones 0 IN TXT nodes\n2.zones 0 IN PTR catalog.example.\n");
    let told = site.check();
    let text = harness::program::said(&told);
    assert!(text.contains("catalog catalog.example.: 1 member, 1 in group \"nodes\""), "{text}");
    assert!(
        text.contains("`catalog.example.` is no member of this catalog: the config file has it"),
        "{text}"
    );
    write(2, "1.zones 0 IN PTR a.test.\n");
    let program = site.start();
    wait_for_www(&program, "a.test", &Producer::address(0));
    write(3, "2.zones 0 IN PTR b.test.\n");
    program.reload_and_wait();
    wait_for_www(&program, "b.test", &Producer::address(1));
    wait_for_www(&program, "a.test", "Refused");
    write(4, "2.zones 0 IN PTR b.test.\nversion 0 IN TXT 3\n");
    let told = site.check();
    assert!(!told.status.success());
    assert!(
        harness::program::said(&told).contains("this catalog is broken: it has 2 TXT records at `version`")
    );
    program.reload_and_wait();
    program.wait_for_line("is broken, its 1 members stay as they are");
    assert_eq!(www(&program, "b.test"), Producer::address(1));
}

/// An UPDATE of a zone below `test.` that adds an address to its name `new`.
fn update(zone: &str, last: u8) -> Vec<u8> {
    let mut bytes = [7, 5 << 11, 1, 0, 1, 0].map(u16::to_be_bytes).concat();
    for label in zone.split('.') {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend(label.as_bytes());
    }
    bytes.extend(b"\0\0\x06\0\x01\x03new\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02");
    bytes.push(last);
    bytes
}

/// The response code to an update over TCP.
fn updated(server: SocketAddr, message: &[u8]) -> u8 {
    let mut stream = TcpStream::connect(server).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let length = u16::try_from(message.len()).expect("a short message").to_be_bytes();
    stream.write_all(&[&length[..], message].concat()).expect("it is taken");
    let mut response = [0; 2 + 12];
    stream.read_exact(&mut response).expect("a response");
    response[5] & 0x0f
}

const NOERROR: u8 = 0;
const REFUSED: u8 = 5;
const NOTAUTH: u8 = 9;

#[test]
fn updates_of_members_are_passed_on_as_their_group_says_as_soon_as_they_are_named() {
    let site = Site::new();
    let mut producer = Producer::start(site.listen(), &[CATALOG], &["a.test", "c.test", "b.test"]);
    // The last block of its config is that of the last zone.
    producer
        .config
        .push_str("[[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"A\"]\n");
    let state = producer.site.folder().join("state");
    std::fs::create_dir(&state).expect("a scratch folder");
    let admin = format!("[admin]\nstate-directory = \"{}\"\n", state.display());
    producer.config = admin + &producer.config;
    producer.says(&["one a.test", "three c.test", "group.three.zones 0 IN TXT \"dyn\""]);
    configure(
        &site,
        &format!(
            "{}[[catalog.group]]\nname = \"dyn\"\n[[catalog.group.update]]\nallow = [\"127.0.0.0/8\"]\n",
            catalog_of(CATALOG, &producer)
        ),
    );
    let program = site.start();
    wait_for_www(&program, "a.test", &Producer::address(0));
    wait_for_www(&program, "c.test", &Producer::address(1));
    assert_eq!(updated(program.listen(), &update("a.test", 9)), REFUSED, "not of the group");
    assert_eq!(updated(program.listen(), &update("b.test", 9)), NOTAUTH, "no member");
    producer.says(&[
        "one a.test",
        "three c.test",
        "group.three.zones 0 IN TXT \"dyn\"",
        "two b.test",
        "group.two.zones 0 IN TXT \"dyn\"",
    ]);
    wait_for_www(&program, "b.test", &Producer::address(2));
    assert_eq!(updated(program.listen(), &update("b.test", 9)), NOERROR);
    wait_for("the record", PATIENCE, || {
        let response = ask(program.listen(), "new.b.test.", RecordType::A)?;
        (response.metadata.response_code == ResponseCode::NoError).then_some(())?;
        (addresses(&response) == ["192.0.2.9".parse::<std::net::IpAddr>().expect("an address")]).then_some(())
    });
    // It leaves the group, and then the catalog.
    producer.says(&["one a.test", "three c.test", "group.three.zones 0 IN TXT \"dyn\"", "two b.test"]);
    wait_for("another group", PATIENCE, || {
        (updated(program.listen(), &update("b.test", 10)) == REFUSED).then_some(())
    });
    producer.says(&["one a.test", "three c.test", "group.three.zones 0 IN TXT \"dyn\""]);
    wait_for("no member", PATIENCE, || {
        (updated(program.listen(), &update("b.test", 10)) == NOTAUTH).then_some(())
    });
}

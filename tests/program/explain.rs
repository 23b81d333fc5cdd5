//! `edgedns explain` against the running program: each kind of answer, and why.
//!
//! Whether an explanation agrees with the answer is tested for every scenario of `answers`.

use std::process::Output;

use harness::lab::{GUARDED_ZONE, QUICK_PROBES};
use harness::master::Master;
use harness::program::{Program, Site};
use harness::{PATIENCE, client, loopback, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::Value;

/// A zone that has never been served.
const BROKEN_ZONE: &str = r#"
[[zone]]
name = "broken.test"
file = "missing.zone"
"#;

/// `ONE` and `TWO` become the masters' addresses.
const ZONE: &str = r#"$TTL 60
@ SOA ns root 7 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
api A ONE
api A TWO
*.apps LUA A "ifportup(6443, {'ONE', 'TWO'}, {selector='hashed'})"
strict LUA A "ifportup(6444, {'ONE'}, {backupSelector='empty'})"
console CNAME oauth.apps
outside CNAME elsewhere.test.
old DNAME apps
a.b TXT "x"
sub NS ns.sub
ns.sub A 127.0.0.2
plain A 192.0.2.1
$INCLUDE more.zone
"#;

struct Lab {
    site: Site,
    masters: [Master; 2],
    program: Program,
}

impl Lab {
    fn start() -> Lab {
        let hosts = [loopback(), loopback()];
        let masters = [Master::open_at(hosts[0], 6443), Master::closed_at(hosts[1], 6443)];
        let site = Site::new();
        let [one, two] = hosts.map(|host| host.to_string());
        site.write("lab.zone", &ZONE.replace("ONE", &one).replace("TWO", &two));
        site.write("more.zone", "\nincluded A 192.0.2.9\n");
        let admin = "[admin]\nsocket = \"control.sock\"\n";
        site.configure(&format!("{admin}{QUICK_PROBES}{GUARDED_ZONE}{BROKEN_ZONE}"));
        let program = site.start();
        program.wait_for_addresses("api.lab.example.", &[masters[0].address()]);
        Lab { site, masters, program }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.site.run(&[&["explain"], arguments, &["--socket", "control.sock"]].concat())
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
        // Files are shown as the config file names them, below its folder.
        text.replace(&format!("{}/", self.site.folder().display()), "")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", self.text(arguments)))
    }

    fn assert_says(&self, arguments: &[&str], words: &[&str]) {
        let text = self.text(arguments);
        let squeezed: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for wanted in words {
            assert!(squeezed.iter().any(|line| line.contains(wanted)), "{wanted:?} is not in:\n{text}");
        }
        assert!(!text.contains('\x1b'), "what is piped has no colours: {text:?}");
    }
}

#[test]
fn a_guarded_name_is_explained_by_its_members() {
    let lab = Lab::start();
    let (one, two) = (lab.masters[0].address().to_string(), lab.masters[1].address().to_string());
    lab.assert_says(
        &["api.lab.example"],
        &[
            "api.lab.example. A, asked by 127.0.0.1: NOERROR",
            "zone lab.example., serial 7 of lab.zone",
            "name api.lab.example. has A",
            &format!("pool api.lab.example. A: 1 of 2 up, now {one}"),
            &format!("{one} tcp {one}:6443 up"),
            "connection refused",
            "place written at lab.zone:5, guarded at edgedns.toml:",
            "choice all that are up, beginning anywhere",
            "ttl 60 s",
            "answer NOERROR, from authority, 1 record",
            ";; opcode: QUERY, status: NOERROR, flags: qr aa rd; QUERY: 1, ANSWER: 1",
            &format!("api.lab.example. 60 IN A {one} ; lab.zone:5"),
        ],
    );
    let output = lab.run(&["api.lab.example"]);
    assert!(output.status.success());
    let told = lab.json(&["api.lab.example"]);
    let pool = &told["pools"][0];
    assert_eq!((&pool["standing"], &pool["members"][1]["address"]), (&"up".into(), &two.clone().into()));
    assert_eq!(pool["members"][1]["verdict"], "down");
    let down = &pool["targets"][1];
    assert_eq!((&down["last_error"], &down["believed"]), (&"connection refused".into(), &"down".into()));
    lab.site.run(&["force", &format!("{two}:6443"), "up", "--socket", "control.sock"]);
    lab.assert_says(&["api.lab.example"], &[&format!("{two} tcp {two}:6443 up (forced; probes say down)")]);
    lab.program.stop();
}

#[test]
fn an_alias_into_a_wildcard_is_followed_to_its_pool() {
    let lab = Lab::start();
    let one = lab.masters[0].address();
    lab.assert_says(
        &["Console.lab.example.", "A", "--from", "192.0.2.77"],
        &[
            "asked by 192.0.2.77: NOERROR",
            "name Console.lab.example. has CNAME",
            "name oauth.apps.lab.example. is synthesised from *.apps.lab.example., which has A",
            "pool *.apps.lab.example. A: 1 of 2 up",
            "written at lab.zone:7",
            "one that is up, by the client's address: always this one for 192.0.2.77",
            "answer NOERROR, from authority, 2 records",
            "Console.lab.example. 60 IN CNAME oauth.apps.lab.example. ; lab.zone:9",
            &format!("oauth.apps.lab.example. 60 IN A {one} ; lab.zone:7"),
        ],
    );
    lab.assert_says(
        &["x.old.lab.example"],
        &[
            "name x.old.lab.example. lies below old.lab.example., whose DNAME leads elsewhere",
            "name x.apps.lab.example. is synthesised from *.apps.lab.example.",
            "old.lab.example. 60 IN DNAME apps.lab.example. ; lab.zone:11",
            "x.old.lab.example. 60 IN CNAME x.apps.lab.example. ; lab.zone:11",
        ],
    );
    lab.assert_says(
        &["outside.lab.example"],
        &["name elsewhere.test. lies outside the zone", "the client asks again for the last name"],
    );
    lab.program.stop();
}

#[test]
fn what_has_no_records_says_why() {
    let lab = Lab::start();
    lab.assert_says(
        &["plain.lab.example", "AAAA"],
        &[
            "name plain.lab.example. has A",
            "answer NOERROR, from authority, no AAAA record (NODATA): the name exists, but not with that type",
            "lab.example. 30 IN SOA ns.lab.example. root.lab.example. 7 3600 600 86400 30 ; lab.zone:2",
        ],
    );
    lab.assert_says(&["b.lab.example"], &["b.lab.example. has no record, and is there only because"]);
    lab.assert_says(
        &["x.plain.lab.example"],
        &[
            "x.plain.lab.example. A, asked by 127.0.0.1: NXDOMAIN",
            "the closest name above it is plain.lab.example., without a wildcard",
            "answer NXDOMAIN, from authority: the name does not exist",
        ],
    );
    assert_eq!(lab.run(&["x.plain.lab.example"]).status.code(), Some(1));
    lab.assert_says(
        &["strict.lab.example"],
        &["pool strict.lab.example. A: ALL 1 DOWN, now no record", "choice no member is up: no record"],
    );
    lab.assert_says(
        &["www.sub.lab.example"],
        &[
            "www.sub.lab.example. lies below the zone cut sub.lab.example.",
            "NOERROR, without authority: a referral to the servers of sub.lab.example.",
            "sub.lab.example. 60 IN NS ns.sub.lab.example. ; lab.zone:13",
            "ns.sub.lab.example. 60 IN A 127.0.0.2 ; lab.zone:14",
        ],
    );
    lab.program.stop();
}

#[test]
fn what_is_not_answered_says_why() {
    let lab = Lab::start();
    lab.assert_says(
        &["www.elsewhere.test"],
        &[
            "www.elsewhere.test. A, asked by 127.0.0.1: REFUSED",
            "zone none of this server's",
            "no zone of this server holds the name; it has lab.example. broken.test.",
            "; EDE: 20 (Not Authoritative)",
        ],
    );
    lab.assert_says(
        &["www.broken.test"],
        &[
            "www.broken.test. A, asked by 127.0.0.1: SERVFAIL",
            "no version of the zone is served: ",
            "missing.zone",
        ],
    );
    lab.assert_says(
        &["lab.example", "AXFR"],
        &["REFUSED: no version of the zone that the client sees has `allow-transfer`"],
    );
    let misspelt = lab.run(&["lab.example", "AAA"]);
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&misspelt.stderr).contains("did you mean"), "{misspelt:?}");
    lab.program.stop();
}

#[test]
fn the_place_of_a_record_is_where_the_files_have_it() {
    let lab = Lab::start();
    lab.assert_says(&["included.lab.example"], &["included.lab.example. 60 IN A 192.0.2.9 ; more.zone:2"]);
    lab.site.write("more.zone", "\n\n\nincluded A 192.0.2.9\n");
    lab.assert_says(&["included.lab.example"], &["192.0.2.9 ; more.zone:4"]);
    lab.site.write("more.zone", "included A 192.0.2.10\n");
    lab.assert_says(
        &["included.lab.example"],
        &["60 IN A 192.0.2.9", "lab.zone says otherwise by now: `edgedns reload` takes it over"],
    );
    lab.program.stop();
}

/// What is explained is what is answered, at the same moment.
#[test]
fn the_explanation_follows_the_masters() {
    let mut lab = Lab::start();
    lab.masters[1].open();
    lab.masters[0].close();
    let two = lab.masters[1].address().to_string();
    wait_for("the other master", PATIENCE, || {
        let told = lab.json(&["api.lab.example"]);
        let records = told["answer"]["answer"].as_array().expect("records").clone();
        (records.len() == 1 && records[0]["data"] == two.as_str()).then_some(())
    });
    let answered = client::sorted_addresses(lab.program.listen(), "api.lab.example.", RecordType::A);
    assert_eq!(answered, Some(vec![lab.masters[1].address()]));
    let queries = |lab: &Lab| {
        let output = lab.site.run(&["status", "--format", "json", "--socket", "control.sock"]);
        let status: Value = serde_json::from_slice(&output.stdout).expect("a status");
        status["transports"].clone()
    };
    let before = queries(&lab);
    lab.text(&["api.lab.example"]);
    assert_eq!(queries(&lab), before, "an explanation is no query");
    lab.program.stop();
}

#[test]
fn a_transfer_is_explained_by_the_entry_that_allows_it_or_by_what_is_wrong_with_each() {
    let site = Site::new();
    site.write("lab.zone", "$TTL 60\n@ SOA ns root 7 3600 600 86400 30\n@ NS ns\nns A 127.0.0.1\n");
    site.configure(
        "[admin]\nsocket = \"control.sock\"\n\n[[key]]\nname = \"transfer\"\n\
         secret = \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
         allow-transfer = [\"192.0.2.53 key:transfer\", \"198.51.100.0/24\"]\n",
    );
    let program = site.start();
    let explain = |arguments: &[&str]| {
        let output = site.run(&[&["explain", "--socket", "control.sock"][..], arguments].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for (arguments, code, said) in [
        (
            &["lab.example", "AXFR", "--from", "192.0.2.53", "--key", "transfer"][..],
            0,
            &[
                "zone lab.example. is sent at serial 7: `192.0.2.53/32 key:transfer` of `allow-transfer` holds 192.0.2.53",
            ][..],
        ),
        (
            &["lab.example", "IXFR", "--from", "198.51.100.7"],
            0,
            &[
                "`198.51.100.0/24` of `allow-transfer` holds 198.51.100.7",
                "not by `192.0.2.53/32 key:transfer`: 198.51.100.7 is not in 192.0.2.53/32",
            ],
        ),
        (
            &["lab.example", "AXFR", "--from", "192.0.2.53"],
            1,
            &[
                "REFUSED: `allow-transfer` of zone lab.example. does not hold 192.0.2.53",
                "not by `192.0.2.53/32 key:transfer`: it wants a message that is signed with key transfer",
                "not by `198.51.100.0/24`: 192.0.2.53 is not in 198.51.100.0/24",
            ],
        ),
        (
            &["lab.example", "AXFR", "--from", "192.0.2.53", "--key", "other"],
            1,
            &["NOTAUTH (BADKEY): no [[key]] of this server has the name other"],
        ),
        (&["www.lab.example", "AXFR"], 1, &["REFUSED: no zone of this server has this name"]),
    ] {
        let (exit, text) = explain(arguments);
        assert_eq!(exit, Some(code), "{arguments:?}: {text}");
        for words in said {
            assert!(text.contains(words), "{arguments:?}: {words}: {text}");
        }
    }
    program.stop();
}

#[test]
fn in_a_signed_zone_the_keys_and_the_proofs_are_told() {
    let site = Site::new();
    let key = harness::zone_keys::generate(&site, "lab.example", "keys");
    assert!(key.starts_with("257 3 13 "), "{key}");
    let host = loopback();
    site.write(
        "lab.zone",
        &format!(
            "$TTL 60\n@ SOA ns host 7 3600 600 86400 30\n@ NS ns\nns A 127.0.0.1\n*.apps A 192.0.2.1\nb TXT beside\n\
             pool LUA A \"ifportup({}, {{'{host}'}})\"\n",
            harness::free_port(host).port()
        ),
    );
    site.configure(
        "[admin]\nsocket = \"control.sock\"\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
         [zone.dnssec]\nkeys = \"keys\"\n",
    );
    let program = site.start();
    let keys = harness::program::said(&site.run(&["dnssec", "keys", "lab.example", "--keys", "keys"]));
    let tag = keys.split_ascii_whitespace().next().expect("a tag").to_owned();
    let explain = |arguments: &[&str]| {
        let output = site.run(&[&["explain", "--socket", "control.sock"][..], arguments].concat());
        harness::program::said(&output)
    };
    for (arguments, wanted) in [
        (
            &["ns.lab.example", "A"][..],
            vec![format!("A of ns.lab.example. is signed by key {tag} (algorithm 13) until 20")],
        ),
        (
            &["pool.lab.example", "A"],
            vec![format!("A of pool.lab.example. is signed by key {tag} (algorithm 13) until 20")],
        ),
        (
            &["x.apps.lab.example", "A"],
            vec![
                "Z, as the wildcard *.apps.lab.example. has it".to_owned(),
                "NSEC of *.apps.lab.example. proves that no name lies between it and b.lab.example."
                    .to_owned(),
            ],
        ),
        (
            &["b.lab.example", "A"],
            vec!["NSEC of b.lab.example. proves that it has TXT, RRSIG, NSEC and no other type".to_owned()],
        ),
        (
            &["c.lab.example", "A"],
            vec!["NSEC of b.lab.example. proves that no name lies between it and ns.lab.example.".to_owned()],
        ),
    ] {
        let told = explain(arguments);
        for words in wanted {
            let is_told = |line: &str| line.starts_with("dnssec  ") && line.contains(&words);
            assert!(told.lines().any(is_told), "{words:?} is not in:\n{told}");
        }
    }
    program.stop();
}

#[test]
fn what_is_made_from_the_name_is_told_and_a_resolver_is_believed_for_whom_it_asks_if_it_is_named() {
    let site = Site::new();
    site.write(
        "lab.zone",
        "$TTL 60\n@ SOA ns host 7 3600 600 86400 30\n@ NS ns\nns A 127.0.0.1\n\
         *.static LUA A \"filterForward(createForward(), newNMG{'192.0.2.0/24'}, '')\"\n\
         view LUA A \"view({{{'198.51.100.0/24'}, {'192.0.2.2'}}, {{'0.0.0.0/0'}, {'192.0.2.3'}}})\"\n",
    );
    site.configure(
        "client-subnet-from = [\"192.0.2.53\"]\n\n[admin]\nsocket = \"control.sock\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
         [[zone]]\nname = \"inside.example\"\nview = \"inside\"\nwhen-client-in = [\"198.51.100.0/24\"]\n\
         allow-query = [\"198.51.100.0/24\"]\nfile = \"lab.zone\"\n",
    );
    let program = site.start();
    let explain = |arguments: &[&str]| {
        harness::program::said(&site.run(&[&["explain", "--socket", "control.sock"][..], arguments].concat()))
    };
    for (arguments, wanted) in [
        (
            &["192-0-2-7.static.lab.example"][..],
            &[
                "192-0-2-7.static.lab.example. is synthesised from *.static.lab.example.",
                "made from the name asked: the IPv4 address in the labels before static.lab.example., or no record where \
                 that is not in 192.0.2.0/24",
                "192.0.2.7",
            ][..],
        ),
        (
            &["view.lab.example", "--from", "192.0.2.53", "--subnet", "198.51.100.0/25"],
            &["192.0.2.53 is believed that it asks for 198.51.100.0/25", "view 1 of 2", "192.0.2.2"],
        ),
        (
            &["view.lab.example", "--from", "192.0.2.54", "--subnet", "198.51.100.0/25"],
            &[
                "192.0.2.54 is not believed that it asks for 198.51.100.0/25",
                "`client-subnet-from`",
                "view 2 of 2",
                "192.0.2.3",
            ],
        ),
        (
            &["ns.inside.example", "--from", "192.0.2.53", "--subnet", "198.51.100.0/25"],
            &["REFUSED: `allow-query` of the zone does not hold 192.0.2.53"],
        ),
        (
            &["ns.inside.example", "--from", "192.0.2.53", "--subnet", "203.0.113.0/25"],
            &["REFUSED: `when-client-in` of no version of the zone holds 203.0.113.0,"],
        ),
    ] {
        let told = explain(arguments);
        for words in wanted {
            assert!(told.contains(words), "{arguments:?}: {words}: {told}");
        }
    }
    program.stop();
}

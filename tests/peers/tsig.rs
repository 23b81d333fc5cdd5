//! Signed queries and updates of dig, kdig, nsupdate and dnspython: each judges the signature of what comes back by itself.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Output, Stdio};

use harness::program::{Program, Site};
use harness::tools::{not_tried, tool};

const ZONE: &str = "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\nwww 60 A 192.0.2.1\n";

const ADMIN: &str = "[admin]\nsocket = \"control.sock\"\n";
const SERVED: &str = "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n";

const SECRET: &str = "mDd4nWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";
const OTHER_SECRET: &str = "AAAAnWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";

/// The keys of the server: one of each algorithm, and one whose signatures are cut.
const KEYS: [(&str, &str); 5] = [
    ("sha256", "hmac-sha256"),
    ("sha384", "hmac-sha384"),
    ("sha512", "hmac-sha512"),
    ("sha1", "hmac-sha1"),
    ("cut", "hmac-sha256-128"),
];

/// A server with these keys, and a name whose answer fits 512 bytes only without a signature.
fn site() -> (Site, Program) {
    let site = Site::new();
    let texts = format!("tight 60 TXT \"{0}\" \"{0}\"\n", "x".repeat(215));
    site.write("lab.zone", &format!("{ZONE}{texts}"));
    let keys = KEYS.map(|(name, algorithm)| {
        format!("[[key]]\nname = \"{name}\"\nalgorithm = \"{algorithm}\"\nsecret = \"{SECRET}\"\n")
    });
    site.configure(&format!("{ADMIN}{}{SERVED}", keys.concat()));
    let program = site.start();
    (site, program)
}

/// What a client says that asks with these words besides; none where it is not installed.
fn ask(client: &str, server: SocketAddr, words: &[&str]) -> Option<String> {
    let mut command = tool(client)?;
    let port = server.port().to_string();
    command.args([&format!("@{}", server.ip()), "-p", &port, "+time=2", "+retry=0", "+norec"]);
    let output: Output = command.args(words).output().expect("it runs");
    Some(harness::program::said(&output))
}

fn key(name: &str, algorithm: &str, secret: &str) -> String {
    format!("{algorithm}:{name}:{secret}")
}

/// Whether a client took the answer as one that was made with the key.
#[track_caller]
fn assert_verified(said: &str) {
    let wrong = ["WARNING", "could not be validated", "Couldn't verify", "TSIG error", "failed", "BAD"];
    let found = wrong.iter().find(|word| said.contains(**word));
    assert!(found.is_none() && said.contains("TSIG"), "{said}");
    assert!(said.contains("NOERROR") && said.contains("192.0.2.1"), "{said}");
}

#[test]
fn dig_and_kdig_verify_answers_to_queries_with_every_algorithm_over_udp_and_tcp() {
    let (_site, program) = site();
    for client in ["dig", "kdig"] {
        for (name, algorithm) in KEYS {
            // kdig knows no cut signatures.
            if client == "kdig" && name == "cut" {
                continue;
            }
            for way in ["+notcp", "+tcp"] {
                let key = key(name, algorithm, SECRET);
                let words = ["-y", key.as_str(), way, "www.lab.example", "A"];
                let Some(said) = ask(client, program.listen(), &words) else { return };
                assert_verified(&said);
            }
        }
    }
    program.stop();
}

#[test]
fn a_wrong_secret_an_unknown_key_and_a_wrong_time_are_told_as_such_and_logged_once() {
    let (site, program) = site();
    let asked =
        |key: &str, more: &str| ask("dig", program.listen(), &["-y", key, more, "www.lab.example", "A"]);
    let Some(wrong) = asked(&key("sha256", "hmac-sha256", OTHER_SECRET), "+notcp") else { return };
    assert!(wrong.contains("NOTAUTH") && wrong.contains("BADSIG"), "{wrong}");
    let unknown = asked(&key("nobody", "hmac-sha256", SECRET), "+notcp").unwrap();
    assert!(unknown.contains("NOTAUTH") && unknown.contains("BADKEY"), "{unknown}");
    let other = asked(&key("sha256", "hmac-sha512", SECRET), "+notcp").unwrap();
    assert!(other.contains("NOTAUTH") && other.contains("BADKEY"), "{other}");
    // dig signs in 2001; with BADTIME it verifies the signature of the answer, and says so by saying nothing else.
    let late = asked(&key("sha256", "hmac-sha256", SECRET), "+fuzztime=1000000000").unwrap();
    assert!(late.contains("NOTAUTH") && late.contains("BADTIME 6"), "{late}");
    assert!(!late.contains("bad signature") && !late.contains("verify failure"), "{late}");
    let md5 = asked(&key("sha256", "hmac-md5", SECRET), "+notcp").unwrap();
    assert!(md5.contains("NOTAUTH") && md5.contains("BADKEY"), "{md5}");
    asked(&key("sha256", "hmac-sha256", OTHER_SECRET), "+notcp").unwrap();

    program.wait_for_line("`tsigAlgorithm: HMACSHA256`");
    program.wait_for_line("signed at 1000000000, and here it is ");
    let log: Vec<String> = program.log().into_iter().map(|line| line.text).collect();
    let badsig = log.iter().filter(|line| line.contains("(BADSIG)")).count();
    assert_eq!(badsig, 1, "each kind is told once a minute: {log:#?}");
    assert!(!log.concat().contains(&SECRET[..20]), "{log:#?}");
    let status = site.status();
    let messages = &status["tsig"]["messages"];
    let counts = ["badsig", "badkey", "badtime", "md5"].map(|name| messages[name].as_u64());
    assert_eq!(counts, [Some(2), Some(2), Some(1), Some(1)], "{status:#}");
    assert!(!status.to_string().contains(&SECRET[..20]));
    program.stop();
}

#[test]
fn a_signature_that_is_cut_too_short_is_badtrunc() {
    let (_site, program) = site();
    let cut = key("sha256", "hmac-sha256-128", SECRET);
    let Some(said) = ask("dig", program.listen(), &["-y", &cut, "www.lab.example", "A"]) else { return };
    assert!(said.contains("NOTAUTH") && said.contains("BADTRUNC"), "{said}");
    program.stop();
}

#[test]
fn an_answer_without_room_for_its_signature_is_sent_with_tc_and_comes_whole_over_tcp() {
    let (_site, program) = site();
    let signed = key("sha256", "hmac-sha256", SECRET);
    let asked = |words: &[&str]| {
        ask("dig", program.listen(), &[&["+noedns", "tight.lab.example", "TXT"], words].concat())
    };
    let Some(plain) = asked(&["+ignore"]) else { return };
    assert!(plain.contains("ANSWER: 1") && !plain.contains(" tc"), "{plain}");
    let cut = asked(&["+ignore", "-y", &signed]).unwrap();
    assert!(cut.contains(" tc") && cut.contains("ANSWER: 0"), "{cut}");
    assert!(!cut.contains("could not be validated"), "{cut}");
    let whole = asked(&["-y", &signed]).unwrap();
    assert!(whole.contains("ANSWER: 1") && whole.contains("(TCP)"), "{whole}");
    assert!(!whole.contains("could not be validated"), "{whole}");
    program.stop();
}

#[test]
fn nsupdate_takes_the_signed_answer_to_its_question_for_the_zone() {
    let (_site, program) = site();
    let Some(mut command) = tool("nsupdate") else { return };
    let signed = key("sha256", "hmac-sha256", SECRET);
    let mut child = command
        .args(["-d", "-y", &signed])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nsupdate runs");
    let listen = program.listen();
    let orders = format!(
        "server {} {}\nupdate add _acme-challenge.lab.example 60 TXT x\nsend\n",
        listen.ip(),
        listen.port()
    );
    child.stdin.take().expect("it is piped").write_all(orders.as_bytes()).expect("it reads");
    let said = harness::program::said(&child.wait_with_output().expect("it ends"));
    assert!(said.contains("Found zone name: lab.example"), "{said}");
    assert!(!said.contains("TSIG error"), "{said}");
    program.stop();
}

/// It adds, deletes and has prerequisites; dnspython fails by itself where the signature of an answer is not right.
#[test]
fn dnspython_takes_the_signed_answers_to_its_updates_with_every_algorithm_that_it_knows() {
    const SCRIPT: &str = r#"
import sys, dns.query, dns.rcode, dns.tsig, dns.tsigkeyring, dns.update
where, port, name, algorithm, secret = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
def send(build, over, secret=secret):
    keys = dns.tsigkeyring.from_text({name: secret})
    update = dns.update.Update("lab.example", keyring=keys, keyname=name, keyalgorithm=algorithm)
    build(update)
    try:
        response = over(update, where, port=port, timeout=10)
    except dns.tsig.PeerBadSignature:
        return "BADSIG"
    return dns.rcode.to_text(response.rcode()) + (" signed" if response.had_tsig else "")
def come(update):
    update.absent(name)
    update.add(name, 60, "A", "192.0.2.7")
    update.add(name, 60, "TXT", "one", "two")
def change(update):
    update.present(name, "A", "192.0.2.7")
    update.replace(name, 30, "A", "192.0.2.8")
    update.delete(name, "TXT")
def go(update):
    update.present(name, "A")
    update.absent(name, "TXT")
    update.delete(name)
for over in dns.query.udp, dns.query.tcp:
    print(*(send(build, over) for build in (come, come, change, go, change)), sep=", ")
print(send(come, dns.query.udp, "AAAA" + secret[4:]))
"#;
    let mut interpreters = ["python3", "/usr/bin/python3"].into_iter();
    let has_module = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import dns.update"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let Some(python) = interpreters.find(has_module) else { return not_tried("dnspython is not installed") };
    let site = Site::new();
    site.write("lab.zone", ZONE);
    let keys: Vec<String> = KEYS
        .iter()
        .map(|(name, algorithm)| {
            format!("[[key]]\nname = \"{name}\"\nalgorithm = \"{algorithm}\"\nsecret = \"{SECRET}\"\n")
        })
        .collect();
    let allowed = KEYS.map(|(name, _)| format!("\"key:{name}\"")).join(", ");
    let rule = format!("[[zone.update]]\nallow = [{allowed}]\nnames = [\"*\"]\ntypes = [\"A\", \"TXT\"]\n");
    let admin = "[admin]\nsocket = \"control.sock\"\nstate-directory = \".\"\n";
    site.configure(&format!("{admin}{}{SERVED}{rule}", keys.concat()));
    let program = site.start();
    let (address, port) = (program.listen().ip().to_string(), program.listen().port().to_string());
    // To dnspython, too, a cut signature is one of another algorithm.
    for (name, algorithm) in KEYS.into_iter().filter(|(name, _)| *name != "cut") {
        let run = Command::new(python)
            .args(["-c", SCRIPT, &address, &port, name, algorithm, SECRET])
            .output()
            .expect("Python runs");
        let once = "NOERROR signed, YXDOMAIN signed, NOERROR signed, NOERROR signed, NXRRSET signed\n";
        assert_eq!(harness::program::said(&run), format!("{once}{once}BADSIG\n"), "{algorithm}");
    }
    program.stop();
}

#[test]
fn a_secret_file_is_read_again_at_a_reload() {
    let (site, program) = site();
    write_secret(&site, OTHER_SECRET);
    site.configure(&format!("[[key]]\nname = \"k\"\nsecret-file = \"secret\"\n{SERVED}"));
    program.reload_and_wait();
    let signed = key("k", "hmac-sha256", SECRET);
    let asked = || ask("dig", program.listen(), &["-y", &signed, "www.lab.example", "A"]);
    let Some(said) = asked() else { return };
    assert!(said.contains("BADSIG"), "{said}");
    write_secret(&site, SECRET);
    program.reload_and_wait();
    assert_verified(&asked().unwrap());
    program.stop();
}

#[test]
fn a_secret_file_that_changes_is_read_by_itself() {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    write_secret(&site, OTHER_SECRET);
    site.configure_watched(&format!("[[key]]\nname = \"k\"\nsecret-file = \"secret\"\n{SERVED}"));
    let program = site.start();
    let before = program.log_len();
    write_secret(&site, SECRET);
    program.wait_for_line_after(before, "reloaded: ");
    let signed = key("k", "hmac-sha256", SECRET);
    let Some(said) = ask("dig", program.listen(), &["-y", &signed, "www.lab.example", "A"]) else { return };
    assert_verified(&said);
    program.stop();
}

/// Writes the file of a secret, which only its owner may read from the first byte on.
fn write_secret(site: &Site, text: &str) {
    let (place, fresh) = (site.folder().join("secret"), site.folder().join("fresh-secret"));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .expect("a file");
    file.write_all(text.as_bytes()).expect("a file");
    std::fs::rename(fresh, place).expect("a file");
}

//! `edgedns trace` against the running program: the queries an operator sees, and how traces end.
//!
//! What a trace costs is tested in `answers/allocations` and in `transport`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use harness::program::{Program, Site};
use harness::{PATIENCE, client, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::Value;

const CONFIG: &str = "\
[admin]
socket = \"control.sock\"

[[zone]]
name = \"lab.example\"
file = \"lab.zone\"
";

const ZONE: &str = "\
$TTL 60
@ SOA ns root 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
www A 192.0.2.2
x.apps A 192.0.2.3
";

fn start() -> (Site, Program) {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(CONFIG);
    let program = site.start();
    (site, program)
}

/// A trace that runs. Killed when dropped.
struct Tracing(Child);

impl Tracing {
    fn start(site: &Site, arguments: &[&str]) -> Tracing {
        let mut command = harness::program::command();
        command.current_dir(site.folder()).env("NO_COLOR", "1");
        command.args(["trace", "--socket", "control.sock"]).args(arguments);
        Tracing(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs"))
    }

    /// One that has seen a query, and goes on.
    fn running(site: &Site, program: &Program) -> Tracing {
        let mut tracing = Tracing::start(site, &["--for", "10m"]);
        let output = tracing.0.stdout.take().expect("standard output is piped");
        let (seen, first) = std::sync::mpsc::channel();
        std::thread::spawn(move || BufReader::new(output).lines().for_each(|line| drop(seen.send(line))));
        wait_for("a line of the trace", PATIENCE, || {
            client::ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer");
            first.try_recv().ok()
        })
        .expect("text");
        tracing
    }

    /// Asks until the trace, whose limit is one query, has seen one: then it is known to run.
    fn lines(mut self, ask: impl FnMut()) -> Vec<String> {
        self.asked(ask);
        let output = self.0.stdout.take().expect("standard output is piped");
        BufReader::new(output).lines().map(|line| line.expect("text")).collect()
    }

    fn asked(&mut self, mut ask: impl FnMut()) {
        wait_for("the end of the trace", PATIENCE, || {
            ask();
            self.0.try_wait().expect("a child").map(|status| assert!(status.success(), "{status}"))
        });
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_query_and_its_answer_are_one_line() {
    let (site, program) = start();
    let lines = Tracing::start(&site, &["--limit", "1"]).lines(|| {
        client::ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer");
    });
    let words: Vec<&str> = lines[0].split_whitespace().skip(1).collect();
    // 12 header, 21 question, 2 × 16 records.
    assert_eq!(words.join(" "), "127.0.0.1 udp www.lab.example. A NOERROR 2 records 65 B aa");
    assert_eq!(lines[1], "1 query, ended by limit");
    assert_eq!(lines.len(), 2);
    program.stop();
}

#[test]
fn only_what_is_wanted_is_shown() {
    let (site, program) = start();
    let arguments = ["--limit", "3", "--name", "*.apps.lab.example", "--type", "TXT", "--format", "json"];
    let lines = Tracing::start(&site, &arguments).lines(|| {
        for (name, rtype) in [
            ("www.lab.example.", RecordType::TXT),
            ("x.apps.lab.example.", RecordType::A),
            ("x.apps.lab.example.", RecordType::TXT),
        ] {
            client::ask_tcp(program.listen(), name, rtype).expect("an answer");
        }
    });
    let told: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(told.len(), 4);
    for line in &told[..3] {
        let query = &line["query"];
        assert_eq!((&query["name"], &query["type"]), (&"x.apps.lab.example.".into(), &"TXT".into()));
        assert_eq!(
            (&query["transport"], &query["rcode"], &query["answers"]),
            (&"tcp".into(), &"NOERROR".into(), &0.into())
        );
    }
    assert_eq!(told[3]["end"], serde_json::json!({"by": "limit", "shown": 3, "left_out": 0}));
    let nobody = Tracing::start(&site, &["--for", "1s", "--client", "192.0.2.0/24"]).lines(|| {
        client::ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer");
    });
    assert_eq!(nobody, ["0 queries, ended by time"]);
    program.stop();
}

#[test]
fn a_trace_whose_client_is_gone_makes_room_for_another() {
    let (site, program) = start();
    for _ in 0..3 {
        let running: Vec<Tracing> =
            (0..edgedns::transport::TRACES_MAX).map(|_| Tracing::running(&site, &program)).collect();
        let one_more = site.run(&["trace", "--socket", "control.sock"]);
        let said = String::from_utf8_lossy(&one_more.stderr).into_owned();
        assert!(said.contains("4 traces run already"), "{said}");
        drop(running);
        // No query comes in between: the server notices anyway that the clients are gone.
        wait_for("room for another trace", PATIENCE, || {
            let one_more = site.run(&["trace", "--socket", "control.sock", "--for", "1s"]);
            one_more.status.success().then_some(())
        });
    }
    program.stop();
}

#[test]
fn of_a_flood_some_are_shown_and_the_others_counted() {
    let (site, program) = start();
    let mut tracing = Tracing::start(&site, &["--for", "5s", "--limit", "100000", "--format", "json"]);
    let mut output = BufReader::new(tracing.0.stdout.take().expect("standard output is piped"));
    let answer = || client::ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer");
    let asked = std::thread::scope(|scope| {
        let first = scope.spawn(|| output.read_line(&mut String::new()).expect("a line"));
        let mut asked = 0_u64;
        wait_for("the first line", PATIENCE, || {
            answer();
            asked += 1;
            first.is_finished().then_some(())
        });
        asked
    });
    // Nobody reads on for now, so that it comes to a standstill.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let query =
        b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x03lab\x07example\x00\x00\x01\x00\x01";
    for _ in 0..100 {
        for _ in 0..50 {
            let _ = socket.send_to(query, program.listen());
        }
        // So that few are lost for want of room in the kernel.
        wait_for("an answer", PATIENCE, || client::ask(program.listen(), "www.lab.example.", RecordType::A));
    }
    let queries = queries(&site);
    let mut text = String::new();
    output.read_to_string(&mut text).expect("text");
    let last: Value = serde_json::from_str(text.lines().last().expect("an end")).expect("JSON");
    let [shown, left_out] = ["shown", "left_out"].map(|key| last["end"][key].as_u64().expect("a number"));
    assert_eq!((&last["end"]["by"], shown), (&"time".into(), text.lines().count() as u64));
    assert!(left_out > 0, "{last}");
    // What was asked before it began is not known to it.
    assert!((queries - asked..=queries).contains(&(shown + left_out)), "{last} of {queries}, {asked} before");
    program.stop();
}

/// How many queries the server has counted.
fn queries(site: &Site) -> u64 {
    let output = site.run(&["status", "--format", "json", "--socket", "control.sock"]);
    let status: Value = serde_json::from_slice(&output.stdout).expect("a status");
    let transports = status["transports"].as_array().expect("transports");
    transports.iter().filter_map(|one| one["queries"].as_u64()).sum()
}

#[test]
fn nonsense_is_refused() {
    let (site, program) = start();
    for arguments in [
        ["--client", "192.0.2.1/24"],
        ["--for", "1h"],
        ["--limit", "0"],
        ["--type", "AA"],
        ["--name", "a..b"],
    ] {
        let output = site.run(&[&["trace", "--socket", "control.sock"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
    program.stop();
}

//! The query log: who reads it gets every query, or one in so many; and nobody waits for who does not read.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::{UnixListener, UnixStream};

use harness::program::{Program, Site};
use harness::{PATIENCE, client, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::Value;

const ZONE: &str = "$TTL 60\n@ SOA ns root 1 3600 600 86400 30\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.1\n";

fn site(log: &str) -> Site {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[log]\nqueries = \"queries.sock\"\n{log}\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n"
    ));
    site
}

fn listen(site: &Site) -> UnixListener {
    UnixListener::bind(site.folder().join("queries.sock")).expect("a socket")
}

fn ask(program: &Program, times: usize) {
    for _ in 0..times {
        client::ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer");
    }
}

/// So many lines, each a JSON object.
fn lines(reader: &mut BufReader<UnixStream>, count: usize) -> Vec<Value> {
    let mut lines = Vec::new();
    while lines.len() < count {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).expect("a line in time") > 0, "{} lines", lines.len());
        lines.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")));
    }
    lines
}

fn accept(listener: &UnixListener) -> BufReader<UnixStream> {
    let (stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    BufReader::new(stream)
}

#[test]
fn every_query_is_a_line_with_who_asked_what_and_what_was_answered() {
    let site = site("");
    let listener = listen(&site);
    let program = site.start();
    let mut reader = accept(&listener);
    ask(&program, 2);
    client::ask(program.listen(), "none.lab.example.", RecordType::AAAA).expect("an answer");
    let lines = lines(&mut reader, 3);
    let first = &lines[0];
    assert_eq!((first["name"].as_str(), first["type"].as_str()), (Some("www.lab.example."), Some("A")));
    assert_eq!((first["rcode"].as_str(), first["answers"].as_u64()), (Some("NOERROR"), Some(1)));
    assert_eq!((first["client"].as_str(), first["transport"].as_str()), (Some("127.0.0.1"), Some("udp")));
    assert_eq!((lines[2]["rcode"].as_str(), lines[2]["type"].as_str()), (Some("NXDOMAIN"), Some("AAAA")));
    wait_for("the count", PATIENCE, || (site.status()["query_log"]["written"] == 3).then_some(()));
    assert_eq!(site.status()["query_log"]["dropped"], 0);
    program.stop();
}

#[test]
fn of_so_many_queries_one_is_logged() {
    let site = site("sample = 10");
    let listener = listen(&site);
    let program = site.start();
    let mut reader = accept(&listener);
    ask(&program, 50);
    lines(&mut reader, 5);
    wait_for("the count", PATIENCE, || (site.status()["query_log"]["written"] == 5).then_some(()));
    program.stop();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "");
}

#[test]
fn whoever_does_not_read_delays_no_answer_and_what_is_lost_is_counted() {
    let site = site("");
    let program = site.start();
    program.wait_for_line("queries are not logged to");
    ask(&program, 20);
    let log = site.status()["query_log"].clone();
    assert!(log["error"].is_string() && log["dropped"] == 0, "{log}");
    // There was room for these: they are written to the first one who reads.
    let listener = listen(&site);
    let mut held = accept(&listener);
    program.wait_for_line("are logged to");
    lines(&mut held, 20);
    // It reads nothing: its buffer fills, then the queue, and every query is answered for all that.
    ask(&program, 3_000);
    let counted = || site.status()["query_log"].clone();
    wait_for("all of them", PATIENCE, || {
        let log = counted();
        let all = log["written"].as_u64()? + log["dropped"].as_u64()?;
        (all >= 3_020 || log["error"].is_string()).then_some(())
    });
    drop(held);
    ask(&program, 5);
    let mut reader = accept(&listener);
    wait_for("a line", PATIENCE, || {
        ask(&program, 1);
        let mut line = String::new();
        (reader.read_line(&mut line).ok()? > 0).then_some(())
    });
    program.stop();
}

#[test]
fn a_stop_writes_what_has_come() {
    let site = site("");
    let listener = listen(&site);
    let program = site.start();
    let mut reader = accept(&listener);
    for _ in 0..5 {
        ask(&program, 10);
    }
    program.stop();
    lines(&mut reader, 50);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "");
}

#[test]
fn a_reload_begins_and_ends_the_log() {
    let site = site("");
    let listener = listen(&site);
    let program = site.start();
    let first = accept(&listener);
    site.configure(
        "[admin]\nsocket = \"control.sock\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n",
    );
    program.reload_and_wait();
    assert!(site.status().get("query_log").is_none_or(Value::is_null));
    drop(first);
    program.stop();
}

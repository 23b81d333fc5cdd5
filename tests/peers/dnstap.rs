//! The query log as dnstap, kept by Farsight's `fstrm_capture` and read by `dnstap-ldns`.

use std::process::{Command, Stdio};

use harness::client::ask;
use harness::program::Site;
use harness::tools::tool;
use harness::{PATIENCE, wait_for};
use hickory_proto::rr::RecordType;

#[test]
fn what_is_logged_as_dnstap_is_read_by_others() {
    let (Some(mut capture), Some(mut reader)) = (tool("fstrm_capture"), tool("dnstap-ldns")) else { return };
    let site = Site::new();
    site.write(
        "lab.zone",
        "$TTL 60\n@ SOA ns root 1 3600 600 86400 30\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.1\n",
    );
    site.configure(
        "[admin]\nsocket = \"control.sock\"\n\n[log]\nqueries = \"queries.sock\"\nformat = \"dnstap\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n",
    );
    let (socket, file) = (site.folder().join("queries.sock"), site.folder().join("queries.fstrm"));
    capture.args(["-t", "protobuf:dnstap.Dnstap", "-u"]).arg(&socket).arg("-w").arg(&file);
    let mut capture = capture.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("fstrm_capture");
    wait_for("a socket", PATIENCE, || socket.exists().then_some(()));
    let program = site.start();
    ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer");
    ask(program.listen(), "none.lab.example.", RecordType::AAAA).expect("an answer");
    program.stop();
    // It writes what it has when it ends.
    let ended = Command::new("kill").args(["-TERM", &capture.id().to_string()]).status().expect("kill");
    assert!(ended.success());
    capture.wait().expect("an end");
    let read = reader.arg("-y").arg("-r").arg(&file).output().expect("dnstap-ldns");
    let told = String::from_utf8_lossy(&read.stdout);
    for part in [
        "type: AUTH_QUERY",
        "type: AUTH_RESPONSE",
        "version: \"edgedns ",
        "socket_family: INET\n",
        "socket_protocol: UDP",
        "query_address: \"127.0.0.1\"",
        "www.lab.example.",
        "192.0.2.1",
        "NXDOMAIN",
    ] {
        assert!(told.contains(part), "no {part} in:\n{told}");
    }
}

#[test]
fn a_reader_that_takes_something_else_gets_nothing_and_the_log_says_so() {
    let Some(mut capture) = tool("fstrm_capture") else { return };
    let site = Site::new();
    site.configure(
        "[admin]\nsocket = \"control.sock\"\n\n[log]\nqueries = \"queries.sock\"\nformat = \"dnstap\"\n",
    );
    let socket = site.folder().join("queries.sock");
    capture.args(["-t", "text:plain", "-u"]).arg(&socket).args(["-w", "/dev/null"]);
    let mut capture = capture.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("fstrm_capture");
    wait_for("a socket", PATIENCE, || socket.exists().then_some(()));
    let program = site.start();
    program.wait_for_line("queries are not logged to");
    assert!(site.status()["query_log"]["error"].is_string());
    program.stop();
    capture.kill().expect("a child");
    capture.wait().expect("an end");
}

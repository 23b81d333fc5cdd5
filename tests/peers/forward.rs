//! Forwarding to Knot DNS and pdns-recursor.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, query, said, send, send_tcp};
use harness::tools::{is_installed, tool};
use harness::upstream::{Upstream, well};
use harness::{PATIENCE, free_port, loopback, wait_for};

const NAMES: usize = 10_000;

/// A process that is killed when it is dropped.
struct Daemon {
    child: Child,
    place: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Knot DNS with a zone of this many names, one of which fits no datagram.
fn knot() -> Daemon {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let place = free_port(loopback());
    let mut zone = String::from(
        "$ORIGIN large.test.\n$TTL 600\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n",
    );
    for number in 0..NAMES {
        writeln!(zone, "n{number} A 10.0.{}.{}", number >> 8, number & 255).expect("a text");
    }
    for number in 0..200 {
        writeln!(zone, "many A 10.1.0.{number}").expect("a text");
    }
    zone.push_str("ours CNAME www.lab.example.\nothers CNAME www.elsewhere.test.\n");
    fs::write(folder.path().join("zone"), zone).expect("a zone file");
    let path = folder.path().display();
    let config = format!(
        "server:\n  rundir: {path}\n  listen: {}@{}\nlog:\n  - target: stderr\n    any: warning\n\
         database:\n  storage: {path}\nzone:\n  - domain: large.test\n    storage: {path}\n    file: zone\n    \
         zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n",
        place.ip(),
        place.port()
    );
    fs::write(folder.path().join("config"), config).expect("a config file");
    let child = tool("knotd")
        .expect("the program was there")
        .arg("-c")
        .arg(folder.path().join("config"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("knotd runs");
    serving(Daemon { child, place, _folder: folder }, "n0.large.test.")
}

/// PowerDNS Recursor, which forwards these zones, `large.test` among them: `zone=address`, several with commas.
fn recursor(forwards: &str) -> Daemon {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let place = free_port(loopback());
    let config = format!(
        "local-address={}\nlocal-port={}\nsocket-dir={}\nthreads=1\nforward-zones={forwards}\n\
         dnssec=off\ndont-query=\nsecurity-poll-suffix=\n",
        place.ip(),
        place.port(),
        folder.path().display()
    );
    fs::write(folder.path().join("recursor.conf"), config).expect("a config file");
    let log = fs::File::create(folder.path().join("log")).expect("a log file");
    let child = tool("pdns_recursor")
        .expect("the program was there")
        .arg(format!("--config-dir={}", folder.path().display()))
        .args(["--daemon=no", "--write-pid=no"])
        .stdout(log.try_clone().expect("a log file"))
        .stderr(log)
        .spawn()
        .expect("pdns_recursor runs");
    serving(Daemon { child, place, _folder: folder }, "n0.large.test.")
}

fn serving(daemon: Daemon, qname: &str) -> Daemon {
    wait_for(&format!("an answer of {}", daemon.place), PATIENCE, || {
        let response = send(daemon.place, &query(qname, RecordType::A))?;
        (response.metadata.response_code == ResponseCode::NoError).then_some(())
    });
    daemon
}

#[test]
fn ten_thousand_names_pass_through_a_cache_of_a_thousand() {
    if !is_installed("knotd") {
        return;
    }
    let knot = knot();
    let zone = format!("zone = \"large.test\"\nupstream = [\"{}\"]\n", knot.place);
    let lab = Lab::new(&format!("{zone}\n[cache]\nentries = 1000\n"));
    let program = lab.start();
    for number in 0..NAMES {
        let response = ask(program.listen(), &format!("n{number}.large.test."));
        assert_eq!(said(&response), format!("10.0.{}.{}", number >> 8, number & 255));
    }
    let cache = &lab.forward()["cache"];
    let number = |key: &str| cache[key].as_u64().expect("a number");
    assert!((900..=1000).contains(&number("entries")), "{cache:#}");
    assert_eq!(number("entries") + number("evicted"), NAMES as u64, "{cache:#}");
    assert_eq!(number("misses"), NAMES as u64);
    // The last ones are still there.
    let last = format!("n{}.large.test.", NAMES - 1);
    ask(program.listen(), &last);
    assert_eq!(lab.forward()["cache"]["hits"], 1);
    program.stop();
}

#[test]
fn knots_answers_come_through_whole() {
    if !is_installed("knotd") {
        return;
    }
    let knot = knot();
    let lab = Lab::new(&format!("zone = \"large.test\"\nupstream = [\"{}\"]\n", knot.place));
    let program = lab.start();
    let missing = ask(program.listen(), "missing.large.test.");
    assert_eq!((code(&missing), missing.authorities.len()), (ResponseCode::NXDomain, 1));
    assert_eq!(missing.authorities[0].ttl, 60);
    assert!(!missing.metadata.authoritative && missing.metadata.recursion_available);
    assert!(ask(program.listen(), "many.large.test.").metadata.truncation);
    let whole = send_tcp(program.listen(), &[query("many.large.test.", RecordType::A)]);
    assert_eq!(whole[0].answers.len(), 200);
    program.stop();
}

#[test]
fn aliases_that_an_authoritative_server_leaves_to_its_client_are_followed() {
    if !is_installed("knotd") {
        return;
    }
    let (knot, elsewhere) = (knot(), Upstream::start(well));
    let lab = Lab::new(&format!(
        "zone = \"large.test\"\nupstream = [\"{}\"]\n\n[[forward]]\n{}",
        knot.place,
        everything(&[elsewhere.place()])
    ));
    let program = lab.start();
    for _ in 0..2 {
        assert_eq!(said(&ask(program.listen(), "ours.large.test.")), "192.0.2.1");
        assert_eq!(said(&ask(program.listen(), "others.large.test.")), "198.51.100.7");
    }
    program.stop();
}

#[test]
fn aliases_end_where_they_end_behind_a_recursor_with_the_same_forwards() {
    if !is_installed("knotd") || !is_installed("pdns_recursor") {
        return;
    }
    let (knot, elsewhere) = (knot(), Upstream::start(well));
    let other = format!("zone = \"elsewhere.test\"\nupstream = [\"{}\"]\n", elsewhere.place());
    let lab =
        Lab::new(&format!("zone = \"large.test\"\nupstream = [\"{}\"]\n\n[[forward]]\n{other}", knot.place));
    let program = lab.start();
    let zones = [
        ("large.test", knot.place),
        ("elsewhere.test", elsewhere.place()),
        ("lab.example", program.listen()),
    ];
    let recursor = recursor(&zones.map(|(zone, place)| format!("{zone}={place}")).join(","));
    for qname in ["ours.large.test.", "others.large.test.", "n1.large.test.", "missing.large.test."] {
        let told = |server| {
            let response = ask(server, qname);
            let records = response.answers.iter().map(|one| format!("{} {:?}", one.name, one.data));
            (code(&response), records.collect::<Vec<_>>())
        };
        assert_eq!(told(program.listen()), told(recursor.place), "{qname}");
    }
    program.stop();
}

#[test]
fn a_recursor_can_be_the_upstream() {
    if !is_installed("knotd") || !is_installed("pdns_recursor") {
        return;
    }
    let knot = knot();
    let recursor = recursor(&format!("large.test={}", knot.place));
    let lab = Lab::new(&everything(&[recursor.place]));
    let program = lab.site.start();
    for number in 0..200 {
        let response = ask(program.listen(), &format!("n{number}.large.test."));
        assert_eq!(said(&response), format!("10.0.0.{number}"));
        let direct = ask(recursor.place, &format!("n{number}.large.test."));
        assert!(response.answers[0].ttl.abs_diff(direct.answers[0].ttl) <= 1);
    }
    program.stop();
}

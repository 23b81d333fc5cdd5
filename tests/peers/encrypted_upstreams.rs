//! Forwarding to BIND over TLS and over HTTPS.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::forwarding::Lab;
use harness::stub::{ask, code, query, receive, said, send_tcp, sent};
use harness::tools::tool;
use harness::{PATIENCE, free_port, wait_for};

/// The name in the certificate.
const NAME: &str = "dns.test";

const HOSTS: usize = 250;

/// Streams that BIND takes on one connection at a time.
const STREAMS: usize = 3;

/// BIND with a zone, which is asked over TLS and over HTTPS. Killed when dropped.
struct Bind(Child);

impl Drop for Bind {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes its files beside those of the program, which has made its certificate.
fn configure(lab: &Lab, places: [SocketAddr; 2]) {
    let hosts: String = (0..HOSTS).map(|host| format!("h{host} A 192.0.2.{host}\n")).collect();
    // It takes no more than 100 of one type.
    let many: String = (0..95).map(|host| format!("many A 10.1.0.{host}\n")).collect();
    lab.site.write(
        "zone",
        &format!("$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n{hosts}{many}"),
    );
    let [tls, https] = places.map(|place| place.port());
    let (at, ip) = (lab.site.folder().display(), places[0].ip());
    lab.site.write(
        "named.conf",
        &format!(
            "tls ours {{ cert-file \"{at}/server.crt\"; key-file \"{at}/server.key\"; }};\n\
             http ours {{ endpoints {{ \"/q\"; }}; streams-per-connection {STREAMS}; }};\n\
             options {{ directory \"{at}\"; listen-on port {tls} tls ours {{ {ip}; }}; \
             listen-on port {https} tls ours http ours {{ {ip}; }}; listen-on-v6 {{ none; }}; pid-file none; \
             session-keyfile none; recursion no; dnssec-validation no; notify no; managed-keys-directory \"{at}\"; }};\n\
             controls {{ }};\nzone \"elsewhere.test\" {{ type primary; file \"zone\"; }};\n"
        ),
    );
}

fn start(lab: &Lab) -> Option<Bind> {
    let log = fs::File::create(lab.site.folder().join("named.log")).expect("a log file");
    let mut command = tool("named")?;
    command.arg("-g").arg("-c").arg(lab.site.folder().join("named.conf"));
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("named runs");
    Some(Bind(child))
}

/// Asks for all hosts, many at a time, for a set of records that fits no datagram, and for a name that is not there;
/// then again when it has been killed and has come back.
fn bind_is_asked_over(upstream: impl Fn([SocketAddr; 2]) -> String) {
    let places = [free_port(Ipv4Addr::LOCALHOST), free_port(Ipv4Addr::LOCALHOST)];
    let upstream = upstream(places);
    let lab = Lab::new(&format!(
        "zone = \"elsewhere.test\"\nupstream = [\"{upstream}\"]\nca = \"server.crt\"\n\n[cache]\nserve-stale = \"0s\"\n"
    ));
    let made = lab.site.run(&["certificate", NAME]);
    assert!(made.status.success(), "{}", harness::program::said(&made));
    configure(&lab, places);
    let Some(bind) = start(&lab) else { return };
    let program = lab.site.start();
    // It listens before it has read its zone.
    wait_for("an answer of BIND", PATIENCE, || {
        (said(&ask(program.listen(), "ns.elsewhere.test.")) == "192.0.2.53").then_some(())
    });
    lab.wait_for_standing_of(&upstream, "up");
    let before = lab.forward()["upstreams"][0]["failures"].clone();
    for hosts in (0..HOSTS).collect::<Vec<_>>().chunks(80) {
        let name = |host: &usize| format!("h{host}.elsewhere.test.");
        let sent: Vec<_> =
            hosts.iter().map(|host| sent(program.listen(), &query(&name(host), RecordType::A))).collect();
        for (host, socket) in hosts.iter().zip(&sent) {
            assert_eq!(said(&receive(socket).expect("a response")), format!("192.0.2.{host}"));
        }
    }
    let many = send_tcp(program.listen(), &[query("many.elsewhere.test.", RecordType::A)]);
    assert_eq!(many[0].answers.len(), 95);
    assert_eq!(code(&ask(program.listen(), "missing.elsewhere.test.")), ResponseCode::NXDomain);
    let shown = lab.forward()["upstreams"][0].clone();
    assert_eq!(shown["failures"], before, "{shown}");

    drop(bind);
    assert_eq!(code(&ask(program.listen(), "gone.elsewhere.test.")), ResponseCode::ServFail);
    let _bind = start(&lab);
    wait_for("an answer of a server that has come back", PATIENCE, || {
        (code(&ask(program.listen(), "back.elsewhere.test.")) == ResponseCode::NXDomain).then_some(())
    });
    program.stop();
}

#[test]
fn bind_is_asked_over_tls() {
    bind_is_asked_over(|[tls, _]| format!("tls://{tls}#{NAME}"));
}

/// More queries at a time than it takes on a connection wait for their turn.
#[test]
fn bind_is_asked_over_https_at_a_path_of_its_own() {
    bind_is_asked_over(|[_, https]| format!("https://{https}/q#{NAME}"));
}

//! A whole ACME DNS-01: lego gets a wildcard certificate from pebble, which asks this server for the challenge.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::ask;
use harness::http::sample;
use harness::program::{Site, said};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};

const ZONE: &str =
    "$TTL 60\n@ SOA ns.lab.example. root.lab.example. 7 3600 600 86400 10\n@ NS ns\nns A 127.0.0.1\n";

/// For HMAC-SHA256.
const SECRET: &str = "bGVnby1sZWdvLWxlZ28tbGVnby1sZWdvLWxlZ28tbGU=";

/// A certificate authority for tests, killed when dropped.
struct Pebble {
    process: Child,
    place: SocketAddr,
}

impl Pebble {
    /// It asks `resolver` for challenges, and keeps its files in the folder of the site: `pebble.pem` is what its own listener
    /// is trusted by. None: it is not installed.
    fn start(site: &Site, resolver: SocketAddr) -> Option<Pebble> {
        let mut command: Command = tool("pebble")?;
        let (place, management) = (free_port(loopback()), free_port(loopback()));
        let made = rcgen::generate_simple_self_signed(vec![place.ip().to_string()]).expect("a certificate");
        site.write("pebble.pem", &made.cert.pem());
        site.write("pebble.key", &made.signing_key.serialize_pem());
        // The ports of other challenges, which nobody uses.
        let config = format!(
            r#"{{"pebble": {{"listenAddress": "{place}", "managementListenAddress": "{management}",
            "certificate": "pebble.pem", "privateKey": "pebble.key", "httpPort": 1, "tlsPort": 1,
            "ocspResponderURL": "", "externalAccountBindingRequired": false}}}}"#
        );
        site.write("pebble.json", &config);
        let log = fs::File::create(site.folder().join("pebble.log")).expect("a scratch file");
        let process = command
            .args(["-config", "pebble.json", "-strict", "-dnsserver", &resolver.to_string()])
            // Otherwise it waits some seconds, and refuses some good requests, to teach clients.
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .current_dir(site.folder())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("pebble runs");
        let pebble = Pebble { process, place };
        wait_for("pebble listens", PATIENCE, || TcpStream::connect(place).ok());
        Some(pebble)
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn lego_gets_a_wildcard_certificate_from_pebble_and_takes_its_challenge_away() {
    let admin = free_port(loopback());
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(&format!(
        r#"
[admin]
state-directory = "."
listen = "{admin}"

[[key]]
name = "lego"
secret = "{SECRET}"

[[zone]]
name = "lab.example"
file = "lab.zone"

[[zone.update]]
allow = ["key:lego"]
names = ["_acme-challenge.**"]
types = ["TXT"]
"#
    ));
    let program = site.start();
    let Some(mut lego) = tool("lego") else { return };
    let Some(pebble) = Pebble::start(&site, program.listen()) else { return };
    let place = program.listen().to_string();
    // Both names have the same challenge, one after the other. lego would ask the server by its name at port 53 whether
    // the challenge is there; it is, as soon as the update is answered.
    let run = lego
        .args(["--accept-tos", "--email", "root@lab.example", "--path", "lego", "--dns", "rfc2136"])
        .args([
            "--server",
            &format!("https://{}/dir", pebble.place),
            "--dns.resolvers",
            &place,
            "--dns.disable-cp",
        ])
        .args(["--domains", "*.apps.lab.example", "--domains", "apps.lab.example", "run"])
        .envs([
            ("LEGO_CA_CERTIFICATES", "pebble.pem"),
            ("RFC2136_TSIG_KEY", "lego"),
            ("RFC2136_TSIG_SECRET", SECRET),
        ])
        .envs([("RFC2136_TSIG_ALGORITHM", "hmac-sha256."), ("RFC2136_NAMESERVER", &place)])
        .envs([("RFC2136_POLLING_INTERVAL", "1"), ("RFC2136_SEQUENCE_INTERVAL", "1")])
        .current_dir(site.folder())
        .stdin(Stdio::null())
        .output()
        .expect("lego runs");
    let log = fs::read_to_string(site.folder().join("pebble.log")).unwrap_or_default();
    assert!(run.status.success(), "{}\n{log}", said(&run));
    let chain = site.folder().join("lego/certificates/_.apps.lab.example.crt");
    let chain = fs::read_to_string(chain).expect("a certificate, with that of its authority");
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2, "{chain}");
    let gone =
        ask(program.listen(), "_acme-challenge.apps.lab.example.", RecordType::TXT).expect("a response");
    assert_eq!(gone.metadata.response_code, ResponseCode::NXDomain);
    // Each of the two names came and went.
    assert!(sample(admin, "edgedns_updates_total{result=\"made\"}") >= 4.0);
    program.stop();
}

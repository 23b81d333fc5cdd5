//! Clients of others over HTTPS and QUIC: kdig, curl, dnspython, Chromium. Each judges certificate and protocol by itself.

mod browser;
mod https;
mod quic;

use std::net::SocketAddr;
use std::process::{Command, Output};

use harness::free_port;
use harness::program::{Program, Site, said};
use harness::tools::tool;

/// What the certificate is for.
const NAME: &str = "ns.lab.example";

const ZONE: &str = "$TTL 60\n@ SOA ns host 1 3600 600 86400 30\n@ NS ns\nns A 192.0.2.53\nwww 300 A 192.0.2.1\n\
                    alias 7200 CNAME www\n";

/// A site that listens by the key `listen-…`, too.
struct Encrypted {
    site: Site,
    place: SocketAddr,
    program: Program,
}

fn started(key: &str) -> Encrypted {
    let site = Site::new();
    let place = free_port(site.listen().ip().to_string().parse().expect("IPv4"));
    let made = site.run(&["certificate", NAME, &place.ip().to_string()]);
    assert!(made.status.success(), "{}", said(&made));
    let texts: String = (0..120).map(|count| format!("big TXT \"{count} {}\"\n", "x".repeat(240))).collect();
    site.write("lab.zone", &format!("{ZONE}page A {}\n{texts}", place.ip()));
    site.configure(&format!(
        "{key} = [\"{place}\"]\n\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\n\
         [admin]\nsocket = \"control.sock\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\n"
    ));
    let program = site.start();
    Encrypted { site, place, program }
}

impl Encrypted {
    fn certificate(&self) -> String {
        self.site.folder().join("server.crt").display().to_string()
    }

    /// What kdig says that asks with these words; none where it is not installed.
    fn kdig(&self, words: &[&str]) -> Option<String> {
        let mut command = tool("kdig")?;
        let port = self.place.port().to_string();
        command.args([&format!("@{}", self.place.ip()), "-p", &port, "+retry=0", "+time=5", "+norec"]);
        command.args([&format!("+tls-ca={}", self.certificate()), &format!("+tls-hostname={NAME}")]);
        Some(said(&command.args(words).output().expect("it runs")))
    }

    /// curl, as it is without any option of ours but who is to be trusted and where the name is.
    fn curl(&self, path: &str, words: &[&str]) -> Option<Output> {
        let mut command = tool("curl")?;
        let port = self.place.port();
        command.args(["--silent", "--show-error", "--dump-header", "head", "--output", "answer"]);
        command.args(["--write-out", "%{http_version} %{http_code} %{content_type}"]);
        command.args(["--cacert", &self.certificate()]);
        command.args(["--resolve", &format!("{NAME}:{port}:{}", self.place.ip())]);
        command.arg(format!("https://{NAME}:{port}{path}")).args(words).current_dir(self.site.folder());
        Some(command.output().expect("it runs"))
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.site.folder().join(file)).expect("what curl wrote")
    }
}

/// A query for the address of `host` in the zone, as base64url.
fn in_target(host: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(query(host, 1))
}

fn query(host: &str, qtype: u8) -> Vec<u8> {
    let length = u8::try_from(host.len()).expect("a short label");
    let head = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, length];
    [&head[..], host.as_bytes(), b"\x03lab\x07example\0\0", &[qtype, 0, 1]].concat()
}

/// What a script of dnspython says; none, and noted, where a module that it needs is not installed.
fn dnspython(modules: &[&str], script: &str, arguments: &[&str]) -> Option<String> {
    let python = "/usr/bin/python3";
    if !harness::tools::is_installed("python3") {
        return None;
    }
    let import = format!("import {}", modules.join(", "));
    if !Command::new(python).args(["-c", &import]).output().is_ok_and(|output| output.status.success()) {
        harness::tools::not_tried(&format!("no python3 with {}", modules.join(", ")));
        return None;
    }
    let output = Command::new(python).args(["-c", script]).args(arguments).output().expect("it runs");
    Some(said(&output))
}

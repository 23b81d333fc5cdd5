//! DNS over TLS, asked by `dig` and `kdig`; zones over it, to BIND and NSD as secondaries; and NOTIFY, to and from others.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::addresses;
use harness::program::{Program, Site, said};
use harness::tools::tool;
use harness::unbound::Unbound;
use harness::{free_port, loopback, wait_for};

/// The name in the certificate.
const NAME: &str = "ns1.lab.example";

const SECRET: &str = "mDd4nWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";

/// How long a secondary may take: some ask only some seconds after a start.
const LIMIT: Duration = Duration::from_secs(60);

/// edgedns with a zone of this many hosts, and where it listens over TLS.
fn server(hosts: u32, zone_keys: &str) -> (Site, Program, SocketAddr) {
    let site = Site::new();
    let made = site.run(&["certificate", NAME]);
    assert!(made.status.success(), "{}", said(&made));
    let hosts: String =
        (0..hosts).map(|host| format!("h{host} A 10.1.{}.{}\n", host / 256, host % 256)).collect();
    site.write(
        "lab.zone",
        &format!("$TTL 60\n@ SOA ns host 7 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n{hosts}"),
    );
    let tls = free_port(loopback());
    site.configure(&format!(
        "listen-tls = [\"{tls}\"]\n\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\n[admin]\nsocket = \"control.sock\"\n\n\
         [[key]]\nname = \"transfer\"\nsecret = \"{SECRET}\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{zone_keys}"
    ));
    let program = site.start();
    (site, program, tls)
}

fn ask(mut client: Command, server: SocketAddr, words: &[&str]) -> String {
    let port = server.port().to_string();
    client.args([&format!("@{}", server.ip()), "-p", &port, "+time=5"]);
    let output: Output = client.args(words).output().expect("it runs");
    said(&output)
}

#[test]
fn kdig_verifies_the_certificate_and_keeps_the_connection() {
    let Some(kdig) = tool("kdig") else { return };
    let (site, program, tls) = server(3, "");
    let ca = format!("+tls-ca={}", site.folder().join("server.crt").display());
    let name = format!("+tls-hostname={NAME}");
    let three = ["h0.lab.example", "h1.lab.example", "h2.lab.example"];
    let words = [&[ca.as_str(), &name, "+keepopen", "+padding"][..], &three].concat();
    let told = ask(kdig, tls, &words);
    for host in 0..3 {
        assert!(told.contains(&format!("10.1.0.{host}")), "{told}");
    }
    assert_eq!(told.matches("TLS session (TLS1.3)").count(), 3, "{told}");
    assert_eq!(site.status()["tcp"]["handshakes"]["completed"].as_u64(), Some(1), "one connection: {told}");
    assert_eq!(told.matches("Received 468 B").count(), 3, "{told}");

    let other =
        ask(tool("kdig").expect("it was there"), tls, &[&ca, "+tls-hostname=ns2.lab.example", three[0]]);
    assert!(other.contains("certificate") && !other.contains("10.1.0.0"), "{other}");
    let older = ask(tool("kdig").expect("it was there"), tls, &["+tls", "+nopadding", three[0]]);
    assert!(older.contains("10.1.0.0") && !older.contains("Received 468 B"), "{older}");
    program.stop();
}

#[test]
fn dig_asks_over_tls_and_may_have_signed_answers() {
    let Some(dig) = tool("dig") else { return };
    let (site, program, tls) = server(3, "");
    let ca = format!("+tls-ca={}", site.folder().join("server.crt").display());
    let name = format!("+tls-hostname={NAME}");
    let told = ask(dig, tls, &["+tls", &ca, &name, "h1.lab.example"]);
    assert!(told.contains("10.1.0.1") && told.contains("(TLS)"), "{told}");
    let key = format!("hmac-sha256:transfer:{SECRET}");
    let told =
        ask(tool("dig").expect("it was there"), tls, &["+tls", "+norec", "-y", &key, "h1.lab.example"]);
    assert!(told.contains("10.1.0.1") && told.contains("TSIG") && !told.contains("WARNING"), "{told}");
    program.stop();
}

/// OpenSSL speaks what others do not any more.
#[test]
fn older_versions_and_other_protocols_are_agreed_on_or_refused() {
    let Some(_) = tool("openssl") else { return };
    let (_site, program, tls) = server(1, "");
    let session = |words: &[&str]| {
        let mut openssl = tool("openssl").expect("it was there");
        openssl.args(["s_client", "-connect", &tls.to_string()]).args(words).stdin(Stdio::null());
        said(&openssl.output().expect("it runs"))
    };
    let two = session(&["-tls1_2", "-alpn", "dot"]);
    assert!(two.contains("TLSv1.2") && two.contains("ALPN protocol: dot"), "{two}");
    let three = session(&["-tls1_3"]);
    assert!(three.contains("TLSv1.3") && three.contains("No ALPN negotiated"), "{three}");
    let other = session(&["-alpn", "h2"]);
    assert!(other.contains("no application protocol"), "{other}");
    program.stop();
}

#[test]
fn dig_and_kdig_get_the_whole_zone_over_tls() {
    let (Some(dig), Some(kdig)) = (tool("dig"), tool("kdig")) else { return };
    let (_site, program, tls) = server(3000, "allow-transfer = [\"127.0.0.0/8 key:transfer\"]\n");
    let key = format!("hmac-sha256:transfer:{SECRET}");
    for (name, client) in [("dig", dig), ("kdig", kdig)] {
        let told = ask(client, tls, &["+tls", "-y", &key, "lab.example", "AXFR"]);
        let addresses = told.lines().filter(|line| line.contains("10.1.")).count();
        assert_eq!(addresses, 3000, "{name}: {told}");
        assert!(!told.contains("WARNING") && !told.contains("failed"), "{name}: {told}");
    }
    let stranger = ask(tool("dig").expect("it was there"), tls, &["+tls", "lab.example", "AXFR"]);
    assert!(!stranger.contains("10.1."), "{stranger}");
    program.stop();
}

/// A server that is killed in the end.
struct Secondary {
    child: Child,
    folder: tempfile::TempDir,
    place: SocketAddr,
}

impl Secondary {
    fn start(mut command: Command, place: SocketAddr, config: impl FnOnce(&str) -> String) -> Secondary {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let file = folder.path().join("config");
        fs::write(&file, config(&folder.path().display().to_string())).expect("a config file");
        let log = File::create(folder.path().join("log")).expect("a log file");
        command
            .arg("-c")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log);
        Secondary { child: command.spawn().expect("it runs"), folder, place }
    }

    fn wait_for_the_zone(&self) {
        self.wait_for(&["h9.lab.example"], "10.1.0.9");
    }

    /// Waits until `dig` is told this.
    fn wait_for(&self, words: &[&str], wanted: &str) {
        let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let begun = std::time::Instant::now();
        wait_for(wanted, LIMIT * 2, || {
            let words = [&["+tries=1"], words].concat();
            let told = ask(tool("dig").expect("it was there"), self.place, &words);
            let found = told.contains(wanted);
            assert!(found || begun.elapsed() < LIMIT, "{told}\n{}", log());
            found.then_some(())
        });
    }
}

impl Drop for Secondary {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Unbound verifies certificate and name.
#[test]
fn unbound_forwards_over_tls_and_believes_no_other_name() {
    let (site, program, tls) = server(40, "");
    let certificate = site.folder().join("server.crt");
    let Some(unbound) = Unbound::start_over_tls(tls, NAME, &certificate) else { return };
    for host in 0..40 {
        let answer = unbound.ask(&format!("h{host}.lab.example."), RecordType::A).expect("a response");
        assert_eq!(addresses(&answer), [IpAddr::from([10, 1, 0, host])], "{}", unbound.log());
    }
    let missing = unbound.ask("missing.lab.example.", RecordType::A).expect("a response");
    assert_eq!(missing.metadata.response_code, ResponseCode::NXDomain, "{}", unbound.log());
    let status = site.status();
    let all = status["transports"].as_array().expect("transports");
    let over_tls = &all.iter().find(|one| one["transport"] == "tls").expect("a transport")["queries"];
    assert!(over_tls.as_u64().is_some_and(|queries| queries >= 41), "{status}");
    drop(unbound);
    let doubting = Unbound::start_over_tls(tls, "ns2.lab.example", &certificate).expect("it was there");
    let answer = doubting.ask("h1.lab.example.", RecordType::A).expect("a response");
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail, "{}", doubting.log());
    program.stop();
}

#[test]
fn bind_gets_the_zone_over_tls() {
    let (Some(mut named), Some(_)) = (tool("named"), tool("dig")) else { return };
    let (site, program, tls) = server(20, "allow-transfer = [\"127.0.0.1 key:transfer\"]\n");
    let place = free_port(Ipv4Addr::LOCALHOST);
    named.arg("-g");
    let ca = site.folder().join("server.crt");
    let secondary = Secondary::start(named, place, |at| {
        format!(
            "key \"transfer\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
             tls edgedns {{ ca-file \"{ca}\"; remote-hostname \"{NAME}\"; protocols {{ TLSv1.3; }}; }};\n\
             options {{ directory \"{at}\"; pid-file \"{at}/pid\"; session-keyfile \"{at}/session\"; \
             listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; \
             transfer-source {ip}; managed-keys-directory \"{at}\"; notify no; dnssec-validation no; }};\ncontrols {{ }};\n\
             zone \"lab.example\" {{ type secondary; file \"{at}/zone\"; \
             primaries {{ {server} port {tls_port} key \"transfer\" tls edgedns; }}; min-refresh-time 1; }};\n",
            ca = ca.display(),
            port = place.port(),
            ip = place.ip(),
            server = tls.ip(),
            tls_port = tls.port(),
        )
    });
    secondary.wait_for_the_zone();
    program.wait_for_line("zone lab.example. sent to");
    program.stop();
}

#[test]
fn nsd_gets_the_zone_over_tls() {
    let (Some(mut nsd), Some(_)) = (tool("nsd"), tool("dig")) else { return };
    let (site, program, tls) = server(20, "allow-transfer = [\"127.0.0.0/8\"]\n");
    let place = free_port(loopback());
    nsd.arg("-d");
    let ca = site.folder().join("server.crt");
    let secondary = Secondary::start(nsd, place, |at| {
        format!(
            "server:\n  ip-address: {ip}@{port}\n  username: \"\"\n  zonesdir: \"{at}\"\n  database: \"\"\n  \
             pidfile: \"{at}/pid\"\n  xfrdfile: \"{at}/xfrd\"\n  xfrdir: \"{at}\"\n  zonelistfile: \"{at}/list\"\n  \
             server-count: 1\n  tls-cert-bundle: \"{ca}\"\nremote-control:\n  control-enable: no\n\
             tls-auth:\n  name: edgedns\n  auth-domain-name: {NAME}\n\
             zone:\n  name: lab.example\n  request-xfr: AXFR {server}@{tls_port} NOKEY edgedns\n  \
             outgoing-interface: {ip}\n",
            ca = ca.display(),
            ip = place.ip(),
            port = place.port(),
            server = tls.ip(),
            tls_port = tls.port(),
        )
    });
    secondary.wait_for_the_zone();
    program.wait_for_line("zone lab.example. sent to");
    program.stop();
}

/// The name in the certificate of a secondary.
const SECONDARY: &str = "ns2.lab.example";

/// A secondary that is told over TLS of the next version, as its refresh time is an hour. `start` starts it, at two places,
/// the second of which is for TLS, with a certificate and its key in the folder.
fn is_told_over_tls(
    address: Ipv4Addr,
    start: impl FnOnce(&Site, SocketAddr, [SocketAddr; 2]) -> Option<Secondary>,
) {
    let (plain, over_tls) = (free_port(address), free_port(address));
    let word = format!(
        "allow-transfer = [\"{address} key:transfer\"]\nnotify = [\"tls://{over_tls}#{SECONDARY} key:transfer\"]\n\
         ca = \"secondary.crt\"\n"
    );
    let site = Site::new();
    for (name, file) in [(NAME, "server"), (SECONDARY, "secondary")] {
        let [certificate, key] = ["crt", "key"].map(|end| format!("{file}.{end}"));
        let made = site.run(&["certificate", name, "--certificate", &certificate, "--key", &key]);
        assert!(made.status.success(), "{}", said(&made));
    }
    let zone = |serial: u32| {
        let text = format!(
            "$TTL 60\n@ SOA ns host {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\nh9 A 10.1.0.9\n"
        );
        site.write("lab.zone", &text);
    };
    zone(1);
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[[key]]\nname = \"transfer\"\nsecret = \"{SECRET}\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{word}"
    ));
    let program = site.start();
    let Some(secondary) = start(&site, program.listen(), [plain, over_tls]) else { return };
    secondary.wait_for_the_zone();
    zone(2);
    program.reload_and_wait();
    secondary.wait_for(&["+short", "lab.example", "SOA"], " 2 3600 ");
    wait_for("its answer", LIMIT, || {
        site.status()["transfers"]["notify_messages"]["heard"].as_u64().filter(|heard| *heard > 0)
    });
    program.stop();
}

#[test]
fn bind_is_told_over_tls_with_a_key() {
    let (Some(mut named), Some(_)) = (tool("named"), tool("dig")) else { return };
    named.arg("-g");
    is_told_over_tls(Ipv4Addr::LOCALHOST, |site, server, [plain, over_tls]| {
        Some(Secondary::start(named, plain, |at| {
            let folder = site.folder().display();
            format!(
                "key \"transfer\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
                 tls own {{ cert-file \"{folder}/secondary.crt\"; key-file \"{folder}/secondary.key\"; }};\n\
                 options {{ directory \"{at}\"; pid-file \"{at}/pid\"; session-keyfile \"{at}/session\"; \
                 listen-on port {port} {{ {ip}; }}; listen-on port {tls_port} tls own {{ {ip}; }}; listen-on-v6 {{ none; }}; \
                 recursion no; allow-query {{ any; }}; transfer-source {ip}; managed-keys-directory \"{at}\"; notify no; \
                 dnssec-validation no; }};\ncontrols {{ }};\n\
                 zone \"lab.example\" {{ type secondary; file \"{at}/zone\"; allow-notify {{ key \"transfer\"; }}; \
                 primaries {{ {server} port {server_port} key \"transfer\"; }}; }};\n",
                ip = plain.ip(),
                port = plain.port(),
                tls_port = over_tls.port(),
                server = server.ip(),
                server_port = server.port(),
            )
        }))
    });
}

#[test]
fn nsd_is_told_over_tls_with_a_key() {
    let (Some(mut nsd), Some(_)) = (tool("nsd"), tool("dig")) else { return };
    nsd.arg("-d");
    is_told_over_tls(loopback(), |site, server, [plain, over_tls]| {
        Some(Secondary::start(nsd, plain, |at| {
            let folder = site.folder().display();
            format!(
                "server:\n  ip-address: {ip}@{port}\n  ip-address: {ip}@{tls_port}\n  tls-port: {tls_port}\n  \
                 tls-service-key: \"{folder}/secondary.key\"\n  tls-service-pem: \"{folder}/secondary.crt\"\n  \
                 username: \"\"\n  zonesdir: \"{at}\"\n  database: \"\"\n  pidfile: \"{at}/pid\"\n  xfrdfile: \"{at}/xfrd\"\n  \
                 xfrdir: \"{at}\"\n  zonelistfile: \"{at}/list\"\n  server-count: 1\nremote-control:\n  control-enable: no\n\
                 key:\n  name: transfer\n  algorithm: hmac-sha256\n  secret: \"{SECRET}\"\n\
                 zone:\n  name: lab.example\n  request-xfr: AXFR {server}@{server_port} transfer\n  \
                 allow-notify: 127.0.0.0/8 transfer\n  outgoing-interface: {ip}\n",
                ip = plain.ip(),
                port = plain.port(),
                tls_port = over_tls.port(),
                server = server.ip(),
                server_port = server.port(),
            )
        }))
    });
}

/// Whether a primary speaks UDP, TCP, TLS, HTTPS or QUIC to say that there is something new: it is known by its address or its
/// key, and who is not is refused.
#[test]
fn a_notify_is_heeded_over_every_transport() {
    let Some(_) = tool("kdig") else { return };
    let site = Site::new();
    let made = site.run(&["certificate", NAME]);
    assert!(made.status.success(), "{}", said(&made));
    let address = loopback();
    let [tls, https, quic] = [(); 3].map(|()| free_port(address));
    // Nobody answers there: what is heeded is asked for, and that is said.
    let primary = free_port(loopback());
    site.configure(&format!(
        "listen-tls = [\"{tls}\"]\nlisten-https = [\"{https}\"]\nlisten-quic = [\"{quic}\"]\n\
         [tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n[admin]\nsocket = \"control.sock\"\n\
         [[key]]\nname = \"transfer\"\nsecret = \"{SECRET}\"\n[[zone]]\nname = \"lab.example\"\n\
         primary = [\"{primary} key:transfer\"]\n"
    ));
    let program = site.start();
    let stranger = loopback();
    let key = format!("hmac-sha256:transfer:{SECRET}");
    for (place, word) in [
        (program.listen(), "+notcp"),
        (program.listen(), "+tcp"),
        (tls, "+tls"),
        (https, "+https"),
        (quic, "+quic"),
    ] {
        let notify = |from: Ipv4Addr, more: &[&str]| {
            let from = from.to_string();
            let words = [&[word, "-b", &from, "-t", "NOTIFY=7"], more, &["lab.example"]].concat();
            ask(tool("kdig").expect("it was there"), place, &words)
        };
        let std::net::IpAddr::V4(own) = primary.ip() else { panic!("it is of IPv4") };
        let heeded = notify(own, &[]);
        assert!(heeded.contains("status: NOERROR") && heeded.contains("opcode: NOTIFY"), "{word}: {heeded}");
        let refused = notify(stranger, &[]);
        assert!(refused.contains("status: REFUSED"), "{word}: {refused}");
        let signed = notify(stranger, &["-y", &key]);
        assert!(signed.contains("status: NOERROR") && !signed.contains("WARNING"), "{word}: {signed}");
    }
    program.stop();
}

/// edgedns with a zone that is for who has the certificate of [`SECONDARY`], and where it listens over TLS.
fn server_for_certificates() -> (Site, Program, SocketAddr) {
    let site = Site::new();
    for (name, file) in [(NAME, "server"), (SECONDARY, "secondary"), ("ns3.lab.example", "other")] {
        let [certificate, key] = ["crt", "key"].map(|end| format!("{file}.{end}"));
        let made = site.run(&["certificate", name, "--certificate", &certificate, "--key", &key]);
        assert!(made.status.success(), "{}", said(&made));
    }
    let hosts: String = (0..20).map(|host| format!("h{host} A 10.1.0.{host}\n")).collect();
    site.write(
        "lab.zone",
        &format!("$TTL 60\n@ SOA ns host 7 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n{hosts}"),
    );
    let tls = free_port(loopback());
    site.configure(&format!(
        "listen-tls = [\"{tls}\"]\n\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\
         client-ca = \"secondary.crt\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
         allow-transfer = [\"tls:{SECONDARY}\"]\n"
    ));
    let program = site.start();
    (site, program, tls)
}

#[test]
fn kdig_gets_the_zone_with_a_certificate() {
    let Some(_) = tool("kdig") else { return };
    let (site, program, tls) = server_for_certificates();
    let shown = |file: &str| {
        ["cert", "key"].map(|word| {
            let end = if word == "cert" { "crt" } else { "key" };
            format!("+tls-{word}file={}", site.folder().join(format!("{file}.{end}")).display())
        })
    };
    let axfr = |more: &[&str]| {
        let words = [&["+tls"][..], more, &["lab.example", "AXFR"]].concat();
        ask(tool("kdig").expect("it was there"), tls, &words)
    };
    let [certificate, key] = shown("secondary");
    let got = axfr(&[&certificate, &key]);
    assert!(got.contains("10.1.0.19"), "{got}");
    let [certificate, key] = shown("other");
    for refused in [axfr(&[&certificate, &key]), axfr(&[])] {
        assert!(!refused.contains("10.1.0.") && refused.contains("REFUSED"), "{refused}");
    }
    program.stop();
}

#[test]
fn bind_gets_the_zone_with_a_certificate() {
    let (Some(mut named), Some(_)) = (tool("named"), tool("dig")) else { return };
    let (site, program, tls) = server_for_certificates();
    let place = free_port(Ipv4Addr::LOCALHOST);
    named.arg("-g");
    let secondary = Secondary::start(named, place, |at| {
        format!(
            "tls edgedns {{ ca-file \"{folder}/server.crt\"; remote-hostname \"{NAME}\"; protocols {{ TLSv1.3; }}; \
             cert-file \"{folder}/secondary.crt\"; key-file \"{folder}/secondary.key\"; }};\n\
             options {{ directory \"{at}\"; pid-file \"{at}/pid\"; session-keyfile \"{at}/session\"; \
             listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; \
             transfer-source {ip}; managed-keys-directory \"{at}\"; notify no; dnssec-validation no; }};\ncontrols {{ }};\n\
             zone \"lab.example\" {{ type secondary; file \"{at}/zone\"; \
             primaries {{ {server} port {tls_port} tls edgedns; }}; min-refresh-time 1; }};\n",
            folder = site.folder().display(),
            port = place.port(),
            ip = place.ip(),
            server = tls.ip(),
            tls_port = tls.port(),
        )
    });
    secondary.wait_for_the_zone();
    program.wait_for_line("zone lab.example. sent to 127.0.0.1 with a certificate");
    program.stop();
}

#[test]
fn nsd_gets_the_zone_with_a_certificate() {
    let (Some(mut nsd), Some(_)) = (tool("nsd"), tool("dig")) else { return };
    let (site, program, tls) = server_for_certificates();
    let place = free_port(loopback());
    nsd.arg("-d");
    let secondary = Secondary::start(nsd, place, |at| {
        let folder = site.folder().display();
        format!(
            "server:\n  ip-address: {ip}@{port}\n  username: \"\"\n  zonesdir: \"{at}\"\n  database: \"\"\n  \
             pidfile: \"{at}/pid\"\n  xfrdfile: \"{at}/xfrd\"\n  xfrdir: \"{at}\"\n  zonelistfile: \"{at}/list\"\n  \
             server-count: 1\n  tls-cert-bundle: \"{folder}/server.crt\"\nremote-control:\n  control-enable: no\n\
             tls-auth:\n  name: edgedns\n  auth-domain-name: {NAME}\n  client-cert: \"{folder}/secondary.crt\"\n  \
             client-key: \"{folder}/secondary.key\"\n\
             zone:\n  name: lab.example\n  request-xfr: AXFR {server}@{tls_port} NOKEY edgedns\n  \
             outgoing-interface: {ip}\n",
            ip = place.ip(),
            port = place.port(),
            server = tls.ip(),
            tls_port = tls.port(),
        )
    });
    secondary.wait_for_the_zone();
    program.wait_for_line(" with a certificate, serial 7");
    program.stop();
}

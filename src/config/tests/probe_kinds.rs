//! The kinds of probe in `[[zone.probe]]`.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Outcome, ZONE, read_in};
use crate::config::ProbeSpec;
use crate::dns::Rtype;
use crate::dns::message::Rcode;
use crate::probe::{
    Answered, BODY_LIMIT_BYTES, Dialogue, Dns, DnsQuestion, Grpc, Header, Host, Http, Https, Method, Path,
    Port, Probe, ProbeKind, StatesFile, Statuses, Step, Tells, Tls,
};
use crate::tls::{AlpnProtocol, ClientCertificate, ServerName, Verify};

/// A folder with every file that examples name.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let wanted = rcgen::CertificateParams::new(vec!["lab.example".to_owned()]).unwrap();
    let certificate = wanted.self_signed(&key).unwrap().pem();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    fs::create_dir(folder.path().join("etcd")).unwrap();
    fs::create_dir(folder.path().join("kubernetes")).unwrap();
    let kubeconfig = "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
                      clusters: [{name: a, cluster: {server: \"https://192.0.2.13:6443\"}}]\n\
                      users: [{name: a, user: {token: a}}]\n";
    for (name, text) in [
        ("ca.pem", certificate.as_str()),
        ("client.pem", &certificate),
        ("client.key", &key.serialize_pem()),
        ("etcd/ca.pem", &certificate),
        ("etcd/client.pem", &certificate),
        ("etcd/client.key", &key.serialize_pem()),
        ("etcd/password", "abc\n"),
        ("other.key", &other),
        ("token", "abc\n"),
        ("webhook.secret", "0123456789abcdef\n"),
        ("kubeconfig", kubeconfig),
        ("kubernetes/kubeconfig", kubeconfig),
        ("empty", ""),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::create_dir(folder.path().join("keys")).unwrap();
    super::tsig_keys::write_secret(&folder.path().join("keys/transfer"), "c2VjcmV0c2VjcmV0c2VjcmV0", 0o600);
    folder
}

/// A block that probes with these lines.
fn block(lines: &str) -> (TempDir, Outcome) {
    let folder = folder();
    let outcome = read_in(folder.path(), ZONE.replace("tcp = 6443", lines));
    (folder, outcome)
}

/// The probes of a block without any fault.
#[track_caller]
fn probes(lines: &str) -> (TempDir, Vec<ProbeSpec>) {
    let (folder, outcome) = block(lines);
    (folder, outcome.settings().zones.remove(0).guards.remove(0).probes)
}

#[track_caller]
fn kind(lines: &str) -> ProbeKind {
    let (_, mut probes) = probes(lines);
    assert_eq!(probes.len(), 1);
    probes.remove(0).kind
}

/// The only fault of a block, without the folder's name.
#[track_caller]
fn fault(lines: &str) -> String {
    let (folder, outcome) = block(lines);
    outcome.sentence().replace(&format!("{}/", folder.path().display()), "")
}

fn port(number: u16) -> Port {
    Port::new(number).unwrap()
}

#[test]
fn a_port_alone_takes_the_defaults_of_its_kind() {
    let handshake = |protocols: &[&str]| crate::tls::Handshake {
        server_name: None,
        verify: Verify::System,
        protocols: protocols.iter().filter_map(|name| AlpnProtocol::new(name)).collect(),
        client: None,
    };
    let http = |number| Http::get(port(number), Path::root());
    assert_eq!(http(1).body_limit_bytes, BODY_LIMIT_BYTES);
    let tls = ProbeKind::Tls(Arc::new(Tls { port: port(8443), handshake: handshake(&[]) }));
    assert_eq!(kind("tls = 8443"), tls);
    assert_eq!(kind("tls = { port = 8443 }"), tls);
    assert_eq!(kind("http = 80"), ProbeKind::Http(Arc::new(http(80))));
    let handshake = handshake(&["h2", "http/1.1"]);
    let https = ProbeKind::Https(Arc::new(Https { http: http(443), handshake, token: None }));
    assert_eq!(kind("https = 443"), https);
    assert_eq!(kind("[zone.probe.https]\nport = 443"), https);
}

#[test]
fn every_key_of_a_request_is_read() {
    let read = kind(
        r#"http = { port = 1936, path = "/ready?a", method = "GET", host = "console.lab.example:1936", headers = { X-A = "1", X-B = "2" }, status = [204, "300-302"], body = "ok", body-limit = 100, redirects = 3 }"#,
    );
    let expected = Http {
        port: port(1936),
        method: Method::Get,
        path: Path::new("/ready?a").unwrap(),
        host: Host::new("console.lab.example:1936"),
        headers: vec![Header::new("X-A", "1").unwrap(), Header::new("X-B", "2").unwrap()],
        statuses: Statuses::parse("204").unwrap().and(Statuses::parse("300-302").unwrap()),
        body: Some("ok".into()),
        body_limit_bytes: 100,
        redirects: 3,
        tells: Tells::Nothing,
    };
    assert_eq!(read, ProbeKind::Http(Arc::new(expected)));
}

#[test]
fn every_key_of_a_handshake_is_read_and_files_lie_beside_the_config_file() {
    let (folder, probes) = probes(
        r#"tls = { port = 1, server-name = "api.lab.example", ca = "ca.pem", alpn = ["x"], cert = "client.pem", key = "client.key" }"#,
    );
    let ProbeKind::Tls(tls) = &probes[0].kind else { panic!("{probes:?}") };
    let file = |name| folder.path().join(name);
    assert_eq!(tls.handshake.server_name, ServerName::new("api.lab.example"));
    assert_eq!(tls.handshake.verify, Verify::File(crate::tls::AuthorityFile::new(file("ca.pem")).unwrap()));
    assert_eq!(tls.handshake.protocols, [AlpnProtocol::new("x").unwrap()]);
    let client = ClientCertificate::new(file("client.pem"), file("client.key")).unwrap();
    assert_eq!(tls.handshake.client, Some(client));
}

#[test]
fn the_name_to_verify_is_the_host_unless_another_is_given() {
    let name = |lines: &str| {
        let ProbeKind::Https(https) = kind(lines) else { panic!("{lines}") };
        https.handshake.server_name.as_ref().map(ToString::to_string)
    };
    assert_eq!(name("https = 443"), None);
    assert_eq!(name(r#"https = { port = 443, host = "a.example:443" }"#).unwrap(), "a.example");
    let both = r#"https = { port = 443, host = "a.example", server-name = "b.example" }"#;
    assert_eq!(name(both).unwrap(), "b.example");
}

#[test]
fn several_kinds_in_one_block_all_stand_and_twins_are_warned_of() {
    let (_folder, probes) =
        probes("tcp = [443, 80]\ntls = [8443, { port = 9443, verify = false }]\nhttp = 80\nhttps = 443");
    let at = |spec: &ProbeSpec| {
        let (address, source, timeout) = ("192.0.2.1".parse().unwrap(), None, spec.timeout);
        Probe { address, source, timeout, kind: spec.kind.clone() }.to_string()
    };
    let expected = [
        "192.0.2.1:443",
        "192.0.2.1:80",
        "tls://192.0.2.1:8443",
        "tls://192.0.2.1:9443",
        "http://192.0.2.1:80/",
        "https://192.0.2.1:443/",
    ];
    assert_eq!(probes.iter().map(at).collect::<Vec<_>>(), expected);
    let (_folder, twins) = block("http = [80, { port = 80, path = \"/\" }]");
    assert_eq!((twins.found.errors(), twins.found.warnings()), (0, 1));
    assert_eq!(twins.config.unwrap().zones[0].guards[0].probes.len(), 1);
}

#[test]
fn a_source_is_an_address() {
    let (_folder, probes) = probes("tcp = 1\nsource = \"192.0.2.9\"");
    assert_eq!(probes[0].source, Some("192.0.2.9".parse().unwrap()));
    assert!(fault("tcp = 1\nsource = \"eth0\"").contains("`eth0` is not an address"));
}

#[test]
fn a_request_that_cannot_be_sent_is_refused_with_the_remedy() {
    let http = |keys: &str| fault(&format!("http = {{ port = 80, {keys} }}"));
    assert!(http("path = \"readyz\"").ends_with("as in \"/readyz\""));
    assert!(http("path = \"/a b\"").contains("`/a b` is not a path"));
    assert!(http("method = \"get\"").ends_with("did you mean `GET`?"));
    assert!(http("method = \"POST\"").ends_with("it is `GET` or `HEAD`"));
    assert!(http("host = \"a b\"").contains("a host is a name or an address"));
    assert!(http("headers = { Host = \"a\" }").ends_with("write it as `host`"));
    assert!(http("headers = { Connection = \"close\" }").contains("belongs to the connection"));
    assert!(http("headers = { \"a b\" = \"1\" }").contains("`a b` is not the name of a header"));
    assert!(http("headers = { A = 1 }").contains("`headers` takes a text in quotes"));
    assert!(http("status = 99").contains("`status` is a status, 200 to 599"));
    assert!(http("status = \"2xx\"").contains("`2xx` is not a status"));
    let (_folder, both) = block("http = { port = 0, status = [1, \"x\"], redirects = 99 }");
    assert_eq!(both.found.errors(), 4, "all of them in one run: {:?}", both.sentences());
    assert!(http("status = []").contains("no status passes"));
    assert!(http("body = \"\"").ends_with("leave `body` out"));
    assert!(http("method = \"HEAD\", body = \"ok\"").contains("the response to HEAD has no body"));
    assert!(http("body = \"ready\", body-limit = 4").contains("longer than what is read"));
    assert!(http("body-limit = 0").contains("`body-limit` is 1 to 1048576 bytes"));
    assert!(http("redirects = 11").ends_with("`redirects` is 0 to 10"));
    assert!(http("token = \"token\"").ends_with("`token` belongs in `[zone.probe.https]`"));
    assert!(http("paht = \"/\"").ends_with("did you mean `path`?"));
}

#[test]
fn a_handshake_that_cannot_be_made_is_refused_with_the_remedy() {
    let tls = |keys: &str| fault(&format!("tls = {{ port = 443, {keys} }}"));
    assert!(tls("server-name = \"*.lab.example\"").contains("is neither a host name nor an address"));
    assert!(tls("verify = \"false\"").ends_with("write `false`"));
    assert!(tls("verify = false, ca = \"ca.pem\"").contains("`ca` has no effect without verification"));
    assert!(tls("alpn = \"h2\"").ends_with("write `[\"h2\"]`"));
    assert!(tls("alpn = [\"\"]").contains("1 to 255 bytes"));
    assert!(tls("cert = \"client.pem\"").contains("`cert` has no effect without `key`"));
    assert!(tls("key = \"client.key\"").contains("`key` has no effect without `cert`"));
    assert!(fault("https = { port = 1, alpn = [\"h3\"] }").ends_with("did you mean `h2`?"));
    assert!(fault("tls = {}").contains("`[zone.probe.tls]` lacks `port`"));
    assert!(fault("tls = 0").ends_with("`tls` is a port, 1 to 65535"));
    assert!(fault("https = { port = 0 }").ends_with("`port` is a port, 1 to 65535"));
}

#[test]
fn a_file_of_no_use_is_a_fault_where_it_is_named() {
    let https = |keys: &str| fault(&format!("https = {{ port = 443, {keys} }}"));
    assert!(https("ca = \"missing\"").ends_with("cannot use missing: entity not found"));
    assert!(https("ca = \"token\"").ends_with("cannot use token: no certificate in PEM is in it"));
    assert!(https("ca = \"\"").ends_with("no file is named"));
    assert!(https("token = \"empty\"").ends_with("cannot use empty: no token is in it"));
    let pair = |cert, key| https(&format!("cert = \"{cert}\", key = \"{key}\""));
    assert!(pair("client.pem", "missing").ends_with("cannot use missing: entity not found"));
    assert!(pair("token", "client.key").ends_with("cannot use token: no certificate in PEM is in it"));
    assert!(pair("client.pem", "token").ends_with("cannot use token: no private key in PEM is in it"));
    let sentence = pair("client.pem", "other.key");
    assert!(sentence.ends_with("cannot use other.key: the key does not belong to the certificate"));
    assert!(sentence.starts_with("edgedns.toml:6:50: "), "{sentence}");
}

#[test]
fn a_token_for_anybody_is_warned_of() {
    let sentence = fault("https = { port = 443, verify = false, token = \"token\" }");
    assert!(sentence.contains("the token is sent to any server that answers"), "{sentence}");
}

#[test]
fn grpc_is_plain_unless_tls_is_wanted() {
    let plain = Grpc { port: port(50051), service: "".into(), handshake: None };
    assert_eq!(kind("grpc = 50051"), ProbeKind::Grpc(Arc::new(plain.clone())));
    let etcd = Grpc { service: "etcd".into(), ..plain };
    assert_eq!(
        kind("grpc = { port = 50051, service = \"etcd\", tls = false }"),
        ProbeKind::Grpc(Arc::new(etcd))
    );
    let read =
        kind("grpc = { port = 50051, tls = true, server-name = \"etcd.lab.example\", verify = false }");
    let ProbeKind::Grpc(secure) = &read else { panic!("{read:?}") };
    let handshake = secure.handshake.as_ref().unwrap();
    assert_eq!((&handshake.verify, handshake.protocols[0].name()), (&Verify::Off, "h2"));
    assert!(fault("grpc = { port = 1, verify = false }").ends_with("add `tls = true`"));
    assert!(fault("grpc = { service = \"a\" }").contains("`[zone.probe.grpc]` lacks `port`"));
}

#[test]
fn a_query_and_the_answers_that_pass_are_read() {
    let question = |rtype, passes| DnsQuestion { name: "lab.example".parse().unwrap(), rtype, passes };
    let soa = question(Rtype::SOA, vec![Answered::Records]);
    let soa = Dns { port: port(53), question: soa, is_authoritative: false };
    assert_eq!(kind("dns = { name = \"lab.example\" }"), ProbeKind::Dns(Arc::new(soa)));
    let odd = question(Rtype::AAAA, vec![Answered::NoData, Answered::Code(Rcode::NXDOMAIN)]);
    let odd = Dns { port: port(5353), question: odd, is_authoritative: true };
    let keys = "name = \"lab.example.\", type = \"aaaa\", rcode = [\"NODATA\", \"NXDOMAIN\"], authoritative = true, port = 5353";
    assert_eq!(kind(&format!("dns = {{ {keys} }}")), ProbeKind::Dns(Arc::new(odd)));
    let dns = |keys: &str| fault(&format!("dns = {{ name = \"a\", {keys} }}"));
    assert!(dns("type = \"AA\"").ends_with("did you mean `A`?"));
    assert!(dns("type = \"AXFR\"").contains("`AXFR` is no type that can be asked for"));
    assert!(dns("rcode = \"NOEROR\"").ends_with("did you mean `NOERROR`?"));
    assert!(dns("rcode = []").contains("no answer passes"));
    assert!(fault("dns = 53").ends_with("`dns` takes a table, not a whole number"));
    assert!(fault("dns = { port = 53 }").contains("`[zone.probe.dns]` lacks `name`"));
}

#[test]
fn the_steps_of_a_dialogue_are_texts_or_bytes() {
    let read = kind(
        r#"dialogue = { port = 6379, steps = [{ send = "PING\r\n" }, { begins = "+PONG" }, { expect = { hex = "00 fF" } }] }"#,
    );
    let steps = vec![
        Step::Send((*b"PING\r\n").into()),
        Step::Begins((*b"+PONG").into()),
        Step::Expect([0, 255].into()),
    ];
    let expected = Dialogue { port: port(6379), steps, read_limit_bytes: 16 << 10, handshake: None };
    assert_eq!(read, ProbeKind::Dialogue(Arc::new(expected)));
    let step = |step: &str| fault(&format!("dialogue = {{ port = 1, steps = [{step}] }}"));
    assert!(step("").contains("a dialogue has 1 to 32 steps"));
    assert!(step("{ sned = \"a\" }").ends_with("did you mean `send`?"));
    assert!(step("{ send = \"a\", expect = \"b\" }").ends_with("write each step as a table of its own"));
    assert!(step("{ send = \"\" }").ends_with("leave it out"));
    assert!(step("{ send = { hex = \"0\" } }").ends_with("as in \"00 ff\""));
    assert!(step("{ send = { hex = \"0g\" } }").contains("`0g` is not bytes in hexadecimal digits"));
    assert!(step("{ send = { octets = \"00\" } }").contains("bytes are a text, or `hex`"));
    let long = fault("dialogue = { port = 1, read-limit = 3, steps = [{ expect = \"+PONG\" }] }");
    assert!(long.contains("longer than what is read for a step, which is 3 bytes"));
}

#[test]
fn a_file_of_states_lies_beside_the_config_file_and_need_not_be_there() {
    let (folder, probes) = probes("file = \"states\"");
    let at = |key| ProbeKind::File(StatesFile::new(folder.path().join("states"), key));
    assert_eq!(probes[0].kind, at(None));
    let outcome =
        read_in(folder.path(), ZONE.replace("tcp = 6443", "file = { path = \"states\", key = \"web\" }"));
    assert_eq!(outcome.settings().zones.remove(0).guards.remove(0).probes[0].kind, at(Some("web")));
    assert!(fault("file = { path = \"a\", key = \"a b\" }").contains("a key is one word"));
    assert!(fault("file = \"\"").ends_with("no file is named"));
}

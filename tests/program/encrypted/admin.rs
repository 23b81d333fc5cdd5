//! The admin listener over TLS: who shows a token or a certificate, and who does not.

use std::fs;

use harness::wait_for;
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;

/// A site whose admin listener is encrypted and asks for this.
fn started(keys: &str) -> (Encrypted, Program, SocketAddr) {
    let encrypted = Encrypted::new("", "");
    let admin = free_port(loopback());
    let config = fs::read_to_string(encrypted.site.folder().join("edgedns.toml")).expect("a config file");
    let config = config.replace("[admin]\n", &format!("[admin]\nlisten = \"{admin}\"\ntls = true\n{keys}\n"));
    encrypted.site.write("edgedns.toml", &config);
    let program = encrypted.start();
    program.wait_for_line("metrics on https://");
    (encrypted, program, admin)
}

/// The status line of what comes back; empty where nothing does.
fn get(admin: SocketAddr, path: &str, header: &str, own: Option<(&rcgen::Certificate, &KeyPair)>) -> String {
    let stream = TcpStream::connect(admin).expect("a listener");
    let mut client = secured_as(stream, b"http/1.1", own);
    let asked = format!("GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n{header}\r\n");
    let mut told = Vec::new();
    if client.write_all(asked.as_bytes()).is_ok() {
        let _ = client.read_to_end(&mut told);
    }
    String::from_utf8_lossy(&told).lines().next().unwrap_or_default().to_owned()
}

/// How often the log says that nobody is served.
fn told(program: &Program) -> usize {
    program.log().iter().filter(|line| line.text.contains("serves nobody")).count()
}

#[test]
fn who_shows_the_token_sees_the_status_and_nobody_else() {
    let (encrypted, program, admin) = started("token-file = \"token\"");
    let get = |path: &str, header: &str| get(admin, path, header, None);
    assert!(get("/status", "Authorization: Bearer one\r\n").contains("503"), "there is no token yet");
    encrypted.site.write("token", "one\n");
    for path in ["/", "/status", "/metrics", "/healthz", "/readyz"] {
        assert!(get(path, "Authorization: Bearer one\r\n").contains("200"), "{path}");
        for wrong in ["", "Authorization: Bearer two\r\n", "Authorization: Bearer on\r\n"] {
            assert!(get(path, wrong).contains("401"), "{path} {wrong}");
        }
    }
    assert!(get("/status", "Authorization: Basic eDpvbmU=\r\n").contains("200"), "as a browser shows it");
    encrypted.site.write("token", "another\n");
    assert!(get("/status", "Authorization: Bearer one\r\n").contains("401"), "it has changed");
    assert!(get("/status", "Authorization: Bearer another\r\n").contains("200"));
    encrypted.site.write("token", "");
    let before = told(&program);
    for _ in 0..3 {
        assert!(get("/status", "Authorization: Bearer another\r\n").contains("503"), "it was revoked");
    }
    assert!(told(&program) <= before + 1, "it is told once, not for each request");
    let mut plain = TcpStream::connect(admin).expect("a listener");
    plain.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a connection");
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told);
    assert!(!String::from_utf8_lossy(&told).contains("HTTP"), "in the clear nothing is answered");
    program.stop();
}

#[test]
fn who_has_a_certificate_of_the_authority_sees_the_status_and_nobody_else() {
    let (encrypted, program, admin) = started("client-ca = \"clients.pem\"");
    let authority = || {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(Vec::new()).expect("an authority");
        wanted.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = wanted.self_signed(&key).expect("an authority").pem();
        (pem, Issuer::new(wanted, key))
    };
    let client_of = |issuer: &Issuer<'_, KeyPair>| {
        let key = KeyPair::generate().expect("a key");
        let wanted = CertificateParams::new(vec!["prometheus".to_owned()]).expect("a name");
        (wanted.signed_by(&key, issuer).expect("a certificate"), key)
    };
    let ((ours, our_issuer), (_, other_issuer)) = (authority(), authority());
    let ((known, known_key), (unknown, unknown_key)) = (client_of(&our_issuer), client_of(&other_issuer));
    assert_eq!(get(admin, "/status", "", Some((&known, &known_key))), "", "there are no authorities yet");
    encrypted.site.write("clients.pem", &ours);
    let is_let_in = || get(admin, "/status", "", Some((&known, &known_key))).contains("200");
    wait_for("the authorities are read", PATIENCE, || is_let_in().then_some(()));
    assert_eq!(get(admin, "/status", "", Some((&unknown, &unknown_key))), "");
    assert_eq!(get(admin, "/status", "", None), "");
    encrypted.site.write("clients.pem", "");
    wait_for("none is trusted any more", PATIENCE, || (!is_let_in()).then_some(()));
    program.stop();
}

/// A client of this protocol that takes any certificate, and has one of its own.
fn secured_as(stream: TcpStream, protocol: &[u8], own: Option<(&rcgen::Certificate, &KeyPair)>) -> Client {
    let builder = any_certificate();
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            builder.with_client_auth_cert(vec![certificate.der().clone()], key).expect("a pair")
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    session(stream, config)
}

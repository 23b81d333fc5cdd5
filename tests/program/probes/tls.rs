//! `tls` against targets with all sorts of certificates.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use edgedns::probe::{Outcome, Probe, ProbeKind, Tls};
use edgedns::tls::{AlpnProtocol, AuthorityFile, ClientCertificate, Handshake, ServerName, Verify};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;

use super::server::{LIMIT, Reply, Server, ok, passed, response};

/// An authority of our own, in a folder of its own.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("lab authority")
    }

    fn named(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut wanted = CertificateParams::new(Vec::new()).unwrap();
        wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        wanted.distinguished_name.push(rcgen::DnType::CommonName, name);
        let made = wanted.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.pem()).unwrap();
        Self { folder, certificate: made.der().clone(), issuer: Issuer::new(wanted, key) }
    }

    pub(crate) fn pem(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("ca.pem")).unwrap()
    }

    pub(crate) fn verify(&self) -> Verify {
        Verify::File(AuthorityFile::new(self.folder.path().join("ca.pem")).unwrap())
    }

    /// Writes a certificate for a client and its key, and says where.
    pub(crate) fn client(&self, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue(&[name], 2040);
        let path = |kind: &str| self.folder.path().join(format!("client.{kind}"));
        std::fs::write(path("pem"), certificate).unwrap();
        std::fs::write(path("key"), key).unwrap();
        (path("pem"), path("key"))
    }

    /// A certificate for these names, valid from 2020 to the first day of a year, and its key.
    fn issue(&self, names: &[&str], until: i32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut wanted = CertificateParams::new(names).unwrap();
        wanted.not_before = rcgen::date_time_ymd(2020, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(until, 1, 1);
        (wanted.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A server with a certificate for these names, and these application protocols.
    pub(crate) fn server(&self, names: &[&str], protocols: &[&str]) -> ServerConfig {
        self.server_until(names, protocols, 2040)
    }

    fn server_until(&self, names: &[&str], protocols: &[&str], until: i32) -> ServerConfig {
        let builder = ServerConfig::builder().with_no_client_auth();
        let (chain, key) = self.proof(names, until);
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = protocols.iter().map(|&name| name.into()).collect();
        config
    }

    /// As [`Authority::server`], for clients with a certificate of this authority only.
    pub(crate) fn strict_server(&self, names: &[&str]) -> ServerConfig {
        let mut clients = RootCertStore::empty();
        clients.add(self.certificate.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(clients)).build().unwrap();
        let (chain, key) = self.proof(names, 2040);
        ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap()
    }

    fn proof(&self, names: &[&str], until: i32) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let (certificate, key) = self.issue(names, until);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        (chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
    }
}

/// Believes `verify`, for this name; none: the address.
pub(crate) fn handshake(verify: Verify, name: Option<&str>) -> Handshake {
    let server_name = name.map(|name| ServerName::new(name).unwrap());
    Handshake { server_name, verify, protocols: Vec::new(), client: None }
}

async fn run(server: &Server, handshake: Handshake) -> Outcome {
    let kind = ProbeKind::Tls(Arc::new(Tls { port: server.port(), handshake }));
    Probe { address: server.place.ip(), source: None, timeout: LIMIT, kind }.prober().run().await
}

async fn said(server: &Server, handshake: Handshake) -> String {
    run(server, handshake).await.to_string()
}

#[tokio::test]
async fn a_certificate_that_can_be_believed_passes_and_its_end_is_told() {
    let authority = Authority::new();
    let server = Server::start_tls("127.0.4.30", authority.server(&["lab.example"], &[]), ok).await;
    let outcome = run(&server, handshake(authority.verify(), Some("lab.example"))).await;
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(2_208_988_800);
    assert!(matches!(outcome, Outcome::Pass { not_after: Some(told), .. } if told == end), "{outcome:?}");
    assert_eq!(server.names(1).await, [Some("lab.example".to_owned())]);
}

#[tokio::test]
async fn without_a_name_the_certificate_must_be_for_the_address() {
    let authority = Authority::new();
    for address in ["127.0.4.31", "::1"] {
        let server = Server::start_tls(address, authority.server(&[address], &[]), ok).await;
        passed(&run(&server, handshake(authority.verify(), None)).await);
        assert_eq!(server.names(1).await, [None], "an address is not told");
    }
    let server = Server::start_tls("127.0.4.32", authority.server(&["127.0.4.31"], &[]), ok).await;
    let said = said(&server, handshake(authority.verify(), None)).await;
    assert_eq!(said, "certificate not for `127.0.4.32`");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_believed_says_why() {
    let authority = Authority::new();
    let server = Server::start_tls("127.0.4.33", authority.server(&["lab.example"], &[]), ok).await;
    let wrong = said(&server, handshake(authority.verify(), Some("other.example"))).await;
    assert_eq!(wrong, "certificate not for `other.example`");
    let another = Authority::named("another");
    let unknown = said(&server, handshake(another.verify(), Some("lab.example"))).await;
    assert_eq!(unknown, "certificate of an unknown issuer");
    let namesake = Authority::new();
    let anew = said(&server, handshake(namesake.verify(), Some("lab.example"))).await;
    assert_eq!(anew, "bad certificate: not signed by the authority whose name it bears");
    let expired = authority.server_until(&["lab.example"], &[], 2021);
    let server = Server::start_tls("127.0.4.33", expired, ok).await;
    let expired = said(&server, handshake(authority.verify(), Some("lab.example"))).await;
    assert_eq!(expired, "certificate expired");
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_ours() {
    let authority = Authority::new();
    let server = Server::start_tls("127.0.4.34", authority.server(&["lab.example"], &[]), ok).await;
    let said = said(&server, handshake(Verify::System, Some("lab.example"))).await;
    // A machine without any says so instead.
    let expected = ["certificate of an unknown issuer", "not probed: cannot use /etc/pki"];
    assert!(expected.iter().any(|text| said.starts_with(text)), "{said}");
}

#[tokio::test]
async fn without_verification_any_certificate_passes_and_its_end_is_still_told() {
    let authority = Authority::new();
    let expired = authority.server_until(&["lab.example"], &[], 2021);
    let server = Server::start_tls("127.0.4.35", expired, ok).await;
    let outcome = run(&server, handshake(Verify::Off, Some("other.example"))).await;
    assert!(matches!(outcome, Outcome::Pass { not_after: Some(_), .. }), "{outcome:?}");
    assert_eq!(server.names(1).await, [Some("other.example".to_owned())]);
}

#[tokio::test]
async fn an_application_protocol_that_is_asked_for_must_be_agreed_on() {
    let authority = Authority::new();
    let asks = |name: &str| Handshake {
        protocols: vec![AlpnProtocol::new("x").unwrap(), AlpnProtocol::new(name).unwrap()],
        ..handshake(Verify::Off, None)
    };
    let speaks = Server::start_tls("127.0.4.36", authority.server(&["lab.example"], &["h2"]), ok).await;
    passed(&run(&speaks, asks("h2")).await);
    assert_eq!(said(&speaks, asks("y")).await, "no common application protocol");
    let silent = Server::start_tls("127.0.4.36", authority.server(&["lab.example"], &[]), ok).await;
    assert_eq!(said(&silent, asks("h2")).await, "no common application protocol");
    passed(&run(&silent, handshake(Verify::Off, None)).await);
}

#[tokio::test]
async fn what_does_not_speak_tls_fails() {
    let greets = |_: &str| Reply::Whole(response("400 Bad Request", ""));
    let server = Server::start("127.0.4.37", greets).await;
    // A TLS record holds no empty line by design, so this target waits for one, as many do.
    let kind = ProbeKind::Tls(Arc::new(Tls { port: server.port(), handshake: handshake(Verify::Off, None) }));
    let timeout = Duration::from_millis(150);
    let probe = Probe { address: server.place.ip(), source: None, timeout, kind };
    let said = probe.prober().run().await.to_string();
    assert_eq!(said, "timed out after 150 ms in the TLS handshake");
    let listener = tokio::net::TcpListener::bind("127.0.4.38:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let greeting = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await.unwrap();
        stream
    });
    let port = edgedns::probe::Port::new(place.port()).unwrap();
    let kind = ProbeKind::Tls(Arc::new(Tls { port, handshake: handshake(Verify::Off, None) }));
    let probe = Probe { address: place.ip(), source: None, timeout: LIMIT, kind };
    assert_eq!(probe.prober().run().await.to_string(), "what answers is not TLS");
    drop(greeting.await);
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let config = authority.strict_server(&["lab.example"]);
    let server = Server::start_tls("127.0.4.39", config, ok).await;
    let (certificate, key) = authority.client("prober");
    let client = ClientCertificate::new(certificate, key).unwrap();
    let shows = Handshake { client: Some(client), ..handshake(authority.verify(), Some("lab.example")) };
    passed(&run(&server, shows).await);
    assert_eq!(server.names(1).await.len(), 1, "the target has accepted it");
}

//! `https`: what `http` and `tls` add together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use edgedns::probe::{Host, Http, Https, Path, Port, Probe, ProbeKind, Prober, Token};
use edgedns::tls::{AlpnProtocol, ClientCertificate, Handshake, ServerName, Verify};
use tokio::time::timeout;

use super::server::{End, LIMIT, Server, ok, passed};
use super::tls::{Authority, handshake};

/// HTTP/2 or HTTP/1.1, with any server that answers.
pub(crate) fn lax() -> Handshake {
    let protocols = ["h2", "http/1.1"].iter().filter_map(|name| AlpnProtocol::new(name)).collect();
    Handshake { protocols, ..handshake(Verify::Off, None) }
}

pub(crate) fn https(place: SocketAddr, handshake: Handshake) -> ProbeKind {
    let http = Http::get(Port::new(place.port()).unwrap(), Path::new("/readyz").unwrap());
    ProbeKind::Https(Arc::new(Https { http, handshake, token: None }))
}

fn prober(server: &Server, kind: ProbeKind) -> Prober {
    Probe { address: server.place.ip(), source: None, timeout: LIMIT, kind }.prober()
}

/// A cluster's API, say: HTTP/1.1 over TLS for `lab.example`.
async fn server(address: &str, authority: &Authority) -> Server {
    Server::start_tls(address, authority.server(&["lab.example"], &["http/1.1"]), ok).await
}

#[tokio::test]
async fn one_handshake_serves_every_run_and_the_end_of_the_certificate_is_told_in_each() {
    let server = server("127.0.4.40", &Authority::new()).await;
    let mut prober = prober(&server, https(server.place, lax()));
    for _ in 0..4 {
        let outcome = prober.run().await;
        let edgedns::probe::Outcome::Pass { not_after, .. } = outcome else { panic!("{outcome}") };
        assert!(not_after.is_some());
    }
    assert_eq!((server.connections(), server.names(1).await.len(), server.requests().len()), (1, 1, 4));
}

#[tokio::test]
async fn a_target_that_is_silent_about_protocols_is_asked_over_http_1_unless_http_2_is_demanded() {
    let authority = Authority::new();
    let server = Server::start_tls("127.0.4.41", authority.server(&["lab.example"], &[]), ok).await;
    passed(&prober(&server, https(server.place, lax())).run().await);
    let demands = Handshake { protocols: vec![AlpnProtocol::new("h2").unwrap()], ..lax() };
    let said = prober(&server, https(server.place, demands)).run().await.to_string();
    assert_eq!(said, "no common application protocol");
}

#[tokio::test]
async fn a_kept_connection_that_ends_is_a_hint() {
    for end in [End::Close, End::Reset] {
        let server = server("127.0.4.42", &Authority::new()).await;
        let mut prober = prober(&server, https(server.place, lax()));
        passed(&prober.run().await);
        assert!(timeout(Duration::from_millis(20), prober.hint()).await.is_err());
        server.end(end);
        timeout(LIMIT, prober.hint()).await.unwrap();
        passed(&prober.run().await);
        assert_eq!(server.connections(), 2, "{end:?}");
    }
}

#[tokio::test]
async fn host_and_server_name_are_told_apart() {
    let authority = Authority::new();
    let server = server("127.0.4.43", &authority).await;
    let host = Host::new("console.lab.example");
    let http = Http { host, ..Http::get(server.port(), Path::root()) };
    let handshake = handshake(authority.verify(), Some("lab.example"));
    let kind = ProbeKind::Https(Arc::new(Https { http, handshake, token: None }));
    passed(&prober(&server, kind).run().await);
    assert_eq!(server.names(1).await, [Some("lab.example".to_owned())]);
    assert!(server.requests()[0].to_lowercase().contains("\r\nhost: console.lab.example\r\n"));
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_as_by_tls() {
    let authority = Authority::new();
    let server = server("127.0.4.44", &authority).await;
    let kind = https(server.place, handshake(authority.verify(), Some("other.example")));
    assert_eq!(prober(&server, kind).run().await.to_string(), "certificate not for `other.example`");
}

#[tokio::test]
async fn a_token_is_sent_and_read_again_when_its_file_changes() {
    let server = server("127.0.4.45", &Authority::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first\n").unwrap();
    let token = Some(Token::new(path.clone()).unwrap());
    let http = Http::get(server.port(), Path::root());
    let kind = ProbeKind::Https(Arc::new(Https { http, handshake: lax(), token }));
    let mut prober = prober(&server, kind);
    passed(&prober.run().await);
    std::fs::write(&path, "second").unwrap();
    passed(&prober.run().await);
    // A useless file does not replace the one before.
    std::fs::write(&path, "").unwrap();
    passed(&prober.run().await);
    let sent: Vec<String> = server.requests();
    for (request, token) in sent.iter().zip(["first", "second", "second"]) {
        assert!(request.contains(&format!(": Bearer {token}\r\n")), "{request}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_a_new_one_over_a_new_connection() {
    let authority = Authority::new();
    let server = Server::start_tls("127.0.4.46", authority.strict_server(&["lab.example"]), ok).await;
    let believed = handshake(authority.verify(), Some("lab.example"));
    let alone = prober(&server, https(server.place, believed.clone())).run().await.to_string();
    assert_eq!(alone, "TLS alert CertificateRequired");
    let (certificate, key) = authority.client("one");
    let client = Some(ClientCertificate::new(certificate, key).unwrap());
    let mut prober = prober(&server, https(server.place, Handshake { client, ..believed }));
    passed(&prober.run().await);
    passed(&prober.run().await);
    let before = server.connections();
    authority.client("two");
    passed(&prober.run().await);
    assert_eq!(server.connections(), before + 1);
}

#[tokio::test]
async fn a_file_that_is_gone_before_it_was_ever_read_is_local_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "abc").unwrap();
    let token = Some(Token::new(path.clone()).unwrap());
    std::fs::remove_file(&path).unwrap();
    let server = server("127.0.4.47", &Authority::new()).await;
    let http = Http::get(server.port(), Path::root());
    let kind = ProbeKind::Https(Arc::new(Https { http, handshake: lax(), token }));
    let said = prober(&server, kind).run().await.to_string();
    assert_eq!(said, format!("not probed: cannot use {}: entity not found", path.display()));
}

#[tokio::test]
async fn a_name_is_asked_for_by_the_server_name_alone() {
    let server = server("127.0.4.48", &Authority::new()).await;
    let server_name = ServerName::new("lab.example");
    passed(&prober(&server, https(server.place, Handshake { server_name, ..lax() })).run().await);
    let host = format!("\r\nhost: {}\r\n", server.place);
    assert!(server.requests()[0].to_lowercase().contains(&host));
}

//! Upstreams over encrypted transports: what is alike for all of them. Each file stands in for a server of one, and has
//! what is that transport's alone.

/// The tests of a connection that is kept, whatever carries it. `start` is given after how many queries a connection ends,
/// `upstream` is one of a server by its place, at the name `other.test`.
macro_rules! test_kept_connection {
    (start: $start:expr, upstream: $upstream:expr) => {
        #[test]
        fn queries_share_one_connection_that_is_kept() {
            queries_share_one_connection(&$start(usize::MAX));
        }

        #[test]
        fn a_connection_that_the_upstream_ends_is_opened_anew_without_a_word() {
            ended_connections_are_opened_anew(&$start(3));
        }

        #[test]
        fn a_certificate_for_another_name_is_not_believed() {
            let server = $start(usize::MAX);
            another_name_is_not_believed(&server, &format!($upstream, server.place));
        }

        #[test]
        fn names_that_an_upstream_is_silent_about_do_not_end_the_connection_that_others_are_answered_over() {
            silence_about_names_does_not_end_the_connection(|| $start(usize::MAX));
        }

        #[test]
        fn a_connection_over_which_nothing_comes_any_more_is_left() {
            a_mute_connection_is_left(&$start(usize::MAX));
        }
    };
}

/// The tests of queries that have a stream of their own each.
macro_rules! test_streams {
    (start: $start:expr) => {
        #[test]
        fn a_query_that_nobody_waits_for_any_more_is_cancelled() {
            what_nobody_waits_for_any_more_is_cancelled(&$start(usize::MAX));
        }

        #[test]
        fn what_is_no_response_is_told_and_the_connection_is_kept() {
            what_is_no_response_is_told(&$start(usize::MAX), &NO_RESPONSES);
        }
    };
}

mod asker;
mod https;
mod own;
mod quic;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use asker::{Asker, without_a_gap};
use harness::crypto::provider;
use harness::forwarding::Lab;
use harness::stub::{ask, code, query, receive, said, sent};
use harness::upstream::{ADDRESS, Asked, Over, zone_of_hosts};
use harness::{PATIENCE, free_port, loopback, wait_for};

/// A server with a certificate for `dns.test`, which serves until the test program ends. Names that begin with `silent`
/// are not answered; after `mute.test` nothing is over that connection.
struct Server {
    scheme: &'static str,
    place: SocketAddr,
    /// The authority that its certificate is from.
    authority: String,
    counts: Arc<Counts>,
}

/// What a server counts.
#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    queries: AtomicUsize,
    /// Queries that the other side has given up, and has said so.
    cancelled: AtomicUsize,
}

/// What it proves itself with.
struct Identity {
    authority: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(Vec::new()).expect("an authority");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = wanted.self_signed(&key).expect("an authority").pem();
        let issuer = Issuer::new(wanted, key);
        let key = KeyPair::generate().expect("a key");
        let own = CertificateParams::new(vec!["dns.test".to_owned()]).expect("a certificate");
        let own = own.signed_by(&key, &issuer).expect("a certificate");
        Self { authority, certificate: own.der().clone(), key }
    }

    /// For handshakes in which one of these protocols is chosen, if any.
    fn config(&self, protocols: &[&str]) -> ServerConfig {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![self.certificate.clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der())),
            )
            .expect("a certificate with its key");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

impl Counts {
    /// What a query asks, which is one by the rules for encrypted transports.
    fn read(&self, query: &[u8]) -> Asked {
        assert_eq!(query.len() % 128, 0, "queries are padded");
        self.queries.fetch_add(1, Ordering::Relaxed);
        Asked::read(query, Over::Tcp)
    }
}

impl Server {
    fn new(scheme: &'static str, identity: &Identity) -> Self {
        let authority = identity.authority.clone();
        Self { scheme, place: free_port(loopback()), authority, counts: Arc::default() }
    }

    fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    fn queries(&self) -> usize {
        self.counts.queries.load(Ordering::Relaxed)
    }

    /// A program that forwards everything here, to a server of this name.
    fn lab(&self, name: &str) -> Lab {
        let Server { scheme, place, authority, .. } = self;
        let lab = Lab::new(&format!(
            "zone = \".\"\nupstream = [\"{scheme}://{place}#{name}\"]\nca = \"ca.pem\"\ntimeout = \"500ms\"\n"
        ));
        lab.site.write("ca.pem", authority);
        lab
    }
}

/// The last failure of the only upstream.
fn last_error(lab: &Lab) -> String {
    lab.forward()["upstreams"][0]["last_error"].as_str().unwrap_or_default().to_owned()
}

fn queries_share_one_connection(server: &Server) {
    let lab = server.lab("dns.test");
    let program = lab.start();
    let names: Vec<String> = (0..60).map(|number| format!("n{number}.test.")).collect();
    let sent: Vec<_> = names.iter().map(|name| sent(program.listen(), &query(name, RecordType::A))).collect();
    for (name, socket) in names.iter().zip(&sent) {
        let response = receive(socket).expect("a response");
        assert_eq!(response.queries[0].name().to_string(), *name);
        assert_eq!(said(&response), ADDRESS.to_string());
    }
    assert_eq!(server.connections(), 1);
    assert!(server.queries() >= 60);
    assert_eq!(lab.forward()["upstreams"][0]["standing"], "up");
    program.stop();
}

/// Of a server that ends each connection after three queries.
fn ended_connections_are_opened_anew(server: &Server) {
    let lab = server.lab("dns.test");
    let program = lab.start();
    for number in 0..20 {
        assert_eq!(said(&ask(program.listen(), &format!("n{number}.test."))), ADDRESS.to_string());
    }
    assert!(server.connections() >= 6, "{}", server.connections());
    assert_eq!(lab.forward()["upstreams"][0]["failures"], 0, "{:#}", lab.forward());
    program.stop();
}

fn another_name_is_not_believed(server: &Server, upstream: &str) {
    let lab = server.lab("other.test");
    let program = lab.site.start();
    assert_eq!(code(&ask(program.listen(), "www.test.")), ResponseCode::ServFail);
    lab.wait_for_standing_of(upstream, "down");
    let error = last_error(&lab);
    assert!(error.contains("not valid for name"), "{error}");
    assert_eq!(server.queries(), 0);
    program.stop();
}

fn silence_about_names_does_not_end_the_connection(start: impl Fn() -> Server) {
    without_a_gap(|| {
        let server = start();
        let lab = server.lab("dns.test");
        let program = lab.start();
        let asker = Asker::start(program.listen());
        let silent: Vec<_> = (0..20)
            .map(|name| sent(program.listen(), &query(&format!("silent{name}.test."), RecordType::A)))
            .collect();
        let codes: Vec<_> = silent.iter().map(|one| code(&receive(one).expect("a response"))).collect();
        lab.wait("nobody who waits", |forward| (forward["waiting"].as_u64()? <= 1).then_some(()));
        let answered = asker.stop();
        answered.without_a_gap(|| {
            assert_eq!(codes, [ResponseCode::ServFail; 20]);
            assert_eq!(server.connections(), 1, "{answered:?}");
            program.stop();
        })
    });
}

fn a_mute_connection_is_left(server: &Server) {
    let lab = server.lab("dns.test");
    let program = lab.start();
    assert_eq!(server.connections(), 1);
    assert_eq!(code(&ask(program.listen(), "mute.test.")), ResponseCode::ServFail);
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    assert!(server.connections() >= 2, "{}", server.connections());
    program.stop();
}

/// Asks for names that a server answers with something else than a response, each with what is told of it. Others are
/// answered over the same connection.
fn what_is_no_response_is_told(server: &Server, cases: &[(&str, &str)]) {
    let lab = server.lab("dns.test");
    let program = lab.start();
    for (name, told) in cases {
        assert_eq!(code(&ask(program.listen(), name)), ResponseCode::ServFail, "{name}");
        assert_eq!(last_error(&lab), *told, "{name}");
        let other = format!("after.{name}");
        assert_eq!(said(&ask(program.listen(), &other)), ADDRESS.to_string(), "{name}");
    }
    assert_eq!(server.connections(), 1, "the connection is well");
    program.stop();
}

fn what_nobody_waits_for_any_more_is_cancelled(server: &Server) {
    let lab = server.lab("dns.test");
    let program = lab.start();
    assert_eq!(code(&ask(program.listen(), "silent.test.")), ResponseCode::ServFail);
    wait_for("the end of its streams", PATIENCE, || {
        (server.counts.cancelled.load(Ordering::Relaxed) > 0).then_some(())
    });
    program.stop();
}

/// Asks for names that a server ends a connection for, whose next one answers them.
fn what_ends_a_connection_is_asked_over_the_next(server: &Server, names: &[&str]) {
    let lab = server.lab("dns.test");
    let program = lab.start();
    for name in names {
        let before = server.connections();
        // So that the connection is not opened for just this one.
        assert_eq!(said(&ask(program.listen(), &format!("before.{name}"))), ADDRESS.to_string(), "{name}");
        assert_eq!(said(&ask(program.listen(), name)), ADDRESS.to_string(), "{name}: {}", last_error(&lab));
        assert!(server.connections() > before, "{name}");
    }
    assert_eq!(lab.forward()["upstreams"][0]["failures"], 0, "{:#}", lab.forward());
    program.stop();
}

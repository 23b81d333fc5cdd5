//! An upstream over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use harness::forwarding::Lab;
use harness::stub::{ask, code, query, receive, said, sent};
use harness::upstream::{Asked, Over};
use harness::{free_port, loopback};

use super::asker::{Asker, without_a_gap};

/// A server with a certificate for `dns.test`.
struct Server {
    place: SocketAddr,
    /// The authority that its certificate is from.
    authority: String,
    connections: Arc<AtomicUsize>,
    queries: Arc<AtomicUsize>,
}

impl Server {
    /// Ends each connection after this many queries. Serves until the test program ends. Names that begin
    /// with `silent` are not answered; after `mute.test` nothing is over that connection.
    fn start(queries_of_connection: usize) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(Vec::new()).expect("an authority");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = wanted.self_signed(&key).expect("an authority").pem();
        let issuer = Issuer::new(wanted, key);
        let own_key = KeyPair::generate().expect("a key");
        let own = CertificateParams::new(vec!["dns.test".to_owned()]).expect("a certificate");
        let own = own.signed_by(&own_key, &issuer).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![own.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own_key.serialize_der())),
            )
            .expect("a certificate with its key");
        let place = free_port(loopback());
        let listener = TcpListener::bind(place).expect("a free port");
        let (connections, queries) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, asked) = (Arc::clone(&connections), Arc::clone(&queries));
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, counted, asked) =
                    (Arc::clone(&config), Arc::clone(&counted), Arc::clone(&asked));
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).expect("a connection");
                    let mut stream = StreamOwned::new(connection, stream);
                    let mut mute = false;
                    for number in 0..queries_of_connection {
                        let mut length = [0; 2];
                        if stream.read_exact(&mut length).is_err() {
                            return;
                        }
                        if number == 0 {
                            counted.fetch_add(1, Ordering::Relaxed);
                        }
                        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                        stream.read_exact(&mut query).expect("a whole query");
                        assert_eq!(query.len() % 128, 0, "queries are padded");
                        asked.fetch_add(1, Ordering::Relaxed);
                        let query = Asked::read(&query, Over::Tcp);
                        mute |= query.qname == "mute.test";
                        if mute || query.qname.starts_with("silent") {
                            continue;
                        }
                        let response = query.address(300, [198, 51, 100, 7].into());
                        let length = u16::try_from(response.len()).expect("a short response").to_be_bytes();
                        stream.write_all(&[&length[..], &response].concat()).expect("a response is taken");
                        stream.flush().expect("a response is taken");
                    }
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
            }
        });
        Self { place, authority, connections, queries }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn lab(&self, name: &str) -> Lab {
        let lab = Lab::new(&format!(
            "zone = \".\"\nupstream = [\"tls://{}#{name}\"]\nca = \"ca.pem\"\ntimeout = \"500ms\"\n",
            self.place
        ));
        lab.site.write("ca.pem", &self.authority);
        lab
    }
}

#[test]
fn queries_share_one_connection_that_is_kept() {
    let server = Server::start(usize::MAX);
    let lab = server.lab("dns.test");
    let program = lab.start();
    for number in 0..20 {
        assert_eq!(said(&ask(program.listen(), &format!("n{number}.test."))), "198.51.100.7");
    }
    assert_eq!(server.connections(), 1);
    assert!(server.queries.load(Ordering::Relaxed) >= 20);
    assert_eq!(lab.forward()["upstreams"][0]["standing"], "up");
    program.stop();
}

#[test]
fn a_connection_that_the_upstream_ends_is_opened_anew_without_a_word() {
    let server = Server::start(3);
    let lab = server.lab("dns.test");
    let program = lab.start();
    for number in 0..20 {
        assert_eq!(said(&ask(program.listen(), &format!("n{number}.test."))), "198.51.100.7");
    }
    assert!(server.connections() >= 6, "{}", server.connections());
    assert_eq!(lab.forward()["upstreams"][0]["failures"], 0, "{:#}", lab.forward());
    program.stop();
}

#[test]
fn a_certificate_for_another_name_is_not_believed() {
    let server = Server::start(usize::MAX);
    let lab = server.lab("other.test");
    let program = lab.site.start();
    assert_eq!(code(&ask(program.listen(), "www.test.")), ResponseCode::ServFail);
    lab.wait_for_standing_of(&format!("tls://{}#other.test", server.place), "down");
    let forward = lab.forward();
    let error = forward["upstreams"][0]["last_error"].as_str().expect("an error");
    assert!(error.contains("not valid for name"), "{error}");
    assert_eq!(server.queries.load(Ordering::Relaxed), 0);
    program.stop();
}

#[test]
fn names_that_an_upstream_is_silent_about_do_not_end_the_connection_that_others_are_answered_over() {
    without_a_gap(|| {
        let server = Server::start(usize::MAX);
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

#[test]
fn a_connection_over_which_nothing_comes_any_more_is_left() {
    let server = Server::start(usize::MAX);
    let lab = server.lab("dns.test");
    let program = lab.start();
    assert_eq!(server.connections(), 1);
    assert_eq!(code(&ask(program.listen(), "mute.test.")), ResponseCode::ServFail);
    assert_eq!(said(&ask(program.listen(), "www.test.")), "198.51.100.7");
    assert!(server.connections() >= 2, "{}", server.connections());
    program.stop();
}

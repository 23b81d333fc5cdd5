//! TLS, through real sockets.

use std::io::ErrorKind;
use std::net::Shutdown;
use std::thread;

use rustls::{ClientConnection, StreamOwned};

use super::*;
use crate::tls::{AlpnProtocol, Handshake, PairFiles, ServerName, ServerTls, Verify};

pub(super) type Client = StreamOwned<ClientConnection, TcpStream>;

/// A server with a certificate of its own.
pub(in crate::transport) fn certified() -> ServerTls {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let made = rcgen::KeyPair::generate().unwrap();
    let wanted = rcgen::CertificateParams::new(vec!["ns.lab.example".to_owned()]).unwrap();
    std::fs::write(&certificate, wanted.self_signed(&made).unwrap().pem()).unwrap();
    std::fs::write(&key, made.serialize_pem()).unwrap();
    let tls = ServerTls::new();
    tls.follow(Some(PairFiles { certificate, key }));
    assert!(tls.look(std::time::SystemTime::now()).is_some());
    tls
}

fn serve(tcp: TcpSettings) -> (Server, SocketAddr) {
    let address = "127.0.3.1:0".parse().unwrap();
    let listen = vec![ListenAddress { address, protocols: Protocols::Tls }];
    let server = Server::with(&["127.0.3.1"], &Settings { listen, workers: 1, tcp, ..Settings::default() });
    let address = server.at("127.0.3.1");
    (server, address)
}

pub(super) fn from(ip: &str, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(ip.parse().unwrap(), 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

pub(super) fn secured(stream: TcpStream, protocols: &[&str]) -> Client {
    let protocols = protocols.iter().map(|name| AlpnProtocol::new(name).unwrap()).collect();
    let handshake = Handshake { server_name: None, verify: Verify::Off, protocols, client: None };
    let name = ServerName::new("ns.lab.example").unwrap().to_pki();
    StreamOwned::new(ClientConnection::new(handshake.config().unwrap(), name).unwrap(), stream)
}

fn client(to: SocketAddr) -> Client {
    secured(from("127.0.3.70", to), &["dot"])
}

#[track_caller]
fn assert_answers(client: &mut Client) {
    client.write_all(&framed(&query(1, b"whole"))).unwrap();
    assert_eq!(read_message(client), echoed(&query(1, b"whole")));
}

/// Wants the connection to be ended, in whatever way.
#[track_caller]
pub(super) fn assert_ended(stream: &mut impl Read) {
    let read = stream.read(&mut [0; 1]);
    assert!(!matches!(read, Ok(1..)), "{read:?}");
    if let Err(error) = read {
        assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    }
}

#[test]
fn a_thousand_pipelined_queries_are_answered_in_order() {
    let (_server, address) = serve(TcpSettings::default());
    let mut client = client(address);
    for turn in 0..10 {
        let all: Vec<u8> = (0..100).flat_map(|id| framed(&query(turn * 100 + id, b"pipelined"))).collect();
        client.write_all(&all).unwrap();
        for id in 0..100 {
            assert_eq!(read_message(&mut client), echoed(&query(turn * 100 + id, b"pipelined")));
        }
    }
}

#[test]
fn a_client_names_dot_or_nothing_by_alpn() {
    let (_server, address) = serve(TcpSettings::default());
    let mut named = client(address);
    assert_answers(&mut named);
    assert_eq!(named.conn.alpn_protocol(), Some(&b"dot"[..]));
    let mut silent = secured(from("127.0.3.70", address), &[]);
    assert_answers(&mut silent);
    let mut other = secured(from("127.0.3.70", address), &["h2"]);
    assert!(other.write_all(&framed(&query(1, b"other"))).and_then(|()| other.read(&mut [0; 1])).is_err());
}

#[test]
fn the_longest_query_and_the_longest_responses_pass() {
    let (_server, address) = serve(TcpSettings::default());
    let mut client = client(address);
    let longest = query(4, &vec![b'q'; mmsg::QUERY_LENGTH_MAX - 12]);
    client.write_all(&[framed(&longest), framed(&longest), framed(&query(5, b"grow"))].concat()).unwrap();
    assert_eq!(read_message(&mut client), echoed(&longest));
    assert_eq!(read_message(&mut client), echoed(&longest));
    assert_eq!(read_message(&mut client).len(), 65_535);
}

#[test]
fn a_client_that_has_said_all_still_gets_what_comes_later() {
    let (server, address) = serve(TcpSettings::default());
    let mut client = client(address);
    client.write_all(&framed(&query(9, b"late"))).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    client.conn.send_close_notify();
    client.flush().unwrap();
    client.sock.shutdown(Shutdown::Write).unwrap();
    server.keeper.opened.send(()).unwrap();
    assert_eq!(read_message(&mut client), echoed(&query(9, b"late")));
    assert_ended(&mut client);
}

#[test]
fn stop_lets_answers_in_flight_go_out() {
    let (mut server, address) = serve(TcpSettings::default());
    let mut client = client(address);
    client.write_all(&framed(&query(0, b"stall"))).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    let all: Vec<u8> = (1..=1000).flat_map(|id| framed(&query(id, b"queued"))).collect();
    client.write_all(&all).unwrap();
    let opened = server.keeper.opened.clone();
    let stopping = thread::spawn(move || {
        let begin = Instant::now();
        server.stop();
        begin.elapsed()
    });
    opened.send(()).unwrap();
    for id in 0..=1000 {
        assert_eq!(read_message(&mut client)[..2], u16::to_be_bytes(id));
    }
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "an orderly end");
    assert!(stopping.join().unwrap() < LIMIT);
}

#[test]
fn what_is_not_tls_ends_the_connection() {
    let (mut server, address) = serve(TcpSettings::default());
    let counters = server.running().tcp_counters();
    for said in [&framed(&query(1, b"plain"))[..], b"GET / HTTP/1.1\r\n\r\n", &[0; 4096]] {
        let mut stream = from("127.0.3.70", address);
        stream.write_all(said).unwrap();
        // At most an alert comes before the end.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.len() <= 7, "{rest:?}");
    }
    eventually("all have failed", || counters.handshakes.failed.load(Ordering::Relaxed) == 3);
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) == 0);
    assert_answers(&mut client(address));
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended_in_time() {
    let settings = TcpSettings { first_byte: Duration::from_millis(300), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let (mut silent, mut half) = (from("127.0.3.71", address), from("127.0.3.72", address));
    // The first bytes of a record.
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    assert_ended(&mut silent);
    assert_ended(&mut half);
    eventually("both are counted", || counters.handshakes.late.load(Ordering::Relaxed) == 2);
    eventually("no handshake is left", || counters.handshakes.under_way.load(Ordering::Relaxed) == 0);
}

/// Many addresses, each with as many as it may have; none of them goes on.
#[test]
fn handshakes_that_stop_are_bounded_and_hold_up_nobody() {
    let settings = TcpSettings { first_byte: Duration::from_secs(600), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let mut stopped = Vec::new();
    for client in 0..40 {
        let ip = format!("127.0.4.{}", client + 1);
        for _ in 0..40 {
            let mut stream = from(&ip, address);
            // The first bytes of a record.
            stream.write_all(&[22, 3, 1]).unwrap();
            stopped.push(stream);
        }
        if client % 10 == 0 {
            assert_answers(&mut self::client(address));
        }
    }
    let handshakes = &counters.handshakes;
    let seen = || {
        handshakes.limited.load(Ordering::Relaxed)
            + handshakes.evicted.load(Ordering::Relaxed)
            + u64::try_from(handshakes.under_way.load(Ordering::Relaxed)).unwrap()
    };
    eventually("all have come", || seen() == 1600);
    assert_eq!(handshakes.limited.load(Ordering::Relaxed), 40 * 8, "eight too many of each client");
    assert_eq!(handshakes.under_way.load(Ordering::Relaxed), 256);
    assert_eq!(handshakes.completed.load(Ordering::Relaxed), 4);
    assert_eq!(counters.refused.load(Ordering::Relaxed), 0, "an oldest one leaves its place at once");
    assert_answers(&mut client(address));
    drop(stopped);
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) <= 1);
}

#[test]
fn thousands_that_go_away_in_the_middle_leave_nothing_behind() {
    let (mut server, address) = serve(TcpSettings::default());
    let counters = server.running().tcp_counters();
    for count in 0..2000_u16 {
        let mut stream = from(&format!("127.0.5.{}", count % 200 + 1), address);
        match count % 3 {
            0 => {}
            1 => stream.write_all(&[22, 3, 1, 2, 0, 1, 0]).unwrap(),
            _ => {
                let mut secured = secured(stream, &["dot"]);
                // A greeting, and no more.
                secured.conn.write_tls(&mut secured.sock).unwrap();
            }
        }
    }
    assert_answers(&mut client(address));
    eventually("no handshake is left", || counters.handshakes.under_way.load(Ordering::Relaxed) == 0);
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) <= 1);
}

#[test]
fn a_client_that_does_not_read_is_cut() {
    let settings = TcpSettings { write: Duration::from_millis(300), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let mut client = client(address);
    let asked = framed(&query(1, b"grow"));
    let mut sent = 0;
    while sent < 16 << 20 && client.write_all(&asked).is_ok() {
        sent += asked.len();
    }
    eventually("the client is cut", || counters.cut.load(Ordering::Relaxed) == 1);
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    eventually("its place is free", || counters.open.load(Ordering::Relaxed) == 0);
}

#[test]
fn whoever_takes_a_message_is_told_that_no_zone_may_be_sent_over_older_versions() {
    let (_server, address) = serve(TcpSettings::default());
    // A question for a transfer, which the echo hands over, and what it would be answered with.
    let asked = query(3, b"hand over\x01");
    let mut newest = client(address);
    newest.write_all(&framed(&asked)).unwrap();
    assert_eq!(read_message(&mut newest).len(), 12 + 250, "what is handed over comes");

    let builder = rustls::ClientConfig::builder_with_provider(crate::crypto::provider());
    let older = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(newest.conn.peer_certificates().unwrap()[0].clone()).unwrap();
    let config = older.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::new("ns.lab.example").unwrap().to_pki();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut older = StreamOwned::new(session, from("127.0.3.70", address));
    assert_answers(&mut older);
    older.write_all(&framed(&query(4, b"hand over\x01"))).unwrap();
    let refused = read_message(&mut older);
    assert_eq!((refused[..2].to_vec(), refused[3] & 15), (vec![0, 4], 5), "{refused:?}");
    // Signed, it is handed over as that, whatever it asks for.
    for (client, rcode) in [(&mut newest, 0), (&mut older, 5)] {
        client.write_all(&framed(&query(5, b"\x06signed\0\0\xfc\0\x01"))).unwrap();
        let response = read_message(client);
        assert_eq!((response[1], response[3] & 15), (5, rcode), "{response:?}");
    }
}

//! HTTPS, through real sockets.

use std::collections::HashMap;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName as PkiName;
use tokio_rustls::TlsConnector;

use super::tls::{Client, assert_ended, from, secured};
use super::*;
use crate::tls::{AlpnProtocol, Handshake, Verify};

pub(super) fn serve(tcp: TcpSettings) -> (Server, SocketAddr) {
    let address = "127.0.3.1:0".parse().unwrap();
    let listen = vec![ListenAddress { address, protocols: Protocols::Https }];
    let server = Server::with(&["127.0.3.1"], &Settings { listen, workers: 1, tcp, ..Settings::default() });
    let address = server.at("127.0.3.1");
    (server, address)
}

/// What comes back over HTTP/1.1.
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn http1(to: SocketAddr) -> Client {
    secured(from("127.0.3.80", to), &["http/1.1"])
}

/// Reads one response with a length.
fn read_answer(client: &mut Client) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let fields = lines.filter_map(|line| line.split_once(": "));
    let headers: HashMap<_, _> =
        fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    client.read_exact(&mut body).unwrap();
    Answer { status, headers, body }
}

fn get(query: &[u8]) -> String {
    format!("GET /dns-query?dns={} HTTP/1.1\r\nhost: ns\r\n\r\n", URL_SAFE_NO_PAD.encode(query))
}

fn post(length: usize) -> String {
    let head = "POST /dns-query HTTP/1.1\r\nhost: ns\r\ncontent-type: application/dns-message\r\n";
    format!("{head}content-length: {length}\r\n\r\n")
}

fn ask(client: &mut Client, said: &[&[u8]]) -> Answer {
    client.write_all(&said.concat()).unwrap();
    read_answer(client)
}

#[track_caller]
fn assert_answers(to: SocketAddr) {
    let asked = query(0, b"whole");
    let answer = ask(&mut http1(to), &[get(&asked).as_bytes()]);
    assert_eq!((answer.status, answer.body), (200, echoed(&asked)));
}

#[test]
fn get_and_post_are_answered_on_one_connection() {
    let (_server, address) = serve(TcpSettings::default());
    let mut client = http1(address);
    for id in 0..20 {
        let asked = query(id, b"get");
        let answer = ask(&mut client, &[get(&asked).as_bytes()]);
        assert_eq!((answer.status, &answer.body), (200, &echoed(&asked)));
        assert_eq!(answer.headers["content-type"], "application/dns-message");
        assert_eq!(answer.headers["cache-control"], "max-age=0", "it says of no record how long it holds");
        let asked = query(id, b"post");
        let answer = ask(&mut client, &[post(asked.len()).as_bytes(), &asked]);
        assert_eq!((answer.status, answer.body), (200, echoed(&asked)));
    }
}

#[test]
fn requests_in_one_segment_are_answered_in_order() {
    let (_server, address) = serve(TcpSettings::default());
    let mut client = http1(address);
    let all: Vec<String> = (0..50).map(|id| get(&query(id, b"pipelined"))).collect();
    client.write_all(all.concat().as_bytes()).unwrap();
    for id in 0..50 {
        assert_eq!(read_answer(&mut client).body, echoed(&query(id, b"pipelined")));
    }
}

#[test]
fn what_is_no_query_is_refused_by_status_and_the_connection_goes_on() {
    let (_server, address) = serve(TcpSettings::default());
    let line = |method: &str, target: &str, more: &str| {
        format!("{method} {target} HTTP/1.1\r\nhost: ns\r\n{more}\r\n")
    };
    let mut update = query(0, b"update");
    update[2] = 0x28;
    let response = echoed(&query(0, b"response"));
    let typed = "content-type: text/plain\r\ncontent-length: 0\r\n";
    let short = "content-type: application/dns-message\r\ncontent-length: 3\r\n";
    let refused = [
        (line("GET", "/", ""), 404),
        (line("PUT", "/dns-query", ""), 405),
        (line("GET", "/dns-query", ""), 400),
        (line("GET", "/dns-query?dns=AAA=", ""), 400),
        (line("GET", "/dns-query?dns=AAAA", ""), 400),
        (get(&update), 400),
        (get(&response), 400),
        (line("GET", &format!("/dns-query?dns={}", "A".repeat(8300)), ""), 414),
        (line("POST", "/dns-query", typed), 415),
        (line("POST", "/dns-query", short) + "abc", 400),
        (get(&query(0, b"drop")), 504),
    ];
    let mut client = http1(address);
    for (said, status) in refused {
        let answer = ask(&mut client, &[said.as_bytes()]);
        assert_eq!(answer.status, status, "{}", &said[..said.len().min(80)]);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers.get("allow").map(String::as_str), (status == 405).then_some("GET, POST"));
        assert!(!answer.body.is_empty(), "it says why");
        let asked = query(1, b"next");
        assert_eq!(ask(&mut client, &[get(&asked).as_bytes()]).body, echoed(&asked));
    }
}

#[test]
fn what_is_too_long_is_refused_and_an_update_may_be_as_long_as_a_message() {
    let (mut server, address) = serve(TcpSettings::default());
    let status = |said: &[&[u8]]| ask(&mut http1(address), said).status;
    // Before any of it has come.
    assert_eq!(status(&[post(65_536).as_bytes()]), 413);
    let long = query(0, &vec![b'q'; mmsg::QUERY_LENGTH_MAX - 11]);
    assert_eq!(status(&[post(long.len()).as_bytes(), &long]), 413);
    let longest = query(0, &vec![b'q'; mmsg::QUERY_LENGTH_MAX - 12]);
    assert_eq!(ask(&mut http1(address), &[post(longest.len()).as_bytes(), &longest]).body, echoed(&longest));
    assert_eq!(ask(&mut http1(address), &[get(&longest).as_bytes()]).body, echoed(&longest));
    let mut update = query(0, &vec![b'u'; 65_535 - 12]);
    update[2] = 0x28;
    assert!(ask(&mut http1(address), &[post(update.len()).as_bytes(), &update]).body == echoed(&update));
    let heads = format!("GET / HTTP/1.1\r\nhost: ns\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(status(&[heads.as_bytes()]), 431);
    // In pieces whose end nobody knows.
    let chunk = format!("1000\r\n{}\r\n", "q".repeat(4096));
    let head = "POST /dns-query HTTP/1.1\r\nhost: ns\r\ncontent-type: application/dns-message\r\n";
    let head = format!("{head}transfer-encoding: chunked\r\n\r\n");
    assert_eq!(status(&[head.as_bytes(), chunk.as_bytes(), chunk.as_bytes()]), 413);
    // An update of that length must have said it.
    let mut update = query(0, &[b'u'; 4084]);
    update[2] = 0x28;
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    assert_eq!(status(&[head.as_bytes(), &chunk(&update), &chunk(b"u"), b"0\r\n\r\n"]), 413);
    assert_eq!(status(&[head.as_bytes(), &chunk(&update), b"0\r\n\r\n"]), 200);
    assert_eq!(ask(&mut http1(address), &[get(&query(0, b"grow")).as_bytes()]).body.len(), 65_535);
    let counters = server.running().tcp_counters();
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) == 0);
}

/// A connection of HTTP/2.
async fn http2(to: SocketAddr) -> http2::SendRequest<Full<Bytes>> {
    let protocols = vec![AlpnProtocol::new("h2").unwrap()];
    let handshake = Handshake { server_name: None, verify: Verify::Off, protocols, client: None };
    let stream = tokio::net::TcpStream::connect(to).await.unwrap();
    let name = PkiName::try_from("ns.lab.example").unwrap();
    let stream = TlsConnector::from(handshake.config().unwrap()).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(query: &[u8]) -> Request<Full<Bytes>> {
    let request = Request::post("https://ns/dns-query").header("content-type", "application/dns-message");
    request.body(Full::new(Bytes::copy_from_slice(query))).unwrap()
}

async fn asked(sender: &http2::SendRequest<Full<Bytes>>, query: Vec<u8>) -> Vec<u8> {
    let mut sender = sender.clone();
    sender.ready().await.unwrap();
    let response = sender.send_request(request(&query)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[test]
fn queries_one_after_the_other_and_at_once_are_all_answered_over_one_connection() {
    let (server, address) = serve(TcpSettings::default());
    server.runtime.block_on(async {
        let sender = http2(address).await;
        for id in 0..150 {
            assert_eq!(asked(&sender, query(id, b"turn")).await, echoed(&query(id, b"turn")));
        }
        let all = (0..150).map(|id| {
            let sender = sender.clone();
            tokio::spawn(async move {
                assert_eq!(asked(&sender, query(id, b"at once")).await, echoed(&query(id, b"at once")));
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        // One is received after the other.
        let mut update = query(0, &vec![b'u'; 65_535 - 12]);
        update[2] = 0x28;
        let updates = (0..3).map(|_| {
            let (sender, update) = (sender.clone(), update.clone());
            tokio::spawn(async move { assert!(asked(&sender, update.clone()).await == echoed(&update)) })
        });
        for one in updates.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        // More than a connection holds at a time.
        let long = (0..20).map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { assert_eq!(asked(&sender, query(0, b"grow")).await.len(), 65_535) })
        });
        for one in long.collect::<Vec<_>>() {
            one.await.unwrap();
        }
    });
}

#[test]
fn a_query_that_waits_holds_up_no_other_and_is_answered_when_the_server_stops() {
    let (mut server, address) = serve(TcpSettings::default());
    let (waiting, other) = server.runtime.block_on(async {
        let sender = http2(address).await;
        let late = sender.clone();
        let waiting = tokio::spawn(async move { asked(&late, query(1, b"late")).await });
        let reached = async { tokio::task::block_in_place(|| server.keeper.reached.recv_timeout(LIMIT)) };
        reached.await.unwrap();
        (waiting, asked(&sender, query(2, b"other")).await)
    });
    assert_eq!(other, echoed(&query(2, b"other")));
    let opened = server.keeper.opened.clone();
    let runtime = server.runtime.handle().clone();
    let answered = thread::spawn(move || {
        opened.send(()).unwrap();
        runtime.block_on(waiting).unwrap()
    });
    server.stop();
    assert_eq!(answered.join().unwrap(), echoed(&query(1, b"late")));
}

#[test]
fn what_does_not_go_on_is_ended_in_time() {
    let settings = TcpSettings { idle: Duration::from_millis(300), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let mut silent = http1(address);
    silent.flush().unwrap();
    let mut half_head = http1(address);
    half_head.write_all(b"GET /dns-query?dns=").unwrap();
    let mut half_body = http1(address);
    half_body.write_all(&[post(40).as_bytes(), b"abc"].concat()).unwrap();
    assert_eq!(read_answer(&mut half_body).status, 408);
    let mut preface = secured(from("127.0.3.80", address), &["h2"]);
    preface.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
    let mut half_stream = secured(from("127.0.3.80", address), &["h2"]);
    half_stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &frame(1, 0, 1, &[0x82])].concat()).unwrap();
    for client in [&mut silent, &mut half_head, &mut half_body, &mut preface, &mut half_stream] {
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        assert_ended(client);
    }
    let counters = server.running().tcp_counters();
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) == 0);
}

#[test]
fn half_sent_bodies_keep_no_place_from_a_new_client() {
    let limits = TcpSettings { connections_max: 4, ..PATIENT };
    let mut server =
        Server::with_protocols([("127.0.3.1", Protocols::Https), ("127.0.3.2", Protocols::Plain)], limits);
    let head = post(40).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    let mut held: Vec<Client> = (0..4).map(|_| http1(server.at("127.0.3.1"))).collect();
    for client in &mut held {
        client.write_all(head.as_bytes()).unwrap();
        // The body is waited for.
        assert_eq!(read_answer(client).status, 100);
    }
    assert_makes_room(server.at("127.0.3.2"));
    assert_eq!(server.running().tcp_counters().evicted.load(Ordering::Relaxed), 1);
    let held = std::cell::RefCell::new(held);
    eventually("one of them is ended", || held.borrow_mut().iter_mut().any(is_ended));
}

/// Whether the server has ended a connection, as far as is known here.
fn is_ended(client: &mut Client) -> bool {
    client.sock.set_nonblocking(true).unwrap();
    match client.read(&mut [0; 512]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[test]
fn a_busy_connection_ends_with_its_lifetime() {
    let (mut server, address) =
        serve(TcpSettings { lifetime: Duration::from_millis(300), ..TcpSettings::default() });
    for protocol in ["http/1.1", "h2"] {
        let mut client = secured(from("127.0.3.80", address), &[protocol]);
        let deadline = Instant::now() + LIMIT;
        if protocol == "h2" {
            client.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
        }
        let said = |turn: u32| match protocol {
            "h2" => frame(1, 5, turn * 2 + 1, &headers(&query(0, b"again"))),
            _ => get(&query(0, b"again")).into_bytes(),
        };
        let mut buffer = [0; 4096];
        for turn in 0.. {
            assert!(Instant::now() < deadline, "{protocol}: still open");
            if client.write_all(&said(turn)).is_err() || !matches!(client.read(&mut buffer), Ok(1..)) {
                break;
            }
        }
    }
    let counters = server.running().tcp_counters();
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) == 0);
}

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame of HTTP/2.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header list of a query with GET, without any table.
pub(super) fn headers(query: &[u8]) -> Vec<u8> {
    let path = format!("/dns-query?dns={}", URL_SAFE_NO_PAD.encode(query));
    let literal =
        |name: u8, value: &str| [&[name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [&[0x82, 0x87][..], &literal(4, &path), &literal(1, "ns")].concat()
}

/// Sends frames until the server has enough of it; how many it took.
fn flood(client: &mut Client, mut next: impl FnMut(u32) -> Vec<u8>) -> u32 {
    client.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
    const ENOUGH: u32 = 200_000;
    (0..ENOUGH).find(|turn| client.write_all(&next(*turn)).is_err()).unwrap_or(ENOUGH)
}

#[test]
fn floods_of_frames_end_their_connection_and_hold_up_nobody() {
    let settings = TcpSettings { write: Duration::from_secs(1), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let connect = || {
        let stream = from("127.0.3.81", address);
        stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
        secured(stream, &["h2"])
    };
    thread::scope(|scope| {
        let resets = scope.spawn(|| {
            flood(&mut connect(), |turn| {
                let stream = turn * 2 + 1;
                [
                    frame(1, 5, stream, &headers(&query(0, b"reset"))),
                    frame(3, 0, stream, &8_u32.to_be_bytes()),
                ]
                .concat()
            })
        });
        let continuations = scope.spawn(|| {
            flood(&mut connect(), |turn| {
                let part = [&[0x00, 1, b'x', 100][..], &[b'x'; 100]].concat();
                if turn == 0 { frame(1, 0, 1, &headers(&query(0, b"long"))) } else { frame(9, 0, 1, &part) }
            })
        });
        let pings = scope.spawn(|| flood(&mut connect(), |_| frame(6, 0, 0, &[7; 8])));
        let settings = scope.spawn(|| flood(&mut connect(), |_| frame(4, 0, 0, &[])));
        for _ in 0..20 {
            assert_answers(address);
        }
        assert!(resets.join().unwrap() < 200_000, "streams that are reset at once");
        assert!(continuations.join().unwrap() < 200_000, "headers without an end");
        assert!(pings.join().unwrap() < 200_000, "pings whose answers are not read");
        assert!(settings.join().unwrap() < 200_000, "settings whose answers are not read");
    });
    let counters = server.running().tcp_counters();
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_client_that_does_not_take_its_responses_is_cut() {
    let settings = TcpSettings { write: Duration::from_millis(300), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    // HTTP/1.1: it does not read.
    let mut client = http1(address);
    let asked = get(&query(1, b"grow"));
    let mut sent = 0;
    while sent < 16 << 20 && client.write_all(asked.as_bytes()).is_ok() {
        sent += asked.len();
    }
    eventually("the client is cut", || counters.cut.load(Ordering::Relaxed) == 1);
    // HTTP/2: it reads, and gives no room for a response.
    let mut client = secured(from("127.0.3.82", address), &["h2"]);
    let no_window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    client.write_all(&[PREFACE, &no_window].concat()).unwrap();
    for turn in 0..90 {
        // It may be cut before it has asked all.
        let _ = client.write_all(&frame(1, 5, turn * 2 + 1, &headers(&query(0, b"grow"))));
    }
    let mut read = Vec::new();
    let _ = client.read_to_end(&mut read);
    eventually("the client is cut", || counters.cut.load(Ordering::Relaxed) == 2);
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) == 0);
}

#[test]
fn connections_that_stop_anywhere_leave_nothing_behind() {
    let (mut server, address) = serve(TcpSettings::default());
    let mut stopped = Vec::new();
    for count in 0..300_u32 {
        let stream = from(&format!("127.0.6.{}", count % 50 + 1), address);
        let mut client = secured(stream, if count % 2 == 0 { &["h2"] } else { &["http/1.1"] });
        match count % 6 {
            0 => client.write_all(&PREFACE[..10]).unwrap(),
            1 => client.write_all(b"GET /dns-q").unwrap(),
            2 => {
                client.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &frame(1, 0, 1, &[0x82])].concat()).unwrap()
            }
            3 => client.write_all(post(100).as_bytes()).unwrap(),
            4 => {
                let post = [
                    &[0x83, 0x87, 0x04, 10][..],
                    b"/dns-query",
                    &[0x0f, 0x10, 23],
                    b"application/dns-message",
                ];
                let said = [PREFACE, &frame(4, 0, 0, &[]), &frame(1, 4, 1, &post.concat())];
                client.write_all(&said.concat()).unwrap();
            }
            _ => client.write_all(get(&query(0, b"grow")).as_bytes()).unwrap(),
        }
        stopped.push(client);
        if count % 60 == 0 {
            assert_answers(address);
        }
    }
    let counters = server.running().tcp_counters();
    assert!(counters.open.load(Ordering::Relaxed) <= 301);
    drop(stopped);
    eventually("all places are free", || counters.open.load(Ordering::Relaxed) <= 1);
    assert_answers(address);
}

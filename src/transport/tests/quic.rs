//! QUIC, through real sockets.

use std::collections::HashMap;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ApplicationClose, ClientConfig, Connecting, Connection, ConnectionError, Endpoint, ReadError,
    ReadToEndError, RecvStream, SendStream, TransportConfig, VarInt,
};

use super::*;
use crate::tls::{AlpnProtocol, Handshake, Verify};

fn serve_at(address: &str, tcp: TcpSettings) -> Server {
    let listen = vec![ListenAddress { address: "127.0.3.1:0".parse().unwrap(), protocols: Protocols::Quic }];
    Server::with(&[address], &Settings { listen, workers: 1, tcp, ..Settings::default() })
}

pub(super) fn serve(tcp: TcpSettings) -> (Server, SocketAddr) {
    let server = serve_at("127.0.3.1", tcp);
    let address = server.at("127.0.3.1");
    (server, address)
}

pub(in crate::transport) fn config(transport: TransportConfig) -> ClientConfig {
    let protocols = vec![AlpnProtocol::new("doq").unwrap()];
    let handshake = Handshake { server_name: None, verify: Verify::Off, protocols, client: None };
    let tls = QuicClientConfig::try_from(handshake.config().unwrap()).unwrap();
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport));
    config
}

/// A client at an address of its own; the endpoint lives as long as the connection.
async fn connect_from(ip: &str, to: SocketAddr) -> Connection {
    try_to_connect_from(ip, to).await.unwrap()
}

/// The same, where the server may close it before the client has seen the end of the handshake.
async fn try_to_connect_from(ip: &str, to: SocketAddr) -> Result<Connection, ConnectionError> {
    let endpoint = Endpoint::client(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap();
    endpoint.connect_with(config(TransportConfig::default()), to, "ns.lab.example").unwrap().await
}

pub(super) async fn connect(to: SocketAddr) -> Connection {
    connect_from("127.0.3.70", to).await
}

/// Sends bytes on a stream of its own, and has everything that comes back there.
async fn exchange(connection: &Connection, said: &[u8]) -> Result<Vec<u8>, ReadToEndError> {
    let lost = |end| ReadToEndError::Read(ReadError::ConnectionLost(end));
    let (mut send, mut receive) = connection.open_bi().await.map_err(lost)?;
    // One that is lost says so to who reads.
    let _ = send.write_all(said).await;
    let _ = send.finish();
    receive.read_to_end(1 << 20).await
}

pub(super) async fn ask(connection: &Connection, query: &[u8]) -> Vec<u8> {
    exchange(connection, &framed(query)).await.unwrap()
}

#[track_caller]
pub(super) fn block<F: Future>(server: &Server, future: F) -> F::Output {
    server.runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.expect("in time") })
}

#[test]
fn queries_one_after_the_other_and_at_once_are_all_answered_on_one_connection() {
    let (server, address) = serve(TcpSettings::default());
    block(&server, async {
        let connection = connect(address).await;
        for turn in 0..150_u8 {
            assert_eq!(ask(&connection, &query(0, &[turn])).await, framed(&echoed(&query(0, &[turn]))));
        }
        let all = (0..150_u8).map(|turn| {
            let connection = connection.clone();
            tokio::spawn(async move { (turn, ask(&connection, &query(0, &[turn])).await) })
        });
        for one in all.collect::<Vec<_>>() {
            let (turn, response) = one.await.unwrap();
            assert_eq!(response, framed(&echoed(&query(0, &[turn]))));
        }
        let long = (0..20).map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move { ask(&connection, &query(0, b"grow")).await.len() })
        });
        for one in long.collect::<Vec<_>>() {
            assert_eq!(one.await.unwrap(), 65_537);
        }
    });
}

#[test]
fn the_answer_comes_from_the_address_that_was_asked() {
    let server = serve_at("0.0.0.0", TcpSettings::default());
    for asked in ["127.0.3.1", "127.0.3.2"] {
        // What comes from another address is not of the connection.
        let address = server.at(asked);
        let response = block(&server, async { ask(&connect(address).await, &query(0, b"one")).await });
        assert_eq!(response, framed(&echoed(&query(0, b"one"))));
    }
}

#[test]
fn several_responses_come_on_the_stream_of_their_query() {
    let (server, address) = serve(TcpSettings::default());
    let all =
        block(&server, async { ask(&connect(address).await, &query(0, b"hand over\x01\x08\x02")).await });
    let mut rest = &all[..];
    for size in [1_u16, 8, 2] {
        let message = read_message(&mut rest);
        assert_eq!(message.len(), usize::from(12 + size * 250));
        assert_eq!(message[12..], vec![u8::try_from(size).unwrap(); usize::from(size * 250)]);
    }
    assert!(rest.is_empty());
}

#[test]
fn the_longest_query_and_a_longer_update_pass_and_a_longer_query_ends_its_stream_alone() {
    let (server, address) = serve(TcpSettings::default());
    block(&server, async {
        let connection = connect(address).await;
        let longest = query(0, &vec![b'q'; mmsg::QUERY_LENGTH_MAX - 12]);
        assert_eq!(ask(&connection, &longest).await, framed(&echoed(&longest)));
        let mut update = query(0, &vec![b'u'; 65_535 - 12]);
        update[2] = 0x28;
        assert!(ask(&connection, &update).await == framed(&echoed(&update)));
        let longer = query(0, &vec![b'q'; mmsg::QUERY_LENGTH_MAX]);
        let refused = exchange(&connection, &framed(&longer)).await.unwrap_err();
        assert!(refused.to_string().contains("reset"), "{refused}");
        // One that is not answered, too.
        let dropped = exchange(&connection, &framed(&query(0, b"drop"))).await.unwrap_err();
        assert!(dropped.to_string().contains("reset"), "{dropped}");
        assert_eq!(ask(&connection, &query(0, b"next")).await, framed(&echoed(&query(0, b"next"))));
    });
}

#[test]
fn what_is_against_the_protocol_ends_the_connection_and_says_so() {
    let (server, address) = serve(TcpSettings::default());
    let two = [framed(&query(0, b"one")), framed(&query(0, b"two"))].concat();
    let mut keepalive = query(0, b"\x03www\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x0b\0\0");
    keepalive[5] = 1;
    keepalive[11] = 1;
    let violations: [(&[u8], &str); 6] = [
        (&framed(&query(7, b"id")), "a message id"),
        (&two, "more than one query"),
        (&framed(&query(0, b"one"))[..9], "ends before"),
        (&[0], "ends before"),
        (&[0, 3, 1, 2, 3], "not DNS"),
        (&framed(&keepalive), "edns-tcp-keepalive"),
    ];
    for (said, words) in violations {
        block(&server, async {
            let connection = connect(address).await;
            assert!(exchange(&connection, said).await.is_err(), "{words}");
            match connection.closed().await {
                ConnectionError::ApplicationClosed(ApplicationClose { error_code, reason }) => {
                    assert_eq!(error_code, VarInt::from_u32(2), "{words}");
                    assert!(String::from_utf8_lossy(&reason).contains(words), "{reason:?}");
                }
                other => panic!("{words}: {other}"),
            }
        });
    }
    let uni = async {
        let connection = connect(address).await;
        tokio::time::timeout(Duration::from_millis(300), connection.open_uni()).await
    };
    assert!(block(&server, uni).is_err(), "there is no room for streams of one direction");
}

#[test]
fn a_stream_that_does_not_end_behind_its_query_is_against_the_protocol() {
    let settings = TcpSettings { idle: Duration::from_millis(300), ..TcpSettings::default() };
    let (server, address) = serve(settings);
    block(&server, async {
        loop {
            let connection = connect(address).await;
            if let Ok((mut send, _receive)) = connection.open_bi().await {
                let _ = send.write_all(&framed(&query(0, b"whole"))).await;
                match connection.closed().await {
                    ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(2) => {
                        assert!(String::from_utf8_lossy(&close.reason).contains("does not end"), "{close}");
                        return;
                    }
                    // This client was too slow: it had asked nothing in time.
                    ConnectionError::ApplicationClosed(close) => {
                        assert_eq!(close.error_code, VarInt::from_u32(0), "{close}");
                    }
                    other => panic!("{other}"),
                }
            }
        }
    });
}

/// Begins a stream and does not go on; the bytes are less than a query.
async fn begin_half(connection: &Connection) -> Result<(SendStream, RecvStream), ConnectionError> {
    let (mut send, receive) = connection.open_bi().await?;
    // Who is gone by then says so to whoever reads.
    let _ = send.write_all(&framed(&query(0, b"half"))[..9]).await;
    Ok((send, receive))
}

#[test]
fn a_stream_that_does_not_go_on_holds_up_no_other() {
    let settings = TcpSettings { idle: Duration::from_secs(600), ..TcpSettings::default() };
    let (server, address) = serve(settings);
    block(&server, async {
        let connection = connect(address).await;
        let mut halves = Vec::new();
        for _ in 0..50 {
            halves.push(begin_half(&connection).await.unwrap());
        }
        assert_eq!(ask(&connection, &query(0, b"whole")).await, framed(&echoed(&query(0, b"whole"))));
    });
}

#[test]
fn a_stream_that_does_not_go_on_is_reset_in_time_and_then_its_connection_ends_in_order() {
    let settings = TcpSettings { idle: Duration::from_millis(300), ..TcpSettings::default() };
    let (server, address) = serve(settings);
    let in_order = |end: &ConnectionError| matches!(end, ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(0));
    block(&server, async {
        loop {
            let connection = connect(address).await;
            let ended = match begin_half(&connection).await {
                Ok((_send, mut receive)) => receive.read_to_end(100).await.unwrap_err(),
                Err(lost) => ReadToEndError::Read(ReadError::ConnectionLost(lost)),
            };
            match ended {
                ReadToEndError::Read(ReadError::Reset(code)) => {
                    assert_eq!(code, VarInt::from_u32(4));
                    let end = connection.closed().await;
                    assert!(in_order(&end), "{end}");
                    return;
                }
                // This client was too slow: it had asked nothing in time.
                ReadToEndError::Read(ReadError::ConnectionLost(end)) => assert!(in_order(&end), "{end}"),
                other => panic!("{other}"),
            }
        }
    });
}

#[test]
fn a_busy_connection_ends_with_its_lifetime() {
    let (server, address) =
        serve(TcpSettings { lifetime: Duration::from_millis(300), ..TcpSettings::default() });
    let end = block(&server, async {
        let connection = connect(address).await;
        while exchange(&connection, &framed(&query(0, b"again"))).await.is_ok() {}
        connection.closed().await
    });
    let in_order =
        matches!(&end, ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(0));
    assert!(in_order, "{end}");
}

#[test]
fn half_sent_streams_keep_no_place_from_a_new_client() {
    let limits = TcpSettings { connections_max: 2, ..PATIENT };
    let mut server =
        Server::with_protocols([("127.0.3.1", Protocols::Quic), ("127.0.3.2", Protocols::Plain)], limits);
    let _held = block(&server, async {
        let mut held = Vec::new();
        for _ in 0..2 {
            let connection = connect(server.at("127.0.3.1")).await;
            let half = begin_half(&connection).await.unwrap();
            // It came behind that.
            ask(&connection, &query(0, b"whole")).await;
            held.push((connection, half));
        }
        held
    });
    assert_makes_room(server.at("127.0.3.2"));
    assert_eq!(server.running().tcp_counters().evicted.load(Ordering::Relaxed), 1);
}

#[test]
fn a_query_that_the_client_gives_up_makes_room() {
    let (mut server, address) = serve(TcpSettings::default());
    let counters = server.running().tcp_counters();
    block(&server, async {
        let connection = connect(address).await;
        for turn in 0..500_u32 {
            let (mut send, mut receive) = connection.open_bi().await.unwrap();
            if turn % 2 == 0 {
                send.write_all(&framed(&query(0, b"grow"))[..9]).await.unwrap();
                send.reset(VarInt::from_u32(3)).unwrap();
            } else {
                send.write_all(&framed(&query(0, b"grow"))).await.unwrap();
                send.finish().unwrap();
            }
            // It may have come to its end already.
            let _ = receive.stop(VarInt::from_u32(3));
        }
        assert_eq!(ask(&connection, &query(0, b"next")).await, framed(&echoed(&query(0, b"next"))));
    });
    eventually("the connection is gone", || counters.open.load(Ordering::Relaxed) == 0);
}

/// The answer is longer than what may be on its way at first, so that the end has to wait until it is acknowledged.
#[test]
fn stop_lets_answers_in_flight_go_out() {
    let (mut server, address) = serve(TcpSettings::default());
    let connection = block(&server, connect(address));
    let mut update = query(0, &[&b"late"[..], &[b'u'; 60_000]].concat());
    update[2] = 0x28;
    let (late, asked) = (connection.clone(), update.clone());
    let waiting = server.runtime.spawn(async move { ask(&late, &asked).await });
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    let runtime = server.runtime.handle().clone();
    server.keeper.opened.send(()).unwrap();
    let answered = std::thread::spawn(move || {
        runtime.block_on(async { (waiting.await.unwrap(), connection.closed().await) })
    });
    server.stop();
    let (response, end) = answered.join().unwrap();
    assert!(response == framed(&echoed(&update)), "{} bytes", response.len());
    assert!(
        matches!(&end, ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(0)),
        "{end}"
    );
}

/// Hears clients and does not answer; each packet with the connection id that its client has made up.
struct Nobody(UdpSocket);

impl Nobody {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.3.90:0").unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Nobody(socket)
    }

    /// Has this many clients begin.
    fn greeted(&self, server: &Server, count: usize) -> (Endpoint, Vec<Connecting>) {
        let to = self.0.local_addr().unwrap();
        server.runtime.block_on(async {
            let endpoint = Endpoint::client("127.0.3.91:0".parse().unwrap()).unwrap();
            let connect =
                |_| endpoint.connect_with(config(TransportConfig::default()), to, "ns.lab.example").unwrap();
            let begun = (0..count).map(connect).collect();
            (endpoint, begun)
        })
    }

    fn hear(&self) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
        let mut packet = [0; 2048];
        let length = self.0.recv(&mut packet)?;
        Ok((packet[6..14].to_vec(), packet[..length].to_vec()))
    }

    /// The first packet of each of this many.
    fn first_packets(&self, count: usize) -> HashMap<Vec<u8>, Vec<u8>> {
        let mut first: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        while first.len() < count {
            let (client, packet) = self.hear().unwrap();
            first.entry(client).or_insert(packet);
        }
        first
    }
}

/// The first packets of this many clients, which go no further.
fn greetings(server: &Server, count: usize) -> Vec<Vec<u8>> {
    let nobody = Nobody::new();
    let _begun = nobody.greeted(server, count);
    nobody.first_packets(count).into_values().collect()
}

/// The first and the last packets of this many clients, which give up at once.
fn greetings_and_farewells(server: &Server, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let nobody = Nobody::new();
    let (endpoint, begun) = nobody.greeted(server, count);
    let first = nobody.first_packets(count);
    drop(begun);
    block(server, endpoint.wait_idle());
    nobody.0.set_nonblocking(true).unwrap();
    let last: HashMap<Vec<u8>, Vec<u8>> = std::iter::from_fn(|| nobody.hear().ok()).collect();
    first.into_iter().map(|(client, packet)| (packet, last[&client].clone())).collect()
}

/// From addresses that are nobody's: a handshake that is over at once, and for which something is kept all the same.
#[test]
fn handshakes_that_are_given_up_at_once_have_the_next_prove_where_they_are() {
    let (mut server, address) = serve(PATIENT);
    let counters = server.running().tcp_counters();
    let handshakes = &counters.handshakes;
    let (under_way, retried) =
        (|| handshakes.under_way.load(Ordering::Relaxed), || handshakes.retried.load(Ordering::Relaxed));
    // One less than there are when they are too many.
    for (count, greeting) in greetings(&server, 63).into_iter().enumerate() {
        let from = UdpSocket::bind(format!("127.0.7.{}:0", count + 1)).unwrap();
        from.send_to(&greeting, address).unwrap();
        eventually("it is under way", || under_way() == count + 1);
    }
    for (count, (greeting, farewell)) in greetings_and_farewells(&server, 30).into_iter().enumerate() {
        let from = UdpSocket::bind(format!("127.0.8.{}:0", count + 1)).unwrap();
        from.send_to(&greeting, address).unwrap();
        eventually("it is heard", || under_way() == 64 || retried() == 1);
        if retried() == 1 {
            assert!(count > 0);
            return;
        }
        from.send_to(&farewell, address).unwrap();
        eventually("it is over", || under_way() == 63);
    }
    panic!("none was asked to prove where it is");
}

#[test]
fn of_one_address_eight_handshakes_are_under_way_before_the_next_proves_where_it_is() {
    let (mut server, address) = serve(PATIENT);
    let counters = server.running().tcp_counters();
    let handshakes = &counters.handshakes;
    let from = UdpSocket::bind("127.0.7.202:0").unwrap();
    for (count, greeting) in greetings(&server, 12).into_iter().enumerate() {
        from.send_to(&greeting, address).unwrap();
        eventually("it is heard", || {
            let retried = usize::try_from(handshakes.retried.load(Ordering::Relaxed)).unwrap();
            handshakes.under_way.load(Ordering::Relaxed) + retried == count + 1
        });
    }
    assert_eq!(handshakes.under_way.load(Ordering::Relaxed), 8);
}

#[test]
fn handshakes_that_stop_hold_up_nobody_and_cost_a_place_to_nobody_who_is_not_there() {
    let settings = TcpSettings { first_byte: Duration::from_secs(600), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let handshakes = &counters.handshakes;
    for (count, greeting) in greetings(&server, 400).into_iter().enumerate() {
        let from = UdpSocket::bind(format!("127.0.7.{}:0", count % 200 + 1)).unwrap();
        from.send_to(&greeting, address).unwrap();
        // More than one at a time might not find room in the socket.
        eventually("it is heard", || {
            let under_way = u64::try_from(handshakes.under_way.load(Ordering::Relaxed)).unwrap();
            under_way + handshakes.retried.load(Ordering::Relaxed) > u64::try_from(count).unwrap()
        });
        if count % 100 == 0 {
            let response = block(&server, async { ask(&connect(address).await, &query(0, b"one")).await });
            assert_eq!(response, framed(&echoed(&query(0, b"one"))));
        }
    }
    eventually("those beyond the limit are to prove where they are", || {
        handshakes.retried.load(Ordering::Relaxed) >= 400 - 64
    });
    assert!(handshakes.under_way.load(Ordering::Relaxed) <= 64);
    assert_eq!(handshakes.completed.load(Ordering::Relaxed), 4);
    assert!(counters.open.load(Ordering::Relaxed) <= 4, "no place is taken by who is not there");
    // Also from an address of which eight are under way.
    let response =
        block(&server, async { ask(&connect_from("127.0.7.1", address).await, &query(0, b"one")).await });
    assert_eq!(response, framed(&echoed(&query(0, b"one"))));
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended_in_time() {
    let settings = TcpSettings { first_byte: Duration::from_millis(300), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let from = UdpSocket::bind("127.0.7.201:0").unwrap();
    for greeting in greetings(&server, 5) {
        from.send_to(&greeting, address).unwrap();
    }
    eventually("all are late", || counters.handshakes.late.load(Ordering::Relaxed) == 5);
    eventually("none is left", || counters.handshakes.under_way.load(Ordering::Relaxed) == 0);
}

/// Whether a connection was ended because there is too much to do.
fn is_excessive(end: &ConnectionError) -> bool {
    matches!(end, ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(4))
}

#[test]
fn connections_are_bounded_in_all_and_per_client() {
    let settings = TcpSettings {
        connections_max: 4,
        connections_per_client_max: 2,
        idle: Duration::from_secs(600),
        ..TcpSettings::default()
    };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let held = block(&server, async {
        let held = [connect(address).await, connect(address).await];
        for one in &held {
            ask(one, &query(0, b"one")).await;
        }
        held
    });
    let third = block(&server, async {
        match try_to_connect_from("127.0.3.70", address).await {
            Ok(third) => third.closed().await,
            Err(end) => end,
        }
    });
    assert!(is_excessive(&third), "{third}");
    assert_eq!(counters.limited.load(Ordering::Relaxed), 1);
    // Two others, which are busy for as long as their queries wait.
    let others = block(&server, async {
        [connect_from("127.0.3.71", address).await, connect_from("127.0.3.72", address).await]
    });
    let waiting: Vec<_> = others
        .into_iter()
        .map(|other| server.runtime.spawn(async move { ask(&other, &query(0, b"late")).await }))
        .collect();
    waiting.iter().for_each(|_| server.keeper.reached.recv_timeout(LIMIT).unwrap());
    block(&server, async {
        // One that has its answer is busy until the server hears so.
        let newest = loop {
            let end = match try_to_connect_from("127.0.3.73", address).await {
                Ok(newest) => match exchange(&newest, &framed(&query(0, b"one"))).await {
                    Ok(response) => {
                        assert_eq!(response, framed(&echoed(&query(0, b"one"))));
                        break newest;
                    }
                    Err(_) => newest.closed().await,
                },
                Err(end) => end,
            };
            assert!(is_excessive(&end), "{end}");
        };
        // One of who has most made room, and only one.
        let lost = tokio::select! {
            lost = held[0].closed() => lost,
            lost = held[1].closed() => lost,
        };
        assert!(is_excessive(&lost), "{lost}");
        assert!(held.iter().any(|one| one.close_reason().is_none()));
        assert_eq!(newest.close_reason(), None);
    });
    assert_eq!(counters.evicted.load(Ordering::Relaxed), 1);
    // Which of the two goes first is not known.
    waiting.iter().for_each(|_| server.keeper.opened.send(()).unwrap());
    for one in waiting {
        assert_eq!(block(&server, one).unwrap(), framed(&echoed(&query(0, b"late"))));
    }
}

#[test]
fn a_client_that_does_not_take_its_responses_is_cut() {
    let settings = TcpSettings { write: Duration::from_millis(300), ..TcpSettings::default() };
    let (mut server, address) = serve(settings);
    let counters = server.running().tcp_counters();
    let end = block(&server, async {
        let mut transport = TransportConfig::default();
        transport.stream_receive_window(VarInt::from_u32(100)).receive_window(VarInt::from_u32(1000));
        let endpoint = Endpoint::client("127.0.3.74:0".parse().unwrap()).unwrap();
        let connecting = endpoint.connect_with(config(transport), address, "ns.lab.example").unwrap();
        let connection = connecting.await.unwrap();
        let mut streams = Vec::new();
        for _ in 0..90 {
            // It may be cut before it has asked all.
            let Ok((mut send, receive)) = connection.open_bi().await else { break };
            let _ = send.write_all(&framed(&query(0, b"grow"))).await;
            let _ = send.finish();
            streams.push((send, receive));
        }
        connection.closed().await
    });
    assert!(matches!(&end, ConnectionError::ApplicationClosed(_)), "{end}");
    assert_eq!(counters.cut.load(Ordering::Relaxed), 1);
    // Four responses of the longest have room.
    let answered = server.keeper.begun.load(Ordering::Relaxed);
    assert!(answered <= 5, "{answered} responses are held for a client that takes none");
    eventually("its place is free", || counters.open.load(Ordering::Relaxed) == 0);
}

#[test]
fn datagrams_that_are_no_quic_are_not_answered() {
    let (server, address) = serve(TcpSettings::default());
    let client = udp_client("127.0.3.75", address);
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    for said in [&query(1, b"plain")[..], &[0xff; 1200], &[0; 21], b"x"] {
        client.send(said).unwrap();
    }
    let mut answer = [0; 2048];
    // At most it is said which versions there are (RFC 9000, section 6).
    while let Ok(length) = client.recv(&mut answer) {
        assert_eq!(answer[1..5], [0; 4], "{:?}", &answer[..length]);
    }
    let response = block(&server, async { ask(&connect(address).await, &query(0, b"one")).await });
    assert_eq!(response, framed(&echoed(&query(0, b"one"))));
}

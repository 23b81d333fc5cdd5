//! Connections of QUIC that have ended, and are kept for some seconds all the same: how many there may be, through real
//! sockets.
//!
//! A connection is kept for about nine round trips. Clients here are behind a slow way, so that a thousand of them are kept at a
//! time on a slow machine too.

use std::net::Ipv4Addr;

use quinn::{Connection, ConnectionError, Endpoint, TransportConfig, VarInt};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::*;

/// How long the way back takes where connections come and go.
const WAY_BACK: Duration = Duration::from_secs(2);

/// The same where all handshakes are to be under way together: longer than they take to begin, and not so long that a client which
/// has heard nothing begins anew what the server has forgotten: it says its first words again after one second, three and seven.
const LONG_WAY_BACK: Duration = Duration::from_secs(4);

/// Handshakes of one address at a time: fewer than the 32 of one client, and with [`ADDRESSES`] than the 256 in all.
const AT_A_TIME: usize = 12;
const ADDRESSES: u8 = 20;

/// Longer than it all takes.
const LONG: Duration = Duration::from_secs(120);

/// A way from clients to a server, on which they have this address; where they are to connect to. What goes back is late, but for
/// what has a client prove its address.
async fn slow_way(address: Ipv4Addr, server: SocketAddr, way_back: Duration) -> SocketAddr {
    let front = Arc::new(UdpSocket::bind("127.0.3.92:0").await.unwrap());
    let back = UdpSocket::bind((address, 0)).await.unwrap();
    back.connect(server).await.unwrap();
    let place = front.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut ahead, mut behind, mut client) = ([0; 2048], [0; 2048], None);
        loop {
            tokio::select! {
                Ok((length, from)) = front.recv_from(&mut ahead) => {
                    client = Some(from);
                    let _ = back.send(&ahead[..length]).await;
                }
                Ok(length) = back.recv(&mut behind) => {
                    let (Some(to), packet) = (client, behind[..length].to_vec()) else { continue };
                    // Retry (RFC 9000, section 17.2.5).
                    let late = if packet[0] & 0xf0 == 0xf0 { Duration::ZERO } else { way_back };
                    let front = Arc::clone(&front);
                    tokio::spawn(async move {
                        sleep(late).await;
                        let _ = front.send_to(&packet, to).await;
                    });
                }
            }
        }
    });
    place
}

/// Connects and ends again, until the server refuses a client.
async fn come_and_go(endpoint: Endpoint, to: SocketAddr, over: Arc<watch::Sender<bool>>) {
    let mut ended = over.subscribe();
    while !*ended.borrow_and_update() {
        let connecting =
            endpoint.connect_with(quic::config(TransportConfig::default()), to, "ns.lab.example").unwrap();
        let connected = tokio::select! {
            connected = connecting => connected,
            _ = ended.changed() => return,
        };
        match connected {
            Ok(connection) => connection.close(VarInt::from_u32(0), b""),
            // CONNECTION_REFUSED.
            Err(ConnectionError::ConnectionClosed(_)) => _ = over.send_replace(true),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Has clients at so many addresses come and go until one is refused.
fn besiege(server: &Server, to: SocketAddr, addresses: u8, at_a_time: usize) {
    let all = async {
        let over = Arc::new(watch::Sender::new(false));
        let mut clients = JoinSet::new();
        for address in 1..=addresses {
            let way = slow_way(Ipv4Addr::new(127, 0, 9, address), to, WAY_BACK).await;
            let endpoint = Endpoint::client("127.0.3.93:0".parse().unwrap()).unwrap();
            for _ in 0..at_a_time {
                clients.spawn(come_and_go(endpoint.clone(), way, Arc::clone(&over)));
            }
        }
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
        }
    };
    server.runtime.block_on(async { timeout(LONG, all).await.expect("a client is refused") });
}

/// The oldest of 300 at a time lose their places, before their clients have heard anything.
#[test]
fn handshakes_of_clients_that_are_there_are_bounded_and_the_oldest_make_room() {
    let (mut server, address) = quic::serve(PATIENT);
    let counters = server.running().tcp_counters();
    let connect = async {
        let mut connecting = JoinSet::new();
        for client in 1..=10 {
            let way = slow_way(Ipv4Addr::new(127, 0, 10, client), address, LONG_WAY_BACK).await;
            let endpoint = Endpoint::client("127.0.3.94:0".parse().unwrap()).unwrap();
            for _ in 0..30 {
                let endpoint = endpoint.clone();
                let config = quic::config(TransportConfig::default());
                connecting.spawn(async move {
                    endpoint.connect_with(config, way, "ns.lab.example").unwrap().await
                });
            }
        }
        connecting.join_all().await
    };
    let connected = server.runtime.block_on(async { timeout(LONG, connect).await.expect("an end") });
    let evicted = counters.handshakes.evicted.load(Ordering::Relaxed);
    assert!(evicted >= 300 - 256, "{evicted} have lost their places");
    let is_ended = |one: &&Result<Connection, ConnectionError>| {
        one.as_ref().map_or(true, |one| one.close_reason().is_some())
    };
    eventually("those have ended, and no other", || {
        u64::try_from(connected.iter().filter(is_ended).count()).unwrap() == evicted
    });
    assert_eq!(counters.handshakes.limited.load(Ordering::Relaxed), 0);
}

#[test]
fn a_thousand_connections_that_have_ended_keep_further_ones_out_and_hold_up_no_other() {
    let (mut server, address) = quic::serve(PATIENT);
    let counters = server.running().tcp_counters();
    let kept = quic::block(&server, quic::connect(address));
    besiege(&server, address, ADDRESSES, AT_A_TIME);
    let handshakes = &counters.handshakes;
    let ended = handshakes.completed.load(Ordering::Relaxed) + handshakes.failed.load(Ordering::Relaxed);
    assert!(ended >= 1_024, "{ended} have ended");
    assert!(counters.refused.load(Ordering::Relaxed) >= 1);
    assert_eq!(counters.limited.load(Ordering::Relaxed), 0, "no client has more than an eighth");
    let response = quic::block(&server, quic::ask(&kept, &query(0, b"one")));
    assert_eq!(response, framed(&echoed(&query(0, b"one"))));
}

#[test]
fn an_eighth_of_that_keeps_a_client_out_and_no_other() {
    let (mut server, address) = quic::serve(PATIENT);
    let counters = server.running().tcp_counters();
    besiege(&server, address, 1, 30);
    let handshakes = &counters.handshakes;
    let ended = handshakes.completed.load(Ordering::Relaxed) + handshakes.failed.load(Ordering::Relaxed);
    assert!((128..1_024).contains(&ended), "{ended} have ended");
    assert!(counters.limited.load(Ordering::Relaxed) >= 1);
    assert_eq!(counters.refused.load(Ordering::Relaxed), 0);
    let response =
        quic::block(&server, async { quic::ask(&quic::connect(address).await, &query(0, b"one")).await });
    assert_eq!(response, framed(&echoed(&query(0, b"one"))));
}

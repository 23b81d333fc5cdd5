//! Messages that are handed over, through real sockets: one response or several, and clients that do not take
//! them.

use std::net::Shutdown;
use std::sync::atomic::Ordering;

use super::*;

/// A message that is handed over, and answered with a message of about 250 bytes times each of `sizes`.
fn message(id: u16, sizes: &[u8]) -> Vec<u8> {
    query(id, &[b"hand over", sizes].concat())
}

/// The response for one of the sizes.
fn response(id: u16, size: u8) -> Vec<u8> {
    let mut response = query(id, b"");
    response.resize(12 + usize::from(size) * 250, size);
    response
}

fn serve(tcp: TcpSettings) -> (Server, SocketAddr) {
    let server = Server::with_tcp(&["127.0.3.1"], 1, tcp);
    let address = server.at("127.0.3.1");
    (server, address)
}

#[test]
fn several_responses_come_in_order_and_the_connection_goes_on() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    let sizes: Vec<u8> = (0..=255).collect();
    stream.write_all(&framed(&message(1, &sizes))).unwrap();
    for &size in &sizes {
        assert!(read_message(&mut stream) == response(1, size), "message {size}");
    }
    stream.write_all(&framed(&query(2, b"plain"))).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(2, b"plain")));
}

#[test]
fn a_client_that_has_said_all_gets_every_response_and_then_the_end() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    stream.write_all(&[framed(&message(1, &[3, 200, 5])), framed(&message(2, &[]))].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    for size in [3, 200, 5] {
        assert!(read_message(&mut stream) == response(1, size), "message {size}");
    }
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_client_that_has_said_all_gets_its_response_although_the_server_stops() {
    let (mut server, address) = serve(TcpSettings::default());
    let (mut stream, mut idle) = (tcp_client(address), tcp_client(address));
    stream.write_all(&framed(&query(1, b"late"))).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    let counters = server.running().tcp_counters();
    idle.write_all(&[0]).unwrap();
    eventually("both are accepted", || counters.accepted.load(Ordering::Relaxed) == 2);
    let opened = server.keeper.opened.clone();
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0, "the stop has come to the connections");
    opened.send(()).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(1, b"late")));
    drop((stream, idle));
    stopping.join().unwrap();
}

#[test]
fn a_client_for_which_32_responses_are_to_come_is_read_on_when_one_has_come() {
    let (server, address) = serve(PATIENT);
    let mut stream = tcp_client(address);
    let late = (0..32).flat_map(|id| framed(&query(id, b"late")));
    let said: Vec<u8> = late.chain(framed(&query(99, b"next"))).collect();
    stream.write_all(&said).unwrap();
    (0..32).for_each(|_| server.keeper.reached.recv_timeout(LIMIT).unwrap());
    server.keeper.opened.send(()).unwrap();
    let first = read_message(&mut stream);
    assert_eq!(first[12..], *b"late", "it comes before what was not read until then");
    assert_eq!(read_message(&mut stream), echoed(&query(99, b"next")));
    for _ in 1..32 {
        server.keeper.opened.send(()).unwrap();
        assert_eq!(read_message(&mut stream)[12..], *b"late");
    }
}

#[test]
fn a_message_without_an_answer_leaves_the_connection_as_idle_as_it_was() {
    let (_server, address) =
        serve(TcpSettings { idle: Duration::from_millis(300), ..TcpSettings::default() });
    let mut stream = tcp_client(address);
    stream.write_all(&framed(&message(1, &[]))).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "idle for too long");
}

#[test]
fn a_client_that_does_not_read_holds_little_and_is_cut() {
    let (mut server, address) =
        serve(TcpSettings { write: Duration::from_millis(300), ..TcpSettings::default() });
    let mut stream = tcp_client(address);
    // 250 MB, were all of them made.
    stream.write_all(&framed(&message(1, &[255; 4000]))).unwrap();
    let counters = server.running().tcp_counters();
    eventually("the client is cut", || counters.cut.load(Ordering::Relaxed) == 1);
    // What the buffers of the kernel take on both sides, and little more.
    let sent = server.keeper.sent.load(Ordering::Relaxed);
    assert!(sent < 400, "{sent} messages were made for a client that reads none");
    eventually("whoever sends learns that the client is gone", || counters.open.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_datagram_is_answered_from_the_address_that_was_asked() {
    let server = Server::start(&["127.0.3.1", "127.0.3.2"], 1);
    for ip in ["127.0.3.1", "127.0.3.2"] {
        // It hears only the address it asks.
        let client = udp_client("127.0.3.99", server.at(ip));
        client.send(&message(7, &[4])).unwrap();
        assert_eq!(receive(&client), response(7, 4), "{ip}");
    }
}

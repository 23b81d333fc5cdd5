//! TCP, through real sockets.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::thread;

use super::*;

/// Short enough for a test, long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(300);

fn serve(tcp: TcpSettings) -> (Server, SocketAddr) {
    let server = Server::with_tcp(&["127.0.3.1"], 1, tcp);
    let address = server.at("127.0.3.1");
    (server, address)
}

/// Wants the connection to be ended by the server, without more data.
fn assert_ended(stream: &mut TcpStream) {
    match stream.read(&mut [0; 1]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("not ended: {other:?}"),
    }
}

#[test]
fn two_queries_in_one_segment_are_both_answered() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    let both = [framed(&query(1, b"one")), framed(&query(2, b"two"))].concat();
    stream.write_all(&both).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(1, b"one")));
    assert_eq!(read_message(&mut stream), echoed(&query(2, b"two")));
}

#[test]
fn a_query_in_single_bytes_is_answered() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    stream.set_nodelay(true).unwrap();
    for byte in framed(&query(3, b"slow")) {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_message(&mut stream), echoed(&query(3, b"slow")));
}

#[test]
fn a_thousand_pipelined_queries_are_answered_in_order() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    let mut asking = stream.try_clone().unwrap();
    let asked = thread::spawn(move || {
        let all: Vec<u8> = (0..1000).flat_map(|id| framed(&query(id, b"pipelined"))).collect();
        asking.write_all(&all).unwrap();
    });
    for id in 0..1000 {
        assert_eq!(read_message(&mut stream), echoed(&query(id, b"pipelined")));
    }
    asked.join().unwrap();
}

#[test]
fn the_longest_query_and_the_longest_responses_pass() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    let longest = query(4, &vec![b'q'; mmsg::QUERY_LENGTH_MAX - 12]);
    stream.write_all(&[framed(&longest), framed(&longest), framed(&query(5, b"grow"))].concat()).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&longest));
    assert_eq!(read_message(&mut stream), echoed(&longest));
    assert_eq!(read_message(&mut stream).len(), 65_535);
}

#[test]
fn an_update_may_be_longer_than_a_query() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    let mut update = query(6, &vec![b'u'; 65_535 - 12]);
    update[2] = 0x28;
    stream
        .write_all(&[framed(&query(5, b"one")), framed(&update), framed(&query(7, b"two"))].concat())
        .unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(5, b"one")));
    assert!(read_message(&mut stream) == echoed(&update));
    assert_eq!(read_message(&mut stream), echoed(&query(7, b"two")));
}

#[test]
fn a_dropped_query_leaves_the_connection_open() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    stream.write_all(&[framed(&query(1, b"drop")), framed(&query(2, b"keep"))].concat()).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(2, b"keep")));
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answers() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    stream.write_all(&framed(&query(9, b"last"))).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(9, b"last")));
    assert_ended(&mut stream);
}

#[test]
fn what_is_not_dns_ends_the_connection_after_the_answers() {
    let (_server, address) = serve(TcpSettings::default());
    for length in [0_u16, 3, 11, 4097, 65_535] {
        let mut stream = tcp_client(address);
        let said = [&framed(&query(1, b"good")), &length.to_be_bytes()[..], b"GET / HTTP/1.1"].concat();
        stream.write_all(&said).unwrap();
        assert_eq!(read_message(&mut stream), echoed(&query(1, b"good")), "length {length}");
        assert_ended(&mut stream);
    }
}

#[test]
fn an_end_is_orderly_although_the_client_goes_on() {
    let (_server, address) = serve(TcpSettings::default());
    let mut stream = tcp_client(address);
    // More than is received ahead: closing over it would reset the connection.
    let said = [framed(&query(1, b"good")), vec![0; 30_000]].concat();
    stream.write_all(&said).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&query(1, b"good")));
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn an_idle_connection_is_ended_and_single_bytes_do_not_help() {
    let (_server, address) = serve(TcpSettings { idle: SHORT, ..TcpSettings::default() });
    let mut stream = tcp_client(address);
    let begin = Instant::now();
    stream.write_all(&framed(&query(1, b"then nothing"))).unwrap();
    read_message(&mut stream);
    assert_ended(&mut stream);
    assert!(begin.elapsed() >= SHORT, "too early: {:?}", begin.elapsed());

    let mut dripping = tcp_client(address);
    dripping.set_read_timeout(Some(SHORT / 10)).unwrap();
    let deadline = Instant::now() + LIMIT;
    // The length of a long query, and never the end of it.
    dripping.write_all(&[1]).unwrap();
    while !matches!(dripping.read(&mut [0; 1]), Ok(0)) {
        assert!(Instant::now() < deadline, "still open");
        if dripping.write_all(&[1]).is_err() {
            break;
        }
    }
}

#[test]
fn a_client_that_says_nothing_is_ended() {
    let (_server, address) = serve(TcpSettings { first_byte: SHORT, ..TcpSettings::default() });
    assert_ended(&mut tcp_client(address));
}

#[test]
fn a_busy_connection_ends_with_its_lifetime() {
    let (_server, address) = serve(TcpSettings { lifetime: SHORT, ..TcpSettings::default() });
    let mut stream = tcp_client(address);
    let deadline = Instant::now() + LIMIT;
    let mut buffer = [0; 4096];
    while stream.write_all(&framed(&query(1, b"again"))).is_ok() {
        assert!(Instant::now() < deadline, "still open");
        if !matches!(stream.read(&mut buffer), Ok(1..)) {
            break;
        }
    }
}

/// The kernel keeps them for as long as it waits for their first byte, and then no longer.
#[test]
fn a_client_that_has_said_nothing_yet_is_accepted_only_when_it_does_or_after_a_while() {
    let (mut server, address) = serve(PATIENT);
    let counters = server.running().tcp_counters();
    let (_silent, mut speaks) = (tcp_client(address), tcp_client(address));
    speaks.write_all(&framed(&query(1, b"first"))).unwrap();
    assert_eq!(read_message(&mut speaks), echoed(&query(1, b"first")));
    assert_eq!(counters.accepted.load(Ordering::Relaxed), 1, "the other one has not said anything");
    eventually("the silent one is accepted", || counters.accepted.load(Ordering::Relaxed) == 2);
}

#[test]
fn connections_beyond_a_limit_are_closed_at_once() {
    let limits = TcpSettings { connections_max: 3, connections_per_client_max: 2, ..PATIENT };
    let (mut server, address) = serve(limits);
    let counters = server.running().tcp_counters();
    let asked = framed(&query(1, b"held"));
    // What says nothing is not seen at once: each begins with half of its query.
    let from = |ip: &str| {
        let mut stream = tls::from(ip, address);
        stream.write_all(&asked[..8]).unwrap();
        stream
    };
    let mut held = vec![from("127.0.3.50"), from("127.0.3.50")];
    assert_ended(&mut from("127.0.3.50"));
    held.pop();
    eventually("one is given back", || counters.open.load(Ordering::Relaxed) == 1);
    held.extend([from("127.0.3.51"), from("127.0.3.52")]);
    eventually("all are taken", || counters.open.load(Ordering::Relaxed) == 3);
    // No client has more than the new one would have: no connection has to go.
    assert_ended(&mut from("127.0.3.52"));
    assert_eq!(counters.limited.load(Ordering::Relaxed), 1);
    assert_eq!(counters.refused.load(Ordering::Relaxed), 1);
    assert_eq!(counters.accepted.load(Ordering::Relaxed), 4);
    for stream in &mut held {
        stream.write_all(&asked[8..]).unwrap();
        assert_eq!(read_message(stream), echoed(&query(1, b"held")));
    }
    drop(held);
    eventually("all are given back", || counters.open.load(Ordering::Relaxed) == 0);
    let mut again = from("127.0.3.50");
    again.write_all(&asked[8..]).unwrap();
    assert_eq!(read_message(&mut again), echoed(&query(1, b"held")));
}

/// Whether the server has ended a connection, as far as is known here.
fn is_ended(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0; 1]);
    stream.set_nonblocking(false).unwrap();
    match peeked {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// Which of them it is depends on when the server gets to say that they are idle; the unit tests of the limits have the
/// order.
#[test]
fn a_new_client_gets_the_place_of_an_idle_connection() {
    let limits = TcpSettings { connections_max: 3, connections_per_client_max: 3, ..PATIENT };
    let (mut server, address) = serve(limits);
    let counters = server.running().tcp_counters();
    let answered = |stream: &mut TcpStream, id| {
        stream.write_all(&framed(&query(id, b"now")))?;
        let mut response = vec![0; 2 + query(id, b"now").len()];
        stream.read_exact(&mut response)?;
        assert_eq!(response, framed(&echoed(&query(id, b"now"))));
        Ok::<(), std::io::Error>(())
    };
    let mut held: Vec<TcpStream> = (0..3).map(|_| tls::from("127.0.3.60", address)).collect();
    held.iter_mut().for_each(|stream| answered(stream, 1).unwrap());
    // One that has its answer is busy until the server gets to say that it is not.
    let deadline = Instant::now() + LIMIT;
    let mut new = tls::from("127.0.3.61", address);
    while answered(&mut new, 2).is_err() {
        assert!(Instant::now() < deadline, "no place");
        new = tls::from("127.0.3.61", address);
    }
    eventually("one of the three is ended", || held.iter().any(is_ended));
    held.retain(|stream| !is_ended(stream));
    assert_eq!(held.len(), 2);
    held.iter_mut().for_each(|stream| answered(stream, 3).unwrap());
    answered(&mut new, 4).unwrap();
    assert_eq!(counters.evicted.load(Ordering::Relaxed), 1);
    assert_eq!(counters.open.load(Ordering::Relaxed), 3);
}

#[test]
fn a_client_that_does_not_read_is_cut_and_can_send_little() {
    let (mut server, address) = serve(TcpSettings { write: SHORT, ..TcpSettings::default() });
    let counters = server.running().tcp_counters();
    let mut stream = tcp_client(address);
    let asked = framed(&query(1, b"grow"));
    // Each query would cost 64 KiB; the server must stop reading long before it has taken 16 MiB, at which it
    // would hold a million of them.
    let mut sent = 0;
    while sent < 16 << 20 && stream.write_all(&asked).is_ok() {
        sent += asked.len();
    }
    eventually("the client is cut", || counters.cut.load(Ordering::Relaxed) == 1);
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    eventually("its place is free", || counters.open.load(Ordering::Relaxed) == 0);
}

/// The name of the thread that serves a connection.
fn thread_of(stream: &mut TcpStream) -> Vec<u8> {
    stream.write_all(&framed(&query(1, b"thread              "))).unwrap();
    read_message(stream).split_off(12)
}

#[test]
fn connections_are_spread_over_threads_and_each_stays_on_its_own() {
    let server = Server::start(&["127.0.3.1"], 6);
    let address = server.at("127.0.3.1");
    let mut clients: Vec<(TcpStream, Vec<u8>)> = Vec::new();
    let deadline = Instant::now() + LIMIT;
    while clients.iter().map(|(_, thread)| thread).collect::<HashSet<_>>().len() < 3 {
        assert!(Instant::now() < deadline, "not spread: {:?}", clients.last());
        let mut client = tcp_client(address);
        let thread = thread_of(&mut client);
        assert!(thread.starts_with(b"edgedns-tcp-"), "{thread:?}");
        // No more than a client may have.
        clients.truncate(90);
        clients.push((client, thread));
    }
    for (client, thread) in &mut clients {
        assert_eq!(thread_of(client), *thread);
    }
}

#[test]
fn stop_lets_answers_in_flight_go_out() {
    let mut server = Server::start(&["127.0.3.1"], 4);
    let address = server.at("127.0.3.1");
    let mut stream = tcp_client(address);
    let thread = thread_of(&mut stream);
    let deadline = Instant::now() + LIMIT;
    // The thread that waits in the responder cannot end another connection meanwhile, but no responder waits.
    let mut idle = tcp_client(address);
    while thread_of(&mut idle) == thread {
        assert!(Instant::now() < deadline, "all are on one thread");
        idle = tcp_client(address);
    }
    stream.write_all(&framed(&query(0, b"stall"))).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    let all: Vec<u8> = (1..=1000).flat_map(|id| framed(&query(id, b"queued"))).collect();
    stream.write_all(&all).unwrap();
    let opened = server.keeper.opened.clone();
    let stopping = thread::spawn(move || {
        let begin = Instant::now();
        server.stop();
        begin.elapsed()
    });
    assert_ended(&mut idle);
    opened.send(()).unwrap();
    for id in 0..=1000 {
        let response = read_message(&mut stream);
        assert_eq!(response[..2], u16::to_be_bytes(id));
    }
    assert_ended(&mut stream);
    drop((stream, idle));
    assert!(stopping.join().unwrap() < LIMIT);
}

#[test]
fn a_connection_that_does_not_end_does_not_hold_up_the_stop() {
    let (mut server, address) = serve(PATIENT);
    let mut stream = tcp_client(address);
    for _ in 0..40 {
        stream.write_all(&framed(&query(1, b"grow"))).unwrap();
    }
    let begin = Instant::now();
    server.stop();
    assert!(begin.elapsed() < FOR_EVER / 2, "{:?}", begin.elapsed());
}

/// Nobody sets it for each of them.
#[test]
fn a_connection_does_not_hold_back_small_responses() {
    let settings = Settings { workers: 1, ..Settings::default() };
    let (_, listeners) = bind(&["127.0.3.1"], &settings);
    let listener = &listeners.bound[0].sockets[0];
    listener.set_nonblocking(false).unwrap();
    let _client = tcp_client(listener.local_addr().unwrap().as_socket().unwrap());
    assert!(listener.accept().unwrap().0.tcp_nodelay().unwrap());
}

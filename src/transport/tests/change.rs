//! Changing listen addresses while queries come in, and refusals.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use super::*;

/// Asks in rounds until `until` is set, counting them in `rounds`. Every query must be answered.
fn ask_until(until: &AtomicBool, rounds: &AtomicU32, to: SocketAddr) {
    while !until.load(Ordering::Relaxed) {
        // New sockets, hence new ports: the kernel chooses among all workers.
        let client = udp_client("127.0.3.99", to);
        for id in 0..20 {
            client.send(&query(id, b"during")).unwrap();
        }
        for _ in 0..20 {
            assert!(client.recv(&mut [0; 64]).is_ok(), "query lost after {rounds:?} rounds");
        }
        rounds.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `changes` while queries to `to` are being answered, and goes on asking for a while.
fn while_asked(to: SocketAddr, changes: impl FnOnce()) {
    let (until, rounds) = (AtomicBool::new(false), AtomicU32::new(0));
    let more_rounds = |than: u32| eventually("it is asked", || rounds.load(Ordering::Relaxed) > than);
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(&until, &rounds, to));
        // Also when an assertion fails: the scope waits for the thread.
        let until = StopAsking(&until);
        more_rounds(0);
        changes();
        more_rounds(rounds.load(Ordering::Relaxed) + 5);
        drop(until);
        asking.join().unwrap();
    });
}

struct StopAsking<'a>(&'a AtomicBool);

impl Drop for StopAsking<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_query_is_lost_while_another_address_comes_and_goes() {
    let mut server = Server::start(&["127.0.3.1"], 2);
    while_asked(server.at("127.0.3.1"), || {
        for _ in 0..20 {
            server.change(&["127.0.3.1", "127.0.3.2", "::1"], 2).unwrap();
            assert_answers(server.at("127.0.3.2"));
            assert_answers(server.at("::1"));
            server.change(&["127.0.3.1"], 2).unwrap();
        }
    });
}

#[test]
fn no_query_is_lost_while_workers_are_added() {
    let mut server = Server::start(&["127.0.3.1"], 1);
    while_asked(server.at("127.0.3.1"), || {
        for workers in 2..6 {
            server.change(&["127.0.3.1"], workers).unwrap();
            assert_eq!(server.running().worker_count(), workers);
        }
    });
}

#[test]
fn fewer_workers_answer_too() {
    let mut server = Server::start(&["127.0.3.1", "::1"], 4);
    server.change(&["127.0.3.1", "::1"], 1).unwrap();
    assert_eq!(server.running().worker_count(), 1);
    for _ in 0..20 {
        assert_answers(server.at("127.0.3.1"));
        assert_answers(server.at("::1"));
    }
}

#[test]
fn an_address_given_up_is_free_when_the_change_is_done() {
    let mut server = Server::start(&["127.0.3.1", "127.0.3.2"], 2);
    server.change(&["127.0.3.2"], 2).unwrap();
    let free = server.at("127.0.3.1");
    UdpSocket::bind(free).unwrap();
    std::net::TcpListener::bind(free).unwrap();
    assert_answers(server.at("127.0.3.2"));
}

#[test]
fn an_address_given_up_answers_what_it_has_received() {
    let mut server = Server::start(&["127.0.3.1", "127.0.3.2"], 1);
    let client = udp_client("127.0.3.99", server.at("127.0.3.1"));
    client.send(&query(0, b"stall")).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    for id in 1..=300 {
        client.send(&query(id, b"queued")).unwrap();
    }
    server.keeper.opened.send(()).unwrap();
    server.change(&["127.0.3.2"], 1).unwrap();
    assert!((0..=300).all(|_| receive(&client)[2] & 0x80 != 0));
}

#[test]
fn one_can_go_from_the_wildcard_to_an_address_and_back() {
    let mut server = Server::start(&["0.0.0.0"], 2);
    server.change(&["127.0.3.1"], 2).unwrap();
    assert_answers(server.at("127.0.3.1"));
    server.change(&["0.0.0.0"], 2).unwrap();
    assert_answers(server.at("127.0.3.2"));
    server.change(&["0.0.0.0", "127.0.3.2"], 2).unwrap();
    assert_answers(server.at("127.0.3.2"));
    assert_answers(server.at("127.0.3.3"));
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let mut server = Server::start(&["127.0.3.1"], 2);
    let _other = std::net::TcpListener::bind(server.at("127.0.3.5")).unwrap();
    let error = server.change(&["127.0.3.4", "127.0.3.5"], 3).unwrap_err();
    let said = error.to_string();
    for part in ["127.0.3.5", &server.port().to_string(), "TCP", "another server"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(server.running().worker_count(), 2);
    assert_eq!(server.running().addresses().count(), 1);
    assert_answers(server.at("127.0.3.1"));
    UdpSocket::bind(server.at("127.0.3.4")).unwrap();
    assert!(matches!(server.change(&[], 2), Err(Error::NoAddress)));
    assert_answers(server.at("127.0.3.1"));
}

#[test]
fn a_second_server_cannot_take_a_share_of_the_queries() {
    let server = Server::start(&["127.0.3.1"], 1);
    let error = Listeners::bind(&server.settings, Inherited::none()).unwrap_err();
    assert!(matches!(error, Error::Listen { protocol: SocketProtocol::Tcp, .. }), "{error}");
}

#[test]
fn a_udp_port_of_another_server_is_refused_in_words() {
    let (settings, listeners) = bind(&["127.0.3.6"], &Settings { workers: 1, ..Settings::default() });
    drop(listeners);
    let _other = UdpSocket::bind(settings.listen[0].address).unwrap();
    let said = Listeners::bind(&settings, Inherited::none()).unwrap_err().to_string();
    assert!(said.contains("over UDP") && said.contains("ss -lnup"), "{said}");
}

#[test]
fn the_tcp_limits_change_for_new_connections() {
    let tcp = TcpSettings { connections_per_client_max: 0, ..TcpSettings::default() };
    let mut server = Server::with_tcp(&["127.0.3.1"], 1, tcp);
    let mut refused = tcp_client(server.at("127.0.3.1"));
    assert_eq!(refused.read(&mut [0; 1]).unwrap(), 0);
    server.settings.tcp = TcpSettings::default();
    server.change(&["127.0.3.1"], 1).unwrap();
    assert_answers(server.at("127.0.3.1"));
}

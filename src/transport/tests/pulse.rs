//! Whether the threads that answer make progress.

use super::*;

const MOMENT: Duration = Duration::from_millis(50);

const NONE: [ServingThread; 0] = [];

fn pulse(server: &mut Server, limit: Duration) -> Vec<ServingThread> {
    let pulse = server.running().pulse(limit);
    server.runtime.block_on(pulse)
}

#[test]
fn idle_workers_turn_when_they_are_asked() {
    let mut server = Server::start(&["127.0.3.31"], 2);
    for _ in 0..3 {
        assert_eq!(pulse(&mut server, LIMIT), NONE);
    }
    let client = udp_client("127.0.3.99", server.at("127.0.3.31"));
    client.send(&query(1, b"still")).unwrap();
    assert!(client.recv(&mut [0; 64]).is_ok());
}

#[test]
fn a_worker_that_hangs_is_told_and_turns_again_when_it_is_let_go() {
    let mut server = Server::start(&["127.0.3.32"], 1);
    let client = udp_client("127.0.3.99", server.at("127.0.3.32"));
    client.send(&query(1, b"stall")).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    assert_eq!(pulse(&mut server, MOMENT), [ServingThread::Udp(0)]);
    server.keeper.opened.send(()).unwrap();
    assert!(client.recv(&mut [0; 64]).is_ok());
    assert_eq!(pulse(&mut server, LIMIT), NONE);
}

#[test]
fn a_thread_of_tcp_that_hangs_is_told_and_turns_again_when_it_is_let_go() {
    let mut server = Server::start(&["127.0.3.35"], 1);
    let mut client = tcp_client(server.at("127.0.3.35"));
    client.write_all(&framed(&query(1, b"stall"))).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    assert_eq!(pulse(&mut server, MOMENT), [ServingThread::Tcp(0)]);
    server.keeper.opened.send(()).unwrap();
    read_message(&mut client);
    assert_eq!(pulse(&mut server, LIMIT), NONE);
}

#[test]
fn whoever_is_idle_looks_at_what_is_newest_when_told() {
    let mut server = Server::start(&["127.0.3.33"], 2);
    server.running().catch_up();
    // Two workers are woken, and whoever answers over TCP looks at once.
    assert_eq!(pulse(&mut server, LIMIT), NONE);
    assert!(server.keeper.begun.load(Ordering::Relaxed) >= 3);
    server.running().catch_up();
    let client = udp_client("127.0.3.99", server.at("127.0.3.33"));
    client.send(&query(1, b"still")).unwrap();
    assert!(client.recv(&mut [0; 64]).is_ok());
}

#[test]
fn a_worker_that_hangs_holds_up_nobody_who_wakes_it() {
    /// More than a pipe holds, in bytes (pipe(7)).
    const WAKES: usize = 70_000;
    let mut server = Server::start(&["127.0.3.34"], 1);
    let client = udp_client("127.0.3.99", server.at("127.0.3.34"));
    client.send(&query(1, b"stall")).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    let (done, woken) = channel();
    // On a thread that can be left behind: one that waits for a full pipe waits for ever.
    std::thread::spawn(move || {
        (0..WAKES).for_each(|_| server.running().catch_up());
        done.send(server).unwrap();
    });
    let mut server = woken.recv_timeout(LIMIT).expect("waking a worker that hangs does not end");
    server.keeper.opened.send(()).unwrap();
    assert!(client.recv(&mut [0; 64]).is_ok());
    assert_eq!(pulse(&mut server, LIMIT), NONE, "it has woken");
}

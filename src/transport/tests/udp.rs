//! UDP, through real sockets.

use std::sync::atomic::Ordering;

use super::*;

#[test]
fn a_wildcard_socket_answers_from_the_address_that_was_asked() {
    let server = Server::start(&["0.0.0.0", "::"], 1);
    for address in ["127.0.3.7", "127.0.3.8", "127.0.0.1"] {
        let client = udp_client("127.0.3.99", server.at(address));
        client.send(&query(1, address.as_bytes())).unwrap();
        assert_eq!(receive(&client), echoed(&query(1, address.as_bytes())));
    }
    let client = udp_client("::1", server.at("::1"));
    client.send(&query(2, b"six")).unwrap();
    assert_eq!(receive(&client), echoed(&query(2, b"six")));
}

#[test]
fn every_query_of_a_burst_is_answered() {
    let server = Server::start(&["127.0.3.1", "::1"], 2);
    let clients = [
        udp_client("127.0.3.99", server.at("127.0.3.1")),
        udp_client("127.0.3.98", server.at("127.0.3.1")),
        udp_client("::1", server.at("::1")),
    ];
    for id in 0..1000 {
        for client in &clients {
            client.send(&query(id, b"burst")).unwrap();
        }
    }
    for client in &clients {
        let mut ids: Vec<u16> = (0..1000)
            .map(|_| {
                let response = receive(client);
                u16::from_be_bytes([response[0], response[1]])
            })
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..1000).collect::<Vec<_>>());
    }
}

#[test]
fn dropped_queries_do_not_mix_up_the_others_of_their_batch() {
    let server = Server::start(&["0.0.0.0"], 1);
    let stalling = udp_client("127.0.3.99", server.at("127.0.3.1"));
    stalling.send(&query(0, b"stall")).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    // These wait in the socket, so they become one batch.
    let clients: Vec<UdpSocket> = (0..48_u16)
        .map(|id| {
            let address = format!("127.0.3.{}", id % 5 + 1);
            let client = udp_client("127.0.3.99", server.at(&address));
            let what: &[u8] = if id % 3 == 0 { b"drop" } else { b"keep" };
            client.send(&query(id, &[what, &vec![b'x'; usize::from(id)]].concat())).unwrap();
            client
        })
        .collect();
    server.keeper.opened.send(()).unwrap();
    for (id, client) in (0..48_u16).zip(&clients).filter(|(id, _)| id % 3 != 0) {
        let response = receive(client);
        assert_eq!(
            response,
            echoed(&query(id, &[b"keep".as_slice(), &vec![b'x'; usize::from(id)]].concat()))
        );
    }
    for client in clients.iter().step_by(3) {
        client.set_nonblocking(true).unwrap();
        assert!(client.recv(&mut [0; 16]).is_err());
    }
}

#[test]
fn an_oversized_datagram_is_dropped_and_counted() {
    let mut server = Server::start(&["127.0.3.1"], 1);
    let client = udp_client("127.0.3.99", server.at("127.0.3.1"));
    client.send(&vec![0; mmsg::QUERY_LENGTH_MAX + 1]).unwrap();
    client.send(&query(5, b"next")).unwrap();
    assert_eq!(receive(&client), echoed(&query(5, b"next")));
    assert_eq!(server.running().udp_counters().oversized.load(Ordering::Relaxed), 1);
}

#[test]
fn a_response_is_never_longer_than_every_link_carries() {
    let server = Server::start(&["127.0.3.1"], 1);
    let client = udp_client("127.0.3.99", server.at("127.0.3.1"));
    client.send(&query(6, b"grow")).unwrap();
    assert_eq!(receive(&client).len(), 1232);
}

#[test]
fn stop_answers_what_is_queued() {
    let mut server = Server::start(&["127.0.3.1"], 1);
    let client = udp_client("127.0.3.99", server.at("127.0.3.1"));
    client.send(&query(0, b"stall")).unwrap();
    server.keeper.reached.recv_timeout(LIMIT).unwrap();
    for id in 1..=500 {
        client.send(&query(id, b"queued")).unwrap();
    }
    let opened = server.keeper.opened.clone();
    // The worker is let go only after it has been told to stop.
    let stopping = server.running.take().unwrap();
    let (mut stop, runtime) = (Box::pin(stopping.stop()), &server.runtime);
    let poll = |cx: &mut std::task::Context<'_>| std::task::Poll::Ready(stop.as_mut().poll(cx).is_pending());
    assert!(runtime.block_on(std::future::poll_fn(poll)), "the worker still stalls");
    opened.send(()).unwrap();
    runtime.block_on(stop);
    assert!((0..=500).all(|_| receive(&client)[2] & 0x80 != 0));
}

#[test]
fn an_idle_server_stops_at_once() {
    let mut server = Server::start(&["127.0.3.1", "127.0.3.2", "::1"], 4);
    let begin = Instant::now();
    server.stop();
    // Far below every limit: it was woken, it did not time out.
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn a_server_that_is_dropped_frees_its_ports() {
    let mut server = Server::start(&["127.0.3.1"], 2);
    let address = server.at("127.0.3.1");
    drop(server.running.take());
    eventually("the port is free", || {
        UdpSocket::bind(address).is_ok() && std::net::TcpListener::bind(address).is_ok()
    });
}

#[test]
fn what_the_kernel_gave_is_reported() {
    let mut server = Server::start(&["127.0.3.1", "::1"], 1);
    let listening = server.running().listening();
    assert_eq!(listening.len(), 2);
    let buffers_of = |one: &Listening| one.buffers.unwrap();
    assert!(listening.iter().map(buffers_of).all(|one| one.receive_bytes > 4096 && one.send_bytes > 4096));
    let limit = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap();
    let short = Some(limit).filter(|limit: &usize| *limit < UDP_BUFFER_BYTES);
    assert!(
        listening.iter().all(|one| one.buffers.unwrap().short_receive_bytes() == short),
        "{listening:?}, {limit}"
    );
}

#[test]
fn a_receive_buffer_is_short_by_what_the_kernel_granted_and_not_by_what_it_counts() {
    let buffers = |granted| Buffers { receive_bytes: granted * 2, send_bytes: 0 };
    assert_eq!(buffers(212_992).short_receive_bytes(), Some(212_992));
    assert_eq!(buffers(UDP_BUFFER_BYTES).short_receive_bytes(), None);
}

#[test]
fn what_is_queued_at_one_address_does_not_keep_another_waiting() {
    let server = Server::start(&["127.0.3.1", "127.0.3.2"], 1);
    let stalling = || server.keeper.reached.recv_timeout(LIMIT).unwrap();
    let one = udp_client("127.0.3.99", server.at("127.0.3.1"));
    one.send(&query(0, b"stall")).unwrap();
    stalling();
    // Eight batches.
    for id in 1..=500 {
        one.send(&query(id, b"queued")).unwrap();
    }
    let other = udp_client("127.0.3.99", server.at("127.0.3.2"));
    other.send(&query(501, b"stall")).unwrap();
    server.keeper.opened.send(()).unwrap();
    stalling();
    let batches = server.keeper.begun.load(Ordering::Relaxed);
    server.keeper.opened.send(()).unwrap();
    assert!(batches < 8, "{batches} batches before the other address");
    assert!((0..=500).all(|_| receive(&one)[2] & 0x80 != 0));
    receive(&other);
}

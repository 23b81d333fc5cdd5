//! Batches over real sockets: what is received in one call, and sent in one.

use super::*;
use std::net::UdpSocket;
use std::time::Duration;

/// A batch with one query of each client, received from `server`.
fn received(server: &UdpSocket, clients: &[UdpSocket]) -> Batch {
    for client in clients {
        client.send_to(b"query", server.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new();
    assert_eq!(batch.receive(server.as_fd()).unwrap(), clients.len());
    batch
}

fn socket(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

fn echo(arrival: &Arrival<'_>, out: &mut [u8]) -> Reply {
    out[..arrival.query.len()].copy_from_slice(arrival.query);
    Reply::Send { len: arrival.query.len() }
}

#[test]
fn a_datagram_that_the_kernel_refuses_does_not_hold_up_the_others() {
    let server = socket("127.0.3.20");
    let clients: Vec<UdpSocket> = (0..5).map(|_| socket("127.0.3.21")).collect();
    let mut batch = received(&server, &clients);
    batch.answer(echo);
    // The broadcast address, which an ordinary socket may not send to.
    for index in [0, 2, 4] {
        batch.slots_mut().names[index].0[4..8].fill(255);
    }
    assert_eq!(batch.send(server.as_fd()), 3);
    for index in [1, 3] {
        assert_eq!(clients[index].recv(&mut [0; 16]).unwrap(), 5);
    }
}

#[test]
fn a_batch_can_be_used_again_and_again() {
    let server = socket("127.0.3.22");
    report_destination(&server, server.local_addr().unwrap().ip()).unwrap();
    let clients: Vec<UdpSocket> = (0..3).map(|_| socket("127.0.3.23")).collect();
    let mut batch = Batch::new();
    for round in 0..50_usize {
        let asking = round % clients.len() + 1;
        for client in &clients[..asking] {
            client.send_to(&vec![b'q'; round], server.local_addr().unwrap()).unwrap();
        }
        assert_eq!(batch.receive(server.as_fd()).unwrap(), asking);
        assert_eq!(batch.answer(echo), Passed::default());
        assert_eq!(batch.send(server.as_fd()), 0);
        for client in &clients[..asking] {
            let mut response = [0; 64];
            let (length, from) = client.recv_from(&mut response).unwrap();
            assert_eq!((length, from), (round, server.local_addr().unwrap()));
        }
    }
    assert_eq!(batch.receive(server.as_fd()).unwrap(), 0);
}

#[test]
fn more_than_a_batch_comes_in_several() {
    let server = socket("127.0.3.24");
    let client = socket("127.0.3.25");
    for _ in 0..BATCH + 6 {
        client.send_to(b"query", server.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new();
    assert_eq!(batch.receive(server.as_fd()).unwrap(), BATCH);
    assert_eq!(batch.receive(server.as_fd()).unwrap(), 6);
}

#[test]
fn the_client_is_who_sent_it_in_both_families() {
    for address in ["127.0.3.26", "::1"] {
        let server = socket(address);
        let mut batch = received(&server, &[socket(address)]);
        let mut seen = None;
        batch.answer(|arrival, _| {
            seen = Some((arrival.client, arrival.query.to_vec()));
            Reply::Drop
        });
        assert_eq!(seen, Some((address.parse().unwrap(), b"query".to_vec())));
    }
}

#[test]
fn a_response_that_comes_later_leaves_from_the_address_that_was_asked() {
    for (any, address) in [("0.0.0.0", "127.0.3.27"), ("::", "::1")] {
        let server = socket(any);
        report_destination(&server, server.local_addr().unwrap().ip()).unwrap();
        let client = socket(address);
        let asked = (address, server.local_addr().unwrap().port());
        client.send_to(b"query", asked).unwrap();
        let mut batch = Batch::new();
        while batch.receive(server.as_fd()).unwrap() == 0 {}
        let mut way = None;
        batch.answer(|arrival, _| {
            way = Some(arrival.return_address());
            Reply::Forward
        });
        assert_eq!(batch.send(server.as_fd()), 0);
        // The batch has gone on to others meanwhile.
        assert_eq!(batch.receive(server.as_fd()).unwrap(), 0);
        send_one(server.as_fd(), &way.unwrap(), b"response").unwrap();
        let mut response = [0; 16];
        let (length, from) = client.recv_from(&mut response).unwrap();
        assert_eq!(
            (&response[..length], from.to_string()),
            (&b"response"[..], { std::net::SocketAddr::new(asked.0.parse().unwrap(), asked.1).to_string() })
        );
    }
}

#[test]
fn a_sender_that_cannot_be_answered_is_passed_over() {
    let mut name = SocketName([0; 28]);
    name.0[..2].copy_from_slice(&u16::try_from(libc::AF_INET).unwrap().to_ne_bytes());
    assert_eq!(name.client(), None, "port 0");
    name.0[3] = 53;
    assert_eq!(name.client(), Some(Ipv4Addr::UNSPECIFIED.into()));
    name.0[..2].copy_from_slice(&u16::try_from(libc::AF_UNIX).unwrap().to_ne_bytes());
    assert_eq!(name.client(), None, "not an internet address");
}

#[test]
fn the_interface_is_kept_only_for_link_local_addresses() {
    for (address, kept) in [("2001:db8::1", 0), ("fe80::1", 7), ("::1", 0)] {
        let mut control = Control {
            head: libc::cmsghdr {
                cmsg_len: message_length(PKTINFO_V6_LENGTH),
                cmsg_level: libc::IPPROTO_IPV6,
                cmsg_type: libc::IPV6_PKTINFO,
            },
            data: [0; 24],
        };
        control.data[..16].copy_from_slice(&address.parse::<Ipv6Addr>().unwrap().octets());
        control.data[16..20].copy_from_slice(&7_u32.to_ne_bytes());
        assert_eq!(control.reply(size_of::<Control>()), message_space(PKTINFO_V6_LENGTH));
        assert_eq!(control.data[16..20], u32::to_ne_bytes(kept), "{address}");
        assert_eq!(control.reply(0), 0, "no message came");
    }
}

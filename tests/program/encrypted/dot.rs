//! DNS over TLS: what is counted and shown of it, padding, and clients that stop.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use harness::wait_for;

use super::*;

/// An option of the OPT record.
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short value");
    [&code.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

#[test]
fn a_padded_query_is_answered_in_whole_blocks_and_over_encrypted_transports_alone() {
    let encrypted = Encrypted::new("nsid = \"master-1\"", "");
    let program = encrypted.start();
    let mut client = encrypted.connect();
    let padding = option(12, &[0; 40]);
    assert_eq!(ask(&mut client, &query(1, &padding)).len(), 468);
    assert!(ask(&mut client, &query(2, &[])).len() < 100, "nobody asked for it");
    let with_name = ask(&mut client, &query(3, &[option(3, &[]), padding.clone()].concat()));
    assert_eq!(with_name.len(), 468);
    assert!(with_name.windows(8).any(|bytes| bytes == b"master-1"));
    let mut plain = TcpStream::connect(program.listen()).expect("a listener");
    assert!(ask(&mut plain, &query(4, &padding)).len() < 100, "it would hide nothing");
    program.stop();
}

#[test]
fn what_comes_over_tls_is_counted_and_shown_as_such() {
    let encrypted = Encrypted::new("", "");
    let (site, program) = (&encrypted.site, encrypted.start());
    let mut client = encrypted.connect();
    for id in 0..5 {
        ask(&mut client, &query(id, &[]));
    }
    let status = site.status();
    let over = |name: &str| {
        let all = status["transports"].as_array().expect("transports");
        all.iter().find(|one| one["transport"] == name).expect("a transport")["queries"].as_u64()
    };
    assert_eq!((over("tls"), over("tcp")), (Some(5), Some(0)), "{status}");
    assert_eq!(status["tcp"]["handshakes"]["completed"].as_u64(), Some(1), "{status}");
    let places = status["listening"].as_array().expect("listeners");
    assert!(places.iter().any(|one| one["protocols"] == "TLS"), "{status}");
    program.stop();
}

#[test]
fn clients_that_stop_hold_up_neither_an_honest_one_nor_plain_tcp() {
    let encrypted = Encrypted::new("", "");
    let (site, program) = (&encrypted.site, encrypted.start());
    let mut stopped = Vec::new();
    for count in 0..1500_u32 {
        // From many addresses, of which each may have a hundred connections.
        let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 77, 0, 1)) + count % 50);
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((from, 0)).into()).expect("an address of this host");
        socket.connect(&encrypted.tls.into()).expect("a listener");
        let mut stream: TcpStream = socket.into();
        match count % 4 {
            0 => {}
            1 => _ = stream.write_all(&[22, 3, 1, 2, 0, 1]),
            2 => {
                let mut client = secured(stream);
                _ = client.conn.write_tls(&mut client.sock);
                stopped.push(client.sock);
                continue;
            }
            _ => {
                let mut client = secured(stream);
                // After the handshake, in the middle of a query.
                _ = client.write_all(b"\0\x1d\0\x01");
                stopped.push(client.sock);
                continue;
            }
        }
        stopped.push(stream);
    }
    let begin = Instant::now();
    let mut client = encrypted.connect();
    for id in 0..20 {
        ask(&mut client, &query(id, &[]));
    }
    let mut plain = TcpStream::connect(program.listen()).expect("a listener");
    ask(&mut plain, &query(1, &[]));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let tcp = site.status()["tcp"].clone();
    assert!(tcp["open"].as_u64().is_some_and(|open| open <= 1000), "{tcp}");
    assert!(tcp["handshakes"]["under_way"].as_u64().is_some_and(|count| count <= 256), "{tcp}");
    drop(stopped);
    wait_for("all places but two are free", PATIENCE, || {
        let open = site.status()["tcp"]["open"].as_u64()?;
        (open <= 2).then_some(())
    });
    program.stop();
}

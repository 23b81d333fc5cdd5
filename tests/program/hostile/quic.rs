//! QUIC.

use std::collections::HashMap;
use std::net::UdpSocket;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, VarInt};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::*;

/// First packets of clients that go no further: of so many clients, sent from so many addresses.
const GREETINGS: usize = 800;

/// Addresses that they are sent from.
const FORGED: u32 = 250;

fn config() -> ClientConfig {
    let mut tls = any_certificate().with_no_client_auth();
    tls.alpn_protocols = vec![b"doq".to_vec()];
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("a cipher of QUIC")))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn connect_over_quic(from: Ipv4Addr, to: SocketAddr) -> io::Result<(Endpoint, Connection)> {
    let endpoint = Endpoint::client((from, 0).into())?;
    let connecting = endpoint.connect_with(config(), to, NAME).map_err(io::Error::other)?;
    let connection = timeout(PATIENCE, connecting).await?.map_err(io::Error::other)?;
    Ok((endpoint, connection))
}

async fn exchange(connection: &Connection, query: &[u8]) -> io::Result<()> {
    let (mut send, mut receive) = connection.open_bi().await.map_err(io::Error::other)?;
    send.write_all(&framed(query)).await.map_err(io::Error::other)?;
    send.finish().map_err(io::Error::other)?;
    let said = timeout(PATIENCE, receive.read_to_end(1 << 16)).await?.map_err(io::Error::other)?;
    assert_eq!((&said[2..4], said[5] & 15, said[9]), (&query[..2], 0, 1), "{said:?}");
    Ok(())
}

/// The first packets of this many clients, as they would send them.
fn greetings() -> Vec<Vec<u8>> {
    let nobody = UdpSocket::bind((loopback(), 0)).expect("a socket");
    nobody.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let to = nobody.local_addr().expect("its address");
    let mut first: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let runtime = runtime();
    while first.len() < GREETINGS {
        // So many at a time that the socket has room for them.
        let endpoint = runtime.block_on(async {
            let endpoint = Endpoint::client((loopback(), 0).into()).expect("an endpoint");
            let begin = |_| endpoint.connect_with(config(), to, NAME).expect("a connection");
            let begun: Vec<_> = (0..40).map(begin).collect();
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(begun);
            endpoint
        });
        nobody.set_nonblocking(true).expect("a socket");
        let mut packet = [0; 2048];
        while let Ok(length) = nobody.recv(&mut packet) {
            // An Initial packet that is filled up: what follows it is shorter.
            if length >= 1200 {
                // The connection id that its client has made up.
                first.entry(packet[6..14].to_vec()).or_insert_with(|| packet[..length].to_vec());
            }
        }
        drop(endpoint);
    }
    first.into_values().collect()
}

#[test]
fn clients_that_are_not_there_or_stop_or_reset_hold_up_no_honest_one() {
    let besieged = Besieged::new();
    let to = besieged.quic;
    let (kept_runtime, fresh_runtime, runtime) = (runtime(), runtime(), runtime());
    let honest = Ipv4Addr::new(127, 78, 1, 1);
    let (endpoint, kept) = kept_runtime.block_on(connect_over_quic(honest, to)).expect("a connection");
    let kept_asks = |id: u16| kept_runtime.block_on(exchange(&kept, &query_for_quic(id))).expect("an answer");
    let fresh = |id: u16| {
        fresh_runtime.block_on(async {
            let (endpoint, connection) = connect_over_quic(Ipv4Addr::new(127, 78, 1, 2), to).await?;
            exchange(&connection, &query_for_quic(id)).await?;
            connection.close(VarInt::from_u32(0), b"");
            endpoint.wait_idle().await;
            Ok(())
        })
    };
    let greetings = greetings();
    let attack = || {
        let forged: Vec<UdpSocket> = (0..FORGED)
            .map(|number| UdpSocket::bind((Ipv4Addr::from(0x7f4f_0001 + number), 0)).expect("an address"))
            .collect();
        for (greeting, from) in greetings.iter().cycle().zip(forged.iter().cycle()).take(5000) {
            let _ = from.send_to(greeting, to);
            // Nothing of this is QUIC, or says so.
            let _ = from.send_to(&greeting[..600], to);
            thread::sleep(Duration::from_micros(300));
        }
        runtime.block_on(storm(to));
    };
    besieged.besiege("QUIC", kept_asks, fresh, attack);
    drop((kept, endpoint, kept_runtime, fresh_runtime, runtime));
    let counted = besieged.encrypted.site.status()["tcp"]["handshakes"].clone();
    assert!(counted["retried"].as_u64().is_some_and(|count| count > 0), "{counted}");
    assert!(counted["under_way"].as_u64().is_some_and(|count| count <= 256), "{counted}");
    besieged.program.stop();
}

/// The id is 0 (RFC 9250, section 4.2.1); what tells queries apart is their stream.
fn query_for_quic(_: u16) -> Vec<u8> {
    query(0, &[])
}

/// Connections that stop in a stream, that reset each of their streams, and that send more than they may.
async fn storm(to: SocketAddr) {
    let mut connections = Vec::new();
    for number in 0..150 {
        let Ok(connected) = connect_over_quic(attacker(number), to).await else { continue };
        let (_, connection) = &connected;
        for _ in 0..20 {
            let Ok(Ok((mut send, mut receive))) = timeout(Duration::from_secs(1), connection.open_bi()).await
            else {
                break;
            };
            let message = framed(&query(0, &[]));
            let _ = match number % 3 {
                0 => send.write_all(&message[..20]).await.is_ok(),
                1 => {
                    let written = send.write_all(&message[..20]).await.is_ok();
                    _ = send.reset(VarInt::from_u32(1));
                    _ = receive.stop(VarInt::from_u32(1));
                    written
                }
                _ => {
                    // As much as there is room for, of a message as long as can be.
                    let long = [&[255, 255], &[0; 65_535][..]].concat();
                    timeout(Duration::from_millis(20), send.write_all(&long)).await.is_ok()
                }
            };
            // What is not dropped is neither reset nor finished.
            std::mem::forget((send, receive));
        }
        connections.push(connected);
    }
    // Gone without a word.
    drop(connections);
}

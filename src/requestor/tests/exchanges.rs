//! Queries to servers on loopback, over each transport.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UdpSocket};

use super::super::framing::{framed, read_frame};
use crate::dns::message::{Header, Opcode};
use crate::dns::{Name, Rtype};
use crate::requestor::{
    Case, Encoding, Failure, Progress, Protocol, Query, Remote, Request, Requestor, Shown,
};
use crate::tls::{Random, Verify};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 2, 60));

/// Longer than any of these takes.
const LIMIT: Duration = Duration::from_secs(10);

/// AA of a NOTIFY (RFC 1996, section 3.7), with its opcode.
const NOTIFY_FLAGS: u16 = (Opcode::NOTIFY.0 as u16) << 11 | Header::AA;

/// A NOTIFY for `lab.example.` without an SOA.
fn notify() -> Query {
    let mut message = vec![0, 0];
    message.extend_from_slice(&NOTIFY_FLAGS.to_be_bytes());
    message.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(b"\x03lab\x07example\0\0\x06\0\x01");
    Query::of_message(message, &Random::new()).unwrap()
}

/// What a server answers: the query with these bits in its flags.
fn answered(query: &[u8], bits: u16) -> Vec<u8> {
    let flags = Header::read(query).unwrap().flags | bits;
    let mut response = query.to_vec();
    response[2..4].copy_from_slice(&flags.to_be_bytes());
    response
}

fn requestor(port: u16, protocol: Protocol) -> Requestor {
    Requestor::new(Remote { address: (HOST, port).into(), protocol }, Verify::System)
}

#[tokio::test]
async fn a_notify_is_acknowledged_over_udp_by_a_notify_alone() {
    let server = UdpSocket::bind((HOST, 0)).await.unwrap();
    let requestor = requestor(server.local_addr().unwrap().port(), Protocol::Udp);
    let serve = async {
        let mut query = [0; 512];
        let (length, client) = server.recv_from(&mut query).await.unwrap();
        let query = &query[..length];
        let mut other = answered(query, Header::QR);
        other[2] &= !0x78;
        server.send_to(&other, client).await.unwrap();
        server.send_to(&answered(query, Header::QR), client).await.unwrap();
    };
    let (response, ()) = tokio::join!(requestor.send(notify(), LIMIT), serve);
    assert_eq!(Header::read(&response.unwrap()).unwrap().flags, NOTIFY_FLAGS | Header::QR);
    assert_eq!(requestor.mismatched(), 1, "a response with another opcode");
}

#[tokio::test]
async fn what_is_truncated_over_udp_is_asked_again_over_tcp() {
    let server = TcpListener::bind((HOST, 0)).await.unwrap();
    let port = server.local_addr().unwrap().port();
    let datagrams = UdpSocket::bind((HOST, port)).await.unwrap();
    let requestor = requestor(port, Protocol::Udp);
    let serve = async {
        let mut query = [0; 512];
        let (length, client) = datagrams.recv_from(&mut query).await.unwrap();
        let truncated = answered(&query[..length], Header::QR | Header::TC);
        datagrams.send_to(&truncated, client).await.unwrap();
        let (mut stream, _) = server.accept().await.unwrap();
        let query = read_frame(&mut stream).await.unwrap();
        stream.write_all(&framed(&answered(&query, Header::QR)).unwrap()).await.unwrap();
    };
    let qname: Name = "www.lab.example.".parse().unwrap();
    let request = Request { qname: qname.as_ref(), qtype: Rtype::A, flags: Header::RD, edns_flags: 0 };
    let (random, progress) = (Random::new(), Progress::default());
    let asked = requestor.ask(&request, Encoding::with_edns(Case::Lower), &random, &progress);
    let (answer, ()) = tokio::join!(asked, serve);
    let answer = answer.unwrap();
    assert_eq!((requestor.over_tcp(), answer.observed.lacks_edns), (1, Shown::No));
    assert_eq!(Header::read(&answer.message).unwrap().flags, Header::RD | Header::QR);
}

#[tokio::test]
async fn a_server_that_is_asked_over_tcp_sees_no_datagram() {
    let server = TcpListener::bind((HOST, 0)).await.unwrap();
    let port = server.local_addr().unwrap().port();
    let datagrams = UdpSocket::bind((HOST, port)).await.unwrap();
    let requestor = requestor(port, Protocol::Tcp);
    let serve = async {
        let (mut stream, _) = server.accept().await.unwrap();
        let query = read_frame(&mut stream).await.unwrap();
        stream.write_all(&framed(&answered(&query, Header::QR)).unwrap()).await.unwrap();
    };
    let (response, ()) = tokio::join!(requestor.send(notify(), LIMIT), serve);
    response.unwrap();
    assert!(datagrams.try_recv(&mut [0; 512]).is_err());
}

#[tokio::test]
async fn silence_within_the_limit_is_a_failure_that_says_so() {
    let silent = UdpSocket::bind((HOST, 0)).await.unwrap();
    let requestor = requestor(silent.local_addr().unwrap().port(), Protocol::Udp);
    let failure = requestor.send(notify(), Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(failure, Failure::TimedOut), "{failure}");
}

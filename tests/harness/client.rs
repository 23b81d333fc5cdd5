//! A DNS client: one question in one datagram or over one connection, without retries and without a cache.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

/// How long an answer over loopback may take before it counts as lost.
pub const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Asks over UDP. None when nothing came back.
pub fn ask(server: SocketAddr, qname: &str, qtype: RecordType) -> Option<Message> {
    let socket = UdpSocket::bind((server_side(server), 0)).expect("a socket");
    socket.set_read_timeout(Some(ANSWER_MAX)).expect("a time limit");
    socket.connect(server).expect("a loopback address");
    let query = query(qname, qtype);
    socket.send(&query.to_vec().expect("a query that can be written")).ok()?;
    let mut buffer = [0; 65_535];
    let len = match socket.recv(&mut buffer) {
        Ok(len) => len,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {
            return None;
        }
        Err(error) => panic!("no answer from {server}: {error}"),
    };
    let response = Message::from_vec(&buffer[..len]).expect("a response that decodes");
    (response.metadata.id == query.metadata.id).then_some(response)
}

/// Asks over TCP. None when the connection was refused or closed without an answer.
pub fn ask_tcp(server: SocketAddr, qname: &str, qtype: RecordType) -> Option<Message> {
    let mut stream = TcpStream::connect_timeout(&server, ANSWER_MAX).ok()?;
    stream.set_read_timeout(Some(ANSWER_MAX)).expect("a time limit");
    let query = query(qname, qtype).to_vec().expect("a query that can be written");
    let len = u16::try_from(query.len()).expect("a short query");
    stream.write_all(&[&len.to_be_bytes()[..], &query].concat()).ok()?;
    let mut len = [0; 2];
    stream.read_exact(&mut len).ok()?;
    let mut response = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut response).ok()?;
    Some(Message::from_vec(&response).expect("a response that decodes"))
}

/// The addresses in the answer section, in order, when the response is NOERROR.
pub fn addresses(response: &Message) -> Vec<IpAddr> {
    assert_eq!(response.metadata.response_code, ResponseCode::NoError, "{response:?}");
    let address = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    response.answers.iter().filter_map(|record| address(&record.data)).collect()
}

/// The addresses in the answer section, sorted. None when nothing came back.
pub fn sorted_addresses(server: SocketAddr, qname: &str, qtype: RecordType) -> Option<Vec<IpAddr>> {
    let mut found = addresses(&ask(server, qname, qtype)?);
    found.sort();
    Some(found)
}

fn query(qname: &str, qtype: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(qname).expect("a name"), qtype));
    message
}

fn server_side(server: SocketAddr) -> IpAddr {
    match server {
        SocketAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        SocketAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    }
}

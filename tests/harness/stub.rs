//! A stub resolver: it sends a query as the test wants it, and decodes the response.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use crate::client::ANSWER_MAX;

/// A query as the oldest stub resolvers send it: RD, and nothing else.
pub fn plain_query(qname: &str, rtype: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(qname).expect("a name"), rtype));
    message
}

/// A query as stub resolvers send it: RD, and EDNS.
pub fn query(qname: &str, rtype: RecordType) -> Message {
    let mut message = plain_query(qname, rtype);
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    message.edns = Some(edns);
    message
}

/// Asks for addresses over UDP; fails where nothing comes within `limit` of the harness.
#[track_caller]
pub fn ask(server: SocketAddr, qname: &str) -> Message {
    send(server, &query(qname, RecordType::A)).unwrap_or_else(|| panic!("{qname}: no response"))
}

/// Sends a query over UDP; what comes back, if anything.
pub fn send(server: SocketAddr, query: &Message) -> Option<Message> {
    let socket = sent(server, query);
    receive(&socket)
}

/// Sends a query over UDP, and does not wait.
pub fn sent(server: SocketAddr, query: &Message) -> UdpSocket {
    let socket = UdpSocket::bind((IpAddr::from([127, 0, 0, 1]), 0)).expect("a socket");
    socket.set_read_timeout(Some(2 * ANSWER_MAX)).expect("a time limit");
    socket.connect(server).expect("a loopback address");
    socket.send(&query.to_vec().expect("a query")).expect("a query is sent");
    socket
}

/// The response to what was sent, if one comes.
pub fn receive(socket: &UdpSocket) -> Option<Message> {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Some(Message::from_vec(&buffer[..length]).expect("a response that decodes"))
}

/// Sends queries over one connection at once; the responses in the order they come.
pub fn send_tcp(server: SocketAddr, queries: &[Message]) -> Vec<Message> {
    let mut stream = TcpStream::connect_timeout(&server, ANSWER_MAX).expect("a connection");
    stream.set_read_timeout(Some(2 * ANSWER_MAX)).expect("a time limit");
    let mut bytes = Vec::new();
    for query in queries {
        let query = query.to_vec().expect("a query");
        bytes.extend_from_slice(&u16::try_from(query.len()).expect("a short query").to_be_bytes());
        bytes.extend_from_slice(&query);
    }
    stream.write_all(&bytes).expect("queries are taken");
    let read = || {
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("a response");
        let mut response = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut response).expect("a whole response");
        Message::from_vec(&response).expect("a response that decodes")
    };
    std::iter::repeat_with(read).take(queries.len()).collect()
}

/// The response code.
pub fn code(response: &Message) -> ResponseCode {
    response.metadata.response_code
}

/// The addresses of a response, or its response code.
pub fn said(response: &Message) -> String {
    let addresses: Vec<String> = response
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(address.0.to_string()),
            RData::AAAA(address) => Some(address.0.to_string()),
            _ => None,
        })
        .collect();
    if addresses.is_empty() { code(response).to_string() } else { addresses.join(" ") }
}

/// The code of its extended error (RFC 8914).
pub fn extended_error(response: &Message) -> Option<u16> {
    error_option(response).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The text of its extended error; empty where there is none.
pub fn error_text(response: &Message) -> String {
    error_option(response).map_or_else(String::new, |bytes| String::from_utf8_lossy(&bytes[2..]).into_owned())
}

fn error_option(response: &Message) -> Option<&[u8]> {
    use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
    match response.edns.as_ref()?.option(EdnsCode::Unknown(15))? {
        EdnsOption::Unknown(_, bytes) => Some(bytes),
        other => panic!("{other:?} is no extended error"),
    }
}

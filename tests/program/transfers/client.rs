//! A client of transfers and updates: one question over one connection of its own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use socket2::{Domain, Socket, Type};

/// Longer than any transfer here takes.
const LIMIT: Duration = Duration::from_secs(20);

/// What came.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) rcode: ResponseCode,
    pub(super) records: Vec<Record>,
}

impl Transfer {
    /// The serials of its SOA records, in order.
    pub(super) fn serials(&self) -> Vec<u32> {
        let soa = |record: &Record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        };
        self.records.iter().filter_map(soa).collect()
    }

    /// The other records, in presentation format, in order of the text.
    pub(super) fn others(&self) -> Vec<String> {
        let others = self.records.iter().filter(|record| record.record_type() != RecordType::SOA);
        let mut others: Vec<String> = others.map(ToString::to_string).collect();
        others.sort();
        others
    }

    /// Whether it is all that follows from its first records (RFC 1995, section 4; RFC 5936, section 2.2).
    fn is_whole(&self) -> bool {
        let serials = self.serials();
        match (self.records.len(), serials.as_slice()) {
            (1, _) => true,
            (_, [newest, .., last]) if self.records.get(1).is_some_and(is_soa) => {
                serials.len() >= 4 && newest == last && self.records.last().is_some_and(is_soa)
            }
            (_, all) => all.len() == 2,
        }
    }
}

fn is_soa(record: &Record) -> bool {
    record.record_type() == RecordType::SOA
}

/// The wire form of a name that is written without a final dot.
pub(super) fn wire(name: &str) -> Vec<u8> {
    let labels = name
        .split('.')
        .flat_map(|label| std::iter::once(u8::try_from(label.len()).expect("a label")).chain(label.bytes()));
    labels.chain([0]).collect()
}

/// A question for all of a zone.
pub(super) fn axfr_query(zone: &str) -> Vec<u8> {
    [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &wire(zone), &[0, 252, 0, 1]].concat()
}

/// A question for what has changed since a serial.
pub(super) fn ixfr_query(zone: &str, serial: u32) -> Vec<u8> {
    let soa =
        [&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0][..], &serial.to_be_bytes(), &[0; 16]].concat();
    [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0][..], &wire(zone), &[0, 251, 0, 1], &soa].concat()
}

/// A connection from an address of loopback.
pub(super) fn connect(from: Ipv4Addr, server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&server.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Asks, and reads to the end of the transfer.
pub(super) fn transfer(from: Ipv4Addr, server: SocketAddr, query: &[u8]) -> Transfer {
    try_transfer(from, server, query).expect("a whole transfer")
}

/// The same where the server may end the connection.
pub(super) fn try_transfer(from: Ipv4Addr, server: SocketAddr, query: &[u8]) -> std::io::Result<Transfer> {
    try_transfer_over(&mut connect(from, server)?, query)
}

/// The same over a connection, which stays open.
pub(super) fn try_transfer_over(stream: &mut (impl Read + Write), query: &[u8]) -> std::io::Result<Transfer> {
    let length = u16::try_from(query.len()).expect("a short query").to_be_bytes();
    stream.write_all(&[&length[..], query].concat())?;
    let mut got = Transfer { rcode: ResponseCode::NoError, records: Vec::new() };
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message)?;
        let message = Message::from_vec(&message).expect("a message that decodes");
        got.rcode = message.metadata.response_code;
        got.records.extend(message.answers);
        if got.rcode != ResponseCode::NoError || got.is_whole() {
            return Ok(got);
        }
    }
}

/// Adds an address by an update, and says which RCODE came.
pub(super) fn add_address(server: SocketAddr, zone: &str, owner: &str, address: [u8; 4]) -> u8 {
    let label = u8::try_from(owner.len()).expect("a label");
    let record =
        [&[label][..], owner.as_bytes(), &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4], &address].concat();
    let query =
        [&[0, 9, 5 << 3, 0, 0, 1, 0, 0, 0, 1, 0, 0][..], &wire(zone), &[0, 6, 0, 1], &record].concat();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(LIMIT)).expect("a limit");
    socket.connect(server).expect("a server");
    socket.send(&query).expect("an update is sent");
    let mut response = [0; 512];
    let length = socket.recv(&mut response).expect("a response");
    assert!(length >= 12 && response[..2] == query[..2], "{:?}", &response[..length]);
    response[3] & 0x0f
}

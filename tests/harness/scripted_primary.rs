//! A primary that says what a test has it say: zone transfers, right and wrong ones. It records what it was asked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::upstream::Over;
use crate::{free_port, loopback};

/// How long a thread waits before it looks whether the test is over.
const TURN: Duration = Duration::from_millis(20);

/// The types that are used here.
pub mod rtype {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Name server.
    pub const NS: u16 = 2;
    /// An alias.
    pub const CNAME: u16 = 5;
    /// Start of authority.
    pub const SOA: u16 = 6;
    /// Changes of a zone.
    pub const IXFR: u16 = 251;
    /// A whole zone.
    pub const AXFR: u16 = 252;
    /// A LUA record of PowerDNS.
    pub const LUA: u16 = 65402;
}

/// What the primary is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// The id.
    pub id: u16,
    /// The type.
    pub qtype: u16,
    /// The serial in an IXFR query.
    pub serial: Option<u32>,
    /// How it came.
    pub over: Over,
    question: Vec<u8>,
}

/// A record: owner with its final dot, type, TTL and RDATA.
#[derive(Clone, Debug)]
pub struct Record(pub String, pub u16, pub u32, pub Vec<u8>);

/// What is sent.
#[derive(Clone)]
pub enum Step {
    /// A message, with its length before it over a connection.
    Message(Vec<u8>),
    /// These bytes, as they are.
    Bytes(Vec<u8>),
    /// The same message, over and over, until the other end closes.
    Endless(Vec<u8>),
    /// Nothing more, and the connection stays open.
    Silence,
    /// Nothing more: the connection is closed.
    Close,
}

type Behaviour = Arc<dyn Fn(&Query) -> Vec<Step> + Send + Sync>;

/// A primary. Its sockets are closed when it is dropped.
pub struct ScriptedPrimary {
    place: SocketAddr,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

struct State {
    stop: AtomicBool,
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<Query>>,
}

/// The name of the zone, and where it ends.
pub const APEX: &str = "lab.example.";

/// The SOA record of a version; secondaries ask each second, and what is not confirmed for a day expires.
pub fn soa(serial: u32) -> Record {
    soa_of(serial, [1, 1, 86_400])
}

/// The SOA record of a version with these times to refresh, retry and expire, in seconds.
pub fn soa_of(serial: u32, times: [u32; 3]) -> Record {
    let mut rdata = vec![0, 0];
    let [refresh, retry, expire] = times;
    [serial, refresh, retry, expire, 60].iter().for_each(|number| rdata.extend(number.to_be_bytes()));
    Record(APEX.to_owned(), rtype::SOA, 60, rdata)
}

/// The NS record of the zone.
pub fn ns() -> Record {
    Record(APEX.to_owned(), rtype::NS, 60, wire("ns.test."))
}

/// An address.
pub fn a(host: &str, last: u8) -> Record {
    let owner = format!("{host}.{APEX}");
    Record(owner, rtype::A, 60, Ipv4Addr::new(192, 0, 2, last).octets().to_vec())
}

/// A version of the zone as a whole: the serial, and where `www` is.
pub fn version(serial: u32, last: u8) -> Vec<Record> {
    vec![soa(serial), ns(), a("www", last), soa(serial)]
}

/// An honest primary: what it has is these records, its SOA first and last.
pub fn honest(records: Vec<Record>) -> impl Fn(&Query) -> Vec<Step> + Send + Sync {
    move |query| match query.qtype {
        rtype::SOA => vec![Step::Message(query.response(&records[..1]))],
        _ if query.over == Over::Udp => vec![Step::Message(query.response(&records[..1]))],
        _ => vec![Step::Message(query.response(&records))],
    }
}

impl Query {
    fn read(message: &[u8], over: Over) -> Option<Query> {
        let end = 12 + name_bytes(message.get(12..)?)? + 4;
        let question = message.get(12..end)?.to_vec();
        let qtype = u16::from_be_bytes([message[end - 4], message[end - 3]]);
        let id = u16::from_be_bytes([message[0], message[1]]);
        // The SOA record of an IXFR query: its owner, then ten bytes, two roots and the serial.
        let serial = (qtype == rtype::IXFR).then(|| {
            let at = end + name_bytes(&message[end..])? + 12;
            Some(u32::from_be_bytes(message.get(at..at + 4)?.try_into().ok()?))
        });
        Some(Query { id, qtype, serial: serial.flatten(), over, question })
    }

    /// A response with these records.
    pub fn response(&self, records: &[Record]) -> Vec<u8> {
        self.response_as(self.id, 0, records)
    }

    /// A response under this id and with this response code.
    pub fn response_as(&self, id: u16, rcode: u8, records: &[Record]) -> Vec<u8> {
        let count = u16::try_from(records.len()).expect("records of one message");
        let mut message = id.to_be_bytes().to_vec();
        message.extend([0x84, rcode, 0, 1]);
        message.extend(count.to_be_bytes());
        message.extend([0; 4]);
        message.extend(&self.question);
        for Record(owner, rtype, ttl, rdata) in records {
            message.extend(wire(owner));
            message.extend(rtype.to_be_bytes());
            message.extend([0, 1]);
            message.extend(ttl.to_be_bytes());
            message.extend(u16::try_from(rdata.len()).expect("short RDATA").to_be_bytes());
            message.extend(rdata);
        }
        message
    }
}

impl ScriptedPrimary {
    /// One at an address of its own.
    pub fn start(behaviour: impl Fn(&Query) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let place = free_port(loopback());
        let behaviour: Behaviour = Arc::new(behaviour);
        let state = Arc::new(State {
            stop: AtomicBool::new(false),
            behaviour: Mutex::new(behaviour),
            asked: Mutex::default(),
        });
        let datagrams = UdpSocket::bind(place).expect("a free port");
        datagrams.set_read_timeout(Some(TURN)).expect("a time limit");
        let connections = TcpListener::bind(place).expect("a free port");
        connections.set_nonblocking(true).expect("a listener that can be asked");
        let (udp, tcp) = (Arc::clone(&state), Arc::clone(&state));
        let threads = vec![
            std::thread::spawn(move || serve_datagrams(&udp, &datagrams)),
            std::thread::spawn(move || serve_connections(&tcp, &connections)),
        ];
        Self { place, state, threads }
    }

    /// Where it is.
    pub fn place(&self) -> SocketAddr {
        self.place
    }

    /// Has it say something else from now on.
    pub fn says(&self, behaviour: impl Fn(&Query) -> Vec<Step> + Send + Sync + 'static) {
        *self.state.behaviour.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(behaviour);
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Query> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it was asked for this type.
    pub fn count(&self, qtype: u16) -> usize {
        self.asked().iter().filter(|query| query.qtype == qtype).count()
    }

    /// Sends a NOTIFY for the zone from its own address; the response code that comes back.
    pub fn notify(&self, server: SocketAddr, serial: u32) -> u8 {
        let socket = UdpSocket::bind((self.place.ip(), 0)).expect("a socket");
        notify_from(&socket, server, serial)
    }
}

/// Sends a NOTIFY for the zone over a socket; the response code that comes back.
pub fn notify_from(socket: &UdpSocket, server: SocketAddr, serial: u32) -> u8 {
    let mut question = wire(APEX);
    question.extend([0, 6, 0, 1]);
    let query = Query { id: 77, qtype: rtype::SOA, serial: None, over: Over::Udp, question };
    let mut message = query.response(&[soa(serial)]);
    // Opcode NOTIFY, AA, and no response.
    (message[2], message[3]) = (0x24, 0);
    socket.set_read_timeout(Some(crate::PATIENCE)).expect("a time limit");
    socket.send_to(&message, server).expect("a datagram is sent");
    let mut response = [0; 512];
    let length = socket.recv(&mut response).expect("a response");
    assert!(length >= 12 && response[..2] == message[..2] && response[2] & 0xf8 == 0xa0, "{response:?}");
    response[3] & 0x0f
}

impl Drop for ScriptedPrimary {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn steps(&self, message: &[u8], over: Over) -> Vec<Step> {
        let Some(query) = Query::read(message, over) else { return Vec::new() };
        let behaviour = Arc::clone(&*self.behaviour.lock().unwrap_or_else(PoisonError::into_inner));
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(query.clone());
        behaviour(&query)
    }
}

fn serve_datagrams(state: &State, socket: &UdpSocket) {
    let mut buffer = [0; 4096];
    while !state.is_over() {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
        for step in state.steps(&buffer[..length], Over::Udp) {
            if let Step::Message(message) | Step::Bytes(message) = step {
                let _ = socket.send_to(&message, peer);
            }
        }
    }
}

fn serve_connections(state: &Arc<State>, listener: &TcpListener) {
    let mut threads = Vec::new();
    while !state.is_over() {
        match listener.accept() {
            Ok((stream, _)) => {
                let state = Arc::clone(state);
                threads.push(std::thread::spawn(move || serve_connection(&state, stream)));
            }
            Err(_) => std::thread::sleep(TURN / 4),
        }
    }
    threads.into_iter().for_each(|thread| drop(thread.join()));
}

fn serve_connection(state: &State, mut stream: TcpStream) {
    stream.set_nonblocking(false).expect("a connection that waits");
    stream.set_read_timeout(Some(TURN)).expect("a time limit");
    stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a time limit");
    while !state.is_over() {
        let mut length = [0; 2];
        match stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut message).is_err() {
            return;
        }
        for step in state.steps(&message, Over::Tcp) {
            let sent = match step {
                Step::Message(message) => stream.write_all(&framed(&message)),
                Step::Bytes(bytes) => stream.write_all(&bytes),
                Step::Endless(message) => {
                    let frame = framed(&message);
                    while !state.is_over() && stream.write_all(&frame).is_ok() {}
                    return;
                }
                Step::Close => return,
                Step::Silence => {
                    while !state.is_over() {
                        std::thread::sleep(TURN);
                    }
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

/// A message behind its length.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a message of at most 65,535 bytes");
    [&length.to_be_bytes()[..], message].concat()
}

/// A name in wire form.
fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> = labels
        .flat_map(|label| {
            let length = u8::try_from(label.len()).expect("a short label");
            std::iter::once(length).chain(label.bytes())
        })
        .collect();
    wire.push(0);
    wire
}

/// How many bytes a name takes that is not compressed, or is a pointer alone.
fn name_bytes(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            length => at += usize::from(length) + 1,
        }
    }
}

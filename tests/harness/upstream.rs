//! An upstream that answers by a function of the test. It makes responses, right and wrong ones, and records
//! what it was asked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{free_port, loopback};

/// What an upstream is asked.
#[derive(Clone)]
pub struct Asked {
    /// The name in lower case, without its final dot; empty for the root.
    pub qname: String,
    /// How the query came.
    pub over: Over,
    query: Vec<u8>,
    question_end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// A transport.
pub enum Over {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
}

/// The address of every name, where all is well.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// The text of a zone with hosts `h0`, `h1` and so on, 250 at most, each with its number in its address; and with `many`, whose
/// answer fits no datagram.
pub fn zone_of_hosts(hosts: usize) -> String {
    let few: String = (0..hosts).map(|host| format!("h{host} A 192.0.2.{host}\n")).collect();
    let many: String = (0..900).map(|host| format!("many A 10.1.{}.{}\n", host / 250, host % 250)).collect();
    format!("$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n{few}{many}")
}

/// Every name has one address, for five minutes.
pub fn well(asked: &Asked) -> Act {
    Act::Send(vec![asked.address(300, ADDRESS)])
}

/// What becomes of a query.
pub enum Act {
    /// These are sent, one after the other.
    Send(Vec<Vec<u8>>),
    /// The same, later; others are answered meanwhile.
    SendAfter(Duration, Vec<Vec<u8>>),
    /// Nothing.
    Silence,
}

type Behaviour = Box<dyn Fn(&Asked) -> Act + Send>;

/// The upstream. Its sockets are closed when it is dropped.
pub struct Upstream {
    place: SocketAddr,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

struct State {
    stop: AtomicBool,
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<Asked>>,
}

impl Upstream {
    /// One at an address of its own.
    pub fn start(behaviour: impl Fn(&Asked) -> Act + Send + 'static) -> Self {
        Self::start_at(free_port(loopback()), behaviour)
    }

    /// One that has no TCP: connections are refused.
    pub fn start_without_tcp(behaviour: impl Fn(&Asked) -> Act + Send + 'static) -> Self {
        Self::serve(free_port(loopback()), behaviour, &[Over::Udp])
    }

    /// One at just this place.
    pub fn start_at(place: SocketAddr, behaviour: impl Fn(&Asked) -> Act + Send + 'static) -> Self {
        Self::serve(place, behaviour, &[Over::Udp, Over::Tcp])
    }

    fn serve(place: SocketAddr, behaviour: impl Fn(&Asked) -> Act + Send + 'static, over: &[Over]) -> Self {
        let state = Arc::new(State {
            stop: AtomicBool::new(false),
            behaviour: Mutex::new(Box::new(behaviour)),
            asked: Mutex::default(),
        });
        let datagrams = UdpSocket::bind(place).expect("a free port");
        datagrams.set_read_timeout(Some(Duration::from_millis(20))).expect("a time limit");
        let udp = Arc::clone(&state);
        let mut threads = vec![std::thread::spawn(move || serve_udp(&udp, &datagrams))];
        if over.contains(&Over::Tcp) {
            let connections = TcpListener::bind(place).expect("a free port");
            connections.set_nonblocking(true).expect("a listener that can be asked");
            let tcp = Arc::clone(&state);
            threads.push(std::thread::spawn(move || serve_tcp(&tcp, &connections)));
        }
        Self { place, state, threads }
    }

    /// Where it listens.
    pub fn place(&self) -> SocketAddr {
        self.place
    }

    /// Answers in another way from now on.
    pub fn behave(&self, behaviour: impl Fn(&Asked) -> Act + Send + 'static) {
        *self.state.behaviour.lock().expect("no thread panics") = Box::new(behaviour);
    }

    /// How often it was asked for a name so far.
    pub fn asked(&self, qname: &str) -> usize {
        self.asked_over(qname, Over::Udp) + self.asked_over(qname, Over::Tcp)
    }

    /// How often it was asked for a name over one transport so far.
    pub fn asked_over(&self, qname: &str, over: Over) -> usize {
        self.queries(qname).iter().filter(|asked| asked.over == over).count()
    }

    /// All queries for a name so far.
    pub fn queries(&self, qname: &str) -> Vec<Asked> {
        let asked = self.state.asked.lock().expect("no thread panics");
        asked.iter().filter(|asked| asked.qname == qname).cloned().collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn serve_udp(state: &State, socket: &UdpSocket) {
    let mut buffer = [0; 4096];
    while !state.stop.load(Ordering::Relaxed) {
        let Ok((length, client)) = socket.recv_from(&mut buffer) else { continue };
        match state.act(&buffer[..length], Over::Udp) {
            Act::Send(messages) => messages.iter().for_each(|one| drop(socket.send_to(one, client))),
            Act::SendAfter(pause, messages) => {
                let socket = socket.try_clone().expect("a socket");
                std::thread::spawn(move || {
                    std::thread::sleep(pause);
                    messages.iter().for_each(|one| drop(socket.send_to(one, client)));
                });
            }
            Act::Silence => {}
        }
    }
}

fn serve_tcp(state: &State, listener: &TcpListener) {
    while !state.stop.load(Ordering::Relaxed) {
        let Ok((mut stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        stream.set_nonblocking(false).expect("a stream");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
        let mut length = [0; 2];
        if stream.read_exact(&mut length).is_err() {
            continue;
        }
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            continue;
        }
        if let Act::Send(messages) = state.act(&query, Over::Tcp) {
            for message in messages {
                let length = u16::try_from(message.len()).expect("a short message").to_be_bytes();
                let _ = stream.write_all(&[&length[..], &message].concat());
            }
        }
    }
}

impl State {
    fn act(&self, query: &[u8], over: Over) -> Act {
        let asked = Asked::read(query, over);
        self.asked.lock().expect("no test panics").push(asked.clone());
        self.behaviour.lock().expect("no test panics")(&asked)
    }
}

/// A name in wire form.
pub fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> = labels
        .flat_map(|label| {
            let length = u8::try_from(label.len()).expect("a short label");
            [&[length], label.as_bytes()].concat()
        })
        .collect();
    wire.push(0);
    wire
}

impl Asked {
    /// A query in parts.
    pub fn read(query: &[u8], over: Over) -> Self {
        let mut labels = Vec::new();
        let mut at = 12;
        while query[at] != 0 {
            let end = at + 1 + usize::from(query[at]);
            labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
            at = end;
        }
        Self { qname: labels.join("."), over, query: query.to_vec(), question_end: at + 5 }
    }

    /// Whether a letter of the name is not small.
    pub fn is_mixed(&self) -> bool {
        self.query[12..self.question_end - 4].iter().any(u8::is_ascii_uppercase)
    }

    /// Whether the query has an OPT record.
    pub fn has_edns(&self) -> bool {
        self.query[11] != 0
    }

    /// The right response with one address.
    pub fn address(&self, ttl: u32, address: Ipv4Addr) -> Vec<u8> {
        self.addresses(ttl, &[address])
    }

    /// The same with several.
    pub fn addresses(&self, ttl: u32, addresses: &[Ipv4Addr]) -> Vec<u8> {
        let mut message = self.response(0, [addresses.len(), 0]);
        for address in addresses {
            message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]);
            message.extend_from_slice(&ttl.to_be_bytes());
            message.extend_from_slice(&[0, 4]);
            message.extend_from_slice(&address.octets());
        }
        message
    }

    /// The same with these records, for five minutes: owner, type, RDATA.
    pub fn records(&self, rcode: u8, records: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
        let mut message = self.response(rcode, [records.len(), 0]);
        for (owner, rtype, rdata) in records {
            message.extend_from_slice(&wire(owner));
            message.extend_from_slice(&[&rtype.to_be_bytes()[..], &[0, 1], &300_u32.to_be_bytes()].concat());
            message.extend_from_slice(&u16::try_from(rdata.len()).expect("short RDATA").to_be_bytes());
            message.extend_from_slice(rdata);
        }
        message
    }

    /// That the name is an alias, and nothing else, as authoritative servers say it.
    pub fn alias(&self, rcode: u8, target: &str) -> Vec<u8> {
        self.records(rcode, &[(&self.qname, 5, wire(target))])
    }

    /// That others are to be asked.
    pub fn referral(&self, cut: &str, server: &str) -> Vec<u8> {
        let mut message = self.records(0, &[(cut, 2, wire(server))]);
        message[6..10].copy_from_slice(&[0, 0, 0, 1]);
        message
    }

    /// The right response that there is nothing, for so many seconds.
    pub fn nothing(&self, rcode: u8, ttl: u32) -> Vec<u8> {
        let mut message = self.response(rcode, [0, 1]);
        message.extend_from_slice(&[0, 0, 6, 0, 1]);
        message.extend_from_slice(&ttl.to_be_bytes());
        message.extend_from_slice(&[0, 22, 0, 0]);
        message.extend_from_slice(&[0; 16]);
        message.extend_from_slice(&ttl.to_be_bytes());
        message
    }

    /// A refusal.
    pub fn refusal(&self, rcode: u8) -> Vec<u8> {
        self.response(rcode, [0, 0])
    }

    /// Too long for a datagram.
    pub fn truncated(&self) -> Vec<u8> {
        let mut message = self.response(0, [0, 0]);
        message[2] |= 2;
        message
    }

    fn response(&self, rcode: u8, [answers, authorities]: [usize; 2]) -> Vec<u8> {
        let mut message = self.query[..self.question_end].to_vec();
        let count = |count: usize| u16::try_from(count).expect("few records").to_be_bytes();
        message[2] = 0x81;
        message[3] = 0x80 | rcode;
        message[6..8].copy_from_slice(&count(answers));
        message[8..10].copy_from_slice(&count(authorities));
        message[10..12].fill(0);
        message
    }
}

//! What the tests of this room share: a server whose responder echoes, and clients.

mod affinity;
mod change;
mod handed_over;
mod https;
mod lingering;
mod pulse;
mod quic;
mod stream_limits;
mod tcp;
mod tls;
mod udp;

pub(super) use quic::config as quic_client;
pub(super) use tls::certified;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio::runtime::{Handle, Runtime};

use super::*;
use crate::answer::{MessageKind, Peer, Reply, Transport};

/// Longer than anything here takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(20);

/// Of a server that ends no connection because of time.
const PATIENT: TcpSettings = TcpSettings {
    connections_max: 1000,
    connections_per_client_max: 100,
    idle: FOR_EVER,
    first_byte: FOR_EVER,
    lifetime: FOR_EVER,
    write: FOR_EVER,
};

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(600);

/// Where an echo stops, when a query asks it to, until the test lets it go.
#[derive(Clone)]
struct Gate {
    reached: Sender<()>,
    opened: Arc<Mutex<Receiver<()>>>,
    begun: Arc<AtomicUsize>,
    /// Where what is handed over is treated.
    runtime: Handle,
    /// Messages that were taken of those that were sent so.
    sent: Arc<AtomicUsize>,
}

/// The test's end of a gate.
struct Keeper {
    reached: Receiver<()>,
    opened: Sender<()>,
    /// How often responders have begun a batch.
    begun: Arc<AtomicUsize>,
    /// Messages that were taken of those that a treatment sent.
    sent: Arc<AtomicUsize>,
}

/// Sends every query back as a response. What stands behind the header tells of exceptions: `drop`, `stall`
/// (waits at the gate first), `late` (another sends it back when the gate is open), `hand over` (another sends what follows, a message for each byte), `grow` (the longest response there is), `who` (the number of the UDP
/// worker), `thread` (its name, for what is behind it).
struct Echo {
    worker: Worker,
    gate: Gate,
}

impl Responder for Echo {
    fn begin_batch(&mut self) {
        self.gate.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn respond(&mut self, _peer: Peer, query: &[u8], out: &mut [u8]) -> Reply {
        let what = &query[12..];
        if what.starts_with(b"drop") {
            return Reply::Drop;
        }
        if what.starts_with(b"late") {
            return Reply::HandOver(MessageKind::Notify);
        }
        if what.starts_with(b"hand over") {
            return Reply::HandOver(MessageKind::Transfer);
        }
        if what.starts_with(b"\x06signed") {
            return Reply::HandOver(MessageKind::Signed);
        }
        if what.starts_with(b"stall") {
            self.gate.reached.send(()).unwrap();
            self.gate.opened.lock().unwrap().recv_timeout(LIMIT).unwrap();
        }
        out[..query.len()].copy_from_slice(query);
        out[2] |= 0x80;
        if let (b"who", Worker { transport: Transport::Udp, index }) = (what, self.worker) {
            out[12] = u8::try_from(index).unwrap();
        }
        if what.starts_with(b"thread") {
            let thread = std::thread::current();
            let name = thread.name().unwrap().as_bytes();
            out[12..12 + name.len()].copy_from_slice(name);
        }
        Reply::Send { len: if what.starts_with(b"grow") { out.len() } else { query.len() } }
    }

    fn takes_updates(&self) -> bool {
        true
    }

    fn hand_over(&mut self, mut message: HandedOver) {
        if message.kind == MessageKind::Signed || message.transfer_bar().is_some() {
            let mut response = echoed(&message.message);
            response[3] |= if message.transfer_bar().is_some() { 5 } else { 0 };
            message.answer(&response).unwrap();
            return;
        }
        if message.kind == MessageKind::Notify {
            let gate = self.gate.clone();
            self.gate.runtime.spawn_blocking(move || {
                gate.reached.send(()).unwrap();
                gate.opened.lock().unwrap().recv_timeout(LIMIT).unwrap();
                let response = echoed(&message.message);
                message.answer(&response).unwrap();
            });
            return;
        }
        let sent = Arc::clone(&self.gate.sent);
        self.gate.runtime.spawn(async move {
            for &size in &message.message.clone()[21..] {
                let mut response = message.message[..12].to_vec();
                response.resize(12 + usize::from(size) * 250, size);
                if message.send(vec![response.into()]).await.is_err() {
                    break;
                }
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// A running server; stopped when dropped.
struct Server {
    runtime: Runtime,
    running: Option<Running<Echo>>,
    settings: Settings,
    keeper: Keeper,
}

impl Server {
    /// Listens at `addresses`, given without ports, with one port for all.
    fn start(addresses: &[&str], workers: usize) -> Server {
        Server::with_tcp(addresses, workers, TcpSettings::default())
    }

    fn with_tcp(addresses: &[&str], workers: usize, tcp: TcpSettings) -> Server {
        Server::with(addresses, &Settings { workers, tcp, ..Settings::default() })
    }

    /// Serves these protocols, each at its address.
    fn with_protocols(addresses: [(&str, Protocols); 2], tcp: TcpSettings) -> Server {
        let at = |(ip, protocols): (&str, Protocols)| ListenAddress {
            address: SocketAddr::new(ip.parse().unwrap(), 0),
            protocols,
        };
        let settings = Settings { listen: addresses.map(at).into(), workers: 1, tcp, ..Settings::default() };
        Server::with(&addresses.map(|(ip, _)| ip), &settings)
    }

    fn with(addresses: &[&str], settings: &Settings) -> Server {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (reached, keeper_reached) = channel();
        let (keeper_opened, opened) = channel();
        let begun = Arc::<AtomicUsize>::default();
        let sent = Arc::<AtomicUsize>::default();
        let gate = Gate {
            reached,
            opened: Arc::new(Mutex::new(opened)),
            begun: Arc::clone(&begun),
            runtime: runtime.handle().clone(),
            sent: Arc::clone(&sent),
        };
        let (settings, listeners) = bind(addresses, settings);
        let make = move |worker| Echo { worker, gate: gate.clone() };
        let running = start(listeners, make, tls::certified(), EncryptedRuntime::default()).unwrap();
        let keeper = Keeper { reached: keeper_reached, opened: keeper_opened, begun, sent };
        Server { runtime, running: Some(running), settings, keeper }
    }

    fn running(&mut self) -> &mut Running<Echo> {
        self.running.as_mut().unwrap()
    }

    fn port(&self) -> u16 {
        self.settings.listen[0].address.port()
    }

    fn at(&self, address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), self.port())
    }

    fn change(&mut self, addresses: &[&str], workers: usize) -> Result<(), Error> {
        let listen = addresses.iter().map(|address| self.at(address).into()).collect();
        let settings = Settings { listen, workers, ..self.settings.clone() };
        let Server { runtime, running, .. } = self;
        runtime.block_on(async {
            running.as_mut().unwrap().change(&settings).map(tokio::spawn)?.await.unwrap();
            Ok(())
        })
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Binds at a port that is free for all the addresses, and that no other test comes to want meanwhile. Each serves what
/// the settings say for its place; those beyond, what the last of them does.
fn bind(addresses: &[&str], settings: &Settings) -> (Settings, Listeners) {
    let last = settings.listen.last().map_or(Protocols::Plain, |listen| listen.protocols);
    let said = settings.listen.iter().map(|listen| listen.protocols);
    let protocols = said.chain(std::iter::repeat(last));
    let with = |port| {
        let at = |(ip, protocols): (&&str, Protocols)| ListenAddress {
            address: SocketAddr::new(ip.parse().unwrap(), port),
            protocols,
        };
        let listen = addresses.iter().zip(protocols.clone()).map(at).collect();
        Settings { listen, ..settings.clone() }
    };
    let bound = |port| Listeners::bind(&with(port), Inherited::none());
    let port = harness::claimed_port(|port| bound(port).is_ok());
    (with(port), bound(port).unwrap())
}

/// A UDP client that hears only the address it asks.
fn udp_client(from: &str, to: SocketAddr) -> UdpSocket {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, None).unwrap();
    socket.set_recv_buffer_size(4 << 20).unwrap();
    socket.bind(&SocketAddr::new(from.parse().unwrap(), 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.into()
}

fn tcp_client(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// A query: the id in a header, and `what`.
fn query(id: u16, what: &[u8]) -> Vec<u8> {
    let mut query = vec![0; 12];
    query[..2].copy_from_slice(&id.to_be_bytes());
    query.extend_from_slice(what);
    query
}

/// `query` as the echo sends it back.
fn echoed(query: &[u8]) -> Vec<u8> {
    let mut response = query.to_vec();
    response[2] |= 0x80;
    response
}

/// `message` as a stream has it.
fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// The next message of a stream.
fn read_message(stream: &mut impl Read) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).unwrap();
    message
}

fn receive(client: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let length = client.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

/// Asks over UDP and over TCP, and wants both answered.
fn assert_answers(to: SocketAddr) {
    let from = if to.is_ipv4() { "127.0.3.99" } else { "::1" };
    let client = udp_client(from, to);
    let asked = query(77, b"both");
    client.send(&asked).unwrap();
    assert_eq!(receive(&client), echoed(&asked), "{to} over UDP");
    let mut stream = tcp_client(to);
    stream.write_all(&framed(&asked)).unwrap();
    assert_eq!(read_message(&mut stream), echoed(&asked), "{to} over TCP");
}

/// Whether a client that has no connection is answered over TCP, before long.
fn assert_makes_room(to: SocketAddr) {
    let asked = framed(&query(1, b"new"));
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut stream = tls::from("127.0.3.99", to);
        let mut response = vec![0; asked.len()];
        if stream.write_all(&asked).and_then(|()| stream.read_exact(&mut response)).is_ok() {
            assert_eq!(response, framed(&echoed(&query(1, b"new"))));
            return;
        }
        assert!(Instant::now() < deadline, "there is no room for a new client");
    }
}

/// Waits until `condition` holds.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn addresses_given_twice_count_once_and_no_address_is_refused() {
    let address: SocketAddr = (IpAddr::from([127, 0, 3, 1]), 0).into();
    let settings =
        Settings { listen: vec![address.into(), address.into()], workers: 1, ..Settings::default() };
    assert_eq!(Listeners::bind(&settings, Inherited::none()).unwrap().addresses().count(), 1);
    let none = Settings { listen: vec![], ..settings };
    assert!(matches!(Listeners::bind(&none, Inherited::none()), Err(Error::NoAddress)));
}

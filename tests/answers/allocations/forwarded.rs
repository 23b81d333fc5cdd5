//! A server that forwards, with answers in its cache: an upstream, a client that asks once, and a worker that
//! finds the answer in the cache afterwards.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use edgedns::answer::{
    Counters, ForwardTable, ForwardedZone, Identity, Peer, Prefix, Publisher, Reply, Snapshot, WorkerContext,
};
use edgedns::dns::message::Question;
use edgedns::forward::{self, ForwardZone, Forwarder, Upstreams};
use edgedns::health::Verdict;
use edgedns::requestor::{Protocol, Remote};
use edgedns::transport::{self, Inherited, Listeners, Responder, SnapshotResponder, Taps};
use tokio::runtime::Runtime;

use crate::served::{CLIENT, Served, name};

/// Longer than anything here takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(20);

/// What is sent to an upstream that is to end. Too short for a query.
const END: &[u8] = b"end";

/// A server that forwards everything.
pub(crate) struct Forwarded {
    runtime: Runtime,
    forwarder: Forwarder,
    publisher: Publisher,
    taps: Taps,
    upstream: SocketAddr,
    answering: JoinHandle<()>,
}

impl Forwarded {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback address");
        let upstream = socket.local_addr().expect("a bound socket");
        let answering = std::thread::spawn(move || answer(&socket));
        let address = Remote { address: upstream, protocol: Protocol::Udp };
        let zone = ForwardZone::new(name("."), Upstreams::Listed(vec![address]));
        let settings = forward::Settings { zones: vec![zone], ..forward::Settings::default() };
        let forwarder = Forwarder::start(runtime.handle(), settings);
        let (publisher, taps) = (Publisher::new(snapshot()), Taps::default());
        Self { runtime, forwarder, publisher, taps, upstream, answering }
    }

    /// One more worker.
    pub(crate) fn worker(&self) -> SnapshotResponder {
        let scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
        SnapshotResponder::new(self.publisher.readers().reader(), scratch, &self.taps)
            .with(Box::new(self.forwarder.frontend()))
    }

    /// Asks until `worker` finds every answer in the cache.
    pub(crate) fn fill(&self, worker: &mut SnapshotResponder, queries: &[Vec<u8>]) {
        let settings = transport::Settings {
            listen: vec![std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()],
            workers: 1,
            ..Default::default()
        };
        let listeners = Listeners::bind(&settings, Inherited::none()).expect("a free port");
        let workers: Vec<_> = edgedns::answer::Transport::ALL.iter().map(|_| self.worker()).collect();
        let workers = std::sync::Mutex::new(workers);
        let make = move |_| workers.lock().expect("no thread panics").pop().expect("one for each transport");
        let encrypted = transport::EncryptedRuntime::default();
        let running =
            transport::start(listeners, make, edgedns::tls::ServerTls::new(), encrypted).expect("a server");
        let server = running.addresses().next().expect("an address");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a loopback address");
        client.set_read_timeout(Some(LIMIT)).expect("a time limit");
        for query in queries {
            client.send_to(query, server).expect("a query that is sent");
            client.recv(&mut [0; 1232]).expect("a response");
            // It is kept once it is sent.
            let begin = Instant::now();
            while !finds(worker, CLIENT, query, &mut [0; 1232]) {
                assert!(begin.elapsed() < LIMIT, "{query:02x?} is not kept");
                std::thread::yield_now();
            }
        }
        self.runtime.block_on(running.stop());
    }

    pub(crate) fn stop(self) {
        let client = UdpSocket::bind("127.0.0.1:0").expect("a loopback address");
        client.send_to(END, self.upstream).expect("a datagram that is sent");
        self.answering.join().expect("no panic");
        self.runtime.shutdown_background();
    }
}

/// Whether a worker answers a query at once, alone in a batch.
pub(crate) fn finds(worker: &mut SnapshotResponder, peer: Peer, query: &[u8], out: &mut [u8]) -> bool {
    worker.begin_batch();
    matches!(worker.respond(peer, query, out), Reply::Send { .. })
}

/// Answers all that comes until it is told to end.
fn answer(socket: &UdpSocket) {
    let mut query = [0; 1232];
    loop {
        let (length, from) = socket.recv_from(&mut query).expect("a datagram");
        if query[..length] == *END {
            return;
        }
        socket.send_to(&response(&query[..length]), from).expect("a response that is sent");
    }
}

/// Names that begin with an `m` have too many addresses for a datagram, those that begin with an `n` none; all
/// others have one.
fn response(query: &[u8]) -> Vec<u8> {
    let (question, _) = Question::read(query).expect("a question");
    let (code, answers, authorities) = match question.qname.wire().get(1).map(u8::to_ascii_lowercase) {
        Some(b'm') => (0, 60, 0),
        Some(b'n') => (3, 0, 1),
        _ => (0, 1, 0),
    };
    let mut response = [&query[..2], &[0x81, 0x80 | code, 0, 1, 0, answers, 0, authorities, 0, 0]].concat();
    response.extend_from_slice(question.wire);
    for host in 0..answers {
        response.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02");
        response.push(host);
    }
    if authorities == 1 {
        response.extend_from_slice(b"\xc0\x0c\0\x06\0\x01\0\0\x0e\x10\0\x16\0\0");
        response.extend_from_slice(&3600_u32.to_be_bytes().repeat(5));
    }
    response
}

fn snapshot() -> Snapshot {
    let everything = ForwardedZone { apex: name("."), allow: vec![Prefix::around(CLIENT.address, 8)] };
    let mut snapshot = Served::default().snapshot(Identity::default(), |_| Verdict::Up);
    snapshot.forward = ForwardTable::new([everything]).map(Arc::new);
    snapshot
}

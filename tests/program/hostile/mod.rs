//! Hostile clients, thousands of them on each transport: honest ones meanwhile, and what it costs the server.

mod https;
mod quic;
mod tcp;
mod tls;

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::program::Program;
use harness::{PATIENCE, free_port, loopback, wait_for};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use socket2::{Domain, Socket, Type};

use crate::encrypted::{Client, Encrypted, NAME, any_certificate, ask, query, session};

/// Connections of an attack.
const ATTACKS: u32 = 5000;

/// Connections that the attackers hold at a time: more than the server has places.
const HELD_MAX: usize = 1500;

/// Addresses that attack: none has more places than a client may have.
const ATTACKERS: u32 = 60;

/// Places that the server has, unless it is told otherwise.
const PLACES: usize = 1000;

/// What the server may take more than before under any attack, in KiB: generous, for what a thousand connections hold.
const MORE_KIB_MAX: u64 = 96 << 10;

/// Between two queries of an honest client.
const PAUSE: Duration = Duration::from_millis(3);

/// A server with all transports.
struct Besieged {
    encrypted: Encrypted,
    program: Program,
    https: SocketAddr,
    quic: SocketAddr,
    /// What it weighs before anybody comes.
    before: Weight,
}

/// What a process takes.
#[derive(Clone, Copy, Debug)]
struct Weight {
    /// The most memory that it had at once.
    highest_kib: u64,
    descriptors: usize,
}

/// How long honest clients waited.
struct Waits(Vec<Duration>);

/// The connections that attackers hold; the oldest goes for the newest.
#[derive(Default)]
struct Held(VecDeque<TcpStream>);

impl Besieged {
    fn new() -> Self {
        let (https, quic) = (free_port(loopback()), free_port(loopback()));
        let server = format!("listen-https = [\"{https}\"]\nlisten-quic = [\"{quic}\"]");
        let encrypted = Encrypted::new(&server, "");
        let program = encrypted.start();
        let before = Weight::of(&program);
        Self { encrypted, program, https, quic, before }
    }

    /// Attacks while honest clients ask. `kept` asks over a connection that was there before, and loses nothing; `fresh`
    /// over a new one for each query, and may be turned away, but not for long.
    fn besiege(
        &self,
        transport: &str,
        mut kept: impl FnMut(u16) + Send,
        mut fresh: impl FnMut(u16) -> io::Result<()> + Send,
        attack: impl FnOnce(),
    ) {
        let over = AtomicBool::new(false);
        let (kept, fresh) = thread::scope(|scope| {
            let kept = scope.spawn(|| Waits::of(&over, &mut kept));
            let fresh = scope.spawn(|| {
                Waits::of(&over, |id| {
                    let deadline = Instant::now() + PATIENCE;
                    while let Err(error) = fresh(id) {
                        assert!(Instant::now() < deadline, "a new client is turned away: {error}");
                    }
                })
            });
            let until = Over(&over);
            attack();
            drop(until);
            (kept.join().expect("a kept connection"), fresh.join().expect("new connections"))
        });
        let after = Weight::of(&self.program);
        println!(
            "{transport}: kept {}; new {}; {:?}, then {after:?}",
            kept.shown(),
            fresh.shown(),
            self.before
        );
        assert!(after.descriptors <= self.before.descriptors + PLACES + 50, "{after:?}");
        assert!(after.highest_kib <= self.before.highest_kib + MORE_KIB_MAX, "{after:?}");
    }

    /// Once the attackers are gone, nothing of them is left.
    fn assert_rid(self, held: Held) {
        drop(held);
        wait_for("the attackers leave nothing behind", PATIENCE, || {
            let open = self.encrypted.site.status()["tcp"]["open"].as_u64()?;
            // One for the status.
            let more = Weight::of(&self.program).descriptors.saturating_sub(self.before.descriptors);
            (open == 0 && more <= 2).then_some(())
        });
        self.program.stop();
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Weight {
    fn of(program: &Program) -> Self {
        let process = format!("/proc/{}", program.pid());
        let status = fs::read_to_string(format!("{process}/status")).expect("a process");
        let highest = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
        let highest_kib = highest.trim().trim_end_matches(" kB").parse().expect("a number");
        Self { highest_kib, descriptors: fs::read_dir(format!("{process}/fd")).expect("its files").count() }
    }
}

impl Waits {
    /// Asks again and again until it is over, at least once.
    fn of(over: &AtomicBool, mut ask: impl FnMut(u16)) -> Self {
        let mut waits = Vec::new();
        for id in 0..=u16::MAX {
            let begin = Instant::now();
            ask(id);
            waits.push(begin.elapsed());
            if over.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(PAUSE);
        }
        waits.sort();
        Self(waits)
    }

    fn shown(&self) -> String {
        let part = |percent: usize| self.0[(self.0.len() - 1) * percent / 100];
        format!("{} answered, p50 {:?}, p99 {:?}", self.0.len(), part(50), part(99))
    }
}

impl Held {
    fn hold(&mut self, stream: TcpStream) {
        if self.0.len() == HELD_MAX {
            self.0.pop_front();
        }
        self.0.push_back(stream);
    }
}

/// The address of an attacker, of which there are so many.
fn attacker(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 78, 0, 1)) + number % ATTACKERS)
}

/// A connection from an address.
fn connect_from(from: impl Into<IpAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from.into(), 0)).into())?;
    socket.connect_timeout(&to.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Has the client's end reset the connection, whenever it is dropped.
fn reset(stream: TcpStream) {
    let socket = Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).expect("a socket");
}

/// A session of TLS that offers this by ALPN.
fn secured_for(protocol: &[u8], stream: TcpStream) -> Client {
    let mut config = any_certificate().with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    session(stream, config)
}

/// What such a client says first.
fn greeting(protocol: &[u8]) -> Vec<u8> {
    let mut config = any_certificate().with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from(NAME).expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut greeting = Vec::new();
    session.write_tls(&mut greeting).expect("a greeting");
    greeting
}

/// A message as a stream has it.
fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).expect("a short message").to_be_bytes(), message].concat()
}

/// The answer to a query, or why there is none: a client that is turned away.
fn try_ask(client: &mut (impl io::Read + Write), query: &[u8]) -> io::Result<()> {
    client.write_all(&framed(query))?;
    client.flush()?;
    let mut length = [0; 2];
    client.read_exact(&mut length)?;
    let mut response = vec![0; u16::from_be_bytes(length).into()];
    client.read_exact(&mut response)?;
    assert_eq!((&response[..2], response[3] & 15, response[7]), (&query[..2], 0, 1), "{response:?}");
    Ok(())
}

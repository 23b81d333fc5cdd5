//! Clients that hold connections: they read a byte a second of a transfer, or never end what they ask.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::client::{ask, sorted_addresses};
use harness::program::Site;
use harness::{PATIENCE, loopback, wait_for};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use super::client::{axfr_query, try_transfer, wire};

/// Connections of all hostile clients together, where descriptors are enough.
const CONNECTIONS: usize = 10_000;

/// Connections that the server may have.
const SERVED: usize = 2_000;

/// Addresses that the hostile clients come from.
const CLIENTS: usize = 25;

/// So many of them may have the zone: they take all places for transfers that they can get, which are not all there are.
const ALLOWED: usize = 3;

/// Threads that open them.
const OPENERS: usize = 4;

/// Hosts of the zone: some 2 MB.
const HOSTS: u32 = 60_000;

/// How many descriptors a test may use: all that this process may have, but some.
fn descriptors() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("a process may raise its limit");
    maximum.and_then(|maximum| usize::try_from(maximum).ok()).unwrap_or(usize::MAX).saturating_sub(1_000)
}

/// A message of so many bytes, of which the client sends these.
fn begun(bytes: &[u8], length: usize) -> Vec<u8> {
    let length = u16::try_from(length).expect("a short query");
    [&length.to_be_bytes()[..], bytes].concat()
}

/// What a hostile client sends, by its number.
fn sent(number: usize) -> Vec<u8> {
    let query = axfr_query("example.net");
    // A signature that nobody has made, and half of it.
    let signed = {
        let mut bytes = query.clone();
        bytes[11] = 1;
        bytes.extend(wire("transfer"));
        bytes.extend([0, 250, 0, 255, 0, 0, 0, 0, 0, 60]);
        bytes
    };
    match number % 4 {
        // Two that read a transfer a byte a second.
        0 | 1 => begun(&query, query.len()),
        2 => begun(&query[..query.len() / 2], query.len()),
        _ => begun(&signed, signed.len() + 60),
    }
}

fn connect(from: Ipv4Addr, server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // It takes a little, and then no more.
    socket.set_recv_buffer_size(4096)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&server.into(), Duration::from_secs(2))?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").count()
}

/// Hostile clients that come as fast as they can, and come again when they are cut.
struct Crowd {
    is_over: Arc<AtomicBool>,
    openers: Vec<JoinHandle<usize>>,
    reader: JoinHandle<()>,
}

/// The connections that are open, by their numbers.
type Held = Arc<Mutex<HashMap<usize, TcpStream>>>;

impl Crowd {
    fn start(connections: usize, listen: SocketAddr, hostile: &Arc<[Ipv4Addr]>) -> Crowd {
        let (held, is_over) = (Held::default(), Arc::<AtomicBool>::default());
        let openers = (0..OPENERS).map(|part| {
            let (held, is_over, hostile) = (Arc::clone(&held), Arc::clone(&is_over), Arc::clone(hostile));
            let numbers = (part..connections).step_by(OPENERS).cycle();
            std::thread::spawn(move || {
                let numbers = numbers.take_while(|_| !is_over.load(Ordering::Relaxed));
                numbers.filter(|number| open(*number, &hostile, listen, &held)).count()
            })
        });
        let openers = openers.collect();
        let over = Arc::clone(&is_over);
        let reader = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let second = Instant::now();
                held.lock().unwrap().retain(|_, stream| match stream.read(&mut [0; 1]) {
                    Ok(count) => count == 1,
                    Err(error) => error.kind() == ErrorKind::WouldBlock,
                });
                std::thread::sleep(Duration::from_secs(1).saturating_sub(second.elapsed()));
            }
        });
        Crowd { is_over, openers, reader }
    }

    /// How many connections they have opened.
    fn stop(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        let opened = self.openers.into_iter().map(|opener| opener.join().expect("an opener ends")).sum();
        self.reader.join().expect("the reader ends");
        opened
    }
}

/// Opens a connection, unless the client has it already.
fn open(number: usize, hostile: &[Ipv4Addr], listen: SocketAddr, held: &Held) -> bool {
    if held.lock().unwrap().contains_key(&number) {
        std::thread::sleep(Duration::from_micros(200));
        return false;
    }
    let Ok(mut stream) = connect(hostile[number % CLIENTS], listen) else { return false };
    let is_sent = stream.write_all(&sent(number)).is_ok();
    if is_sent {
        held.lock().unwrap().insert(number, stream);
    }
    is_sent
}

#[test]
fn ten_thousand_clients_that_hold_connections_keep_nobody_from_a_transfer_or_an_answer() {
    let connections = CONNECTIONS.min(descriptors());
    let honest = loopback();
    let hostile: Arc<[Ipv4Addr]> = (0..CLIENTS).map(|_| loopback()).collect();
    let allowed: Vec<String> =
        hostile.iter().take(ALLOWED).chain([&honest]).map(|address| format!("\"{address}\"")).collect();
    let site = Site::new();
    let hosts: String =
        (0..HOSTS).map(|host| format!("h{host} A 10.0.{}.{}\n", host / 256, host % 256)).collect();
    let head = "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n";
    site.write("example.zone", &format!("{head}{hosts}"));
    site.configure(&format!(
        "tcp-connections = {SERVED}\n[admin]\nsocket = \"control.sock\"\n\n[[key]]\nname = \"transfer\"\n\
         secret = \"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\n\n[[zone]]\nname = \"example.net\"\nfile = \"example.zone\"\n\
         allow-transfer = [{}]\n",
        allowed.join(", ")
    ));
    let program = site.start();
    let listen = program.listen();
    let (pid, before) = (program.pid(), resident_kib(program.pid()));
    let crowd = Crowd::start(connections, listen, &hostile);
    wait_for("all places to be taken", PATIENCE, || (open_files(pid) > SERVED).then_some(()));
    let (mut memory, mut files) = (0, 0);
    for round in 0..3 {
        // Plain queries are answered at once, over UDP.
        for host in round * 50..(round + 1) * 50 {
            let name = format!("h{host}.example.net.");
            let found = sorted_addresses(listen, &name, RecordType::A).map(|found| found.len());
            assert_eq!(found, Some(1), "{name}");
        }
        // A transfer is told to come later while others have all places, and has its own soon.
        let got = wait_for("the zone", PATIENCE, || {
            let got = try_transfer(honest, listen, &axfr_query("example.net")).ok()?;
            (got.rcode == ResponseCode::NoError).then_some(got)
        });
        assert_eq!(got.records.len(), usize::try_from(HOSTS).unwrap() + 4);
        memory = memory.max(resident_kib(pid).saturating_sub(before));
        files = files.max(open_files(pid));
    }
    let opened = crowd.stop();
    assert!(opened >= connections.min(SERVED), "{opened} connections were opened");
    assert!(memory < 128 << 10, "{memory} KiB for them");
    assert!(files < SERVED + 200, "{files} files");
    assert!(ask(listen, "ns.example.net.", RecordType::A).is_some());
    program.stop();
}

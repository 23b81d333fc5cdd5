//! Clients that have the right to update a zone, and delete what they can: a million times, in messages as long as can be,
//! over several connections at once.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use edgedns::tsig::{Algorithm, ClientExchange, Key, Secret, Time};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use socket2::{Domain, Socket, Type};

use harness::client::{ask, sorted_addresses};
use harness::http::sample;
use harness::program::Site;
use harness::{PATIENCE, free_port, loopback};

const SECRET: &str = "mDd4nWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";

/// Hosts of the zone. Every second one is deleted.
const HOSTS: usize = 20_000;

/// Hostile clients.
const CLIENTS: usize = 4;

/// Deletes of all of them together.
const DELETES: usize = 1_000_000;

/// Messages that one of them has under way at once.
const UNDER_WAY: usize = 2;

/// Room that is left in a message: for a record more, and the signature.
const RESERVED: usize = 200;

/// What the server may take more while all this goes on, in KiB, and however long: the messages under way as they are
/// received, read and evaluated, the records by which the zone differs from its file, and steps for its secondaries.
const MEMORY_MAX: u64 = 96 << 10;

fn key(name: &str) -> Arc<Key> {
    let secret = Secret::from_base64(SECRET.as_bytes()).expect("a secret");
    Arc::new(Key::new(name.parse().expect("a name"), Algorithm::DEFAULT, &secret))
}

fn site(admin: SocketAddr) -> Site {
    let site = Site::new();
    let hosts: String = (0..HOSTS).map(|host| format!("h{host:06} A 192.0.2.1\n")).collect();
    let head =
        "$TTL 60\n@ SOA ns.lab.example. root.lab.example. 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n";
    site.write("lab.zone", &format!("{head}{hosts}"));
    site.configure(&format!(
        r#"
[admin]
state-directory = "."
listen = "{admin}"

[[key]]
name = "hostile"
secret = "{SECRET}"

[[key]]
name = "honest"
secret = "{SECRET}"

[[zone]]
name = "lab.example"
file = "lab.zone"
allow-transfer = ["127.0.0.0/8"]

[[zone.update]]
allow = ["key:hostile"]
names = ["h*", "x*"]
types = ["A"]

[[zone.update]]
allow = ["key:honest"]
names = ["mine"]
types = ["A"]
"#
    ));
    site
}

/// An UPDATE that is being filled.
struct Update {
    bytes: Vec<u8>,
    count: u16,
}

impl Update {
    fn new(id: u16) -> Update {
        let mut bytes = [id, 5 << 11, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
        bytes.extend(b"\x03lab\x07example\0\0\x06\0\x01");
        Update { bytes, count: 0 }
    }

    /// A record of this owner, class and TTL.
    fn push(&mut self, owner: &str, class: u16, ttl: u32, rdata: &[u8]) {
        self.bytes.push(u8::try_from(owner.len()).expect("a label"));
        self.bytes.extend(owner.as_bytes());
        self.bytes.extend([0xc0, 12, 0, 1]);
        self.bytes.extend(class.to_be_bytes());
        self.bytes.extend(ttl.to_be_bytes());
        self.bytes.extend(u16::try_from(rdata.len()).expect("short data").to_be_bytes());
        self.bytes.extend(rdata);
        self.count += 1;
    }

    fn is_full(&self) -> bool {
        self.bytes.len() + RESERVED > usize::from(u16::MAX)
    }

    fn signed(mut self, key: &Arc<Key>) -> Vec<u8> {
        self.bytes[8..10].copy_from_slice(&self.count.to_be_bytes());
        let now = Time::of(SystemTime::now());
        ClientExchange::sign_request(Arc::clone(key), &mut self.bytes, now).expect("room for a signature");
        self.bytes
    }
}

/// What a hostile client has sent.
#[derive(Clone, Copy, Default)]
struct Sent {
    messages: u32,
    deletes: usize,
    /// Messages that delete what is there, and nothing else that they may not.
    changing: u32,
    refused: u32,
}

/// Deletes these hosts, many names that are not there, and now and then one that is not theirs.
fn delete(server: SocketAddr, from: Ipv4Addr, client: usize, deletes: usize) -> Sent {
    let mut stream = connect(server, from);
    let hostile = key("hostile");
    let mut hosts = (0..HOSTS).filter(|host| host % (2 * CLIENTS) == 2 * client).peekable();
    let mut sent = Sent::default();
    let mut answered = 0;
    while sent.deletes < deletes || hosts.peek().is_some() {
        let number = sent.messages;
        sent.messages += 1;
        let mut update = Update::new(u16::try_from(number % 65_536).expect("16 bits"));
        // A name of somebody else among them: nothing of the message is made.
        let is_refused = number % 8 == 7;
        let theirs: Vec<usize> = if is_refused { Vec::new() } else { hosts.by_ref().take(200).collect() };
        for (at, host) in theirs.iter().enumerate() {
            let owner = format!("h{host:06}");
            match at % 3 {
                0 => update.push(&owner, 255, 0, &[]),
                1 => update.push(&owner, 254, 0, &[192, 0, 2, 1]),
                // It is deleted twice.
                _ => (0..2).for_each(|_| update.push(&owner, 255, 0, &[])),
            }
        }
        while !update.is_full() {
            let owner = format!("x{:06}", (sent.deletes + usize::from(update.count)) % 1_000_000);
            let rdata: &[u8] = if update.count.is_multiple_of(2) { &[] } else { &[192, 0, 2, 1] };
            update.push(&owner, if rdata.is_empty() { 255 } else { 254 }, 0, rdata);
        }
        if is_refused {
            update.push("ns", 255, 0, &[]);
            sent.refused += 1;
        }
        sent.changing += u32::from(!theirs.is_empty());
        sent.deletes += usize::from(update.count);
        let message = update.signed(&hostile);
        let length = u16::try_from(message.len()).expect("a message");
        stream.write_all(&[&length.to_be_bytes()[..], &message].concat()).expect("it is taken");
        while (number + 1 - answered) as usize >= UNDER_WAY {
            take_response(&mut stream);
            answered += 1;
        }
    }
    (answered..sent.messages).for_each(|_| take_response(&mut stream));
    sent
}

/// What was refused is told by its number: every eighth.
fn take_response(stream: &mut TcpStream) {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a response");
    let mut response = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut response).expect("all of it");
    let wanted = if response[1] % 8 == 7 { 5 } else { 0 };
    assert_eq!(
        response[3] & 0x0f,
        wanted,
        "the RCODE of message {}",
        u16::from_be_bytes([response[0], response[1]])
    );
}

fn connect(server: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((from, 0)).into()).expect("a loopback address");
    socket.connect(&server.into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

/// Gives a name one address after the other, and sees each of them served; how many.
fn update_until(server: SocketAddr, is_over: &AtomicBool) -> u32 {
    let honest = key("honest");
    let socket = UdpSocket::bind((loopback(), 0)).expect("a socket");
    socket.connect(server).expect("a server");
    socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let mut count = 0;
    while count < 3 || !is_over.load(Ordering::Relaxed) {
        count += 1;
        let address = [10, 0, 0, u8::try_from(count % 250).expect("a byte")];
        let mut update = Update::new(u16::try_from(count % 65_536).expect("16 bits"));
        update.push("mine", 255, 0, &[]);
        update.push("mine", 1, 60, &address);
        let message = update.signed(&honest);
        socket.send(&message).expect("it is sent");
        let mut response = [0; 1232];
        socket.recv(&mut response).expect("a response");
        assert_eq!((&response[..2], response[3] & 0x0f), (&message[..2], 0), "NOERROR, and of this one");
        let found = sorted_addresses(server, "mine.lab.example.", RecordType::A);
        assert_eq!(found, Some(vec![address.into()]));
    }
    count
}

#[test]
fn whoever_deletes_all_that_a_rule_allows_takes_bounded_memory_and_keeps_nobody_from_updating() {
    let admin = free_port(loopback());
    let site = site(admin);
    let program = site.start();
    let memory = |what: &str| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("a process");
        let line = status.lines().find(|line| line.starts_with(what)).expect("a line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number")
    };
    let (server, began, before) = (program.listen(), Instant::now(), memory("VmRSS"));
    let is_over = AtomicBool::new(false);
    let (sent, updated) = std::thread::scope(|scope| {
        let honest = scope.spawn(|| update_until(server, &is_over));
        let hostile = (0..CLIENTS)
            .map(|client| scope.spawn(move || delete(server, loopback(), client, DELETES / CLIENTS)))
            .collect::<Vec<_>>();
        let sent: Vec<_> = hostile.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        let sent: Vec<Sent> =
            sent.into_iter().map(|sent| sent.expect("each is answered as it should be")).collect();
        (sent, honest.join().expect("an honest client is answered"))
    });
    let total = |count: fn(&Sent) -> u32| sent.iter().map(count).sum::<u32>();
    let deleted: usize = sent.iter().map(|sent| sent.deletes).sum();
    let more = memory("VmHWM").saturating_sub(before);
    println!(
        "{deleted} deletes in {} messages and {updated} updates in {:?}, {more} KiB more",
        total(|sent| sent.messages),
        began.elapsed()
    );
    assert!(deleted >= DELETES && more < MEMORY_MAX, "{more} KiB more for {deleted} deletes");

    let rcode = |owner: &str| {
        let response = ask(server, &format!("{owner}.lab.example."), RecordType::A).expect("a response");
        response.metadata.response_code
    };
    for host in (0..HOSTS).step_by(97) {
        let wanted = if host % 2 == 0 { ResponseCode::NXDomain } else { ResponseCode::NoError };
        assert_eq!(rcode(&format!("h{host:06}")), wanted, "host {host}");
    }
    assert_eq!(rcode("ns"), ResponseCode::NoError, "no rule lets them delete that");
    let metric = |name: &str| sample(admin, &format!("{name}{{zone=\"lab.example.\"}}"));
    // SOA, NS, the address of `ns`, the honest client's.
    assert_eq!(metric("edgedns_zone_records"), (4 + HOSTS / 2) as f64);
    assert_eq!(metric("edgedns_zone_serial"), f64::from(7 + total(|sent| sent.changing) + updated));
    let refused = f64::from(total(|sent| sent.refused));
    assert_eq!(sample(admin, "edgedns_updates_total{result=\"name-or-type\"}"), refused);
    program.wait_for_line(" with key hostile: made, serial ");
    program.wait_for_line(" with key hostile is REFUSED: ns.lab.example. A: no [[zone.update]] allows this client this name and type");
    program.stop();
}

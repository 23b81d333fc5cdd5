//! Lists of clients keep out who was kept out: the server that is replaced and edgedns are asked from the
//! same addresses of loopback.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::servers::{Server, installed};
use harness::node::{Imported, Node};
use harness::program::{Program, Site};
use harness::{free_port, loopback};

/// How long an answer over loopback may take before it counts as none: the recursor does not answer clients
/// that may not ask.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Clients that ask, by the last number of 127.0.0.N.
const CLIENTS: std::ops::RangeInclusive<u8> = 1..=5;

/// One that BIND does not hear.
const UNHEARD: u8 = 6;

const ZONE: &str = "$TTL 10\n@ IN SOA ns h 1 3h 30m 2w 10\n@ IN NS ns\nns IN A 192.0.2.1\n";

/// Lists as BIND takes them.
const LISTS: &[&str] = &[
    "any;",
    "none;",
    "!none;",
    "none; any;",
    "localhost;",
    "localnets;",
    "127.0.0.2; 127.0.0.4/31;",
    "127/8;",
    "!127.0.0.2; 127.0.0.0/8;",
    "127.0.0.0/8; !127.0.0.2;",
    "! 127.0.0.4/31; any;",
    "inner;",
    "INNER; 127.0.0.4;",
    "!inner; any;",
    "!{ !127.0.0.2; any; }; any;",
    "{ !127.0.0.2; 127.0.0.0/30; }; 127.0.0.2; 127.0.0.5;",
    "!127.0.0.1; localhost; 127.0.0.3;",
    "key \"k\"; 127.0.0.3;",
    "!key \"k\"; 127.0.0.3;",
    "!{ key \"k\"; 127.0.0.3; }; 127.0.0.0/29;",
    "2001:db8::/32;",
    "!2001:db8::1; any;",
];

/// A resolver that knows no name. Ends when dropped.
struct Upstream {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    fn start() -> Upstream {
        let socket = UdpSocket::bind((loopback(), 0)).expect("a port");
        let address = socket.local_addr().expect("an address");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time limit");
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !seen.load(Ordering::Relaxed) {
                let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
                let Some(flags) = buffer.get_mut(2..4).filter(|_| len >= 12) else { continue };
                // A response with RA and NXDOMAIN.
                flags[0] |= 0x80;
                flags[1] = 0x83;
                let _ = socket.send_to(&buffer[..len], from);
            }
        });
        Upstream { address, is_over, thread: Some(thread) }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Whether a client may ask: it gets an answer other than REFUSED.
fn may_ask(client: u8, server: SocketAddr, qname: &str) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, client), 0)).expect("a socket");
    socket.set_read_timeout(Some(ANSWER_MAX)).expect("a time limit");
    socket.connect(server).expect("a loopback address");
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(qname).expect("a name"), RecordType::A));
    socket.send(&message.to_vec().expect("a query")).expect("loopback takes a datagram");
    let mut buffer = [0; 4096];
    let Ok(len) = socket.recv(&mut buffer) else { return false };
    let response = Message::from_vec(&buffer[..len]).expect("a response that decodes");
    response.metadata.response_code != ResponseCode::Refused
}

/// All at once: a client that gets no answer waits for it.
fn who_may_ask(server: SocketAddr, qname: &str) -> Vec<u8> {
    std::thread::scope(|scope| {
        let asked = CLIENTS.map(|client| (client, scope.spawn(move || may_ask(client, server, qname))));
        let asked: Vec<_> = asked.collect();
        let may = |(client, asked): (u8, std::thread::ScopedJoinHandle<'_, bool>)| {
            asked.join().expect("a client that asks").then_some(client)
        };
        asked.into_iter().filter_map(may).collect()
    })
}

/// edgedns with what was imported, on an address of its own.
pub(crate) fn imported(result: &Imported, files: &std::path::Path) -> (Site, Program) {
    let site = Site::new();
    std::fs::create_dir_all(site.folder().join("edgedns/zones")).expect("a scratch folder");
    for entry in std::fs::read_dir(files.join("edgedns/zones")).expect("the copied files") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        site.write(&format!("edgedns/zones/{name}"), &std::fs::read_to_string(&path).expect("a zone file"));
    }
    // Keys, each with its mode.
    let keys = std::fs::read_dir(files.join("edgedns/dnssec")).into_iter().flatten();
    for path in keys.map(|entry| entry.expect("an entry").path()) {
        let to = site.folder().join("edgedns/dnssec");
        std::fs::create_dir_all(&to).expect("a scratch folder");
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
    }
    let rest = result.config.lines().filter(|line| !line.starts_with("listen = ")).collect::<Vec<_>>();
    let listen = format!("[server]\nlisten = [\"{}\"]", site.listen());
    site.write("edgedns.toml", &rest.join("\n").replace("[server]", &listen));
    let program = site.start();
    (site, program)
}

/// A node whose `named.conf` can be read by BIND where it is, with these options and zones.
fn bind_node(options: &str, zones: &str) -> (Node, SocketAddr) {
    let node = Node::new(&[("etc/lab.zone", ZONE)]);
    // BIND listens on addresses of interfaces only.
    let listen = free_port(Ipv4Addr::LOCALHOST);
    let folder = node.path("etc").display().to_string();
    node.write(
        "etc/named.conf",
        &format!(
            "key \"k\" {{ algorithm hmac-sha256; secret \"c2VjcmV0\"; }};\n\
             acl inner {{ !127.0.0.4; 127.0.0.0/29; }};\n\
             controls {{ }};\n\
             options {{\n\
               directory \"{folder}\";\n  pid-file \"{folder}/pid\";\n  session-keyfile \"{folder}/session\";\n\
               listen-on port {} {{ 127.0.0.1; }};\n  listen-on-v6 {{ none; }};\n  dnssec-validation no;\n{options}\
             }};\n{zones}",
            listen.port()
        ),
    );
    (node, listen)
}

fn zone(name: &str, inside: &str) -> String {
    format!("zone \"{name}\" {{ type master; file \"lab.zone\"; {inside} }};\n")
}

#[test]
fn who_may_not_ask_bind_for_a_zone_may_not_ask_for_it_here() {
    let Some(named) = installed("named") else { return };
    let names: Vec<String> = (0..LISTS.len()).map(|number| format!("z{number}.test")).collect();
    let zones: String = names
        .iter()
        .zip(LISTS)
        .map(|(name, list)| zone(name, &format!("allow-query {{ {list} }};")))
        .collect();
    let (node, bind) = bind_node(
        "  recursion no;\n  allow-query { !127.0.0.3; 127.0.0.0/8; };\n  blackhole { 127.0.0.6; };\n",
        &format!("{zones}{}", zone("own.test", "")),
    );
    let mut theirs = Server::named(&named, &node.path("etc"));
    theirs.wait_until("BIND answers", || may_ask(1, bind, "ns.own.test.").then_some(()));
    let (site, program) = imported(&node.named(), &node.path("new"));
    for (name, list) in names.iter().zip(LISTS).chain([(&"own.test".to_owned(), &"of options")]) {
        let qname = format!("ns.{name}.");
        let (wanted, got) = (who_may_ask(bind, &qname), who_may_ask(site.listen(), &qname));
        assert_eq!(got, wanted, "{list}\n{}", node.read("new/edgedns.toml"));
    }
    for qname in ["ns.own.test.", "ns.z0.test."] {
        assert!(!may_ask(UNHEARD, bind, qname) && !may_ask(UNHEARD, site.listen(), qname), "{qname}");
    }
    program.stop();
}

#[test]
fn who_may_not_ask_bind_for_names_of_others_may_not_ask_for_them_here() {
    let Some(named) = installed("named") else { return };
    let upstream = Upstream::start();
    let forward = format!(
        "  forward only;\n  forwarders {{ {} port {}; }};\n",
        upstream.address.ip(),
        upstream.address.port()
    );
    for (lists, cached_only) in [
        ("allow-recursion { !127.0.0.2; 127.0.0.0/8; };", &[][..]),
        // A client that may have answers of the cache alone gets none here.
        ("allow-recursion { 127.0.0.1; 127.0.0.2; }; allow-query-cache { 127.0.0.2; 127.0.0.3; };", &[3]),
        ("allow-query-cache { 127.0.0.2; inner; };", &[]),
        ("allow-query { localhost; };", &[]),
        ("allow-recursion { localhost; };", &[]),
        ("allow-recursion { inner; }; blackhole { 127.0.0.5; };", &[]),
        ("allow-recursion { none; };", &[]),
        ("allow-recursion { 127.0.0.0/8; }; allow-recursion-on { 127.0.0.1; };", &[]),
        ("", &[]),
    ] {
        let (node, bind) =
            bind_node(&format!("{forward}  {lists}\n"), &zone("own.test", "allow-query { any; };"));
        let mut theirs = Server::named(&named, &node.path("etc"));
        theirs.wait_until("BIND answers", || may_ask(1, bind, "ns.own.test.").then_some(()));
        let (site, program) = imported(&node.named(), &node.path("new"));
        let qname = "www.nothing.invalid.";
        let mut wanted = who_may_ask(bind, qname);
        wanted.retain(|client| !cached_only.contains(client));
        assert_eq!(who_may_ask(site.listen(), qname), wanted, "{lists}\n{}", node.read("new/edgedns.toml"));
        program.stop();
    }
}

#[test]
fn whom_the_recursor_gives_no_answer_is_refused_whatever_he_asks() {
    let Some(recursor) = installed("pdns_recursor") else { return };
    let upstream = Upstream::start();
    for list in [
        "127.0.0.0/8,!127.0.0.2",
        "!127.0.0.2,127.0.0.0/8",
        "127.0.0.1,127.0.0.4/31,!127.0.0.4/30,127.0.0.5",
        "127.0.0.0/8,!127.0.0.0/29,!127.0.0.2,127.0.0.2,127.0.0.5,127.0.0.6,!127.0.0.6",
    ] {
        let front = free_port(loopback());
        let text = format!(
            "local-address={front}\nallow-from={list}\nforward-zones-recurse=.={}\nforward-zones=lab.test=127.0.0.1:1\n\
             dnssec=off\n",
            upstream.address
        );
        let node = Node::new(&[
            (
                "etc/pdns/pdns.conf",
                "launch=bind\nbind-config=bind.conf\nlocal-address=127.0.0.1\nlocal-port=1\n",
            ),
            ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
            ("etc/pdns/lab.zone", ZONE),
            ("etc/pdns-recursor/recursor.conf", &text),
        ]);
        let mut theirs = Server::recursor(&recursor, &node.path("etc/pdns-recursor"), upstream.address);
        theirs.wait_until("pdns-recursor answers", || {
            (!who_may_ask(front, "up.invalid.").is_empty()).then_some(())
        });
        let (site, program) = imported(&node.pdns(), &node.path("new"));
        let wanted = who_may_ask(front, "www.nothing.invalid.");
        for qname in ["www.nothing.invalid.", "ns.lab.test."] {
            assert_eq!(
                who_may_ask(site.listen(), qname),
                wanted,
                "{qname} {list}\n{}",
                node.read("new/edgedns.toml")
            );
        }
        program.stop();
    }
}

#[test]
fn a_client_sees_the_version_of_a_zone_that_bind_shows_it() {
    let Some(named) = installed("named") else { return };
    let zone = |name: &str, address: &str| {
        let file = format!("{address}.zone");
        (file.clone(), format!("zone \"{name}\" {{ type master; file \"{file}\"; }};\n"))
    };
    let versions = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| {
        (["both.test", "some.test"].map(|name| zone(name, address)), ZONE.replace("192.0.2.1", address))
    });
    let [first, second, third] = &versions;
    // The second view lacks a zone that the others have.
    let views = format!(
        "view one {{ match-clients {{ !127.0.0.2; inner; }};\n{}{} }};\nview two {{ match-clients {{ 127.0.0.2; 127.0.0.4/31; }};\n{} }};\n\
         view three {{ match-clients {{ !127.0.0.3; any; }};\n{}{} }};\n",
        first.0[0].1, first.0[1].1, second.0[0].1, third.0[0].1, third.0[1].1,
    );
    let (node, bind) = bind_node("  recursion no;\n", &views);
    for (zones, text) in &versions {
        node.write(&format!("etc/{}", zones[0].0), text);
    }
    let mut theirs = Server::named(&named, &node.path("etc"));
    theirs.wait_until("BIND answers", || may_ask(1, bind, "ns.both.test.").then_some(()));
    let result = node.named();
    let (site, program) = imported(&result, &node.path("new"));
    for qname in ["ns.both.test.", "ns.some.test."] {
        for client in 1..=UNHEARD {
            let (wanted, got) = (seen(client, bind, qname), seen(client, site.listen(), qname));
            assert_eq!(got, wanted, "{qname} for 127.0.0.{client}\n{}", result.config);
        }
    }
    program.stop();
}

/// What a client is answered; none where it is REFUSED.
fn seen(client: u8, server: SocketAddr, qname: &str) -> Option<Vec<String>> {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, client), 0)).expect("a socket");
    socket.set_read_timeout(Some(ANSWER_MAX)).expect("a time limit");
    socket.connect(server).expect("a loopback address");
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(qname).expect("a name"), RecordType::A));
    socket.send(&message.to_vec().expect("a query")).expect("loopback takes a datagram");
    let mut buffer = [0; 4096];
    let len = socket.recv(&mut buffer).expect("an answer");
    let response = Message::from_vec(&buffer[..len]).expect("a response that decodes");
    let answers = response.answers.iter().map(|record| record.data.to_string()).collect();
    (response.metadata.response_code != ResponseCode::Refused).then_some(answers)
}

//! Nobody gets in who was kept out: lists of clients of BIND, PowerDNS and its recursor.
//!
//! Responsible for asking the server that is replaced and edgedns from the same addresses of loopback, and for lists that
//! cannot be written down.
//! Not responsible for what is answered to those who may ask.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::node::{Node, Result};
use super::servers::{Server, installed};
use harness::program::{Program, Site};
use harness::{free_port, loopback};

/// How long an answer over loopback may take before it counts as none: the recursor says nothing to those who may not ask.
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

/// Whether a client may ask: it gets an answer that is no REFUSED.
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

/// All at once: whoever gets no answer waits for it.
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
fn imported(result: &Result, files: &std::path::Path) -> (Site, Program) {
    let site = Site::new();
    std::fs::create_dir_all(site.folder().join("edgedns/zones")).expect("a scratch folder");
    for entry in std::fs::read_dir(files.join("edgedns/zones")).expect("the copied files") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        site.write(&format!("edgedns/zones/{name}"), &std::fs::read_to_string(&path).expect("a zone file"));
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
        // Who may have answers of the cache alone has none here.
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

/// What is made of a `named.conf` with these options and this inside of its zone.
fn of_bind(options: &str, inside: &str) -> Result {
    Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ directory \"/var/named\"; listen-on {{ 192.0.2.1; }}; listen-on-v6 {{ none; }}; {options} }};\n{}",
                zone("lab.test", inside)
            ),
        ),
        ("var/named/lab.zone", ZONE),
    ])
    .named()
}

#[test]
fn a_zone_that_nobody_may_ask_stays_closed() {
    for (options, inside) in [
        ("recursion no;", "allow-query { none; };"),
        ("recursion no; allow-query { none; };", ""),
        ("recursion no; allow-query { any; };", "allow-query { };"),
    ] {
        let result = of_bind(options, inside);
        result.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
        assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    }
}

#[test]
fn a_zone_of_which_a_part_is_missing_stays_closed() {
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ recursion no; directory \"/etc\"; }};\n{}",
                zone("lab.test", "allow-query { 192.0.2.0/24; };")
            ),
        ),
        ("etc/lab.zone", &format!("{ZONE}$INCLUDE gone.inc\n")),
    ]);
    let result = node.named();
    result.assert_fate("zone lab.test", "refused", "without gone.inc, which it includes");
    result.assert_lines(&["allow-query = [\"192.0.2.0/24\"]"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn the_list_of_a_zone_counts_before_that_of_the_server() {
    let result = of_bind("recursion no; allow-query { 192.0.2.0/24; };", "allow-query { any; };");
    assert!(!result.config.contains("allow-query ="), "{}", result.config);
    let result = of_bind("recursion no; allow-query { any; };", "allow-query { !192.0.2.1; 192.0.2.0/30; };");
    result.assert_lines(&["allow-query = [\"192.0.2.2/31\", \"192.0.2.0\"]"]);
    result.assert_fate("zone lab.test: allow-query { !192.0.2.1; 19…", "honoured", "→ [[zone]] allow-query");
}

#[test]
fn this_host_is_not_the_networks_it_is_in() {
    let result = of_bind("forwarders { 203.0.113.1; }; allow-recursion { localhost; };", "");
    result.assert_lines(&["allow = [\"127.0.0.1\", \"::1\", \"192.0.2.1\"]"]);
    result.assert_fate("allow-recursion { localhost; }", "honoured", "→ [[forward]] allow");
    // Where every address is listened on, the others of this host are not known.
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ directory \"/var/named\"; allow-query {{ localhost; }}; }};\n{}",
                zone("lab.test", "")
            ),
        ),
        ("var/named/lab.zone", ZONE),
    ]);
    let result = node.named();
    result.assert_lines(&["allow-query = [\"127.0.0.1\", \"::1\"]"]);
    result.assert_fate(
        "allow-query { localhost; }",
        "refused",
        "addresses of this host that are not named here",
    );
    assert_eq!(result.status, Some(1));
}

#[test]
fn what_a_list_cannot_say_closes_and_is_refused() {
    for (list, allow) in [
        ("key \"k\"; 192.0.2.0/24;", "[\"192.0.2.0/24\"]"),
        ("key \"k\";", "[\"0.0.0.0/32\"]"),
        ("!{ !{ 192.0.2.0/24; }; any; }; key \"k\";", "[\"0.0.0.0/32\"]"),
        ("unknown; 192.0.2.0/24;", "[\"192.0.2.0/24\"]"),
        ("!unknown; 192.0.2.0/24;", "[\"0.0.0.0/32\"]"),
        ("192.0.2.0/24; !unknown; 198.51.100.0/24;", "[\"192.0.2.0/24\"]"),
        ("!geoip country DE; any;", "[\"0.0.0.0/32\"]"),
        ("!192.0.2.9; localnets;", "[\"127.0.0.0/8\", \"::1\"]"),
    ] {
        let result = of_bind("recursion no;", &format!("allow-query {{ {list} }};"));
        result.assert_lines(&[&format!("allow-query = {allow}")]);
        assert!(result.report.contains("1 refused"), "{list}\n{}", result.report);
        assert_eq!(result.status, Some(1), "{list}");
    }
}

#[test]
fn a_world_without_some_is_no_open_door_for_them() {
    let result = of_bind("forwarders { 203.0.113.1; }; allow-recursion { !192.0.2.9; any; };", "");
    result.assert_lines(&["allow = [\"127.0.0.0/8\", \"::1\"]"]);
    result.assert_fate("allow-recursion { !192.0.2.9; any; }", "refused", "an open door, closed");
    result.assert_faults(&["an open door: this lets the whole world in"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn a_list_with_more_networks_than_fit_loses_the_smallest_and_is_refused() {
    let networks: String = (0..65).map(|number| format!("10.0.{number}.0/{}; ", 24 + number / 64)).collect();
    let result = of_bind("recursion no;", &format!("allow-query {{ {networks} }};"));
    assert!(
        result.config.contains("10.0.63.0/24") && !result.config.contains("10.0.64.0/25"),
        "{}",
        result.config
    );
    result.assert_faults(&["ok: 0 errors"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn what_the_address_asked_decides_is_answered_to_nobody_unless_it_is_all_there_is() {
    let result = of_bind("recursion no; allow-query-on { 192.0.2.1; };", "");
    assert!(!result.config.contains("allow-query ="), "{}", result.config);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    let result = of_bind("recursion no;", "allow-query-on { 192.0.2.7; };");
    result.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
    result.assert_fate("zone lab.test: allow-query-on { 192.0.2.7; }", "refused", "nobody is answered");
}

#[test]
fn the_clients_of_the_only_view_are_those_of_its_zones() {
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ directory \"/var/named\"; forwarders {{ 203.0.113.1; }}; allow-recursion {{ any; }}; }};\n\
                 view \"in\" {{ match-clients {{ 192.0.2.0/24; }}; allow-recursion {{ 192.0.2.0/25; }};\n{} }};\n",
                zone("lab.test", "")
            ),
        ),
        ("var/named/lab.zone", ZONE),
    ]);
    let result = node.named();
    result.assert_lines(&["allow-query = [\"192.0.2.0/24\"]", "allow = [\"192.0.2.0/25\"]"]);
    result.assert_fate("allow-recursion { any; }", "no effect here", "the view says otherwise");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_file_that_may_say_who_is_answered_closes_what_it_may_restrict() {
    let missing = "include \"/etc/named.conf.options\";\n";
    for text in [
        format!("{missing}{}", zone("lab.test", "")),
        format!("options {{ directory \"/var/named\"; {missing} }};\n{}", zone("lab.test", "")),
        format!("options {{ directory \"/var/named\"; }};\n{}", zone("lab.test", missing)),
    ] {
        let node =
            Node::new(&[("etc/named.conf", &text), ("etc/lab.zone", ZONE), ("var/named/lab.zone", ZONE)]);
        let result = node.named();
        result.assert_lines(&["allow-query = [\"0.0.0.0/32\"]"]);
        assert_eq!(result.status, Some(1), "{text}");
    }
}

#[test]
fn a_listener_is_never_wider_than_it_was() {
    for (list, listen) in [
        ("192.0.2.1; 198.51.100.0/24;", "[\"192.0.2.1:53\"]"),
        ("!192.0.2.9; any;", "[\"127.0.0.1:53\", \"[::1]:53\"]"),
        ("eth0;", "[\"127.0.0.1:53\", \"[::1]:53\"]"),
    ] {
        let node = Node::new(&[
            (
                "etc/named.conf",
                &format!(
                    "options {{ directory \"/var/named\"; recursion no; listen-on {{ {list} }}; listen-on-v6 {{ none; }}; }};\n{}",
                    zone("lab.test", "")
                ),
            ),
            ("var/named/lab.zone", ZONE),
        ]);
        let result = node.named();
        result.assert_lines(&[&format!("listen = {listen}")]);
        assert_eq!(result.status, Some(1), "{list}\n{}", result.report);
    }
    let node = Node::new(&[
        (
            "etc/named.conf",
            &format!(
                "options {{ listen-on port domain {{ 192.0.2.1; }}; listen-on-v6 port 853 tls x {{ any; }}; }};\n{}",
                zone("lab.test", "")
            ),
        ),
        ("etc/lab.zone", ZONE),
    ]);
    node.named().assert_lines(&["listen = [\"127.0.0.1:53\", \"[::1]:53\"]"]);
}

#[test]
fn statistics_for_some_are_on_loopback() {
    let result = |list: &str| {
        let node = Node::new(&[
            (
                "etc/named.conf",
                &format!(
                    "statistics-channels {{ inet 192.0.2.1 port 8053 {list}; }};\n{}",
                    zone("lab.test", "")
                ),
            ),
            ("etc/lab.zone", ZONE),
        ]);
        node.named()
    };
    result("allow { 192.0.2.7; }").assert_lines(&["listen = \"127.0.0.1:8053\""]);
    result("allow { any; }").assert_lines(&["listen = \"192.0.2.1:8053\""]);
    result("").assert_lines(&["listen = \"192.0.2.1:8053\""]);
}

/// A node whose recursor has this file.
fn of_recursor(pdns: &str, recursor: &str) -> Result {
    Node::new(&[
        ("etc/pdns/pdns.conf", &format!("launch=bind\nbind-config=bind.conf\n{pdns}")),
        ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
        ("etc/pdns/lab.zone", ZONE),
        ("etc/pdns-recursor/recursor.conf", &format!("forward-zones-recurse=.=203.0.113.53\n{recursor}")),
    ])
    .pdns()
}

#[test]
fn whom_the_recursor_let_in_is_all_who_is_answered_from_zones_behind_it() {
    let result = of_recursor("local-port=5300\n", "allow-from=192.0.2.0/24\n");
    result.assert_lines(&["allow-query = [\"192.0.2.0/24\"]", "allow = [\"192.0.2.0/24\"]"]);
    result.assert_fate("allow-from=192.0.2.0/24", "honoured", "→ [[forward]] allow, [[zone]] allow-query");
    // Where clients could ask PowerDNS itself, everybody could.
    let result =
        of_recursor("local-address=192.0.2.1\n", "local-address=127.0.0.1\nallow-from=192.0.2.0/24\n");
    assert!(!result.config.contains("allow-query"), "{}", result.config);
    result.assert_fate("allow-from=192.0.2.0/24", "honoured", "as PowerDNS does at 192.0.2.1:53");
}

#[test]
fn a_list_of_the_recursor_that_cannot_be_read_lets_nobody_in() {
    for (recursor, allow) in [
        ("allow-from=bogus\n", "[]"),
        ("allow-from=bogus, 192.0.2.0/24\n", "[\"192.0.2.0/24\"]"),
        ("allow-from=192.0.2.0/24, !bogus\n", "[]"),
        ("allow-from-file=gone.txt\n", "[]"),
        ("allow-from=192.0.2.0/24\ninclude-dir=gone\n", "[]"),
    ] {
        let result = of_recursor("local-port=5300\n", recursor);
        result.assert_lines(&[&format!("allow = {allow}")]);
        assert!(!result.report.contains(" 0 refused"), "{recursor}\n{}", result.report);
        assert_eq!(result.status, Some(1), "{recursor}");
    }
}

#[test]
fn a_web_server_for_some_is_on_loopback() {
    for (more, listen) in [
        ("", "127.0.0.1:8081"),
        ("webserver-allow-from=192.0.2.0/24\n", "127.0.0.1:8081"),
        ("webserver-allow-from=0.0.0.0/0\nwebserver-password=x\n", "127.0.0.1:8081"),
        ("webserver-allow-from=0.0.0.0/0,::/0\n", "192.0.2.1:8081"),
    ] {
        let result = Node::new(&[
            (
                "etc/pdns/pdns.conf",
                &format!(
                    "launch=bind\nbind-config=bind.conf\nwebserver=yes\nwebserver-address=192.0.2.1\n{more}"
                ),
            ),
            ("etc/pdns/bind.conf", "zone \"lab.test\" { type master; file \"lab.zone\"; };\n"),
            ("etc/pdns/lab.zone", ZONE),
        ])
        .pdns();
        result.assert_lines(&[&format!("listen = \"{listen}\"")]);
    }
}

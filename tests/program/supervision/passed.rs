//! Sockets that the service manager has bound and passes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use socket2::{Domain, Socket, Type};

use harness::lab::{API, GUARDED_ZONE, Lab, QUICK_PROBES};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback};

/// Inherited descriptors get the numbers from 3 on, by way of numbers that are free.
const INHERIT: &str = r#"
place=0
for socket in $SOCKETS; do eval "exec $((500 + place))<&$socket"; place=$((place + 1)); done
for ((i = 0; i < place; i++)); do eval "exec $((3 + i))<&$((500 + i)) $((500 + i))<&-"; done
export LISTEN_PID=$$ LISTEN_FDS=$place
exec "$@"
"#;

/// Has the command begin with these sockets, as systemd does it.
fn pass(command: &mut Command, sockets: &[&Socket]) {
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let numbers: Vec<String> = sockets.iter().map(|socket| socket.as_raw_fd().to_string()).collect();
    let mut shell = Command::new("bash");
    shell.args(["-c", INHERIT, "bash"]).arg(program).args(arguments);
    shell.env("SOCKETS", numbers.join(" ")).env("LISTEN_FDNAMES", "dns.socket:tcp");
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    *command = shell;
}

fn bound(at: SocketAddr, kind: Type) -> Socket {
    let socket = Socket::new(Domain::for_address(at), kind, None).expect("a socket");
    // It must outlive the start of another program.
    socket.set_cloexec(false).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    socket.bind(&at.into()).expect("an address of our own");
    if kind == Type::STREAM {
        socket.listen(16).expect("a listener");
    }
    socket
}

fn question() -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(API).expect("a name"), RecordType::A));
    message.to_vec().expect("a query")
}

#[test]
fn queries_that_waited_in_passed_sockets_are_answered() {
    let lab = Lab::new();
    let at = lab.site.listen();
    let configure = |workers: usize| {
        let server = format!("[server]\nlisten = [\"{at}\"]\nworkers = {workers}\n");
        lab.site.write("edgedns.toml", &format!("{server}{QUICK_PROBES}{GUARDED_ZONE}"));
    };
    configure(3);
    let (udp, tcp) = (bound(at, Type::DGRAM), bound(at, Type::STREAM));
    let client = UdpSocket::bind((loopback(), 0)).expect("a socket");
    client.connect(at).expect("an address");
    client.send(&question()).expect("a socket that receives");
    let mut stream = TcpStream::connect(at).expect("a listener");
    let query = question();
    let length = u16::try_from(query.len()).expect("a short query").to_be_bytes();
    stream.write_all(&[&length[..], &query].concat()).expect("a connection");

    let program = lab.site.spawn_as(|command| pass(command, &[&udp, &tcp]));
    client.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let mut response = [0; 512];
    assert!(client.recv(&mut response).expect("an answer") > query.len());
    stream.read_exact(&mut response[..2]).expect("an answer");

    // More workers share the socket; fewer leave it alone.
    for workers in [5, 1] {
        let before = program.log_len();
        configure(workers);
        program.reload();
        program.wait_for_line_after(before, "reloaded: 1 zones");
        (0..20).for_each(|_| lab.assert_masters(&program, &[0, 1, 2]));
    }
    program.stop();
    // They are the service manager's: it has them still, with what comes in until the next start.
    client.send(&query).expect("a socket that receives");
    let mut waiting = [std::mem::MaybeUninit::uninit(); 512];
    udp.recv(&mut waiting).expect("the query");
}

#[test]
fn what_is_not_passed_is_bound_besides() {
    let lab = Lab::new();
    let udp = bound(lab.site.listen(), Type::DGRAM);
    let program = lab.site.spawn_as(|command| pass(command, &[&udp]));
    program.wait_for_line("ready: ");
    let up = |found: Option<Message>| found.map(|message| message.answers.len());
    assert_eq!(up(harness::client::ask(lab.site.listen(), API, RecordType::A)), Some(3));
    assert_eq!(up(harness::client::ask_tcp(lab.site.listen(), API, RecordType::A)), Some(3));
    program.stop();
}

#[test]
fn a_socket_that_no_listen_address_asks_for_stops_the_start_with_a_remedy() {
    let lab = Lab::new();
    let elsewhere = free_port(loopback());
    let (udp, tcp) = (bound(lab.site.listen(), Type::DGRAM), bound(elsewhere, Type::STREAM));
    let mut program = lab.site.spawn_as(|command| pass(command, &[&udp, &tcp]));
    let line = program.wait_for_line("error: socket 1 (tcp) of the service manager is bound to");
    let remedy = format!("add \"{elsewhere}\" to `listen` in `[server]`, or take it out of the socket unit");
    assert!(line.text.contains(&remedy), "{line:?}");
    assert_eq!(program.wait_for_end().code(), Some(1));
}

#[test]
fn a_socket_of_both_families_stops_the_start_with_a_remedy() {
    let lab = Lab::new();
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).expect("a socket");
    socket.set_only_v6(false).expect("an option");
    socket.set_cloexec(false).expect("a socket");
    // An IPv4 address on a socket of IPv6: the kernel takes a single IPv6 address to be of its family only.
    let mapped = loopback().to_ipv6_mapped();
    socket.bind(&SocketAddr::from((mapped, 0)).into()).expect("an address");
    let mut program = lab.site.spawn_as(|command| pass(command, &[&socket]));
    let line =
        program.wait_for_line("error: socket 0 (dns.socket) of the service manager takes IPv4 besides");
    assert!(line.text.contains("BindIPv6Only=ipv6-only"), "{line:?}");
    assert_eq!(program.wait_for_end().code(), Some(1));
}

#[test]
fn a_passed_socket_for_datagrams_serves_quic() {
    let Some(mut kdig) = tool("kdig") else { return };
    let lab = Lab::new();
    let (site, quic) = (&lab.site, free_port(loopback()));
    assert!(site.run(&["certificate", "ns.lab.example"]).status.success());
    let server = format!("[server]\nlisten = [\"{}\"]\nlisten-quic = [\"{quic}\"]\n", site.listen());
    let pair = "[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n";
    site.write("edgedns.toml", &format!("{server}{pair}{QUICK_PROBES}{GUARDED_ZONE}"));
    let socket = bound(quic, Type::DGRAM);
    let program = site.spawn_as(|command| pass(command, &[&socket]));
    program.wait_for_line("ready: ");
    let port = quic.port().to_string();
    kdig.args([&format!("@{}", quic.ip()), "-p", &port, "+quic", "+norec", "+time=5", API]);
    let said = harness::program::said(&kdig.output().expect("it runs"));
    assert!(said.contains("NOERROR") && said.contains("QUIC session"), "{said}");
    program.stop();
}

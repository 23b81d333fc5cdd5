//! The verdicts of HAProxy are those of the pools that are made of its backends.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::access::imported;
use super::servers::{Server, installed};
use super::target::Target;
use harness::master::Master;
use harness::node::Node;
use harness::program::Program;
use harness::{free_port, loopback, loopback_network};

/// The servers of a backend that HAProxy would hand a connection to: its backups while nothing else is up.
fn up(socket: &Path, backend: &str) -> Option<BTreeSet<IpAddr>> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(format!("show servers state {backend}\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    // The address is the fifth field, what it is running as the sixth: 2 is up.
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let up = fields.get(5) == Some(&"2");
        Some((fields.get(4)?.parse::<IpAddr>().ok()?, fields.get(3)?.starts_with('b'), up))
    };
    let rows: Vec<(IpAddr, bool, bool)> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(row).collect();
    let of = |backup| rows.iter().filter(|it| it.1 == backup && it.2).map(|it| it.0).collect::<BTreeSet<_>>();
    Some(if of(false).is_empty() { of(true) } else { of(false) })
}

/// Waits until both say that these are up.
fn both_say(
    theirs: &mut Server,
    ours: &Program,
    socket: &Path,
    (backend, qname): (&str, &str),
    wanted: &[IpAddr],
) {
    let set: BTreeSet<IpAddr> = wanted.iter().copied().collect();
    theirs.wait_until(&format!("HAProxy has {wanted:?} up in {backend}"), || {
        (up(socket, backend)? == set).then_some(())
    });
    ours.wait_for_addresses(qname, wanted);
}

#[test]
fn what_haproxy_has_up_is_answered() {
    let Some(haproxy) = installed("haproxy") else { return };
    let [a, b, c] = loopback_network();
    let address = |last: u8| Ipv4Addr::new(a, b, c, last);
    let (api, web) = (free_port(loopback()).port(), free_port(loopback()).port());
    let mut masters: Vec<Master> = [13, 14, 15, 9].map(|last| Master::closed_at(address(last), api)).into();
    let targets: Vec<Target> =
        [13, 14].map(|last| Target::start_at(SocketAddr::from((address(last), web)))).into();
    let node = Node::new(&[("etc/hosts", &format!("{} master-1 master-1.lab.test\n", address(14)))]);
    let socket = node.path("s");
    node.write(
        "etc/haproxy.cfg",
        &format!(
            "global\n  stats socket {socket} level admin\n\
             defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n  timeout check 500ms\n\
             \n  default-server inter 100ms fastinter 50ms rise 2 fall 2 check\n\
             listen api\n  bind {own}:{api}\n  server m0 {m0}:{api}\n  server m1 {m1}:{api} weight 1 # comment\n\
             \n  server m2 {m2}:{api}\n  server b0 {b0}:{api} backup\n  server off {m0}:1 disabled\n\
             frontend web\n  bind {own}:{web}\n  default_backend ready\n\
             backend ready\n  mode http\n  option httpchk\n  http-check send meth GET uri /readyz hdr Host lab.test\n\
             \n  http-check expect status 200\n  server m0 {m0}:{web}\n  server m1 master-1:{web}\n",
            socket = socket.display(),
            own = loopback(),
            m0 = address(13),
            m1 = address(14),
            m2 = address(15),
            b0 = address(9),
        )
        // The program looks names up; here it is given what the hosts file has.
        .replace("\n\n", "\n"),
    );
    let hosts = node.path("etc/hosts").display().to_string();
    let arguments =
        ["--zone", "lab.test", "--name", "api=api,api-int", "--name", "ready=*.apps", "--hosts", &hosts];
    let result = node.import_with("haproxy", "etc/haproxy.cfg", &arguments);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    node.replace("etc/haproxy.cfg", "master-1:", &format!("{}:", address(14)));
    let mut theirs = Server::haproxy(&haproxy, &node.path("etc"));
    let (_site, ours) = imported(&result, &node.path("new"));
    let all = |lasts: &[u8]| lasts.iter().map(|last| IpAddr::from(address(*last))).collect::<Vec<_>>();
    let pool = ("api", "api-int.lab.test.");
    for lasts in [&[13, 14, 15][..], &[13, 15], &[14], &[9], &[13]] {
        for (master, last) in masters.iter_mut().zip([13, 14, 15, 9]) {
            if lasts.contains(&last) || last == 9 { master.open() } else { master.close() }
        }
        both_say(&mut theirs, &ours, &socket, pool, &all(lasts));
    }
    let pool = ("ready", "console.apps.lab.test.");
    both_say(&mut theirs, &ours, &socket, pool, &all(&[13, 14]));
    targets[0].close();
    both_say(&mut theirs, &ours, &socket, pool, &all(&[14]));
    targets[0].open();
    targets[1].close();
    both_say(&mut theirs, &ours, &socket, pool, &all(&[13]));
    ours.stop();
}

#[test]
fn what_haproxy_has_up_by_a_dialogue_is_answered() {
    let Some(haproxy) = installed("haproxy") else { return };
    let [a, b, c] = loopback_network();
    let address = |last: u8| Ipv4Addr::new(a, b, c, last);
    let port = free_port(loopback()).port();
    let targets: Vec<Target> =
        [16, 17].map(|last| Target::start_talking_at(SocketAddr::from((address(last), port)))).into();
    let node = Node::new(&[]);
    let socket = node.path("s");
    // The same dialogue in two ways to write it.
    let texts = "tcp-check connect\n  tcp-check expect rstring ^220\\ \n  tcp-check send PING\\ now\\r\\n\n  \
                 tcp-check expect string +PONG";
    let bytes = "tcp-check expect string 220\n  tcp-check send-binary 50494e47206e6f770d0a\n  \
                 tcp-check expect binary 2b504f4e47";
    let servers = format!("server m0 {}:{port}\n  server m1 {}:{port}\n", address(16), address(17));
    node.write(
        "etc/haproxy.cfg",
        &format!(
            "global\n  stats socket {} level admin\n\
             defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n  timeout check 500ms\n  \
             option tcp-check\n  default-server inter 100ms fastinter 50ms rise 2 fall 2 check\n\
             listen texts\n  bind {}:{port}\n  {texts}\n  {servers}\
             backend bytes\n  {bytes}\n  {servers}",
            socket.display(),
            loopback(),
        ),
    );
    let arguments = ["--zone", "lab.test"];
    let result = node.import_with("haproxy", "etc/haproxy.cfg", &arguments);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    let mut theirs = Server::haproxy(&haproxy, &node.path("etc"));
    let (_site, ours) = imported(&result, &node.path("new"));
    for (closed, left) in [(None, &[16, 17][..]), (Some(0), &[17]), (Some(1), &[16])] {
        for (place, target) in targets.iter().enumerate() {
            if closed == Some(place) { target.close() } else { target.open() }
        }
        let wanted: Vec<IpAddr> = left.iter().map(|last| IpAddr::from(address(*last))).collect();
        for backend in ["texts", "bytes"] {
            let qname = format!("{backend}.lab.test.");
            both_say(&mut theirs, &ours, &socket, (backend, &qname), &wanted);
        }
    }
    ours.stop();
}

//! Probes against real sockets on the loopback networks, and how they read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::dns::Rtype;
use crate::tls::{Handshake, ServerName, Verify};

fn tcp(to: SocketAddr) -> Probe {
    let port = Port::new(to.port()).unwrap();
    Probe {
        address: to.ip(),
        source: None,
        timeout: Duration::from_secs(5),
        kind: ProbeKind::Tcp(Tcp { port }),
    }
}

fn probe(text: &str) -> Probe {
    tcp(text.parse().unwrap())
}

/// An address at which nobody listens, because the listener was closed again.
async fn closed(address: &str) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn an_open_port_passes() {
    for address in ["127.0.2.20:0", "[::1]:0"] {
        let listener = TcpListener::bind(address).await.unwrap();
        let outcome = tcp(listener.local_addr().unwrap()).prober().run().await;
        assert!(
            matches!(outcome, Outcome::Pass { latency, not_after: None, .. } if latency > Duration::ZERO),
            "{outcome}"
        );
    }
}

#[tokio::test]
async fn a_connection_is_closed_by_fin_not_by_reset() {
    let listener = TcpListener::bind("127.0.2.21:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    assert!(matches!(tcp(to).prober().run().await, Outcome::Pass { .. }));
    let (stream, _) = listener.accept().await.unwrap();
    stream.readable().await.unwrap();
    // A reset would be an error here, the end of the stream is 0 bytes.
    assert_eq!(stream.try_read(&mut [0]).unwrap(), 0);
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    for address in ["127.0.2.22", "::1"] {
        let outcome = tcp(closed(address).await).prober().run().await;
        assert_eq!(outcome, Outcome::Fail { reason: Reason::Refused });
    }
}

#[tokio::test]
async fn a_full_backlog_fails_by_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.2.23:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let to = listener.local_addr().unwrap();
    // A backlog of 0 holds one connection; the next SYN is dropped.
    let _held = TcpStream::connect(to).await.unwrap();
    let timeout = Duration::from_millis(60);
    let started = Instant::now();
    let outcome = Probe { timeout, ..tcp(to) }.prober().run().await;
    assert_eq!(outcome, Outcome::Fail { reason: Reason::TimedOut { after: timeout, phase: Phase::Connect } });
    assert!(started.elapsed() >= timeout);
}

#[tokio::test]
async fn the_source_address_is_the_one_asked_for() {
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 2, 9));
    let listener = TcpListener::bind("127.0.2.24:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let outcome = Probe { source: Some(source), ..tcp(to) }.prober().run().await;
    assert!(matches!(outcome, Outcome::Pass { .. }), "{outcome}");
    assert_eq!(listener.accept().await.unwrap().1.ip(), source);
}

#[tokio::test]
async fn a_source_that_is_not_ours_is_local_trouble() {
    // TEST-NET-3: bind refuses it, so that no packet leaves.
    let source = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
    let outcome = Probe { source: Some(source), ..probe("127.0.2.25:6443") }.prober().run().await;
    assert_eq!(outcome, Outcome::Local { trouble: Trouble::NoSuchSource { source } });
    assert_eq!(outcome.to_string(), "not probed: 203.0.113.1 is not an address of this host");
}

#[tokio::test]
async fn a_source_of_the_other_family_is_local_trouble() {
    let source = Some("::1".parse().unwrap());
    let outcome = Probe { source, ..probe("127.0.2.26:6443") }.prober().run().await;
    assert_eq!(outcome, Outcome::Local { trouble: Trouble::NoSuchFamily });
}

#[test]
fn a_shortage_on_this_host_is_local_trouble() {
    for (errno, trouble) in [
        (libc::EACCES, Trouble::Forbidden),
        (libc::EPERM, Trouble::Forbidden),
        (libc::EMFILE, Trouble::OutOfFiles),
        (libc::ENFILE, Trouble::OutOfFiles),
        (libc::ENOBUFS, Trouble::OutOfMemory),
        (libc::EADDRNOTAVAIL, Trouble::OutOfPorts),
        (libc::EAFNOSUPPORT, Trouble::NoSuchFamily),
        (libc::EINVAL, Trouble::Other { errno: libc::EINVAL }),
    ] {
        let error = std::io::Error::from_raw_os_error(errno);
        assert_eq!(Failure::of_connect(&error), Failure::Local(trouble));
    }
}

#[test]
fn an_error_that_no_number_stands_for_says_what_it_is() {
    let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "a frame of no kind");
    assert_eq!(Reason::of(&error).to_string(), "connection broken: a frame of no kind");
    let trouble = Failure::of_connect(&error);
    assert!(
        matches!(&trouble, Failure::Local(local) if !local.to_string().contains("Success")),
        "{trouble:?}"
    );
}

#[test]
fn reasons_read_as_in_a_log_line() {
    let late = |ms, phase| Reason::TimedOut { after: Duration::from_millis(ms), phase };
    let texts = [
        (Reason::Refused, "connection refused"),
        (Reason::NoRoute, "no route to host"),
        (Reason::NetworkUnreachable, "network unreachable"),
        (late(1000, Phase::Connect), "timed out after 1 s connecting"),
        (late(1500, Phase::Handshake), "timed out after 1500 ms in the TLS handshake"),
        (late(2000, Phase::Response), "timed out after 2 s waiting for the response"),
        (Reason::Closed { phase: Phase::Response }, "connection closed waiting for the response"),
        (Reason::Status { code: 503 }, "status 503"),
        (Reason::BodyLacks { text: "ok".into() }, "body without `ok`"),
        (Reason::WrongName { name: "api.lab.example".into() }, "certificate not for `api.lab.example`"),
        (Reason::UnknownIssuer, "certificate of an unknown issuer"),
        (Reason::Expired, "certificate expired"),
    ];
    for (reason, text) in texts {
        assert_eq!(reason.to_string(), text);
    }
}

#[test]
fn a_probe_reads_as_address_and_port() {
    assert_eq!(probe("127.0.1.14:6443").to_string(), "127.0.1.14:6443");
    assert_eq!(probe("[2001:db8::1]:443").to_string(), "[2001:db8::1]:443");
    let source = Some("127.0.2.9".parse().unwrap());
    assert_eq!(Probe { source, ..probe("127.0.1.14:6443") }.to_string(), "127.0.1.14:6443 from 127.0.2.9");
}

#[test]
fn every_kind_is_listed_once_and_says_what_it_is_for() {
    let samples = samples();
    assert_eq!(samples.len(), KINDS.len(), "one sample for each kind");
    for entry in samples.map(|kind| kind.entry()) {
        assert_eq!(KINDS.iter().filter(|listed| listed.entry.name == entry.name).count(), 1);
        assert!(!entry.help.is_empty());
    }
}

#[test]
fn a_target_is_named_by_what_is_asked_there() {
    let name =
        |kind, address: &str| Probe { kind, address: address.parse().unwrap(), ..probe("127.0.0.1:1") };
    let [_, tls, http, https, grpc, dns, dialogue, file] = samples();
    assert_eq!(name(tls.clone(), "127.0.1.14").to_string(), "tls://127.0.1.14:8443 as api.lab.example");
    assert_eq!(name(tls, "2001:db8::1").to_string(), "tls://[2001:db8::1]:8443 as api.lab.example");
    assert_eq!(name(http, "127.0.1.14").to_string(), "http://127.0.1.14:1936/healthz/ready");
    assert_eq!(
        name(https, "127.0.1.14").to_string(),
        "https://127.0.1.14:6443/readyz as console.lab.example"
    );
    assert_eq!(name(grpc, "127.0.1.14").to_string(), "grpc://127.0.1.14:50051/etcd");
    assert_eq!(name(dns, "2001:db8::1").to_string(), "dns://[2001:db8::1]:53/lab.example.?SOA");
    assert_eq!(name(dialogue, "127.0.1.14").to_string(), r"dialogue://127.0.1.14:6379/+PONG");
    assert_eq!(name(file, "127.0.1.14").to_string(), "127.0.1.14 in /run/edgedns/states as web");
}

/// One of each kind.
fn samples() -> [ProbeKind; 8] {
    let port = |port| Port::new(port).unwrap();
    let handshake = Handshake {
        server_name: ServerName::new("api.lab.example"),
        verify: Verify::System,
        protocols: Vec::new(),
        client: None,
    };
    let http = Http::get(port(1936), Path::new("/healthz/ready").unwrap());
    let host = Host::new("console.lab.example");
    let secure = Http { host, ..Http::get(port(6443), Path::new("/readyz").unwrap()) };
    [
        ProbeKind::Tcp(Tcp { port: port(1) }),
        ProbeKind::Tls(Arc::new(Tls { port: port(8443), handshake: handshake.clone() })),
        ProbeKind::Http(Arc::new(http)),
        ProbeKind::Https(Arc::new(Https { http: secure, handshake, token: None })),
        ProbeKind::Grpc(Arc::new(Grpc { port: port(50051), service: "etcd".into(), handshake: None })),
        ProbeKind::Dns(Arc::new(Dns {
            port: port(53),
            question: DnsQuestion {
                name: "lab.example".parse().unwrap(),
                rtype: Rtype::SOA,
                passes: vec![Answered::Records],
            },
            is_authoritative: false,
        })),
        ProbeKind::Dialogue(Arc::new(Dialogue {
            port: port(6379),
            steps: vec![Step::Send((*b"AUTH secret\r\n").into()), Step::Begins((*b"+PONG").into())],
            read_limit_bytes: 1,
            handshake: None,
        })),
        ProbeKind::File(StatesFile::new("/run/edgedns/states".into(), Some("web"))),
    ]
}

#[test]
fn a_run_takes_the_memory_of_its_own_kind_and_not_that_of_the_largest() {
    let mut prober = probe("127.0.0.1:1").prober();
    assert!(std::mem::size_of_val(&prober.run()) <= 512);
}

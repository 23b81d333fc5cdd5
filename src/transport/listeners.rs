//! Binding: from listen addresses to sockets that receive.
//!
//! Creates every listening socket with its options, all or none, and says in words why one cannot be had.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::inherited::{Inherited, Label, Misfit};
use super::listen_address::ListenAddress;
use super::mmsg;
use super::protocol::SocketProtocol;
use super::settings::Settings;
use super::stream_threads::StreamThreads;

/// Send and receive buffer asked for per UDP socket, in bytes: about 5,000 waiting queries, a tenth of a
/// second at full load. The kernel gives at most net.core.rmem_max and wmem_max; [`Buffers`] says what it
/// gave.
pub const UDP_BUFFER_BYTES: usize = 4 << 20;

/// How long a worker waits for room in a full UDP send buffer before it gives up the rest of the batch.
const UDP_SEND_MAX: Duration = Duration::from_millis(100);

/// Send buffer of a TCP connection in the kernel, in bytes (the kernel takes twice that for its bookkeeping).
/// Fixed, because left to itself the kernel grows it to megabytes for a client that does not read.
const TCP_SEND_BUFFER_BYTES: usize = 64 << 10;

/// Receive buffer of a TCP connection in the kernel, in bytes: a few hundred pipelined queries.
const TCP_RECEIVE_BUFFER_BYTES: usize = 32 << 10;

/// How long a TCP connection that has sent nothing stays with the kernel, in seconds, as far as it counts them: by its
/// retransmissions. Whoever has a query sends it at once.
const TCP_FIRST_BYTE_SECONDS: u8 = 1;

/// TCP connections that wait to be accepted; net.core.somaxconn may lower it.
const TCP_BACKLOG_MAX: i32 = 1024;

/// Why the listeners cannot be had.
#[derive(Debug)]
pub enum Error {
    /// There is no address to listen on.
    NoAddress,
    /// Listening on an address fails.
    Listen {
        /// Address and port.
        address: SocketAddr,
        /// Which of the two sockets.
        protocol: SocketProtocol,
        /// What the kernel says.
        cause: io::Error,
    },
    /// A socket that the service manager passed cannot be served.
    Passed {
        /// Which one.
        label: Label,
        /// Why not.
        misfit: Misfit,
    },
    /// The threads of streams cannot be started.
    Runtime(io::Error),
    /// A UDP worker cannot be started.
    Worker {
        /// Which one, from 0.
        index: usize,
        /// What the kernel says.
        cause: io::Error,
    },
}

/// Bytes the kernel reserves at most for one UDP socket, as it counts them: twice what was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// For queries that wait.
    pub receive_bytes: usize,
    /// For responses that wait.
    pub send_bytes: usize,
}

impl Buffers {
    /// Bytes of queries that may wait, if that is less than [`UDP_BUFFER_BYTES`]: net.core.rmem_max is in the
    /// way.
    pub fn short_receive_bytes(&self) -> Option<usize> {
        // The kernel returns twice what it granted (socket(7)).
        Some(self.receive_bytes / 2).filter(|granted| *granted < UDP_BUFFER_BYTES)
    }
}

/// All sockets of a server: bound, receiving, and not yet served. Queries wait in their buffers until
/// [`start`](super::start).
#[derive(Debug)]
pub struct Listeners {
    pub(super) settings: Settings,
    pub(super) bound: Vec<Bound>,
}

/// The sockets of one listen address.
#[derive(Debug)]
pub(super) struct Bound {
    /// As in the settings; the port may be 0.
    pub(super) asked: ListenAddress,
    /// With the port that was given.
    pub(super) address: SocketAddr,
    /// For each worker the socket it serves; none where there are no datagrams.
    pub(super) udp: Vec<Arc<Socket>>,
    pub(super) datagrams: Datagrams,
    /// What connections come to, of the protocol that the protocols say: one for each thread that serves them.
    pub(super) sockets: Vec<Socket>,
}

/// How many sockets an address gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketCounts {
    /// For datagrams: one per UDP worker.
    pub(super) workers: usize,
    /// For streams that are not encrypted: one per thread that serves them.
    pub(super) plain_streams: usize,
}

/// What the UDP sockets of an address are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datagrams {
    /// Ours, one per worker: the kernel spreads the clients over them.
    OnePerWorker,
    /// One for all workers, which was passed to us.
    Shared,
}

/// Whether a TCP socket may share its port with another one of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// No other socket may listen there. This is what keeps a second server of the same user from taking half
    /// of our UDP queries, which SO_REUSEPORT by itself would let it do.
    Alone,
    /// We listen at the port already, with another address.
    Beside,
}

impl Claim {
    /// Of a socket at `wanted`, beside what is `ours`.
    fn beside(mut ours: impl Iterator<Item = ListenAddress>, wanted: SocketAddr) -> Self {
        let shares = |other: ListenAddress| {
            other.protocols.entry().socket == SocketProtocol::Tcp && other.address.port() == wanted.port()
        };
        if ours.any(shares) { Claim::Beside } else { Claim::Alone }
    }
}

impl Bound {
    /// The address with its real port.
    fn held(&self) -> ListenAddress {
        ListenAddress { address: self.address, ..self.asked }
    }
}

impl Listeners {
    /// Binds every address of `settings`, or none; those that were passed are bound already.
    ///
    /// # Errors
    /// The first address that cannot be had, or a socket that was passed for none of them.
    pub fn bind(settings: &Settings, mut inherited: Inherited) -> Result<Self, Error> {
        let workers = settings.worker_count();
        let counts = SocketCounts { workers, plain_streams: StreamThreads::count_beside(workers) };
        let bound = bind_beside(&[], &settings.addresses(), counts, &mut inherited)?;
        if let Some((label, misfit)) = inherited.left() {
            return Err(Error::Passed { label, misfit });
        }
        if bound.is_empty() {
            return Err(Error::NoAddress);
        }
        Ok(Self { settings: settings.clone(), bound })
    }

    /// Where the sockets are: ports asked for as 0 are the real ones here.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.bound.iter().map(|bound| bound.address)
    }
}

/// Binds `addresses` while `held` are being served by us.
///
/// The IPv6 wildcard is left out where the kernel has no IPv6: it is part of the default, and such a host has
/// no clients there.
pub(super) fn bind_beside(
    held: &[ListenAddress],
    addresses: &[ListenAddress],
    counts: SocketCounts,
    inherited: &mut Inherited,
) -> Result<Vec<Bound>, Error> {
    let mut bound: Vec<Bound> = Vec::with_capacity(addresses.len());
    for &asked in addresses {
        let ListenAddress { address: wanted, protocols } = asked;
        let ours = held.iter().copied().chain(bound.iter().map(Bound::held));
        // First what connections come to: over TCP it is what notices another server.
        let protocol = protocols.entry().socket;
        let listen = |protocol| move |cause| Error::Listen { address: wanted, protocol, cause };
        let passed = inherited.take(protocol, wanted);
        // One that was passed has no others beside it: only the user who bound it could add them.
        let is_spread = passed.is_none() && !protocols.entry().is_encrypted();
        let socket = match (protocol, passed) {
            (SocketProtocol::Tcp, Some(passed)) => serve_passed_tcp(passed),
            (SocketProtocol::Tcp, None) => bind_tcp(wanted, Claim::beside(ours, wanted)),
            (SocketProtocol::Udp, Some(passed)) => prepare_endpoint(passed),
            (SocketProtocol::Udp, None) => bind_endpoint(wanted),
        };
        let socket = match socket {
            Err(cause) if is_unsupported(&cause) && wanted.ip().is_ipv6() && wanted.ip().is_unspecified() => {
                tracing::warn!("not listening on {wanted}: this host has no IPv6");
                continue;
            }
            other => other.map_err(listen(protocol))?,
        };
        let address = local_address(&socket).map_err(listen(protocol))?;
        let mut sockets = vec![socket];
        for _ in 1..if is_spread { counts.plain_streams } else { 1 } {
            sockets.push(bind_tcp(address, Claim::Beside).map_err(listen(protocol))?);
        }
        let (workers, passed) = if protocols.entry().has_datagrams {
            (counts.workers, inherited.take(SocketProtocol::Udp, address))
        } else {
            (0, None)
        };
        let (udp, datagrams) = match passed {
            Some(passed) => {
                let passed = serve_passed_udp(passed, address).map_err(listen(SocketProtocol::Udp))?;
                (vec![passed; workers], Datagrams::Shared)
            }
            None => (bind_workers(address, workers)?, Datagrams::OnePerWorker),
        };
        bound.push(Bound { asked, address, udp, datagrams, sockets });
    }
    Ok(bound)
}

/// `count` UDP sockets at the same address; the kernel spreads the clients over them.
pub(super) fn bind_workers(address: SocketAddr, count: usize) -> Result<Vec<Arc<Socket>>, Error> {
    (0..count)
        .map(|_| match bind_udp(address) {
            Ok(socket) => Ok(Arc::new(socket)),
            Err(cause) => Err(Error::Listen { address, protocol: SocketProtocol::Udp, cause }),
        })
        .collect()
}

/// What the kernel gave to a UDP socket.
pub(super) fn buffers(socket: &Socket) -> io::Result<Buffers> {
    Ok(Buffers { receive_bytes: socket.recv_buffer_size()?, send_bytes: socket.send_buffer_size()? })
}

fn bind_udp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    prepare(&socket, address)?;
    // Not SO_REUSEADDR, with which the newest of several sockets takes all.
    socket.set_reuse_port(true)?;
    prepare_datagrams(&socket, address)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn prepare_datagrams(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.set_recv_buffer_size(UDP_BUFFER_BYTES)?;
    socket.set_send_buffer_size(UDP_BUFFER_BYTES)?;
    socket.set_write_timeout(Some(UDP_SEND_MAX))?;
    mmsg::never_fragment(socket, address.ip())?;
    if address.ip().is_unspecified() {
        mmsg::report_destination(socket, address.ip())?;
    }
    Ok(())
}

/// A socket that was passed waits for nothing; ours wait for room to send.
fn serve_passed_udp(socket: Socket, address: SocketAddr) -> io::Result<Arc<Socket>> {
    socket.set_nonblocking(false)?;
    prepare_datagrams(&socket, address)?;
    Ok(Arc::new(socket))
}

/// A socket for datagrams that one task serves. No other may be bound there, not even one of ours: what belongs to a
/// connection would come to another socket.
fn bind_endpoint(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    prepare(&socket, address)?;
    let socket = prepare_endpoint(socket)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Where a datagram was sent to, and whether it may be cut, is for who serves the socket.
fn prepare_endpoint(socket: Socket) -> io::Result<Socket> {
    socket.set_recv_buffer_size(UDP_BUFFER_BYTES)?;
    socket.set_send_buffer_size(UDP_BUFFER_BYTES)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Where a socket is bound, which is at an IP address.
fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// Its backlog is the socket unit's choice.
fn serve_passed_tcp(socket: Socket) -> io::Result<Socket> {
    prepare_stream(&socket)?;
    Ok(socket)
}

/// What connections have from their listener, so that nobody sets it for each of them.
fn prepare_stream(socket: &Socket) -> io::Result<()> {
    socket.set_send_buffer_size(TCP_SEND_BUFFER_BYTES)?;
    socket.set_recv_buffer_size(TCP_RECEIVE_BUFFER_BYTES)?;
    // Responses are written whole; waiting for more would only delay them.
    socket.set_tcp_nodelay(true)?;
    // In each of our protocols the client speaks first.
    mmsg::accept_with_data(socket, TCP_FIRST_BYTE_SECONDS)?;
    socket.set_nonblocking(true)
}

fn bind_tcp(address: SocketAddr, claim: Claim) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    prepare(&socket, address)?;
    // A restart must not wait for connections in TIME-WAIT.
    socket.set_reuse_address(true)?;
    if claim == Claim::Beside {
        socket.set_reuse_port(true)?;
    }
    prepare_stream(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG_MAX)?;
    // From here on sockets of ours, which ask for it, may be added at this port; those of another server,
    // which bind alone, may not.
    socket.set_reuse_port(true)?;
    Ok(socket)
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match address.ip() {
        IpAddr::V4(ip) if !ip.is_unspecified() => socket.set_freebind_v4(true),
        IpAddr::V4(_) => Ok(()),
        IpAddr::V6(ip) => {
            socket.set_only_v6(true)?;
            if ip.is_unspecified() { Ok(()) } else { socket.set_freebind_v6(true) }
        }
    }
}

fn is_unsupported(cause: &io::Error) -> bool {
    cause.raw_os_error() == Some(mmsg::NO_SUCH_FAMILY)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoAddress => f.write_str("there is no address to listen on"),
            Error::Listen { address, protocol, cause } => {
                write!(f, "cannot listen on {address} over {protocol}: {cause}")?;
                match cause.kind() {
                    io::ErrorKind::AddrInUse => {
                        let flag = if *protocol == SocketProtocol::Udp { 'u' } else { 't' };
                        let port = address.port();
                        write!(f, "; another server has it, `ss -ln{flag}p sport = :{port}` shows which")
                    }
                    io::ErrorKind::PermissionDenied => f.write_str(
                        "; ports below 1024 need CAP_NET_BIND_SERVICE \
                         (AmbientCapabilities= in the systemd unit), and SELinux may have a say",
                    ),
                    io::ErrorKind::AddrNotAvailable => {
                        f.write_str("; no interface of this host has the address")
                    }
                    _ if cause.raw_os_error() == Some(mmsg::TOO_MANY_FILES) => {
                        f.write_str("; raise LimitNOFILE= in the systemd unit, or listen on fewer addresses")
                    }
                    _ => Ok(()),
                }
            }
            Error::Passed { label, misfit } => write!(f, "{label} {misfit}"),
            Error::Runtime(cause) => write!(f, "cannot start the threads of connections: {cause}"),
            Error::Worker { index, cause } => write!(f, "cannot start UDP worker {index}: {cause}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::NoAddress | Error::Passed { .. } => None,
            Error::Listen { cause, .. } | Error::Runtime(cause) | Error::Worker { cause, .. } => Some(cause),
        }
    }
}

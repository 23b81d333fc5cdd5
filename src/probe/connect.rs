//! One TCP connection, as every kind of probe begins with.
//!
//! Opens it with as few system calls as possible, and separates the target's faults from ours. The caller
//! limits the time: it drops the future.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;

use super::outcome::{Failure, Reason, Trouble};

/// Connects to `to`, from `source` where one is given.
///
/// Each system call is made here, not by [`tokio::net::TcpSocket`], because only so its own refusal can be
/// told from an error that the network sent: EACCES from `connect` is SELinux, EACCES afterwards is a
/// firewall at the other end (ICMPv6 "administratively prohibited").
///
/// # Errors
///
/// [`Failure::Local`] when nothing could be learned about the target, [`Failure::Target`] otherwise.
pub(super) async fn connect(to: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, Failure> {
    accepted(open(to, source)?, to).await
}

/// Finds out whether `to` accepts a connection, as [`connect`] does, for those who want nothing of it.
///
/// A target on this host has accepted or refused before the call returns: one look then spares the registration with epoll
/// and its end, a timer and a wake-up. To one beyond it costs one system call more.
///
/// # Errors
///
/// As of [`connect`].
pub(super) async fn reach(to: SocketAddr, source: Option<IpAddr>) -> Result<(), Failure> {
    let socket = open(to, source)?;
    if let Some(ready) = ready_at_once(&socket).map_err(|error| ours(&error))? {
        return judge(ready, &SockRef::from(&socket), to);
    }
    accepted(socket, to).await.map(drop)
}

/// The connection, once it is accepted.
async fn accepted(socket: Socket, to: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::from_std(socket.into()).map_err(|error| ours(&error))?;
    let ready = stream.ready(Interest::WRITABLE | Interest::ERROR).await.map_err(|error| ours(&error))?;
    judge(ready, &SockRef::from(&stream), to)?;
    Ok(stream)
}

fn ours(error: &io::Error) -> Failure {
    Trouble::of(error).into()
}

/// A socket that is on its way.
fn open(to: SocketAddr, source: Option<IpAddr>) -> Result<Socket, Failure> {
    let socket = socket_from(source, to, (Type::STREAM, Protocol::TCP))?;
    start(&socket, to)?;
    Ok(socket)
}

/// What has become of a connection; none: nothing yet.
fn ready_at_once(socket: &Socket) -> io::Result<Option<Ready>> {
    let mut looked = [PollFd::new(socket, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut looked, Some(&at_once)) {
        // A signal came in between: whoever waits finds out.
        Ok(0) | Err(Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let has_failed = looked.iter().any(|one| one.revents().intersects(PollFlags::ERR | PollFlags::HUP));
    Ok(Some(if has_failed { Ready::ERROR } else { Ready::WRITABLE }))
}

/// Whether a connection that is ready was accepted.
fn judge(ready: Ready, socket: &SockRef<'_>, to: SocketAddr) -> Result<(), Failure> {
    // What a success looks like needs no further call: epoll tells of an error by itself.
    if (ready.is_error() || ready.is_write_closed())
        && let Some(error) = socket.take_error().map_err(|error| ours(&error))?
    {
        return Err(Reason::of(&error).into());
    }
    if EPHEMERAL_PORTS.contains(&to.port()) && is_joined_to_itself(socket, to) {
        return Err(Reason::Refused.into());
    }
    Ok(())
}

/// A socket that does not block, for the family of `to`, bound to `source` where one is given.
pub(super) fn socket_from(
    source: Option<IpAddr>,
    to: SocketAddr,
    (kind, protocol): (Type, Protocol),
) -> Result<Socket, Trouble> {
    let socket = Socket::new(Domain::for_address(to), kind.nonblocking(), Some(protocol));
    let socket = socket.map_err(|error| Trouble::of(&error))?;
    if let Some(source) = source {
        let from = SocketAddr::new(source, 0);
        socket.bind(&from.into()).map_err(|error| Trouble::of_bind(source, &error))?;
    }
    Ok(socket)
}

/// The ports that the system connects from (ip(7)), as they are when the first connection is made; all of
/// them where they cannot be read. No other port can be joined to itself.
static EPHEMERAL_PORTS: LazyLock<RangeInclusive<u16>> = LazyLock::new(|| {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    read_ports(&text).unwrap_or(0..=u16::MAX)
});

/// The first and the last, as the kernel shows them.
fn read_ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    Some(first.parse().ok()?..=last.trim().parse().ok()?)
}

/// Sends the first packet.
fn start(socket: &Socket, to: SocketAddr) -> Result<(), Failure> {
    match socket.connect(&to.into()) {
        Ok(()) => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
        Err(error) => Err(Failure::of_connect(&error)),
    }
}

/// Whether both ends are one socket. Where nobody listens on a port of this host's ephemeral range, the
/// system may choose that very port to connect from, and TCP's simultaneous open (RFC 9293, section 3.5) then
/// joins the socket to itself: a pass without a listener.
fn is_joined_to_itself(socket: &SockRef<'_>, to: SocketAddr) -> bool {
    socket.local_addr().is_ok_and(|local| local.as_socket() == Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_joined_to_itself_is_seen() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.2.40:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        let stream = socket.connect(own).await.unwrap();
        assert!(is_joined_to_itself(&SockRef::from(&stream), own));
    }

    #[tokio::test]
    async fn a_connection_to_a_listener_is_not_joined_to_itself() {
        let listener = tokio::net::TcpListener::bind("127.0.2.41:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let stream = connect(to, None).await.unwrap();
        assert!(!is_joined_to_itself(&SockRef::from(&stream), to));
    }

    #[tokio::test]
    async fn what_a_target_on_this_host_does_is_seen_at_once_and_what_is_under_way_is_waited_for() {
        let listener = tokio::net::TcpListener::bind("127.0.2.43:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        assert_eq!(ready_at_once(&open(to, None).unwrap()).unwrap(), Some(Ready::WRITABLE));
        drop(listener);
        assert_eq!(ready_at_once(&open(to, None).unwrap()).unwrap(), Some(Ready::ERROR));
        // A queue that is full drops what comes, and the next attempt of the kernel is a second away.
        let hanging = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        hanging.bind(&to.into()).unwrap();
        hanging.listen(0).unwrap();
        let _fillers: Vec<Socket> = (0..4).map(|_| open(to, None).unwrap()).collect();
        assert_eq!(ready_at_once(&open(to, None).unwrap()).unwrap(), None);
        let never = tokio::time::timeout(std::time::Duration::from_millis(20), reach(to, None)).await;
        assert!(never.is_err(), "{never:?}");
    }

    #[test]
    fn the_ports_that_the_system_connects_from_are_read() {
        assert_eq!(read_ports("32768\t60999\n"), Some(32_768..=60_999));
        assert_eq!(read_ports("1024   65535"), Some(1_024..=65_535));
        for odd in ["", "32768", "a b", "1 70000"] {
            assert_eq!(read_ports(odd), None, "{odd}");
        }
        // A socket that binds to any port gets one of them.
        let socket = std::net::UdpSocket::bind("127.0.2.42:0").unwrap();
        assert!(EPHEMERAL_PORTS.contains(&socket.local_addr().unwrap().port()));
    }

    #[test]
    fn the_same_error_is_ours_from_the_call_and_the_networks_afterwards() {
        let error = || io::Error::from_raw_os_error(libc::EACCES);
        assert_eq!(Failure::of_connect(&error()), Failure::Local(Trouble::Forbidden));
        assert_eq!(Reason::of(&error()), Reason::Prohibited);
    }

    #[test]
    fn what_the_network_says_before_the_call_returns_is_still_the_networks() {
        for (errno, reason) in [
            (libc::ECONNREFUSED, Reason::Refused),
            (libc::EHOSTUNREACH, Reason::NoRoute),
            (libc::ENETUNREACH, Reason::NetworkUnreachable),
        ] {
            assert_eq!(Failure::of_connect(&io::Error::from_raw_os_error(errno)), Failure::Target(reason));
        }
    }
}

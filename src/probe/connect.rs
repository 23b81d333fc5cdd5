//! One TCP connection, as every kind of probe begins with.
//!
//! Opens it with as few system calls as possible, and separates the target's faults from ours. The caller
//! limits the time: it drops the future.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
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
    let ours = |error: io::Error| Trouble::of(&error);
    let socket = socket_from(source, to, (Type::STREAM, Protocol::TCP))?;
    start(&socket, to)?;
    let stream = TcpStream::from_std(socket.into()).map_err(ours)?;
    let ready = stream.ready(Interest::WRITABLE | Interest::ERROR).await.map_err(ours)?;
    // What a success looks like needs no further call: epoll tells of an error by itself.
    if (ready.is_error() || ready.is_write_closed())
        && let Some(error) = stream.take_error().map_err(ours)?
    {
        return Err(Reason::of(&error).into());
    }
    if EPHEMERAL_PORTS.contains(&to.port()) && is_joined_to_itself(&stream, to) {
        return Err(Reason::Refused.into());
    }
    Ok(stream)
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
fn is_joined_to_itself(stream: &TcpStream, to: SocketAddr) -> bool {
    stream.local_addr().is_ok_and(|local| local == to)
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
        assert!(is_joined_to_itself(&stream, own));
    }

    #[tokio::test]
    async fn a_connection_to_a_listener_is_not_joined_to_itself() {
        let listener = tokio::net::TcpListener::bind("127.0.2.41:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let stream = connect(to, None).await.unwrap();
        assert!(!is_joined_to_itself(&stream, to));
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

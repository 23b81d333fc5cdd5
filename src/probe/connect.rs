//! One TCP connection, as every kind of probe begins with.
//!
//! Responsible for opening it, and for telling the target's faults from ours.
//! Not responsible for time limits: the caller drops the future.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::outcome::{Failure, Reason, Trouble};

/// Connects to `to`, from `source` where one is given.
///
/// Each system call is made here, not by [`tokio::net::TcpSocket`], because only so its own refusal
/// can be told from an error that the network sent: EACCES from `connect` is SELinux, EACCES
/// afterwards is a firewall at the other end (ICMPv6 "administratively prohibited").
///
/// # Errors
///
/// [`Failure::Local`] when nothing could be learned about the target, [`Failure::Target`] otherwise.
pub(super) async fn connect(to: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, Failure> {
    let ours = |error: io::Error| Trouble::of(&error);
    let kind = Type::STREAM.nonblocking();
    let socket = Socket::new(Domain::for_address(to), kind, Some(Protocol::TCP)).map_err(ours)?;
    if let Some(source) = source {
        let from = SocketAddr::new(source, 0);
        socket.bind(&from.into()).map_err(|error| Trouble::of_bind(source, &error))?;
    }
    start(&socket, to)?;
    let stream = TcpStream::from_std(socket.into()).map_err(ours)?;
    stream.writable().await.map_err(ours)?;
    match stream.take_error().map_err(ours)? {
        Some(error) => Err(Reason::of(&error).into()),
        None if is_joined_to_itself(&stream) => Err(Reason::Refused.into()),
        None => Ok(stream),
    }
}

/// Sends the first packet.
fn start(socket: &Socket, to: SocketAddr) -> Result<(), Failure> {
    match socket.connect(&to.into()) {
        Ok(()) => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
        Err(error) => Err(Failure::of_connect(&error)),
    }
}

/// Whether both ends are one socket. Where nobody listens on a port of this host's ephemeral range,
/// the system may choose that very port to connect from, and TCP's simultaneous open (RFC 9293,
/// section 3.5) then joins the socket to itself: a pass without a listener.
fn is_joined_to_itself(stream: &TcpStream) -> bool {
    let ends = stream.local_addr().ok().zip(stream.peer_addr().ok());
    ends.is_some_and(|(local, peer)| local == peer)
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
        assert!(is_joined_to_itself(&stream));
    }

    #[tokio::test]
    async fn a_connection_to_a_listener_is_not_joined_to_itself() {
        let listener = tokio::net::TcpListener::bind("127.0.2.41:0").await.unwrap();
        let stream = connect(listener.local_addr().unwrap(), None).await.unwrap();
        assert!(!is_joined_to_itself(&stream));
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

//! Sockets that the service manager has bound for us (sd_listen_fds(3)).
//!
//! Takes them out of the environment, gives each to the listen address that it is bound to, and says in words
//! which one belongs to none. Sockets of our own are bound by `listeners`.
//!
//! Over UDP there is one such socket for all workers, not one for each: the kernel lets only the user who
//! bound a socket add others at its address, and that was the service manager. Each worker waits for it, one
//! of them gets the batch. It costs some wake-ups under load, and is what one pays for queries that wait in
//! the socket while the server restarts.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use listenfd::ListenFd;
use socket2::Socket;

use super::protocol::SocketProtocol;

/// Sockets passed at the start and not yet served.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<PassedSocket>,
}

#[derive(Debug)]
struct PassedSocket {
    label: Label,
    protocol: SocketProtocol,
    address: SocketAddr,
    socket: Socket,
}

/// What a socket is called in messages: its place and, where the unit says one, its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// From 0, in the order of the socket units.
    place: usize,
    /// `FileDescriptorName=`, or the socket unit.
    name: Option<String>,
}

/// Why a socket that was passed cannot be served.
#[derive(Debug)]
pub enum Misfit {
    /// It is not a UDP or TCP socket.
    NeitherUdpNorTcp,
    /// It is a connection, not a listener.
    Connection,
    /// It takes IPv4 besides IPv6.
    BothFamilies(SocketAddr),
    /// No listen address is the one it is bound to.
    Unasked(SocketProtocol, SocketAddr),
    /// The kernel refuses what is to be set or known of it.
    System(io::Error),
}

impl Inherited {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those that the environment lists; it lists them no longer then. To be called before there is a second
    /// thread, which might read the environment at the same time.
    ///
    /// # Errors
    /// The first that cannot be served.
    pub fn from_environment() -> Result<Self, (Label, Misfit)> {
        // `listenfd` takes the count and the process id, not the names.
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').map(|name| Some(name.to_owned()).filter(|name| !name.is_empty()));
        let mut passed = ListenFd::from_env();
        let mut inherited = Inherited::none();
        for place in 0..passed.len() {
            let label = Label { place, name: names.next().flatten() };
            match take(&mut passed, place) {
                Ok((protocol, address, socket)) => {
                    inherited.sockets.push(PassedSocket { label, protocol, address, socket });
                }
                Err(misfit) => return Err((label, misfit)),
            }
        }
        Ok(inherited)
    }

    /// The socket that is bound to this address.
    pub(super) fn take(&mut self, protocol: SocketProtocol, address: SocketAddr) -> Option<Socket> {
        let wanted = |passed: &PassedSocket| passed.protocol == protocol && passed.address == address;
        let place = self.sockets.iter().position(wanted)?;
        Some(self.sockets.remove(place).socket)
    }

    /// The first that belongs to no listen address.
    pub(super) fn left(self) -> Option<(Label, Misfit)> {
        let first = self.sockets.into_iter().next()?;
        Some((first.label, Misfit::Unasked(first.protocol, first.address)))
    }
}

fn take(passed: &mut ListenFd, place: usize) -> Result<(SocketProtocol, SocketAddr, Socket), Misfit> {
    let datagrams = passed.take_udp_socket(place).ok().flatten().map(OwnedFd::from);
    let (protocol, socket) = match datagrams {
        Some(socket) => (SocketProtocol::Udp, Socket::from(socket)),
        None => match passed.take_tcp_listener(place).ok().flatten() {
            Some(socket) => (SocketProtocol::Tcp, Socket::from(OwnedFd::from(socket))),
            None => return Err(Misfit::NeitherUdpNorTcp),
        },
    };
    let address = socket.local_addr().map_err(Misfit::System)?;
    let address = address.as_socket().ok_or(Misfit::NeitherUdpNorTcp)?;
    if protocol == SocketProtocol::Tcp && !socket.is_listener().map_err(Misfit::System)? {
        return Err(Misfit::Connection);
    }
    if address.is_ipv6() && !socket.only_v6().map_err(Misfit::System)? {
        return Err(Misfit::BothFamilies(address));
    }
    Ok((protocol, address, socket))
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "socket {} ({name}) of the service manager", self.place),
            None => write!(f, "socket {} of the service manager", self.place),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::NeitherUdpNorTcp => f.write_str(
                "is neither of UDP nor of TCP; only ListenDatagram= and ListenStream= with IP addresses are \
                 served, the control socket is the server's own",
            ),
            Misfit::Connection => f.write_str("is a connection; set Accept=no in the socket unit"),
            Misfit::BothFamilies(address) => write!(
                f,
                "takes IPv4 besides IPv6 at {address}; set BindIPv6Only=ipv6-only in the socket unit, and \
                 name 0.0.0.0 there, too"
            ),
            Misfit::Unasked(protocol, address) => write!(
                f,
                "is bound to {address} over {protocol}, which is no listen address; add \"{address}\" to \
                 `listen` in `[server]`, or take it out of the socket unit"
            ),
            Misfit::System(cause) => write!(f, "cannot be used: {cause}"),
        }
    }
}

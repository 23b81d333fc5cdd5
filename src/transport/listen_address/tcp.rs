//! DNS over UDP and TCP: the stream as it is. Datagrams are served by workers.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use socket2::{SockRef, Socket};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use super::entry::ProtocolsEntry;
use crate::answer::Transport;
use crate::setting::{Absent, KeyEntry};
use crate::transport::protocol::SocketProtocol;
use crate::transport::responder::Responder;
use crate::transport::stream::{
    Client, ClientStream, Connection, Served, StreamContext, StreamListener, StreamTransport,
};

pub(super) const ENTRY: ProtocolsEntry = ProtocolsEntry {
    key: KeyEntry::new(
        "listen",
        Absent::Default(r#"["0.0.0.0:53", "[::]:53"]"#),
        "addresses and ports to serve, UDP and TCP; list single addresses if another server uses port 53; a \
         link-local address needs its interface, as in \"[fe80::1%eth0]:53\"",
    ),
    name: "UDP and TCP",
    port: 53,
    absent: &[IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
    has_datagrams: true,
    socket: SocketProtocol::Tcp,
    barred_port: None,
    transport: Transport::Tcp,
};

/// DNS over TCP.
#[derive(Clone, Copy, Debug)]
struct Tcp;

/// Registers a listener with the runtime that is entered; what is returned serves its connections.
pub(super) fn register<R: Responder>(
    listener: Socket,
    shared: &Arc<StreamContext<R>>,
) -> io::Result<impl FnOnce(&Handle) -> StreamListener + use<R>> {
    StreamListener::register(Tcp, listener, shared)
}

impl StreamTransport for Tcp {
    const TRANSPORT: Transport = Transport::Tcp;

    type Stream = TcpStream;

    async fn accept(self, stream: TcpStream) -> io::Result<TcpStream> {
        Ok(stream)
    }

    async fn serve<R: Responder>(client: Client<TcpStream>, served: Served<R>) {
        Connection::new(client, served).serve().await;
    }
}

impl ClientStream for TcpStream {
    /// Asks the kernel itself: tokio says only what its driver has heard so far.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        (&*SockRef::from(&*self)).read(space)
    }

    fn discard_unsent(&self) {
        // A stream that is broken has nothing left to discard.
        let _ = self.set_zero_linger();
    }
}

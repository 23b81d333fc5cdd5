//! DNS over UDP and TCP: the stream as it is. Datagrams are served by workers.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use super::entry::ProtocolsEntry;
use crate::answer::Transport;
use crate::setting::{Absent, KeyEntry};
use crate::transport::responder::Responder;
use crate::transport::stream::{ClientStream, StreamContext, StreamListener, StreamTransport};

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
    is_encrypted: false,
};

/// DNS over TCP.
#[derive(Clone, Copy, Debug)]
struct Tcp;

/// Serves the connections of a listener.
pub(super) fn start<R: Responder>(
    listener: TcpListener,
    shared: Arc<StreamContext<R>>,
    handle: &Handle,
) -> StreamListener {
    StreamListener::start(Tcp, listener, shared, handle)
}

impl StreamTransport for Tcp {
    const TRANSPORT: Transport = Transport::Tcp;

    type Stream = TcpStream;

    async fn accept(self, stream: TcpStream) -> io::Result<TcpStream> {
        Ok(stream)
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

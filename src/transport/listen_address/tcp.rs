//! DNS over UDP and TCP: the stream as it is. Datagrams are served by workers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use socket2::Socket;

use super::entry::ProtocolsEntry;
use super::register_error::RegisterError;
use crate::answer::Transport;
use crate::setting::{Absent, KeyEntry};
use crate::transport::event_loop::{LoopHost, LoopStream};
use crate::transport::protocol::SocketProtocol;
use crate::transport::responder::Responder;
use crate::transport::stream::{Client, Connection, Served, StreamContext, StreamListener, StreamTransport};
use crate::transport::threads::Threads;

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

/// Gives a listener to one of the threads; what is returned serves its connections there.
pub(super) fn register<R: Responder>(
    listener: Socket,
    shared: &Arc<StreamContext<R>>,
    threads: &mut Threads,
) -> Result<impl FnOnce() -> StreamListener + use<R>, RegisterError> {
    let (thread, shared) = (threads.plain.next().map_err(RegisterError::Threads)?, Arc::clone(shared));
    Ok(move || {
        StreamListener::serve(|owner| {
            thread.listen(listener, |host| StreamListener::accepting(Tcp, host, shared, owner));
        })
    })
}

impl StreamTransport for Tcp {
    const TRANSPORT: Transport = Transport::Tcp;

    type Host = LoopHost;

    type Stream = LoopStream;

    async fn accept(self, stream: LoopStream) -> io::Result<LoopStream> {
        Ok(stream)
    }

    fn serve<R: Responder>(client: Client<LoopStream>, served: Served<R>) -> impl Future<Output = ()> + Send {
        Connection::new(client, served).serve()
    }
}

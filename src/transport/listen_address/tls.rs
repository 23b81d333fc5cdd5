//! DNS over TLS (RFC 7858): the stream of TCP behind a handshake.
//!
//! What the handshake is made with comes from the room `tls`; its limits are those of `stream`.

use std::io::{self, Read};
use std::sync::Arc;

use socket2::{SockRef, Socket};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::entry::ProtocolsEntry;
use super::register_error::RegisterError;
use crate::answer::Transport;
use crate::setting::{Absent, KeyEntry};
use crate::tls::ServerTls;
use crate::transport::protocol::SocketProtocol;
use crate::transport::responder::Responder;
use crate::transport::session::ClientSession;
use crate::transport::stream::{
    Client, ClientStream, Connection, Served, StreamContext, StreamListener, StreamTransport, TokioClock,
    TokioHost,
};
use crate::transport::threads::Threads;

pub(super) const ENTRY: ProtocolsEntry = ProtocolsEntry {
    key: KeyEntry::new(
        "listen-tls",
        Absent::Unset { example: r#"["0.0.0.0:853", "[::]:853"]"# },
        "addresses and ports to serve over TLS (RFC 7858), transfers of zones too (RFC 9103); needs `[tls]`, and \
         without it there are none",
    ),
    name: "TLS",
    port: 853,
    absent: &[],
    has_datagrams: false,
    socket: SocketProtocol::Tcp,
    barred_port: None,
    transport: Transport::Tls,
};

/// What clients may name by ALPN (RFC 7858, section 3.1; RFC 9103, section 7.1). Those that name nothing are older.
const PROTOCOLS: &[&[u8]] = &[b"dot"];

/// DNS over TLS.
#[derive(Clone)]
struct Tls {
    acceptor: TlsAcceptor,
    tls: ServerTls,
}

/// Registers a listener with the runtime of what is encrypted; what is returned serves its connections.
pub(super) fn register<R: Responder>(
    listener: Socket,
    shared: &Arc<StreamContext<R>>,
    threads: &mut Threads,
) -> Result<impl FnOnce() -> StreamListener + use<R>, RegisterError> {
    let runtime = threads.encrypted.handle().map_err(RegisterError::Threads)?;
    let (tls, acceptor) = (shared.tls.clone(), shared.tls.config_asking_clients(PROTOCOLS).into());
    StreamListener::register(Tls { acceptor, tls }, listener, shared, runtime).map_err(RegisterError::Socket)
}

impl StreamTransport for Tls {
    const TRANSPORT: Transport = Transport::Tls;

    type Host = TokioHost;

    type Stream = TlsStream<TcpStream>;

    async fn accept(self, stream: TcpStream) -> io::Result<Self::Stream> {
        self.acceptor.accept(stream).await
    }

    fn session(&self, stream: &Self::Stream) -> ClientSession {
        let (_, session) = stream.get_ref();
        let is_newest = session.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let bar = "zones are sent over TLS 1.3, not over older versions (RFC 9103, section 5)";
        ClientSession {
            transfer_bar: (!is_newest).then_some(bar),
            certificate: self.tls.shown(session.peer_certificates()),
        }
    }

    fn serve<R: Responder>(
        client: Client<Self::Stream>,
        served: Served<R>,
    ) -> impl Future<Output = ()> + Send {
        Connection::new(client, served).serve()
    }
}

impl ClientStream for TlsStream<TcpStream> {
    type Clock = TokioClock;

    fn clock(&self) -> TokioClock {
        TokioClock::default()
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let (stream, session) = self.get_mut();
        loop {
            match session.reader().read(space) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            // The kernel is asked itself: tokio says only what its driver has heard so far.
            if session.read_tls(&mut &*SockRef::from(&*stream))? == 0 {
                return Ok(0);
            }
            session.process_new_packets().map_err(io::Error::other)?;
        }
    }

    fn discard_unsent(&self) {
        // A stream that is broken has nothing left to discard.
        let _ = self.get_ref().0.set_zero_linger();
    }
}

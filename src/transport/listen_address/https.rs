//! DNS over HTTPS (RFC 8484): HTTP behind a handshake.

use std::io;
use std::sync::Arc;

use socket2::Socket;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::entry::ProtocolsEntry;
use super::register_error::RegisterError;
use crate::answer::Transport;
use crate::setting::{Absent, KeyEntry};
use crate::transport::https;
use crate::transport::protocol::SocketProtocol;
use crate::transport::responder::Responder;
use crate::transport::stream::{Client, Served, StreamContext, StreamListener, StreamTransport, TokioHost};
use crate::transport::threads::Threads;

pub(super) const ENTRY: ProtocolsEntry = ProtocolsEntry {
    key: KeyEntry::new(
        "listen-https",
        Absent::Unset { example: r#"["0.0.0.0:443", "[::]:443"]"# },
        "addresses and ports to serve over HTTPS at `/dns-query` (RFC 8484), HTTP/2 and HTTP/1.1; needs `[tls]`, and \
         without it there are none",
    ),
    name: "HTTPS",
    port: 443,
    absent: &[],
    has_datagrams: false,
    socket: SocketProtocol::Tcp,
    barred_port: None,
    transport: Transport::Https,
};

/// DNS over HTTPS.
#[derive(Clone)]
struct Https {
    acceptor: TlsAcceptor,
}

/// Registers a listener with the runtime of what is encrypted; what is returned serves its connections.
pub(super) fn register<R: Responder>(
    listener: Socket,
    shared: &Arc<StreamContext<R>>,
    threads: &mut Threads,
) -> Result<impl FnOnce() -> StreamListener + use<R>, RegisterError> {
    let runtime = threads.encrypted.handle().map_err(RegisterError::Threads)?;
    let acceptor = TlsAcceptor::from(shared.tls.config(&https::PROTOCOLS));
    StreamListener::register(Https { acceptor }, listener, shared, runtime).map_err(RegisterError::Socket)
}

impl StreamTransport for Https {
    const TRANSPORT: Transport = Transport::Https;

    type Host = TokioHost;

    type Stream = TlsStream<TcpStream>;

    async fn accept(self, stream: TcpStream) -> io::Result<Self::Stream> {
        self.acceptor.accept(stream).await
    }

    async fn serve<R: Responder>(client: Client<Self::Stream>, served: Served<R>) {
        https::serve(client, served).await;
    }
}

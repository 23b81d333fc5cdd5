//! DNS over QUIC (RFC 9250).

use std::sync::Arc;

use socket2::Socket;

use super::entry::ProtocolsEntry;
use super::register_error::RegisterError;
use crate::answer::Transport;
use crate::setting::{Absent, KeyEntry};
use crate::transport::protocol::SocketProtocol;
use crate::transport::quic;
use crate::transport::responder::Responder;
use crate::transport::stream::{StreamContext, StreamListener};
use crate::transport::threads::Threads;

pub(super) const ENTRY: ProtocolsEntry = ProtocolsEntry {
    key: KeyEntry::new(
        "listen-quic",
        Absent::Unset { example: r#"["0.0.0.0:853", "[::]:853"]"# },
        "addresses and ports to serve over QUIC (RFC 9250), transfers of zones too; needs `[tls]`, and without it there \
         are none",
    ),
    name: "QUIC",
    port: 853,
    absent: &[],
    has_datagrams: false,
    socket: SocketProtocol::Udp,
    // RFC 9250, section 4.1.1.
    barred_port: Some(53),
    transport: Transport::Quic,
};

/// Registers a socket with the runtime of what is encrypted; what is returned serves it.
pub(super) fn register<R: Responder>(
    socket: Socket,
    shared: &Arc<StreamContext<R>>,
    threads: &mut Threads,
) -> Result<impl FnOnce() -> StreamListener + use<R>, RegisterError> {
    let runtime = threads.encrypted.handle().map_err(RegisterError::Threads)?;
    quic::register(socket.into(), shared, runtime).map_err(RegisterError::Socket)
}

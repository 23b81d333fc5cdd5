//! Connections of the admin listener: in the clear, or behind a handshake that nobody else waits for, on threads for that.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::access::{AdminAccess, AdminEncryption};
use super::connections::Accept;

/// The listener, and how its connections are to be made.
pub(super) struct AdminSocket {
    pub(super) listener: TcpListener,
    pub(super) access: watch::Receiver<AdminAccess>,
}

/// A connection. Its handshake takes place while the first request is waited for, within the time for that.
pub(super) enum AdminStream {
    Plain(TcpStream),
    /// One task, which ends with this.
    Handshake(JoinSet<io::Result<TlsStream<TcpStream>>>),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// The handshake has failed.
    Ended,
}

impl Accept for AdminSocket {
    type Stream = AdminStream;

    async fn accept(&self) -> io::Result<(AdminStream, Option<IpAddr>)> {
        let (stream, peer) = self.listener.accept().await?;
        let encryption = self.access.borrow().encryption.clone();
        let stream = match encryption {
            None => AdminStream::Plain(stream),
            Some(AdminEncryption { config, handle, .. }) => {
                let mut handshake = JoinSet::new();
                handshake.spawn_on(TlsAcceptor::from(config).accept(stream), &handle);
                AdminStream::Handshake(handshake)
            }
        };
        Ok((stream, Some(peer.ip())))
    }
}

impl AdminStream {
    /// Goes on with the handshake, if there is one.
    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let AdminStream::Handshake(handshake) = self {
            let shaken = ready!(handshake.poll_join_next(context));
            *self = AdminStream::Ended;
            let shaken = shaken.ok_or(io::ErrorKind::BrokenPipe)?;
            *self = AdminStream::Encrypted(Box::new(shaken.map_err(io::Error::other)??));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for AdminStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_handshake(context))?;
        match &mut *self {
            AdminStream::Plain(stream) => Pin::new(stream).poll_read(context, space),
            AdminStream::Encrypted(stream) => Pin::new(&mut **stream).poll_read(context, space),
            AdminStream::Handshake(_) | AdminStream::Ended => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for AdminStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(context))?;
        match &mut *self {
            AdminStream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            AdminStream::Encrypted(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
            AdminStream::Handshake(_) | AdminStream::Ended => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            AdminStream::Plain(stream) => Pin::new(stream).poll_flush(context),
            AdminStream::Encrypted(stream) => Pin::new(&mut **stream).poll_flush(context),
            // Nothing has been written.
            AdminStream::Handshake(_) | AdminStream::Ended => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            AdminStream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            AdminStream::Encrypted(stream) => Pin::new(&mut **stream).poll_shutdown(context),
            AdminStream::Handshake(_) | AdminStream::Ended => Poll::Ready(Ok(())),
        }
    }
}

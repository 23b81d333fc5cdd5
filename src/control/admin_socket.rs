//! Connections of the admin listener: in the clear, or behind a handshake that nobody else waits for.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::access::AdminAccess;
use super::connections::Accept;

/// The listener, and how its connections are to be made.
pub(super) struct AdminSocket {
    pub(super) listener: TcpListener,
    pub(super) access: watch::Receiver<AdminAccess>,
}

/// A connection. Its handshake takes place while the first request is read, within the time for that.
pub(super) enum AdminStream {
    Plain(TcpStream),
    Handshake(Box<tokio_rustls::Accept<TcpStream>>),
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
            Some(config) => AdminStream::Handshake(Box::new(TlsAcceptor::from(config).accept(stream))),
        };
        Ok((stream, Some(peer.ip())))
    }
}

impl AdminStream {
    /// Goes on with the handshake, if there is one.
    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let AdminStream::Handshake(handshake) = self {
            let shaken = ready!(Pin::new(&mut **handshake).poll(context));
            // It must not be asked again.
            *self = AdminStream::Ended;
            *self = AdminStream::Encrypted(Box::new(shaken?));
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

//! Connections over which HTTP/1.1 is spoken: how many there are, and how long.
//!
//! Responsible for accepting, for limits, and for an end in good order.
//! Not responsible for what is asked over them, or for who may connect.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Longest head of a request, in bytes: the least that hyper can be told.
pub const HEAD_BYTES_MAX: usize = 8192;

/// How long a client may take to send the head of a request, and stay without one.
const HEAD_WAIT: Duration = Duration::from_secs(5);

/// How long a response that is on its way may go on when its connection's time is over.
const END_WAIT: Duration = Duration::from_secs(5);

/// Pause after an accept that failed, which for want of files it does again and again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Served at a time; more wait in the kernel.
    pub(super) connections_max: usize,
    /// Longest life of one, so that one that hangs does not keep its place for ever.
    pub(super) lasts: Duration,
}

/// What connections come from.
pub(super) trait Accept {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        TcpListener::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Serves whoever connects until `end`. Connections that are open then go on: one of them may be waiting
/// for what comes of the very reload that ends this.
pub(super) async fn serve(listener: impl Accept, router: Router, bounds: Bounds, end: impl Future) {
    let places = Arc::new(Semaphore::new(bounds.connections_max));
    let mut end = std::pin::pin!(end);
    loop {
        // The semaphore is never closed.
        let accepted = async { (Arc::clone(&places).acquire_owned().await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            _ = &mut end => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(stream) => {
                let connection = connection(stream, router.clone(), bounds.lasts);
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    lasts: Duration,
) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_BYTES_MAX);
    let served = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = std::pin::pin!(served);
    // What goes wrong on a connection concerns its client, who sees it.
    if timeout(lasts, &mut served).await.is_err() {
        served.as_mut().graceful_shutdown();
        let _ = timeout(END_WAIT, served).await;
    }
}

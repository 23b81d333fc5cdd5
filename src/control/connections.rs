//! HTTP/1.1 connections: accepts them, limits their number and duration, and ends them in good order.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

use super::slots::{Answering, Slot, Slots};

/// Longest head of a request, in bytes: the least that hyper accepts.
pub const HEAD_BYTES_MAX: usize = 8192;

/// How long a client may take to send the head of a request, and stay without one.
const HEAD_WAIT: Duration = Duration::from_secs(5);

/// How long a response that is on its way may go on after its connection's time has passed.
const END_WAIT: Duration = Duration::from_secs(5);

/// Pause after an accept that failed, which for want of files it does again and again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Served at a time. One more takes the slot of one without a request; where each has one, it waits in
    /// the kernel.
    pub(super) connections_max: usize,
    /// Longest life of one, so that one that hangs does not keep its slot for ever.
    pub(super) lasts: Duration,
}

/// What connections come from.
pub(super) trait Accept {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one, and the address of its client where there is one.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<IpAddr>)>> + Send;
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Option<IpAddr>)> {
        UnixListener::accept(self).await.map(|(stream, _)| (stream, None))
    }
}

/// Serves connections until `end`. Connections that are open then go on: one of them may be waiting for what
/// comes of the very reload that ends this.
pub(super) async fn serve(listener: impl Accept, router: Router, bounds: Bounds, end: impl Future) {
    let slots = Arc::new(Slots::new(bounds.connections_max));
    let mut end = std::pin::pin!(end);
    loop {
        let accepted = async {
            slots.room().await;
            listener.accept().await
        };
        let accepted = tokio::select! {
            _ = &mut end => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, client)) => {
                let slot = slots.take(client);
                tokio::spawn(connection(stream, router.clone(), bounds.lasts, slot));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    lasts: Duration,
    mut slot: Slot,
) {
    let router = TowerToHyperService::new(router);
    let handle = slot.handle();
    let service = service_fn(move |request| {
        let answering = handle.begin();
        let answered = router.call(request);
        async move { answered.await.map(|response| held(response, answering)) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_BYTES_MAX);
    let mut served = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    // What goes wrong on a connection concerns its client, who sees it.
    let over = tokio::select! {
        over = timeout(lasts, &mut served) => over,
        // Another connection needs the slot more.
        () = slot.given_away() => return,
    };
    if over.is_err() {
        served.as_mut().graceful_shutdown();
        let _ = timeout(END_WAIT, served).await;
    }
}

/// A response that is under way until its last part has been taken.
fn held(response: Response<Body>, answering: Answering) -> Response<HeldBody> {
    response.map(|body| HeldBody { body, _answering: answering })
}

struct HeldBody {
    body: Body,
    _answering: Answering,
}

impl hyper::body::Body for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

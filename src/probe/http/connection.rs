//! One HTTP connection in our own hands: no pool, no task of its own.
//!
//! Asks over it, and notices its end at any time. Not responsible for opening it, or for what a response
//! means.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper::{HeaderMap, Request, Response, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::probe::handshake::{of_tls, tls_error};
use crate::probe::outcome::{Phase, Reason};
use crate::sync::lock;

/// Longest head of a response over HTTP/1, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What an HTTP/2 target may send before it is told that something was read, in bytes: the least that RFC
/// 9113, section 6.9.2, begins with. Memory for thousands of targets counts.
const WINDOW_BYTES: u32 = (64 << 10) - 1;

/// A request, whose body is at hand.
pub(in crate::probe) type Question = Request<Full<Bytes>>;

/// An open connection. It makes progress only while one of its functions is awaited, and closes when it is
/// dropped.
pub(in crate::probe) struct Connection {
    sender: Sender,
    driver: Driver,
    /// Something of a response has not been read.
    has_rest: bool,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Begins to speak HTTP/1.1 over `stream`.
    pub(in crate::probe) async fn http1<S>(stream: S) -> Result<Self, Reason>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES_MAX);
        let shaken = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| reason(&error))?;
        let driver = Driver { main: Some(Box::pin(connection)), tasks: Tasks::default() };
        Ok(Self { sender: Sender::Http1(sender), driver, has_rest: false })
    }

    /// Begins to speak HTTP/2 over `stream`.
    pub(in crate::probe) async fn http2<S>(stream: S) -> Result<Self, Reason>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let tasks = Tasks::default();
        let mut builder = http2::Builder::new(tasks.spawner());
        builder.initial_stream_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
        let shaken = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| reason(&error))?;
        let driver = Driver { main: Some(Box::pin(connection)), tasks };
        Ok(Self { sender: Sender::Http2(sender), driver, has_rest: false })
    }

    /// The version of HTTP that is spoken.
    pub(super) fn version(&self) -> Version {
        match self.sender {
            Sender::Http1(_) => Version::HTTP_11,
            Sender::Http2(_) => Version::HTTP_2,
        }
    }

    /// Asks; what is answered begins with a head.
    pub(in crate::probe) async fn ask(&mut self, question: Question) -> Result<Response<Incoming>, Reason> {
        self.has_rest = true;
        let Self { sender, driver, .. } = self;
        driver.beside(sender.send(question)).await.map_err(|error| reason(&error))
    }

    /// Reads the body of a response, to its end or to the limit.
    pub(super) async fn read(&mut self, body: Incoming, limit_bytes: usize) -> Result<Vec<u8>, Reason> {
        self.read_with_trailers(body, limit_bytes).await.map(|(read, _)| read)
    }

    /// The same, and the fields behind the body; none where it was longer than the limit.
    pub(in crate::probe) async fn read_with_trailers(
        &mut self,
        mut body: Incoming,
        limit_bytes: usize,
    ) -> Result<(Vec<u8>, HeaderMap), Reason> {
        let (mut read, mut trailers) = (Vec::new(), HeaderMap::new());
        while let Some(frame) = self.driver.beside(body.frame()).await {
            let frame = frame.map_err(|error| reason(&error))?;
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(other) => {
                    trailers.extend(other.into_trailers().unwrap_or_default());
                    continue;
                }
            };
            let room = limit_bytes - read.len();
            read.extend_from_slice(data.get(..room).unwrap_or(&data));
            if data.len() > room {
                return Ok((read, HeaderMap::new()));
            }
        }
        self.has_rest = false;
        Ok((read, trailers))
    }

    /// Whether more can be asked: the last response was read to its end and neither side has announced to
    /// close.
    pub(in crate::probe) async fn is_reusable(&mut self) -> bool {
        // Two looks: one at the end of the response, one at what follows from it.
        self.driver.beside(tokio::task::yield_now()).await;
        let is_ready = match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        };
        is_ready && self.driver.main.is_some() && !self.has_rest
    }

    /// Resolves when the connection ends: closed, reset, or announced to be closed (GOAWAY).
    pub(in crate::probe) async fn ended(&mut self) {
        std::future::poll_fn(|context| self.driver.poll(context)).await;
    }
}

impl Sender {
    async fn send(&mut self, question: Question) -> hyper::Result<Response<Incoming>> {
        match self {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(question).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(question).await
            }
        }
    }
}

/// What makes a connection move. Polled by whoever holds the connection, so that a task is neither needed nor
/// left behind.
struct Driver {
    /// None when it has ended.
    main: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    tasks: Tasks,
}

impl Driver {
    /// Goes on as far as possible; ready when the connection has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            self.tasks.poll(context);
            let Some(main) = &mut self.main else { return Poll::Ready(()) };
            // An error reaches whoever waits for a response; without one it is an end like any other.
            if main.as_mut().poll(context).is_ready() {
                self.main = None;
            }
            if !self.tasks.has_new() {
                return if self.main.is_none() { Poll::Ready(()) } else { Poll::Pending };
            }
        }
    }

    /// Does `work`, which needs the connection to move.
    async fn beside<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            let _ = self.poll(context);
            work.as_mut().poll(context)
        })
        .await
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What hyper would have as tasks of a runtime. Held here they see every wake-up of the connection: only so a
/// GOAWAY is noticed when it comes, and not when the next request is sent.
///
/// They are owned here and nowhere else. hyper's task of a request under way holds a [`Spawner`]: if that
/// held the tasks, they would hold each other, and a request that is given up would leave its connection open
/// for ever.
#[derive(Default)]
struct Tasks {
    new: Arc<Queue>,
    known: Vec<Task>,
}

/// Tasks that have not been polled yet.
#[derive(Default)]
struct Queue(Mutex<Vec<Task>>);

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        lock(&self.0)
    }
}

impl Tasks {
    fn spawner(&self) -> Spawner {
        Spawner(Arc::downgrade(&self.new))
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        self.known.append(&mut self.new.lock());
        self.known.retain_mut(|task| task.as_mut().poll(context).is_pending());
    }

    fn has_new(&self) -> bool {
        !self.new.lock().is_empty()
    }
}

/// Hands tasks over, as long as there is somebody to poll them.
#[derive(Clone)]
struct Spawner(Weak<Queue>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, task: F) {
        // The connection is being dropped otherwise, and whatever serves it goes, too.
        if let Some(queue) = self.0.upgrade() {
            queue.lock().push(Box::pin(task));
        }
    }
}

/// What an error of hyper means.
fn reason(error: &hyper::Error) -> Reason {
    let mut deepest: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(broken) = deepest.downcast_ref::<io::Error>() {
            return tls_error(broken).map_or_else(|| Reason::of_stream(broken, Phase::Response), of_tls);
        }
        match deepest.source() {
            Some(source) => deepest = source,
            None => break,
        }
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Reason::Closed { phase: Phase::Response };
    }
    Reason::BrokenHttp { why: deepest.to_string().into() }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// As hyper's task of a request: it holds a spawner, and what it serves.
    async fn task(spawner: Spawner, serves: Arc<()>) {
        let _held = (spawner, serves);
        pending().await
    }

    #[test]
    fn tasks_that_never_end_go_with_the_driver_whether_polled_or_not() {
        let served = Arc::new(());
        let mut driver = Driver { main: Some(Box::pin(pending())), tasks: Tasks::default() };
        let spawner = driver.tasks.spawner();
        spawner.execute(task(spawner.clone(), Arc::clone(&served)));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(driver.poll(&mut context).is_pending());
        spawner.execute(task(spawner.clone(), Arc::clone(&served)));
        assert_eq!(Arc::strong_count(&served), 3, "one is polled, one is new");
        drop(driver);
        assert_eq!(Arc::strong_count(&served), 1);
        spawner.execute(task(spawner.clone(), Arc::clone(&served)));
        assert_eq!(Arc::strong_count(&served), 1, "nobody would poll it");
    }
}

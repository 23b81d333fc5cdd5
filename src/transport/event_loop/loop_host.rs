//! Listeners of a loop.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::Socket;

use super::loop_clock::LoopClock;
use super::loop_stream::LoopStream;
use super::task::{Group, LoopFuture, LoopHandle, NewTask, READABLE, Shared, Task};
use crate::sync::lock;
use crate::transport::stream::{StreamHost, concerns_one_connection};

/// Connections that are accepted before those that are open have a turn.
const ACCEPTED_PER_TURN_MAX: usize = 64;

/// A listener of a loop, with its connections.
pub(in crate::transport) struct LoopHost {
    listener: Option<Socket>,
    /// The task that accepts.
    task: Arc<Task>,
    connections: Arc<Group>,
    is_registered: bool,
    /// Accepted in this turn.
    accepted: usize,
    /// How many are accepted before epoll(7) is asked for more: about as many as came together, because an accept4(2) that
    /// finds nobody is a system call, too.
    expected: usize,
}

impl LoopHandle {
    /// Serves `listener`, which does not block, on this loop: by the task that `serve` makes.
    pub(in crate::transport) fn listen<F: Future<Output = ()> + Send + 'static>(
        &self,
        listener: Socket,
        serve: impl FnOnce(LoopHost) -> F,
    ) {
        let task = self.0.place();
        let host = LoopHost {
            listener: Some(listener),
            task: Arc::clone(&task),
            connections: Arc::default(),
            is_registered: false,
            accepted: 0,
            expected: 1,
        };
        start(task, Arc::default(), Box::pin(serve(host)));
    }
}

impl LoopHost {
    fn accept_now(&mut self) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let Some(listener) = &self.listener else { return Poll::Pending };
        let shared = &self.task.shared;
        if !self.is_registered {
            let data = EventData::new_u64(self.task.key());
            if let Err(error) = epoll::add(&shared.epoll, listener, data, EventFlags::IN) {
                return Poll::Ready(Err(error.into()));
            }
            self.is_registered = true;
            self.task.remove_ready(READABLE);
        }
        while self.task.is_ready(READABLE) {
            if self.accepted >= self.expected {
                self.expected = self.expected.saturating_mul(2).min(ACCEPTED_PER_TURN_MAX);
                break;
            }
            match acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((socket, peer)) => {
                    self.accepted = self.accepted.saturating_add(1);
                    let peer = peer.ok_or(Errno::AFNOSUPPORT).and_then(SocketAddr::try_from);
                    return Poll::Ready(peer.map(|peer| (socket.into(), peer)).map_err(io::Error::from));
                }
                Err(Errno::AGAIN) => {
                    self.expected = self.accepted.max(1);
                    break;
                }
                Err(Errno::INTR) => {}
                Err(error) => {
                    let error = io::Error::from(error);
                    if !concerns_one_connection(&error) {
                        // A client that is not accepted makes the listener ready over and over.
                        let _ = epoll::delete(&shared.epoll, listener);
                        self.is_registered = false;
                        self.accepted = 0;
                    }
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.accepted = 0;
        self.task.remove_ready(READABLE);
        Poll::Pending
    }
}

/// Gives a task to its loop.
fn start(task: Arc<Task>, group: Arc<Group>, future: LoopFuture) {
    group.count.fetch_add(1, Ordering::Relaxed);
    let shared = Arc::clone(&task.shared);
    let mut started = Some(NewTask { task, group, future });
    // A loop that has ended runs nothing any more: it is dropped then, when the queue is free again.
    shared.change(|queue| queue.new.extend(started.take_if(|_| !queue.has_ended)));
}

impl StreamHost for LoopHost {
    type Accepted = TcpStream;

    type Stream = LoopStream;

    type Clock = LoopClock;

    fn clock(&self) -> LoopClock {
        LoopClock(Arc::clone(&self.task))
    }

    fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()?.as_socket()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|_| self.accept_now()).await
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        accepted: TcpStream,
        serve: impl FnOnce(LoopStream) -> F,
    ) {
        let task = self.task.shared.place();
        let future = serve(LoopStream::new(accepted, Arc::clone(&task)));
        start(task, Arc::clone(&self.connections), Box::pin(future));
    }

    fn close(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        // Where it was inherited, others have it open, and closing it here leaves it registered.
        if self.is_registered {
            let _ = epoll::delete(&self.task.shared.epoll, &listener);
        }
    }

    async fn ended(&mut self) {
        poll_fn(|context| {
            *lock(&self.connections.last) = Some(context.waker().clone());
            if self.connections.count.load(Ordering::Relaxed) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Drop for LoopHost {
    fn drop(&mut self) {
        self.close();
        let shared: &Shared = &self.task.shared;
        if self.connections.count.load(Ordering::Relaxed) > 0 {
            self.connections.abort(shared);
        }
    }
}

//! TCP connections of a loop.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::loop_clock::LoopClock;
use super::task::{READABLE, Task, WRITABLE};
use crate::transport::stream::ClientStream;

/// A connection that is read first, and registered only when nothing is there: its query comes with it. Closing it ends that,
/// too.
pub(in crate::transport) struct LoopStream {
    socket: TcpStream,
    task: Arc<Task>,
    registered: Registered,
}

/// What a socket is registered for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Registered {
    Nothing,
    Reads,
    ReadsAndWrites,
}

impl LoopStream {
    pub(super) fn new(socket: TcpStream, task: Arc<Task>) -> Self {
        Self { socket, task, registered: Registered::Nothing }
    }

    /// Tries what may be done, and waits for it otherwise.
    fn poll_io<T>(
        &mut self,
        context: &Context<'_>,
        what: u8,
        mut io: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        if !self.task.step(context.waker()) {
            return Poll::Pending;
        }
        while self.task.is_ready(what) {
            match io(&self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.task.remove_ready(what);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
        match self.register_for(what) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Has the loop hear of it when the socket becomes ready for `what`. With EPOLLET it hears of that once; of what is ready
    /// already, too, when the socket is registered.
    fn register_for(&mut self, what: u8) -> io::Result<()> {
        let reads = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        let data = EventData::new_u64(self.task.key());
        let epoll = &self.task.shared.epoll;
        match (self.registered, what) {
            (Registered::ReadsAndWrites, _) | (Registered::Reads, READABLE) => return Ok(()),
            (Registered::Nothing, READABLE) => {
                epoll::add(epoll, &self.socket, data, reads)?;
                self.registered = Registered::Reads;
            }
            (Registered::Nothing, _) => {
                epoll::add(epoll, &self.socket, data, reads | EventFlags::OUT)?;
                self.registered = Registered::ReadsAndWrites;
            }
            (Registered::Reads, _) => {
                epoll::modify(epoll, &self.socket, data, reads | EventFlags::OUT)?;
                self.registered = Registered::ReadsAndWrites;
            }
        }
        Ok(())
    }
}

/// By the system call itself: that of libc asks before and after each whether its thread is to be cancelled.
fn read(socket: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    let (count, _) = recv(socket, space, RecvFlags::empty())?;
    Ok(count)
}

impl AsyncRead for LoopStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        stream.poll_io(context, READABLE, |socket| read(socket, space.initialize_unfilled())).map(|read| {
            let count = read?;
            if count > 0 && count < space.remaining() {
                // It was all that is there. What comes later is an event of its own.
                stream.task.remove_ready(READABLE);
            }
            space.advance(count);
            Ok(())
        })
    }
}

impl AsyncWrite for LoopStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_io(context, WRITABLE, |socket| Ok(send(socket, bytes, SendFlags::NOSIGNAL)?))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.shutdown(Shutdown::Write))
    }
}

impl ClientStream for LoopStream {
    type Clock = LoopClock;

    fn clock(&self) -> LoopClock {
        LoopClock(Arc::clone(&self.task))
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        read(&self.socket, space)
    }

    fn discard_unsent(&self) {
        // A stream that is broken has nothing left to discard.
        let _ = SockRef::from(&self.socket).set_linger(Some(std::time::Duration::ZERO));
    }
}

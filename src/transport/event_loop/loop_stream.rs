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

/// A connection that is read first, and polled only when nothing is there: its query comes with it. Closing it takes it from
/// the poll.
pub(in crate::transport) struct LoopStream {
    socket: TcpStream,
    task: Arc<Task>,
    polled: Polled,
}

/// What the loop is told of a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    Nothing,
    Reads,
    ReadsAndWrites,
}

impl LoopStream {
    pub(super) fn new(socket: TcpStream, task: Arc<Task>) -> Self {
        Self { socket, task, polled: Polled::Nothing }
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
        match self.poll_for(what) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Has the loop tell what it is told of once: what is there already it tells at once.
    fn poll_for(&mut self, what: u8) -> io::Result<()> {
        let reads = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        let data = EventData::new_u64(self.task.key());
        let epoll = &self.task.shared.epoll;
        match (self.polled, what) {
            (Polled::ReadsAndWrites, _) | (Polled::Reads, READABLE) => return Ok(()),
            (Polled::Nothing, READABLE) => {
                epoll::add(epoll, &self.socket, data, reads)?;
                self.polled = Polled::Reads;
            }
            (Polled::Nothing, _) => {
                epoll::add(epoll, &self.socket, data, reads | EventFlags::OUT)?;
                self.polled = Polled::ReadsAndWrites;
            }
            (Polled::Reads, _) => {
                epoll::modify(epoll, &self.socket, data, reads | EventFlags::OUT)?;
                self.polled = Polled::ReadsAndWrites;
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
                // It was all that is there. More is told anew.
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

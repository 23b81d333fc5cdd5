//! DNS over TCP: the stream as it is.

use std::io::{self, Read};

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::answer::Transport;
use crate::transport::stream::{ClientStream, StreamTransport};

/// DNS over TCP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tcp;

impl StreamTransport for Tcp {
    const TRANSPORT: Transport = Transport::Tcp;

    type Stream = TcpStream;

    async fn accept(self, stream: TcpStream) -> io::Result<TcpStream> {
        Ok(stream)
    }
}

impl ClientStream for TcpStream {
    /// Asks the kernel itself: tokio says only what its driver has heard so far.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        (&*SockRef::from(&*self)).read(space)
    }

    fn discard_unsent(&self) {
        // A stream that is broken has nothing left to discard.
        let _ = self.set_zero_linger();
    }
}

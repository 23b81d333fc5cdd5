//! A body that comes line by line, for as long as the server likes.

use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::connection::Connection;
use super::error::Error;

/// The lines of a body.
pub struct Lines {
    /// Closes the connection when it is dropped.
    _connection: Connection,
    body: Incoming,
    /// What has come and was not read yet.
    buffer: Vec<u8>,
    /// Up to where `buffer` has no end of a line.
    looked: usize,
    bytes_max: usize,
}

impl Lines {
    /// Those of a body, which came over the connection; none is longer than `bytes_max`.
    pub fn new(connection: Connection, body: Incoming, bytes_max: usize) -> Lines {
        Lines { _connection: connection, body, buffer: Vec::new(), looked: 0, bytes_max }
    }

    /// The next line, with its end, which the last one may lack; none: the body has ended. It may be dropped and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// When the connection is lost, or a line is too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let rest = self.buffer.get(self.looked..).unwrap_or_default();
            if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let end = self.looked.saturating_add(at);
                self.looked = 0;
                return Ok(Some(self.buffer.drain(..=end).collect()));
            }
            self.looked = self.buffer.len();
            if self.looked > self.bytes_max {
                return Err(Error::TooLong);
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(part) = frame?.into_data() {
                        self.buffer.extend_from_slice(&part);
                    }
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    self.looked = 0;
                    return Ok(Some(std::mem::take(&mut self.buffer)));
                }
            }
        }
    }
}

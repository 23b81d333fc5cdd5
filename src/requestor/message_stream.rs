//! A connection over which one query has many messages as its answer: a zone transfer (RFC 5936, section 2.2).
//!
//! Responsible for the connection, and for each message being whole. Not responsible for whether a message is an
//! answer, or for its end: whoever asked knows.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::encrypted::{EncryptedTransport, open_stream};
use super::failure::Failure;
use super::framing::{framed, read_frame};
use super::remote::{Protocol, Remote};
use crate::tls::Credentials;

/// Over what messages come.
trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A connection of its own.
pub struct MessageStream(Box<dyn Bytes>);

impl MessageStream {
    /// Connects over TLS where the server is asked so, otherwise over TCP.
    ///
    /// # Errors
    ///
    /// When there is no connection within `limit`.
    pub async fn open(remote: &Remote, credentials: &Credentials, limit: Duration) -> Result<Self, Failure> {
        let opened = async {
            let stream: Box<dyn Bytes> = match &remote.protocol {
                Protocol::Udp | Protocol::Tcp => {
                    let stream = TcpStream::connect(remote.address).await?;
                    stream.set_nodelay(true)?;
                    Box::new(stream)
                }
                Protocol::Encrypted(one) if one.transport == EncryptedTransport::Tls => {
                    let server = remote.encrypted_server_of_zones(one, credentials, None);
                    Box::new(open_stream(&server).await?)
                }
                Protocol::Encrypted(one) => return Err(Failure::NoTransfers(one.transport.entry().name)),
            };
            Ok(Self(stream))
        };
        timeout(limit, opened).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// Sends a message of at most 65,535 bytes.
    ///
    /// # Errors
    ///
    /// When it is not taken within `limit`.
    pub async fn send(&mut self, message: &[u8], limit: Duration) -> Result<(), Failure> {
        let frame = framed(message)?;
        let sent = async {
            self.0.write_all(&frame).await?;
            Ok(self.0.flush().await?)
        };
        timeout(limit, sent).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// When none has come within `limit`, or the connection ends.
    pub async fn next(&mut self, limit: Duration) -> Result<Vec<u8>, Failure> {
        let message = timeout(limit, read_frame(&mut self.0)).await;
        message.map_or(Err(Failure::TimedOut), |message| Ok(message?))
    }
}

//! One connection to one server.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::endpoint::{Endpoint, Scheme};
use super::error::Error;
use crate::source::words;
use crate::tls::Handshake;

/// Longest wait for a connection with its handshake.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// Longest wait for the head of a response, and then for each part of its body.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Longest wait for all of a body, however slowly it comes.
const BODY_MAX: Duration = Duration::from_secs(60);

/// An open connection, which closes when it is dropped.
pub struct Connection {
    endpoint: Endpoint,
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// What moves a connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Opens one. `handshake` is for endpoints with TLS.
    ///
    /// # Errors
    ///
    /// When the server is not there, or does not prove who it is.
    pub async fn open(endpoint: Endpoint, handshake: &Handshake) -> Result<Connection, Error> {
        timeout(CONNECT_MAX, Self::connect(endpoint, handshake)).await.map_err(|_| Error::TimedOut)?
    }

    async fn connect(endpoint: Endpoint, handshake: &Handshake) -> Result<Connection, Error> {
        let stream = TcpStream::connect(endpoint.address).await?;
        stream.set_nodelay(true)?;
        if endpoint.scheme == Scheme::Http {
            return Self::speak(endpoint, stream).await;
        }
        let config = handshake.config()?;
        let secured = handshake.shake(config, stream, endpoint.address.ip()).await;
        Self::speak(endpoint, secured.map_err(|error| Error::Tls(words(&error.to_string())))?).await
    }

    async fn speak<S>(endpoint: Endpoint, stream: S) -> Result<Connection, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Whoever waits for a response hears of its end.
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        Ok(Connection { endpoint, sender, driver })
    }

    /// Whom it leads to.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Asks, and waits for the head of the response.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        let asked = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        Ok(timeout(SILENCE_MAX, asked).await.map_err(|_| Error::TimedOut)??)
    }

    /// Whether it can be asked once more.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed() && !self.driver.0.is_finished()
    }
}

/// The body of a response.
///
/// # Errors
///
/// When it does not come, or is longer than `bytes_max`.
pub async fn read(body: Incoming, bytes_max: usize) -> Result<Vec<u8>, Error> {
    timeout(BODY_MAX, read_parts(body, bytes_max)).await.map_err(|_| Error::TimedOut)?
}

async fn read_parts(mut body: Incoming, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(part) = timeout(SILENCE_MAX, body.frame()).await.map_err(|_| Error::TimedOut)? {
        let Ok(part) = part?.into_data() else { continue };
        if bytes.len().saturating_add(part.len()) > bytes_max {
            return Err(Error::TooLong);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

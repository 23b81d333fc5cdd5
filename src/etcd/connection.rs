//! One connection to one member.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::access::Access;
use super::endpoint::{Endpoint, Scheme};
use super::error::Error;
use super::wire::Told;
use crate::tls::Handshake;

/// Longest wait for a connection with its handshake.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// Longest wait for the head of a response, and then for each part of its body.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Longest body that is taken in one piece: a page of keys. etcd takes no request beyond 1.5 MiB, and a page that is
/// longer is asked for in parts.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Demands that the member has a leader: one that is cut off from the others answers nothing else for ever.
const HAS_LEADER: &str = "grpc-metadata-hasleader";

/// An open connection, which closes when it is dropped.
pub(super) struct Connection {
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
    /// Opens one.
    ///
    /// # Errors
    ///
    /// When the member is not there, or does not prove who it is.
    pub(super) async fn open(access: &Access, endpoint: Endpoint) -> Result<Connection, Error> {
        timeout(CONNECT_MAX, Self::connect(access, endpoint)).await.map_err(|_| Error::TimedOut)?
    }

    async fn connect(access: &Access, endpoint: Endpoint) -> Result<Connection, Error> {
        let stream = TcpStream::connect(endpoint.address).await?;
        stream.set_nodelay(true)?;
        if endpoint.scheme == Scheme::Http {
            return Self::speak(endpoint, stream).await;
        }
        let handshake = Handshake {
            server_name: None,
            verify: access.verify.clone(),
            protocols: Vec::new(),
            client: access.certificate.clone(),
        };
        let config = handshake.config()?;
        let name = access.server_name.as_ref().map_or_else(
            || pki_types::ServerName::IpAddress(endpoint.address.ip().into()),
            |name| name.to_pki(),
        );
        let secured = TlsConnector::from(config).connect(name, stream).await;
        Self::speak(endpoint, secured.map_err(|error| Error::Tls(error.to_string()))?).await
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

    /// Asks, and waits for the beginning of the body.
    ///
    /// # Errors
    ///
    /// When none comes, or etcd tells one.
    pub(super) async fn ask(
        &mut self,
        path: &str,
        token: Option<&str>,
        message: &impl Serialize,
    ) -> Result<Incoming, Error> {
        let malformed = |error: &dyn std::error::Error| Error::Malformed(error.to_string());
        let body = serde_json::to_vec(message).map_err(|error| malformed(&error))?;
        let mut request = Request::post(path)
            .header(HOST, self.endpoint.address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(HAS_LEADER, "true");
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token).map_err(|error| malformed(&error))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::from(body)).map_err(|error| malformed(&error))?;
        let asked = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let response = timeout(SILENCE_MAX, asked).await.map_err(|_| Error::TimedOut)??;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response.into_body());
        }
        let told = read(response.into_body()).await?;
        Err(match serde_json::from_slice::<Told>(&told) {
            Ok(told) => told.into(),
            Err(_) => Error::Malformed(status.to_string()),
        })
    }

    /// Whether it can be asked once more.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed() && !self.driver.0.is_finished()
    }
}

/// The body of a response.
///
/// # Errors
///
/// When it does not come, or is too long.
pub(super) async fn read(mut body: Incoming) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(part) = timeout(SILENCE_MAX, body.frame()).await.map_err(|_| Error::TimedOut)? {
        let Ok(part) = part?.into_data() else { continue };
        if bytes.len().saturating_add(part.len()) > BODY_BYTES_MAX {
            return Err(Error::TooLong);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

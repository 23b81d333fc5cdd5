//! One connection to one member.

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use serde::Serialize;

use super::access::Access;
use super::error::Error;
use super::wire::Told;
use crate::http_client::{self, Endpoint, Lines};

/// Longest body that is taken in one piece: a page of keys. etcd takes no request beyond 1.5 MiB, and a page that is
/// longer is asked for in parts.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Longest line that is taken: etcd says up to a thousand revisions at once to those who come late. Who is told more
/// reads the store anew.
const LINE_BYTES_MAX: usize = 256 << 20;

/// Demands that the member has a leader: one that is cut off from the others answers nothing else for ever.
const HAS_LEADER: &str = "grpc-metadata-hasleader";

/// An open connection, which closes when it is dropped.
pub(super) struct Connection(http_client::Connection);

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// When the member is not there, or does not prove who it is.
    pub(super) async fn open(access: &Access, endpoint: Endpoint) -> Result<Connection, Error> {
        Ok(Connection(http_client::Connection::open(endpoint, &access.handshake()).await?))
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
        let body = serde_json::to_vec(message).map_err(Error::malformed)?;
        let mut request = Request::post(path)
            .header(HOST, self.0.endpoint().address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(HAS_LEADER, "true");
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token).map_err(Error::malformed)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::from(body)).map_err(Error::malformed)?;
        let response = self.0.send(request).await?;
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

    /// The lines of a body that came over it.
    pub(super) fn lines(self, body: Incoming) -> Lines {
        Lines::new(self.0, body, LINE_BYTES_MAX)
    }

    /// Whether it can be asked once more.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_open()
    }
}

/// The body of a response.
///
/// # Errors
///
/// When it does not come, or is too long.
pub(super) async fn read(body: Incoming) -> Result<Vec<u8>, Error> {
    Ok(http_client::read(body, BODY_BYTES_MAX).await?)
}

//! One request and its response over the control socket, seen from the command line.
//!
//! Blocks the calling thread, as a command has nothing else to do. A connection serves one request.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Longest response that is read, in bytes: the status of a hundred thousand targets.
const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// Why there is no reply.
#[derive(Debug)]
pub enum ClientError {
    /// No server listens on this socket.
    Unreachable(PathBuf, io::Error),
    /// The server does not answer in time.
    Late,
    /// The connection broke off.
    Broken(io::Error),
    /// The reply is not understood.
    Garbled(String),
    /// The server says no.
    Refused(String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Unreachable(path, error) => {
                write!(f, "no server answers at {}: {error}", path.display())
            }
            ClientError::Late => f.write_str("the server does not answer in time"),
            ClientError::Broken(error) => write!(f, "the connection to the server broke off: {error}"),
            ClientError::Garbled(what) => write!(f, "the server's reply is not understood: {what}"),
            ClientError::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<hyper::Error> for ClientError {
    fn from(error: hyper::Error) -> Self {
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
        match cause {
            Some(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => garbled("it is cut off"),
            Some(cause) => ClientError::Broken(
                cause.raw_os_error().map_or_else(|| cause.kind().into(), io::Error::from_raw_os_error),
            ),
            None if error.is_incomplete_message() => garbled("it is cut off"),
            None if error.is_parse() => garbled("it is not HTTP"),
            None => ClientError::Broken(io::Error::other(error)),
        }
    }
}

fn garbled(what: &str) -> ClientError {
    ClientError::Garbled(what.to_owned())
}

/// What is asked, and how long the server may be silent.
pub(super) struct Question<'q> {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: &'q str,
    pub(super) body: String,
    /// Longest silence before the response, and between any two parts of it.
    pub(super) wait: Duration,
}

/// A response whose body is still to come.
#[derive(Debug)]
pub(super) struct Reply {
    /// Runs the connection during each wait for a part of the body.
    runtime: Runtime,
    response: Response<Limited<Incoming>>,
    wait: Duration,
}

impl Reply {
    /// Asks the server that listens on `socket`, and waits for the head of its response.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, is silent for too long, or sends something that is no response.
    pub(super) fn to(question: Question<'_>, socket: &Path) -> Result<Reply, ClientError> {
        let unreachable = |error| ClientError::Unreachable(socket.to_owned(), error);
        // Of std, as that one waits where the queue of the listener is full.
        let stream = UnixStream::connect(socket).map_err(unreachable)?;
        stream.set_nonblocking(true).map_err(ClientError::Broken)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ClientError::Broken)?;
        let wait = question.wait;
        let response = runtime.block_on(async {
            let head = async { send(stream, question).await };
            timeout(wait, head).await.map_err(|_| ClientError::Late)?
        })?;
        let response = response.map(|body| Limited::new(body, RESPONSE_BYTES_MAX));
        Ok(Reply { runtime, response, wait })
    }

    pub(super) fn code(&self) -> StatusCode {
        self.response.status()
    }

    /// The whole body. Its length has been announced, so that one that was cut off is noticed.
    ///
    /// # Errors
    ///
    /// When the server is silent for too long, or the body does not come as announced.
    pub(super) fn into_body(mut self) -> Result<Vec<u8>, ClientError> {
        if self.response.body().size_hint().exact().is_none() {
            return Err(garbled("its length is unknown"));
        }
        let mut body = Vec::new();
        while let Some(part) = self.next_part()? {
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// The next bytes of the body as they come; none: it has ended.
    ///
    /// # Errors
    ///
    /// When the server is silent for too long, or the connection breaks off.
    pub(super) fn next_part(&mut self) -> Result<Option<Bytes>, ClientError> {
        let Reply { runtime, response, wait } = self;
        runtime.block_on(async {
            loop {
                let frame = timeout(*wait, response.body_mut().frame()).await;
                match frame.map_err(|_| ClientError::Late)? {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(error_of_body(error)),
                    // Trailers say nothing here.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            }
        })
    }
}

async fn send(stream: UnixStream, question: Question<'_>) -> Result<Response<Incoming>, ClientError> {
    let stream = tokio::net::UnixStream::from_std(stream).map_err(ClientError::Broken)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The response names the fault, too.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(question.method)
        .uri(question.path)
        .header(header::HOST, "edgedns")
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(question.body)))
        .map_err(|error| ClientError::Broken(io::Error::other(error)))?;
    Ok(sender.send_request(request).await?)
}

fn error_of_body(error: Box<dyn std::error::Error + Send + Sync>) -> ClientError {
    match error.downcast::<hyper::Error>() {
        Ok(error) => (*error).into(),
        // The limit is the only other fault.
        Err(_) => garbled("it is cut off"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// What becomes of a response of these bytes.
    fn reply(bytes: &'static [u8]) -> Result<(u16, Vec<u8>), ClientError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            stream.write_all(bytes).unwrap();
        });
        let question = Question {
            method: Method::GET,
            path: "/status",
            body: String::new(),
            wait: Duration::from_secs(20),
        };
        let reply = Reply::to(question, &path);
        server.join().unwrap();
        let reply = reply?;
        Ok((reply.code().as_u16(), reply.into_body()?))
    }

    #[test]
    fn a_response_is_its_code_and_its_body() {
        let response = reply(b"HTTP/1.1 409 Conflict\r\nx: y\r\nContent-length: 2\r\n\r\n{}");
        assert_eq!(response.unwrap(), (409, b"{}".to_vec()));
    }

    #[test]
    fn what_is_no_whole_response_is_not_understood() {
        for response in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n{}",
            b"HTTP/1.1 OK\r\ncontent-length: 0\r\n\r\n",
            b"SSH-2.0\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
        ] {
            let reply = reply(response);
            assert!(matches!(reply, Err(ClientError::Garbled(_))), "{response:?}: {reply:?}");
        }
    }

    #[test]
    fn a_server_that_is_silent_does_not_answer_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let wait = Duration::from_millis(50);
        let question = Question { method: Method::GET, path: "/status", body: String::new(), wait };
        let error = Reply::to(question, &path).unwrap_err();
        assert_eq!(error.to_string(), "the server does not answer in time");
    }
}

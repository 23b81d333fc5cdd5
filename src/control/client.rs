//! The other end of the control socket: what the command line speaks.
//!
//! As much of HTTP/1.1 as one request and its response over a connection that
//! ends with it need.
//!
//! Responsible for asking and for understanding the reply.
//! Not responsible for what is printed.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::http::{ForceBody, RefusalBody};
use super::{ForceOrder, Forced, Reloaded, Status};

/// Longest response that is read, in bytes: the status of a hundred thousand targets.
const RESPONSE_BYTES_MAX: u64 = 64 << 20;

/// How long a reply may take that needs no reading of zones.
const REPLY_WAIT: Duration = Duration::from_secs(10);

/// How long a reload may take.
const RELOAD_WAIT: Duration = Duration::from_secs(10 * 60);

/// The codes of a reload: carried out, and not or not wholly.
const RELOAD_CODES: &[u16] = &[200, 409];

/// Whoever asks a running server.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody answers there.
    Unreachable(PathBuf, io::Error),
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
            ClientError::Broken(error) if error.kind() == io::ErrorKind::WouldBlock => {
                f.write_str("the server does not answer in time")
            }
            ClientError::Broken(error) => write!(f, "the connection to the server broke off: {error}"),
            ClientError::Garbled(what) => write!(f, "the server's reply is not understood: {what}"),
            ClientError::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ClientError {}

impl Client {
    /// A client of the server that listens at `socket`.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// How everything stands.
    ///
    /// # Errors
    ///
    /// When there is no reply, or it is not understood.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.ask("GET", "/status", "", REPLY_WAIT, &[200])
    }

    /// Reloads, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// When there is no reply, or it is not understood; a reload that is refused is none.
    pub fn reload(&self) -> Result<Reloaded, ClientError> {
        self.ask("POST", "/reload", "", RELOAD_WAIT, RELOAD_CODES)
    }

    /// Forces verdicts.
    ///
    /// # Errors
    ///
    /// When the server refuses, there is no reply, or it is not understood.
    pub fn force(&self, order: &ForceOrder) -> Result<Forced, ClientError> {
        let body = serde_json::to_string(&ForceBody::from(order)).map_err(|fault| garbled(&fault))?;
        self.ask("POST", "/force", &body, REPLY_WAIT, &[200])
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &str,
        wait: Duration,
        codes: &[u16],
    ) -> Result<T, ClientError> {
        let connected = UnixStream::connect(&self.socket);
        let stream = connected.map_err(|error| ClientError::Unreachable(self.socket.clone(), error))?;
        let response = exchange(stream, method, path, body, wait).map_err(ClientError::Broken)?;
        let (code, body) = parts(&response)?;
        if codes.contains(&code) {
            return serde_json::from_slice(body).map_err(|fault| garbled(&fault));
        }
        match serde_json::from_slice::<RefusalBody>(body) {
            Ok(refusal) => Err(ClientError::Refused(refusal.error)),
            Err(_) => Err(ClientError::Garbled(format!("status {code}"))),
        }
    }
}

fn garbled(fault: &serde_json::Error) -> ClientError {
    ClientError::Garbled(fault.to_string())
}

fn exchange(
    mut stream: UnixStream,
    method: &str,
    path: &str,
    body: &str,
    wait: Duration,
) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(REPLY_WAIT))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: edgedns\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut response = Vec::new();
    stream.take(RESPONSE_BYTES_MAX).read_to_end(&mut response)?;
    Ok(response)
}

/// The status code and the body of a response that ends with its connection. Its length is told, so
/// that a reply that was cut off is noticed.
fn parts(response: &[u8]) -> Result<(u16, &[u8]), ClientError> {
    let garbled = |what: &str| ClientError::Garbled(what.to_owned());
    let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or_else(|| garbled("it has no head"))?;
    let head = response.get(..end).and_then(|head| str::from_utf8(head).ok());
    let mut lines = head.ok_or_else(|| garbled("its head is no text"))?.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let code = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let code = code.and_then(|code| code.parse().ok()).ok_or_else(|| garbled("it is not HTTP"))?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    let length = lines.find_map(header).ok_or_else(|| garbled("its length is not told"))?;
    let body = response.get(end + 4..).filter(|body| body.len() == length);
    Ok((code, body.ok_or_else(|| garbled("it is cut off"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_its_code_and_its_body() {
        let response = b"HTTP/1.1 409 Conflict\r\nx: y\r\nContent-length: 2\r\n\r\n{}";
        assert!(matches!(parts(response), Ok((409, b"{}"))));
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
            assert!(matches!(parts(response), Err(ClientError::Garbled(_))), "{response:?}");
        }
    }
}

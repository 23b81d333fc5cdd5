//! The other end of the control socket: what the command line speaks.
//!
//! As much of HTTP/1.1 as one request and its response over a connection that
//! ends with it need.
//!
//! Responsible for asking and for understanding the reply.
//! Not responsible for what is printed.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Take, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::http::{ForceBody, RefusalBody};
use super::{ExplainOrder, Explanation, ForceOrder, Forced, Reloaded, Status, TraceOrder, Traced};

/// Longest response that is read, in bytes: the status of a hundred thousand targets.
const RESPONSE_BYTES_MAX: u64 = 64 << 20;

/// How long a reply may take that needs no reading of zones.
const REPLY_WAIT: Duration = Duration::from_secs(10);

/// How long an explanation may take: the text of a large zone is read once more for it.
const EXPLAIN_WAIT: Duration = Duration::from_secs(60);

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

    /// What a question is answered, and why.
    ///
    /// # Errors
    ///
    /// When there is no reply, or it is not understood.
    pub fn explain(&self, order: &ExplainOrder) -> Result<Explanation, ClientError> {
        self.ask("GET", &format!("/explain?{}", order.write()), "", EXPLAIN_WAIT, &[200])
    }

    /// Queries as they come.
    ///
    /// # Errors
    ///
    /// When the server refuses, or there is no reply.
    pub fn trace(&self, order: &TraceOrder) -> Result<TraceLines, ClientError> {
        let mut stream = self.connect()?;
        let path = format!("/trace?{}", order.write());
        let wait = order.lasts.saturating_add(REPLY_WAIT);
        say(&mut stream, "GET", &path, "", wait).map_err(ClientError::Broken)?;
        TraceLines::begin(stream)
    }

    fn connect(&self) -> Result<UnixStream, ClientError> {
        let connected = UnixStream::connect(&self.socket);
        connected.map_err(|error| ClientError::Unreachable(self.socket.clone(), error))
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &str,
        wait: Duration,
        codes: &[u16],
    ) -> Result<T, ClientError> {
        let stream = self.connect()?;
        let response = exchange(stream, method, path, body, wait).map_err(ClientError::Broken)?;
        let (code, body) = parts(&response)?;
        if codes.contains(&code) {
            return serde_json::from_slice(body).map_err(|fault| garbled(&fault));
        }
        Err(refusal(code, body))
    }
}

/// What a reply says that is not the one hoped for.
fn refusal(code: u16, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<RefusalBody>(body) {
        Ok(refusal) => ClientError::Refused(refusal.error),
        Err(_) => ClientError::Garbled(format!("status {code}")),
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
    say(&mut stream, method, path, body, wait)?;
    let mut response = Vec::new();
    stream.take(RESPONSE_BYTES_MAX).read_to_end(&mut response)?;
    Ok(response)
}

fn say(stream: &mut UnixStream, method: &str, path: &str, body: &str, wait: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(REPLY_WAIT))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: edgedns\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
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

/// The lines of a trace, as they come.
#[derive(Debug)]
pub struct TraceLines {
    chunks: BufReader<Chunks>,
}

/// A body in chunks (RFC 9112, section 7.1), without the bytes between them.
#[derive(Debug)]
struct Chunks {
    stream: Take<BufReader<UnixStream>>,
    state: Chunk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// The length of the next one follows.
    Head,
    /// So many bytes of it follow.
    Data(u64),
    /// There is none any more.
    End,
}

impl TraceLines {
    /// Reads the head of the response.
    fn begin(stream: UnixStream) -> Result<TraceLines, ClientError> {
        let mut stream = BufReader::new(stream).take(RESPONSE_BYTES_MAX);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head).map_err(ClientError::Broken)? == 0 {
                return Err(ClientError::Garbled("it has no head".to_owned()));
            }
        }
        if head.starts_with(b"HTTP/1.1 200 ") {
            return Ok(TraceLines { chunks: BufReader::new(Chunks { stream, state: Chunk::Head }) });
        }
        stream.read_to_end(&mut head).map_err(ClientError::Broken)?;
        let (code, body) = parts(&head)?;
        Err(refusal(code, body))
    }
}

impl Iterator for TraceLines {
    type Item = Result<Traced, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        match self.chunks.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(|fault| garbled(&fault))),
            Err(error) => Some(Err(ClientError::Broken(error))),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.state == Chunk::Head {
            self.state = match self.length()? {
                0 => Chunk::End,
                length => Chunk::Data(length),
            };
        }
        let Chunk::Data(left) = self.state else { return Ok(0) };
        let read = (&mut self.stream).take(left).read(out)?;
        if read == 0 && !out.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.state = match left.saturating_sub(read as u64) {
            0 => {
                // The line break behind the data.
                self.stream.read_exact(&mut [0; 2])?;
                Chunk::Head
            }
            left => Chunk::Data(left),
        };
        Ok(read)
    }
}

impl Chunks {
    fn length(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        // Extensions may stand behind it.
        let digits = line.trim_end().split(';').next().unwrap_or_default();
        u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
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

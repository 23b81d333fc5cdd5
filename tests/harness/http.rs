//! An HTTP client: one request over one connection, without redirects.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::PATIENCE;

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub code: u16,
    /// The lines of the head.
    pub head: String,
    /// All that followed the head.
    pub body: String,
}

impl Response {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// GET.
pub fn get(server: SocketAddr, path: &str) -> Response {
    request(server, "GET", path, "", "").unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The value of one sample of the server's metrics.
pub fn sample(server: SocketAddr, series: &str) -> f64 {
    let text = get(server, "/metrics").body;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

/// Any request; `headers` are whole lines.
///
/// # Errors
/// Those of the connection.
pub fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<Response> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n");
    speak(server, &format!("{head}{headers}Content-Length: {length}\r\n\r\n{body}"))
}

/// Says `text` and reads one response, whose end is told by its length or by the end of the connection.
///
/// # Errors
/// Those of the connection, and what is no response.
pub fn speak(server: SocketAddr, text: &str) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A server that has heard enough may close before all is said.
    let _ = stream.write_all(text.as_bytes());
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = head.trim_end().to_lowercase();
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| io::Error::other("no status code"))?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = String::new();
    let is_head_alone = text.starts_with("HEAD ");
    // Some keep the connection whatever they are told.
    reader.take(if is_head_alone { 0 } else { length.unwrap_or(u64::MAX) }).read_to_string(&mut body)?;
    Ok(Response { code, head, body })
}

//! As much of an HTTP client as tests need: one request, one connection, no redirects.
//!
//! Responsible for bytes and for a response in its parts. Not responsible for judging it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    pub code: u16,
    /// The lines of the head.
    pub head: String,
    pub body: String,
}

/// GET.
pub fn get(server: SocketAddr, path: &str) -> Response {
    request(server, "GET", path, "", "").unwrap_or_else(|error| panic!("{path}: {error}"))
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

/// Says `text` and reads until the server closes.
///
/// # Errors
/// Those of the connection, and what is no response.
pub fn speak(server: SocketAddr, text: &str) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A server that has heard enough may close before all is said.
    let _ = stream.write_all(text.as_bytes());
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("no head"))?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| io::Error::other("no status code"))?;
    Ok(Response { code, head: head.to_lowercase(), body: body.to_owned() })
}

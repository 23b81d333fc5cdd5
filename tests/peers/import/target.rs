//! A target over HTTP, or with a dialogue of lines, that is ready or not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longer than a request over loopback takes.
const REQUEST_MAX: Duration = Duration::from_secs(2);

/// How a target answers a connection.
type Answer = fn(TcpStream, &AtomicBool) -> std::io::Result<()>;

/// A target that answers 200 while it is ready, then 503; or `+PONG`, then `-LOADING`.
pub(crate) struct Target {
    pub(crate) place: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    pub(crate) fn start_at(place: SocketAddr) -> Self {
        Self::start(place, answer)
    }

    /// Greets, and answers a line.
    pub(crate) fn start_talking_at(place: SocketAddr) -> Self {
        Self::start(place, talk)
    }

    fn start(place: SocketAddr, answer: Answer) -> Self {
        let listener = TcpListener::bind(place).expect("a loopback address");
        let (ready, stop) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (is_ready, stops) = (Arc::clone(&ready), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is the client's own matter.
                let _ = answer(stream, &is_ready);
            }
        });
        Self { place, ready, stop, thread: Some(thread) }
    }

    pub(crate) fn open(&self) {
        self.ready.store(true, Ordering::SeqCst);
    }

    pub(crate) fn close(&self) {
        self.ready.store(false, Ordering::SeqCst);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.place));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, ready: &AtomicBool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_MAX))?;
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..length]);
    }
    let status = if ready.load(Ordering::SeqCst) { "200 OK" } else { "503 Service Unavailable" };
    stream.write_all(
        format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").as_bytes(),
    )
}

fn talk(mut stream: TcpStream, ready: &AtomicBool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_MAX))?;
    stream.write_all(b"220 lab.test greets\r\n")?;
    let mut line = Vec::new();
    let mut piece = [0; 64];
    while !line.ends_with(b"\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        line.extend_from_slice(&piece[..length]);
    }
    let is_ready = ready.load(Ordering::SeqCst) && line == b"PING now\r\n";
    stream.write_all(if is_ready { b"+PONG\r\n" } else { b"-LOADING\r\n" })
}

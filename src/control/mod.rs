//! Control: how an operator reaches the running server.
//!
//! Responsible for turning signals into requests and handing them over.
//! Not responsible for carrying a request out: it asks, `daemon` acts.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Read configuration and zones again.
    Reload,
    /// End cleanly.
    Stop,
}

/// Requests that wait for `daemon`. A script faster than this gets nothing
/// by it: a reload that has not begun reads whatever stands there then.
pub const REQUESTS_WAITING_MAX: usize = 16;

/// Requests as they come in by signal: SIGHUP reloads, SIGTERM and SIGINT stop.
///
/// # Errors
///
/// When the system does not let signals be watched.
pub fn requests() -> std::io::Result<mpsc::Receiver<Request>> {
    let (sender, receiver) = mpsc::channel(REQUESTS_WAITING_MAX);
    let meanings = [
        (SignalKind::hangup(), Request::Reload),
        (SignalKind::terminate(), Request::Stop),
        (SignalKind::interrupt(), Request::Stop),
    ];
    for (kind, request) in meanings {
        let mut arrivals = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while arrivals.recv().await.is_some() {
                // A full queue holds a reload already; a stop must get through.
                let told = match request {
                    Request::Reload => sender.try_send(request).is_ok() || !sender.is_closed(),
                    Request::Stop => sender.send(request).await.is_ok(),
                };
                if !told {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}

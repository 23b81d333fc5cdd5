//! Signals as requests, and the queue that all requests go through.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::request::{AdminRequest, REQUESTS_WAITING_MAX, ReloadCause};

/// The queue of requests; signals fill it from now on: SIGHUP reloads, SIGTERM and SIGINT stop.
///
/// # Errors
///
/// When the system does not let signals be watched.
pub fn requests() -> io::Result<(mpsc::Sender<AdminRequest>, mpsc::Receiver<AdminRequest>)> {
    let (sender, receiver) = mpsc::channel(REQUESTS_WAITING_MAX);
    watch(&sender)?;
    Ok((sender, receiver))
}

#[derive(Clone, Copy)]
enum Meaning {
    Reload,
    Stop,
}

/// Hands signals on as requests until the receiver is dropped.
fn watch(requests: &mpsc::Sender<AdminRequest>) -> io::Result<()> {
    let meanings = [
        (SignalKind::hangup(), Meaning::Reload),
        (SignalKind::terminate(), Meaning::Stop),
        (SignalKind::interrupt(), Meaning::Stop),
    ];
    for (kind, meaning) in meanings {
        let mut arrivals = signal(kind)?;
        let requests = requests.clone();
        tokio::spawn(async move {
            while arrivals.recv().await.is_some() {
                // A stop must get through; a reload that finds the queue full is asked for again.
                let request = match meaning {
                    Meaning::Reload => AdminRequest::Reload { cause: ReloadCause::Operator, reply: None },
                    Meaning::Stop => AdminRequest::Stop,
                };
                if requests.send(request).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

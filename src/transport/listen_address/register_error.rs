//! Why a socket is not served.

use std::io;

/// Why a socket is not registered.
#[derive(Debug)]
pub(in crate::transport) enum RegisterError {
    /// The threads that would serve it cannot be started.
    Threads(io::Error),
    /// The runtime or the kernel does not take it.
    Socket(io::Error),
}

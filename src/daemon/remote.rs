//! `edgedns reload`, `status` and `force`: asking the running server.
//!
//! Responsible for finding its socket, and for what is printed.
//! Not responsible for what is said over the socket.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use super::Format;
use super::server::drawn;
use crate::config;
use crate::control::{self, Client, ClientError, Completeness, ForceOrder};
use crate::source::{Diagnostics, Look, Sources};

/// Where the server is looked for when nothing is said: the usual place.
pub const USUAL_SOCKET: &str = "/run/edgedns/control.sock";

/// Where the running server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// At this socket.
    Socket(PathBuf),
    /// At the socket that this config file names.
    Config(PathBuf),
}

/// Why nothing came of asking.
#[derive(Debug)]
pub enum RemoteError {
    /// The config file cannot be used; the diagnostics, drawn.
    Config(String),
    /// The config file names no socket.
    NoSocket(PathBuf),
    /// There is no good reply.
    Client(ClientError),
    /// The output cannot be written.
    Output(io::Error),
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteError::Config(drawn) => f.write_str(drawn),
            RemoteError::NoSocket(config) => {
                write!(f, "error: {} has no `socket` in `[admin]`", config.display())
            }
            RemoteError::Client(error) => write!(f, "error: {error}"),
            RemoteError::Output(error) => write!(f, "error: {error}"),
        }
    }
}

impl std::error::Error for RemoteError {}

impl From<ClientError> for RemoteError {
    fn from(error: ClientError) -> Self {
        RemoteError::Client(error)
    }
}

impl From<io::Error> for RemoteError {
    fn from(error: io::Error) -> Self {
        RemoteError::Output(error)
    }
}

impl Server {
    fn client(&self) -> Result<Client, RemoteError> {
        let config = match self {
            Server::Socket(socket) => return Ok(Client::new(socket)),
            Server::Config(config) => config,
        };
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let read = config::read(&mut sources, config, &mut found).ok_or_else(|| {
            let look = if io::stderr().is_terminal() { Look::Coloured } else { Look::Plain };
            RemoteError::Config(drawn(&sources, found.iter(), look))
        })?;
        let socket = read.admin.socket.ok_or_else(|| RemoteError::NoSocket(config.clone()))?;
        Ok(Client::new(&socket))
    }
}

/// Reloads and waits; true when all that was asked for is served.
///
/// # Errors
///
/// When the server cannot be asked.
pub fn reload(server: &Server) -> Result<bool, RemoteError> {
    let reloaded = server.client()?.reload()?;
    let mut out = io::stderr().lock();
    if !reloaded.diagnostics.is_empty() {
        writeln!(out, "{}\n", reloaded.diagnostics)?;
    }
    writeln!(out, "{}", reloaded.summary)?;
    Ok(reloaded.outcome == Completeness::Whole)
}

/// Prints how everything stands; true when every pool has a member that may be up.
///
/// # Errors
///
/// When the server cannot be asked, or the output not be written.
pub fn status(server: &Server, format: Format) -> Result<bool, RemoteError> {
    let status = server.client()?.status()?;
    let mut out = io::stdout().lock();
    match format {
        Format::Text => write!(out, "{}", control::status_lines(&status))?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&status).map_err(io::Error::other)?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(status.pools.iter().all(|pool| !pool.is_all_down()))
}

/// Forces verdicts, and prints the targets that were meant.
///
/// # Errors
///
/// When the server refuses or cannot be asked.
pub fn force(server: &Server, order: &ForceOrder) -> Result<(), RemoteError> {
    let forced = server.client()?.force(order)?;
    write!(io::stdout().lock(), "{}", control::force_lines(order, &forced))?;
    Ok(())
}

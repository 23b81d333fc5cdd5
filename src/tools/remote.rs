//! `edgedns reload`, `status`, `force`, `explain`, `updates` and `trace`: asks the running server and prints the reply.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::format::Format;
use super::terminal;
use crate::config;
use crate::control::{
    self, Client, ClientError, Completeness, ExplainOrder, ForceOrder, Shrunk, Status, TraceOrder,
};
use crate::dns::{Name, Rtype};
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
        let read = config::read(&mut sources, config, &mut found)
            .ok_or_else(|| RemoteError::Config(sources.render_all(found.iter(), Look::on(&io::stderr()))))?;
        let socket = read.admin.socket.ok_or_else(|| RemoteError::NoSocket(config.clone()))?;
        Ok(Client::new(&socket))
    }
}

/// Reloads and waits; true when all that was asked for is served.
///
/// # Errors
///
/// When the server cannot be asked.
pub fn reload(server: &Server, shrunk: Shrunk) -> Result<bool, RemoteError> {
    let reloaded = server.client()?.reload(shrunk)?;
    let mut out = io::stderr().lock();
    if !reloaded.diagnostics.is_empty() {
        writeln!(out, "{}\n", reloaded.diagnostics)?;
    }
    writeln!(out, "{}", reloaded.summary)?;
    Ok(reloaded.outcome == Completeness::Whole)
}

/// Prints the status; true when every pool has a member that may be up.
///
/// # Errors
///
/// When the server cannot be asked, or the output not be written.
pub fn status(server: &Server, format: Format) -> Result<bool, RemoteError> {
    let status = server.client()?.status()?;
    let mut out = io::stdout().lock();
    match format {
        Format::Text => {
            write!(out, "{}", control::status_lines(&status, None, Look::on(&io::stdout())))?;
        }
        Format::Json => pretty(&mut out, &status)?,
    }
    Ok(status.pools.iter().all(|pool| !pool.is_all_down()))
}

/// Signatures that end sooner than that should have been made anew a week ago.
const SIGNATURES_LEFT_MIN: Duration = Duration::from_secs(7 * 86_400);

/// Prints until when the signatures of zones are valid that the server makes, of one zone or of all; true when there are
/// some, and all have a week left.
///
/// # Errors
///
/// When the server cannot be asked, or the output not be written.
pub fn signatures(server: &Server, zone: Option<&Name>) -> Result<bool, RemoteError> {
    let status = server.client()?.status()?;
    let wanted = zone.map(ToString::to_string);
    let mut zones = status.zones.iter().filter(|one| wanted.as_ref().is_none_or(|name| *name == one.name));
    let soon = SystemTime::now().checked_add(SIGNATURES_LEFT_MIN);
    let mut out = io::stdout().lock();
    let mut well = None;
    zones.try_for_each(|one| {
        let Some(until) = one.signed_until else { return Ok(()) };
        let has_time = soon.is_none_or(|soon| until.0 > soon);
        well = Some(well.unwrap_or(true) && has_time);
        let serial = one.serial.map_or_else(|| "none".to_owned(), |serial| serial.to_string());
        let error = one.error.as_ref().map(|error| format!(", {error}")).unwrap_or_default();
        writeln!(out, "{}  serial {serial}  signed until {until}{error}", one.name)
    })?;
    if well.is_none() {
        writeln!(out, "nothing is signed here")?;
    }
    Ok(well.unwrap_or(false))
}

/// How often a status that is watched is drawn anew.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Shows the status again and again: in place on a terminal, else one after the other. Ends when nobody reads
/// it any more. A server that does not answer may come back, so that is shown, too.
///
/// # Errors
///
/// When the config file does not say where the server is, or the output cannot be written.
pub fn watch(server: &Server, format: Format) -> Result<(), RemoteError> {
    let client = server.client()?;
    let (mut out, look) = (io::stdout().lock(), Look::on(&io::stdout()));
    let in_place = io::stdout().is_terminal() && format == Format::Text;
    if in_place {
        terminal::clear(&mut out)?;
    }
    let mut before: Option<Status> = None;
    let mut last = String::new();
    loop {
        let asked = client.status();
        match (&asked, format) {
            (Ok(status), Format::Json) => {
                let line = serde_json::to_string(status).map_err(io::Error::other)?;
                writeln!(out, "{line}")?;
            }
            (Err(fault), Format::Json) => writeln!(io::stderr(), "error: {fault}")?,
            (_, Format::Text) => {
                let text = match &asked {
                    Ok(status) => {
                        last = control::status_lines(status, before.as_ref(), look);
                        last.clone()
                    }
                    Err(fault) if last.is_empty() => format!("error: {fault}\n"),
                    Err(fault) => format!("error: {fault}; when it last answered it was\n\n{last}"),
                };
                if in_place { terminal::redraw(&mut out, &text)? } else { writeln!(out, "{text}")? }
            }
        }
        out.flush()?;
        before = asked.ok();
        thread::sleep(WATCH_INTERVAL);
    }
}

/// Prints what a question is answered, and why; true when it is answered with NOERROR.
///
/// # Errors
///
/// When the server cannot be asked, or the output not be written.
pub fn explain(server: &Server, order: &ExplainOrder, format: Format) -> Result<bool, RemoteError> {
    let explanation = server.client()?.explain(order)?;
    let mut out = io::stdout().lock();
    match format {
        Format::Text => {
            write!(out, "{}", control::explain_lines(&explanation, Look::on(&io::stdout())))?;
        }
        Format::Json => pretty(&mut out, &explanation)?,
    }
    Ok(explanation.forwarded || explanation.answer.rcode.as_deref() == Some("NOERROR"))
}

/// Prints queries as they come.
///
/// # Errors
///
/// When the server cannot be asked, or the output not be written.
pub fn trace(server: &Server, order: &TraceOrder, format: Format) -> Result<(), RemoteError> {
    let (mut out, look) = (io::stdout().lock(), Look::on(&io::stdout()));
    for traced in server.client()?.trace(order)? {
        let traced = traced?;
        match format {
            Format::Text => write!(out, "{}", control::trace_line(&traced, look))?,
            Format::Json => {
                writeln!(out, "{}", serde_json::to_string(&traced).map_err(io::Error::other)?)?;
            }
        }
        // A reader behind a pipe wants it now, too.
        out.flush()?;
    }
    Ok(())
}

fn pretty(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string_pretty(value).map_err(io::Error::other)?)
}

/// Prints what updates did to a zone, or to all; true when all of it is served.
///
/// # Errors
///
/// When the server refuses or cannot be asked, or the output not be written.
pub fn show_updates(server: &Server, zone: Option<&Name>, format: Format) -> Result<bool, RemoteError> {
    let shown = server.client()?.updates(zone)?;
    let mut out = io::stdout().lock();
    match format {
        Format::Text => write!(out, "{}", control::updates_lines(&shown))?,
        Format::Json => pretty(&mut out, &shown)?,
    }
    Ok(shown.zones.iter().flat_map(|zone| &zone.records).all(|record| record.aside.is_none()))
}

/// Takes back what updates did to an owner's records, and prints how many there were; true when there were some.
///
/// # Errors
///
/// When the server refuses or cannot be asked, or the output not be written.
pub fn drop_updates(
    server: &Server,
    zone: &Name,
    owner: &Name,
    rtype: Option<Rtype>,
) -> Result<bool, RemoteError> {
    let shown = server.client()?.drop_updates(zone, owner, rtype)?;
    writeln!(io::stdout().lock(), "{} records of {owner} are as the file has them", shown.dropped)?;
    Ok(shown.dropped > 0)
}

/// Forces verdicts, and prints the targets that were meant; true when it outlives a restart.
///
/// # Errors
///
/// When the server refuses or cannot be asked.
pub fn force(server: &Server, order: &ForceOrder) -> Result<bool, RemoteError> {
    let forced = server.client()?.force(order)?;
    write!(io::stdout().lock(), "{}", control::force_lines(order, &forced))?;
    Ok(forced.not_kept.is_none())
}

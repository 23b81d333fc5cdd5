//! The client of the control socket, for the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::exchange::{ClientError, Question, Reply};
use super::http::{ForceBody, RefusalBody};
use super::query;
use super::updates::{DropBody, UpdatesShown};
use super::{ExplainOrder, Explanation, ForceOrder, Forced, Reloaded, Status, TraceOrder, Traced};
use crate::dns::{Name, Rtype};

/// How long a reply may take that needs no reading of zones.
const REPLY_WAIT: Duration = Duration::from_secs(10);

/// How long an explanation may take: the text of a large zone is read once more for it.
const EXPLAIN_WAIT: Duration = Duration::from_secs(60);

/// How long a reload may take.
const RELOAD_WAIT: Duration = Duration::from_secs(10 * 60);

/// A client of a running server.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// What becomes of a zone that waits because so much of it has gone at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrunk {
    /// It waits.
    Wait,
    /// It is served as it is now.
    Accept,
}

impl Client {
    /// A client of the server that listens at `socket`.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The state of everything.
    ///
    /// # Errors
    ///
    /// When there is no reply, or it is not understood.
    pub fn status(&self) -> Result<Status, ClientError> {
        read(self.ask(get("/status", REPLY_WAIT))?, &[StatusCode::OK])
    }

    /// The same in numbers, in Prometheus' text format.
    ///
    /// # Errors
    ///
    /// When the server refuses, or there is no reply.
    pub fn metrics(&self) -> Result<String, ClientError> {
        let reply = self.ask(get("/metrics", REPLY_WAIT))?;
        match reply.code() {
            StatusCode::OK => Ok(String::from_utf8_lossy(&reply.into_body()?).into_owned()),
            _ => Err(refusal(reply)),
        }
    }

    /// Reloads, and waits for the result.
    ///
    /// # Errors
    ///
    /// When there is no reply, or it is not understood; a reload that is refused is none.
    pub fn reload(&self, shrunk: Shrunk) -> Result<Reloaded, ClientError> {
        let path = match shrunk {
            Shrunk::Wait => "/reload",
            Shrunk::Accept => "/reload?accept",
        };
        let question = Question { method: Method::POST, path, body: String::new(), wait: RELOAD_WAIT };
        // Carried out, and not or not wholly.
        read(self.ask(question)?, &[StatusCode::OK, StatusCode::CONFLICT])
    }

    /// Forces verdicts.
    ///
    /// # Errors
    ///
    /// When the server refuses, there is no reply, or it is not understood.
    pub fn force(&self, order: &ForceOrder) -> Result<Forced, ClientError> {
        let body = serde_json::to_string(&ForceBody::from(order)).map_err(|fault| garbled(&fault))?;
        let question = Question { method: Method::POST, path: "/force", body, wait: REPLY_WAIT };
        read(self.ask(question)?, &[StatusCode::OK])
    }

    /// What a question is answered, and why.
    ///
    /// # Errors
    ///
    /// When there is no reply, or it is not understood.
    pub fn explain(&self, order: &ExplainOrder) -> Result<Explanation, ClientError> {
        let path = format!("/explain?{}", order.write());
        read(self.ask(get(&path, EXPLAIN_WAIT))?, &[StatusCode::OK])
    }

    /// What updates did to a zone, or to all.
    ///
    /// # Errors
    ///
    /// When the server refuses, there is no reply, or it is not understood.
    pub fn updates(&self, zone: Option<&Name>) -> Result<UpdatesShown, ClientError> {
        let pairs: Vec<(&str, String)> = zone.iter().map(|zone| ("zone", zone.to_string())).collect();
        let path = format!("/updates?{}", query::write(&pairs));
        read(self.ask(get(&path, REPLY_WAIT))?, &[StatusCode::OK])
    }

    /// Takes back what updates did to the records of an owner and, where one is named, type.
    ///
    /// # Errors
    ///
    /// When the server refuses, there is no reply, or it is not understood.
    pub fn drop_updates(
        &self,
        zone: &Name,
        owner: &Name,
        rtype: Option<Rtype>,
    ) -> Result<UpdatesShown, ClientError> {
        let rtype = rtype.map(|rtype| rtype.to_string());
        let body = DropBody { zone: zone.to_string(), owner: owner.to_string(), rtype };
        let body = serde_json::to_string(&body).map_err(|fault| garbled(&fault))?;
        let question = Question { method: Method::POST, path: "/updates/drop", body, wait: REPLY_WAIT };
        read(self.ask(question)?, &[StatusCode::OK])
    }

    /// Queries as they come.
    ///
    /// # Errors
    ///
    /// When the server refuses, or there is no reply.
    pub fn trace(&self, order: &TraceOrder) -> Result<TraceLines, ClientError> {
        let path = format!("/trace?{}", order.write());
        let reply = self.ask(get(&path, order.lasts.saturating_add(REPLY_WAIT)))?;
        match reply.code() {
            StatusCode::OK => Ok(TraceLines { reply, pending: Vec::new() }),
            _ => Err(refusal(reply)),
        }
    }

    fn ask(&self, question: Question<'_>) -> Result<Reply, ClientError> {
        Reply::to(question, &self.socket)
    }
}

fn get(path: &str, wait: Duration) -> Question<'_> {
    Question { method: Method::GET, path, body: String::new(), wait }
}

/// Reads the body of a reply with one of these codes; any other one is a refusal.
fn read<T: DeserializeOwned>(reply: Reply, codes: &[StatusCode]) -> Result<T, ClientError> {
    if !codes.contains(&reply.code()) {
        return Err(refusal(reply));
    }
    serde_json::from_slice(&reply.into_body()?).map_err(|fault| garbled(&fault))
}

/// What a reply says that is not the one hoped for.
fn refusal(reply: Reply) -> ClientError {
    let code = reply.code().as_u16();
    match reply.into_body().map(|body| serde_json::from_slice::<RefusalBody>(&body)) {
        Ok(Ok(refusal)) => ClientError::Refused(refusal.error),
        Ok(Err(_)) => ClientError::Garbled(format!("status {code}")),
        Err(error) => error,
    }
}

fn garbled(fault: &serde_json::Error) -> ClientError {
    ClientError::Garbled(fault.to_string())
}

/// The lines of a trace, as they come.
#[derive(Debug)]
pub struct TraceLines {
    reply: Reply,
    /// Bytes that have come and were not read as a line yet.
    pending: Vec<u8>,
}

impl Iterator for TraceLines {
    type Item = Result<Traced, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).map_err(|fault| garbled(&fault)));
            }
            match self.reply.next_part() {
                Ok(Some(part)) => self.pending.extend_from_slice(&part),
                Ok(None) if self.pending.is_empty() => return None,
                // The last line may lack its line break.
                Ok(None) => self.pending.push(b'\n'),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

//! Traces over the control socket: one JSON object per line, and each as a line for people.
//!
//! Limits how many queries a trace shows and how long it lasts. Which queries there are is decided in
//! `transport`.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use serde::{Deserialize, Serialize};
use tokio::time::{Sleep, sleep};

use super::quantities::counted;
use super::style::{Style, style};
use super::{UtcTime, query};
use crate::answer::PrefixError;
use crate::dns::Rtype;
use crate::dns::client_subnet::ClientSubnet;
use crate::dns::edns::{Edns, option};
use crate::dns::message::{Extra, Question};
use crate::dns::response::Response;
use crate::source::Look;
use crate::transport::{Filter, Trace, TraceEvent};

/// Most queries of one trace. For more, ask again.
pub const TRACE_QUERIES_MAX: u32 = 100_000;

/// Longest trace: one that was forgotten does not keep workers copying for ever.
pub const TRACE_LASTS_MAX: Duration = Duration::from_secs(10 * 60);

/// What is to be traced, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceOrder {
    /// Which queries.
    pub filter: Filter,
    /// How many at most, no more than [`TRACE_QUERIES_MAX`].
    pub queries_max: u32,
    /// How long at most, no longer than [`TRACE_LASTS_MAX`].
    pub lasts: Duration,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Traced {
    /// A query and its response.
    Query(TracedQuery),
    /// There are no more.
    End(TraceEnd),
}

/// A query and its response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedQuery {
    /// When it was answered: `2026-11-21T02:18:00.123Z`.
    pub time: String,
    /// Who asked.
    pub client: String,
    /// `udp` or `tcp`.
    pub transport: String,
    /// The name asked; none: the query cannot be read.
    pub name: Option<String>,
    /// The type asked.
    #[serde(rename = "type")]
    pub rtype: Option<String>,
    /// EDNS of the query: `edns`, `do` where DNSSEC records are wanted, and for whom a resolver asks: `subnet=192.0.2.0/24`.
    pub wishes: Vec<String>,
    /// The response code; none: nothing was sent.
    pub rcode: Option<String>,
    /// Records in the answer section.
    pub answers: usize,
    /// Length of the response in bytes.
    pub bytes: usize,
    /// Flags of the response, as `dig` names them.
    pub flags: Vec<String>,
}

/// How a trace ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEnd {
    /// `limit` or `time`.
    pub by: String,
    /// Queries that were shown.
    pub shown: u32,
    /// Queries that were wanted and are not shown: too many came at once.
    pub left_out: u64,
}

impl TraceOrder {
    /// As a query string.
    pub(super) fn write(&self) -> String {
        let Filter { names, clients, qtype } = &self.filter;
        let text = |key, value: Option<String>| value.map(|value| (key, value));
        let said = [
            text("name", names.as_ref().map(ToString::to_string)),
            text("client", clients.map(|clients| clients.to_string())),
            text("type", qtype.map(|qtype| qtype.to_string())),
            text("limit", Some(self.queries_max.to_string())),
            text("for_seconds", Some(self.lasts.as_secs().to_string())),
        ];
        query::write(&said.into_iter().flatten().collect::<Vec<_>>())
    }

    /// From a query string.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one sentence.
    pub(super) fn read(text: &str) -> Result<TraceOrder, String> {
        let mut order =
            TraceOrder { filter: Filter::default(), queries_max: 100, lasts: Duration::from_secs(30) };
        for (key, value) in query::read(text).ok_or("the query string cannot be read")? {
            let number = || value.parse::<u32>().map_err(|_| format!("`{value}` is not a number"));
            match key.as_str() {
                "name" => order.filter.names = Some(value.parse()?),
                "client" => {
                    let clients =
                        value.parse().map_err(|fault: PrefixError| format!("`{value}`: {fault}"))?;
                    order.filter.clients = Some(clients);
                }
                "type" => {
                    let qtype = Rtype::parse(value.as_bytes());
                    order.filter.qtype = Some(qtype.ok_or_else(|| format!("`{value}` is not a type"))?);
                }
                "limit" => order.queries_max = number()?.min(TRACE_QUERIES_MAX),
                "for_seconds" => {
                    order.lasts = Duration::from_secs(number()?.into()).min(TRACE_LASTS_MAX);
                }
                _ => return Err(format!("unknown key `{key}`")),
            }
        }
        Ok(order)
    }
}

impl TracedQuery {
    fn of(seen: &TraceEvent) -> TracedQuery {
        let question = Question::read(&seen.query).map(|(question, _)| question);
        let response = seen.response.as_deref().and_then(Response::read);
        let since_1970 = seen.when.duration_since(UNIX_EPOCH).unwrap_or_default();
        let second = UtcTime(seen.when).to_string();
        let second = second.trim_end_matches('Z');
        TracedQuery {
            time: format!("{second}.{:03}Z", since_1970.subsec_millis()),
            client: seen.peer.address.to_string(),
            transport: seen.peer.transport.name().to_owned(),
            name: question.map(|question| question.qname.to_string()),
            rtype: question.map(|question| question.qtype.to_string()),
            wishes: wishes(&seen.query),
            rcode: response.as_ref().map(|response| response.rcode.to_string()),
            answers: response.as_ref().map_or(0, |response| response.answers().len()),
            bytes: seen.response.as_ref().map_or(0, |response| response.len()),
            flags: response.iter().flat_map(Response::flags).map(str::to_owned).collect(),
        }
    }
}

/// What a query wishes with its OPT record, where that is the first record behind the question.
fn wishes(query: &[u8]) -> Vec<String> {
    let extra = Question::read(query).and_then(|(_, rest)| Extra::read(rest));
    let Some(edns) = extra.and_then(|(extra, _)| Edns::of(&extra)) else { return Vec::new() };
    let wished = edns.is_dnssec_ok().then(|| "do".to_owned());
    let subnet = edns.option(option::CLIENT_SUBNET).map(ClientSubnet::read).and_then(Result::ok);
    let subnet = match subnet {
        Some(ClientSubnet::Of { address, bits }) => Some(format!("subnet={address}/{bits}")),
        Some(ClientSubnet::Withheld | ClientSubnet::UnknownFamily) | None => None,
    };
    std::iter::once("edns".to_owned()).chain(wished).chain(subnet).collect()
}

/// A trace as the body of a response: a line for each query as it comes, and one for its end.
pub(super) fn body(trace: Trace, order: &TraceOrder) -> Body {
    let over = Box::pin(sleep(order.lasts));
    Body::new(Lines { trace: Some(trace), left: order.queries_max, shown: 0, over })
}

struct Lines {
    /// None: its end has been sent.
    trace: Option<Trace>,
    /// Queries that may still be shown.
    left: u32,
    shown: u32,
    over: Pin<Box<Sleep>>,
}

impl Lines {
    fn end(&mut self, by: &str) -> Option<Bytes> {
        let left_out = self.trace.take()?.left_out();
        line(&Traced::End(TraceEnd { by: by.to_owned(), shown: self.shown, left_out }))
    }

    fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(trace) = &mut self.trace else { return Poll::Ready(None) };
        if self.left == 0 {
            return Poll::Ready(self.end("limit"));
        }
        // Its time has passed, however many queries wait.
        if self.over.as_mut().poll(context).is_ready() {
            return Poll::Ready(self.end("time"));
        }
        match trace.poll_next(context) {
            Poll::Ready(Some(seen)) => {
                self.left -= 1;
                self.shown += 1;
                Poll::Ready(line(&Traced::Query(TracedQuery::of(&seen))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll_line(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// A query as a line of the query log: one JSON object, as in a trace.
pub(super) fn query_line(seen: &TraceEvent) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(&TracedQuery::of(seen)).ok()?;
    line.push(b'\n');
    Some(line)
}

/// One JSON object in a line.
fn line(traced: &Traced) -> Option<Bytes> {
    let mut line = serde_json::to_vec(traced).ok()?;
    line.push(b'\n');
    Some(line.into())
}

/// One line of a trace for people.
pub fn trace_line(traced: &Traced, look: Look) -> String {
    let query = match traced {
        Traced::Query(query) => query,
        Traced::End(end) => return format!("{}\n", style(&ending(end), Style::Faint, look)),
    };
    let TracedQuery { time, client, transport, name, rtype, wishes, rcode, answers, bytes, flags } = query;
    // The reader knows the day.
    let clock = time.split_once('T').map_or(time.as_str(), |(_, clock)| clock.trim_end_matches('Z'));
    let (name, rtype) = (name.as_deref().unwrap_or("-"), rtype.as_deref().unwrap_or("-"));
    let (code, ink) = match rcode.as_deref() {
        Some("NOERROR") => ("NOERROR", Style::Good),
        Some(code) => (code, Style::Doubtful),
        None => ("dropped", Style::Bad),
    };
    let code = style(&format!("{code:<8}"), ink, look);
    let name = format!("{name} {rtype}");
    let marks: Vec<&str> =
        flags.iter().filter(|flag| *flag != "qr").chain(wishes).map(String::as_str).collect();
    let records = counted(*answers, "record");
    let line = format!(
        "{clock}  {client:<15}  {transport}  {name:<40}  {code}  {records:>9}  {bytes:>4} B  {}",
        marks.join(" ")
    );
    format!("{}\n", line.trim_end())
}

fn ending(end: &TraceEnd) -> String {
    let TraceEnd { by, shown, left_out } = end;
    let shown = match shown {
        1 => "1 query".to_owned(),
        shown => format!("{shown} queries"),
    };
    let left_out = if *left_out == 0 {
        String::new()
    } else {
        format!("; {left_out} more came too fast and are left out")
    };
    format!("{shown}, ended by {by}{left_out}")
}

#[cfg(test)]
mod tests;

//! One query to a server over UDP, and over TCP where that is needed.
//!
//! Asks again if a response shows that another encoding or transport is needed. The caller limits the time:
//! it drops the future.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::failure::{Failure, TcpReason};
use super::query::{Case, Fit, Form, Query, Request};
use super::quirks::{Encoding, Observed, Shown};
use super::response::{Response, Spoken};
use super::tcp;
use super::udp::{self, UdpOutcome};
use crate::dns::message::Rcode;
use crate::sync::lock;
use crate::tls::Random;

/// How long TCP is waited for, to find out whether it is the server that does not keep the case of names:
/// firewalls drop TCP to port 53, and an answer is still to come in the usual time of one attempt.
const OTHER_CASE_TCP_MAX: Duration = Duration::from_millis(800);

/// A response, and what it shows of the server.
#[derive(Debug)]
pub struct Answer {
    /// The whole message.
    pub message: Vec<u8>,
    /// What it shows.
    pub observed: Observed,
}

/// What happened besides.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Datagrams that were no response to the query.
    pub(super) mismatched: AtomicU64,
    /// Queries asked again over TCP.
    pub(super) over_tcp: AtomicU64,
}

/// What an exchange waits for: it names the failure when the exchange is given up.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Option<TcpReason>>);

impl Progress {
    fn waits_for_tcp(&self, reason: Option<TcpReason>) {
        *lock(&self.0) = reason;
    }

    /// The failure, when the exchange has been waited for long enough.
    pub fn timed_out(&self) -> Failure {
        match *lock(&self.0) {
            Some(reason) => Failure::NoTcp { reason, why: Box::new(Failure::TimedOut) },
            None => Failure::TimedOut,
        }
    }
}

/// One exchange with a server.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'e> {
    /// The server.
    pub(super) address: SocketAddr,
    pub(super) counters: &'e Counters,
    pub(super) progress: &'e Progress,
}

impl Exchange<'_> {
    /// Asks; without EDNS, too, where the server does not understand it.
    pub(super) async fn ask(
        self,
        request: &Request<'_>,
        encoding: Encoding,
        random: &Random,
    ) -> Result<Answer, Failure> {
        let first = self.ask_as(request, encoding, random).await;
        let refused = match first {
            Ok(answer) if encoding.form == Form::WithoutEdns => return Ok(answer),
            Ok(mut answer) if !is_format_error(&answer.message) => {
                answer.observed.lacks_edns = Shown::No;
                return Ok(answer);
            }
            Ok(answer) => Some(answer.observed),
            Err(Failure::Unreadable) if encoding.form != Form::WithoutEdns => None,
            Err(failure) => return Err(failure),
        };
        // Ask without EDNS, which is all that could be wrong with the query.
        let plain = Encoding { form: Form::WithoutEdns, ..encoding };
        let mut answer = self.ask_as(request, plain, random).await?;
        // A header alone repeats no question: it may be forged, and shows nothing.
        if let Some(observed) = refused
            && !is_format_error(&answer.message)
        {
            answer.observed = Observed { lacks_edns: Shown::Yes, ..observed };
        }
        Ok(answer)
    }

    async fn ask_as(
        self,
        request: &Request<'_>,
        encoding: Encoding,
        random: &Random,
    ) -> Result<Answer, Failure> {
        let query = Query::new(request, encoding.form, encoding.case, random);
        let shows_case = query.shows_case();
        let observed = |loses_case| Observed { loses_case, ..Observed::default() };
        let reason = match self.over_udp(&query).await? {
            UdpOutcome::Response(message) => {
                let loses_case = if shows_case { Shown::No } else { Shown::Nothing };
                return Ok(Answer { message, observed: observed(loses_case) });
            }
            UdpOutcome::AskAgain(reason) => reason,
        };
        self.counters.over_tcp.fetch_add(1, Ordering::Relaxed);
        if reason != TcpReason::OtherCase {
            let message = self.over_tcp_alone(&query, reason).await?;
            return Ok(Answer { message, observed: Observed::default() });
        }
        // A response over a connection is not forged: this is the server's way.
        if let Ok(Ok((message, fit))) = timeout(OTHER_CASE_TCP_MAX, tcp::ask(self.address, &query)).await {
            let loses_case = if fit == Fit::OtherCase { Shown::Yes } else { Shown::Nothing };
            return Ok(Answer { message, observed: observed(loses_case) });
        }
        // There is no TCP. In lower case no server loses it, and a forged response has as much to guess as
        // with resolvers that do not mix it: id and port.
        let query = Query::new(request, encoding.form, Case::Lower, random);
        let message = match self.over_udp(&query).await? {
            UdpOutcome::Response(message) => message,
            UdpOutcome::AskAgain(reason) => self.over_tcp_alone(&query, reason).await?,
        };
        Ok(Answer { message, observed: observed(Shown::Yes) })
    }

    /// Sends a query as it is; asks over TCP what does not come over UDP.
    pub(super) async fn send(self, query: &Query) -> Result<Vec<u8>, Failure> {
        match self.over_udp(query).await? {
            UdpOutcome::Response(message) => Ok(message),
            UdpOutcome::AskAgain(reason) => {
                self.counters.over_tcp.fetch_add(1, Ordering::Relaxed);
                self.over_tcp_alone(query, reason).await
            }
        }
    }

    async fn over_udp(self, query: &Query) -> Result<UdpOutcome, Failure> {
        udp::ask(self.address, query, &self.counters.mismatched).await
    }

    /// Asks over TCP what UDP does not give.
    async fn over_tcp_alone(self, query: &Query, reason: TcpReason) -> Result<Vec<u8>, Failure> {
        self.progress.waits_for_tcp(Some(reason));
        let done = tcp::ask(self.address, query).await;
        self.progress.waits_for_tcp(None);
        match done {
            Ok((message, _)) => Ok(message),
            Err(why) if why.is_local() => Err(why),
            Err(why) => Err(Failure::NoTcp { reason, why: Box::new(why) }),
        }
    }
}

/// Whether the server says that it cannot read EDNS (RFC 6891, section 7).
fn is_format_error(response: &[u8]) -> bool {
    Response::read(response).is_some_and(|response| {
        matches!(response.rcode, Rcode::FORMERR | Rcode::NOTIMP) && response.edns == Spoken::No
    })
}

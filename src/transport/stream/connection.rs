//! One connection, from its first byte to its end.
//!
//! Reads, answers in order and writes; has all time limits, and the ways a connection ends. Not responsible
//! for the number of connections (`limits`), or for framing (`frames`).
//!
//! Reading and writing take turns: while the client does not take its responses, nothing more is read, so
//! that what it can make us hold is bounded.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::client_stream::ClientStream;
use super::clock::{Clock, after, by};
use super::counters::TcpCounters;
use super::frames::{self, Frame, INPUT_BYTES, Input, LONG_BYTES_MAX};
use super::limits::ConnectionSlot;
use super::lingering::{LINGER_MAX, linger};
use super::pending::PendingResponses;
use super::responders::StreamResponder;
use super::served::{Client, Served};
use super::settings::TcpSettings;
use crate::answer::Peer;
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::sync::lock;
use crate::transport::responder::Responder;
use crate::transport::response_slot::SENT_AT_ONCE_MAX;

/// Responses collected before they are written, in bytes; the last one may go beyond.
const OUTPUT_BYTES: usize = 16 << 10;

/// Responses that came later collected before they are written, in bytes; those that come together last may go beyond. A
/// transfer sends several messages at a time so.
const LATER_OUTPUT_BYTES: usize = MESSAGE_BYTES_MAX;

/// Queries that are answered before their responses are written and other connections have a turn.
const QUERIES_PER_TURN_MAX: usize = 128;

/// Output space kept while a connection is idle, in bytes.
const OUTPUT_KEPT_BYTES: usize = 4 << 10;

/// Reads of what a client had already sent when the server stops.
const LAST_READS_MAX: usize = 64;

/// Most memory of a connection whose queries are answered in order, in bytes: what is received ahead, a long UPDATE, and
/// the responses collected, which grow by doubling.
pub(super) const ORDERED_BYTES_MAX: usize =
    INPUT_BYTES + LONG_BYTES_MAX + 2 * (LATER_OUTPUT_BYTES + SENT_AT_ONCE_MAX * (2 + MESSAGE_BYTES_MAX));

/// One connection that is being served.
pub(in crate::transport) struct Connection<S: ClientStream, R> {
    stream: S,
    clock: S::Clock,
    peer: Peer,
    /// What others see of it.
    slot: Arc<ConnectionSlot>,
    settings: TcpSettings,
    counters: Arc<TcpCounters>,
    answering: Arc<Mutex<StreamResponder<R>>>,
    stop: watch::Receiver<()>,
    input: Input,
    output: Vec<u8>,
    pending: PendingResponses,
    /// End of the lifetime.
    last: Instant,
}

/// How a connection ends.
#[derive(Debug)]
enum ConnectionEnd {
    /// By the client, or by an error.
    Gone,
    /// By us: time is over, or what the client says is not DNS.
    Done,
    /// By us: the client does not take its responses.
    Cut,
    /// By us: its place is needed for another client.
    Evicted,
    /// By us: the address is not served any more.
    Stopped,
}

/// Why answering pauses.
#[derive(PartialEq, Eq)]
enum Pause {
    /// No whole query is left.
    NeedsInput,
    /// Enough for one turn.
    TurnOver,
    /// Too many queries wait for responses that come later.
    NeedsResponse,
    /// What comes next is not DNS.
    Malformed,
}

/// What a look at the input gave, or a wait for more.
#[derive(PartialEq, Eq)]
enum ConnectionProgress {
    Answered,
    Nothing,
}

impl<S: ClientStream, R: Responder> Connection<S, R> {
    /// On the heap, so that the task that serves it, which is moved there, is small: allocators keep what is small at hand.
    pub(in crate::transport) fn new(client: Client<S>, served: Served<R>) -> Box<Self> {
        let Client { stream, peer, session, slot } = client;
        let Served { settings, counters, answering, stop } = served;
        let clock = stream.clock();
        let last = after(clock.now(), settings.lifetime);
        let (input, output) = (Input::default(), Vec::new());
        let pending = PendingResponses::of_session(session);
        Box::new(Self {
            stream,
            clock,
            peer,
            slot,
            settings,
            counters,
            answering,
            stop,
            input,
            output,
            pending,
            last,
        })
    }

    /// Serves until the client, a limit or the server ends it.
    pub(in crate::transport) async fn serve(mut self: Box<Self>) {
        let Err(mut end) = self.converse().await;
        if let ConnectionEnd::Stopped = end {
            end = self.answer_to_the_end().await.err().unwrap_or(ConnectionEnd::Done);
        }
        match end {
            ConnectionEnd::Gone => {}
            // What came in the meantime is answered; there is no time to linger, nor for a client that does
            // not read.
            ConnectionEnd::Evicted => {
                let (mut clock, limit) = (self.stream.clock(), self.after(LINGER_MAX));
                by(&mut clock, limit, self.answer_last()).await;
            }
            ConnectionEnd::Done | ConnectionEnd::Stopped => {
                linger(&mut self.stream, &mut self.clock, std::mem::take(&mut self.output)).await;
            }
            ConnectionEnd::Cut => {
                self.counters.cut.fetch_add(1, Ordering::Relaxed);
                // Frees what the kernel still holds for this client.
                self.stream.discard_unsent();
            }
        }
    }

    async fn converse(&mut self) -> Result<Infallible, ConnectionEnd> {
        let mut idle_from = self.clock.now();
        self.slot.idle(idle_from);
        self.receive(self.after(self.settings.first_byte)).await?;
        self.slot.busy();
        let mut idle_until = self.after(self.settings.idle);
        loop {
            // Single bytes do not prolong the wait: it is for a whole query.
            if self.answer_all().await? == ConnectionProgress::Answered {
                idle_until = self.after(self.settings.idle);
                idle_from = self.clock.now();
            }
            if self.pending.is_over() {
                return Err(ConnectionEnd::Gone);
            }
            if !self.pending.is_waiting() {
                self.slot.idle(idle_from);
            }
            let received = self.receive(idle_until).await?;
            self.slot.busy();
            if received == ConnectionProgress::Answered {
                idle_until = self.after(self.settings.idle);
                idle_from = self.clock.now();
            }
        }
    }

    /// Waits for bytes until `deadline`, or the end of the lifetime; while responses are still to come, for
    /// these.
    async fn receive(&mut self, deadline: Instant) -> Result<ConnectionProgress, ConnectionEnd> {
        let deadline = if self.pending.is_waiting() { self.last } else { deadline.min(self.last) };
        // A client that never pauses ends in time too, and with the server.
        if self.clock.now() >= deadline {
            return Err(ConnectionEnd::Done);
        }
        if let Some(end) = end_from_outside(&self.stop, &self.slot) {
            return Err(end);
        }
        let read = tokio::select! {
            // In this order: what ends the connection is waited for only where nothing has come.
            biased;
            response = self.pending.response() => {
                frames::push_all(&mut self.output, &response);
                // What has come together is written together, up to what one turn may hold.
                while self.output.len() < LATER_OUTPUT_BYTES
                    && let Some(response) = self.pending.ready_response()
                {
                    frames::push_all(&mut self.output, &response);
                }
                return Ok(ConnectionProgress::Answered);
            }
            read = self.stream.read(self.input.space()), if self.pending.takes_more() => read,
            end = poll_fn(|context| {
                poll_end(context, &self.stop, &self.slot, &mut self.clock, deadline)
            }) => return Err(end),
        };
        match read {
            // A client may end its side and still wait.
            Ok(0) if self.pending.is_waiting() => {
                self.pending.take_no_more();
                Ok(ConnectionProgress::Nothing)
            }
            Ok(0) | Err(_) => Err(ConnectionEnd::Gone),
            Ok(count) => {
                self.input.filled(count);
                Ok(ConnectionProgress::Nothing)
            }
        }
    }

    /// Sends the responses that are still to come, as far as they come soon.
    async fn await_responses(&mut self) -> Result<(), ConnectionEnd> {
        let limit = self.after(LINGER_MAX);
        while self.pending.is_waiting() {
            let Some(response) = by(&mut self.clock, limit, self.pending.response()).await else { break };
            frames::push_all(&mut self.output, &response);
            self.write().await?;
        }
        Ok(())
    }

    /// Answers every whole query received.
    async fn answer_all(&mut self) -> Result<ConnectionProgress, ConnectionEnd> {
        let mut progress = ConnectionProgress::Nothing;
        loop {
            let (queries, pause) = self.answer_turn();
            if queries > 0 {
                progress = ConnectionProgress::Answered;
            }
            self.write().await?;
            match pause {
                Pause::NeedsInput | Pause::NeedsResponse => return Ok(progress),
                Pause::TurnOver => {}
                Pause::Malformed => return Err(ConnectionEnd::Done),
            }
        }
    }

    /// Answers queries into the output, up to the limits of one turn.
    fn answer_turn(&mut self) -> (usize, Pause) {
        let mut answering = lock(&self.answering);
        answering.responder.begin_batch();
        let mut queries: usize = 0;
        while queries < QUERIES_PER_TURN_MAX && self.output.len() < OUTPUT_BYTES {
            if self.pending.is_full() {
                return (queries, Pause::NeedsResponse);
            }
            let query = match self.input.take() {
                Frame::Query(query) => query,
                Frame::Partial => return (queries, Pause::NeedsInput),
                Frame::Long if answering.responder.takes_updates() => {
                    self.input.take_long();
                    continue;
                }
                Frame::Long | Frame::Malformed => return (queries, Pause::Malformed),
            };
            queries = queries.saturating_add(1);
            if let Some(response) = answering.answer(self.peer, query, &mut self.pending) {
                frames::push(&mut self.output, response);
            }
        }
        (queries, Pause::TurnOver)
    }

    /// Writes the output; a client that does not take it in time is cut.
    async fn write(&mut self) -> Result<(), ConnectionEnd> {
        if self.output.is_empty() {
            return Ok(());
        }
        let limit = self.after(self.settings.write);
        let write = async {
            self.stream.write_all(&self.output).await?;
            // A stream that encrypts may hold back what the kernel did not take at once.
            self.stream.flush().await
        };
        let written = by(&mut self.clock, limit, write).await;
        self.output.clear();
        self.output.shrink_to(OUTPUT_KEPT_BYTES);
        match written {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(ConnectionEnd::Gone),
            None => Err(ConnectionEnd::Cut),
        }
    }

    /// Answers what can be answered when the server stops.
    async fn answer_to_the_end(&mut self) -> Result<(), ConnectionEnd> {
        self.answer_last().await?;
        self.await_responses().await
    }

    /// Answers what the client had sent before the server stops.
    async fn answer_last(&mut self) -> Result<(), ConnectionEnd> {
        for _ in 0..LAST_READS_MAX {
            // No later read will find what this one does not.
            match self.stream.read_now(self.input.space()) {
                // A client may have ended its side and still wait.
                Ok(0) if self.pending.is_waiting() => {
                    self.pending.take_no_more();
                    return Ok(());
                }
                Ok(0) => return Err(ConnectionEnd::Gone),
                Ok(count) => self.input.filled(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(ConnectionEnd::Gone),
            }
            self.answer_all().await?;
        }
        Ok(())
    }

    /// The moment after `wait`.
    fn after(&self, wait: Duration) -> Instant {
        after(self.clock.now(), wait)
    }
}

/// How a connection is to end because of others.
fn end_from_outside(stop: &watch::Receiver<()>, slot: &ConnectionSlot) -> Option<ConnectionEnd> {
    if stop.has_changed().is_err() {
        return Some(ConnectionEnd::Stopped);
    }
    slot.is_evicted().then_some(ConnectionEnd::Evicted)
}

/// Whether a connection is to end where its client does nothing; if not, its task is woken when it has to look again.
fn poll_end(
    context: &mut Context<'_>,
    stop: &watch::Receiver<()>,
    slot: &ConnectionSlot,
    clock: &mut impl Clock,
    deadline: Instant,
) -> Poll<ConnectionEnd> {
    slot.attend(context.waker());
    match end_from_outside(stop, slot) {
        Some(end) => Poll::Ready(end),
        None => clock.poll_until(context, deadline).map(|()| ConnectionEnd::Done),
    }
}

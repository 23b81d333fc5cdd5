//! `dialogue`: what is sent is answered as wanted, step by step, over TCP or TLS.
//!
//! For servers that speak none of the protocols that have a kind of their own: HAProxy's `tcp-check`. A server speaks when it
//! likes; what it has said and no step has taken yet is what the next step looks into.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connect::connect;
use super::entry::{KindEntry, KindForm, Reach};
use super::handshake::Handshaker;
use super::handshake_keys::{HANDSHAKE_KEYS, OVER_TLS, read_handshake_if_wanted};
use super::outcome::{Failure, Phase, Reason};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::written::Written;
use crate::setting::{Absent, Holds, KeyEntry, Table, Value, keep, list};
use crate::source::{Diagnostic, Diagnostics, nearest};
use crate::tls::Handshake;

const PORT: KeyEntry = KeyEntry::new("port", Absent::Required { example: "6379" }, "the port");

const STEPS: KeyEntry = KeyEntry::new(
    "steps",
    Absent::Required { example: r#"[{ send = "PING\r\n" }, { begins = "+PONG" }]"# },
    "what is said, one after the other: send; expect, a text that must come; begins, what must come next. Bytes that are no \
     text are written as { hex = \"00 ff\" }",
)
.holding(Holds::SecretsOf(&[SEND]));

/// The step whose bytes may be a password.
const SEND: &str = "send";

const READ_LIMIT: KeyEntry = KeyEntry::new(
    "read-limit",
    Absent::Default("16384"),
    "bytes to read for one step; what it expects must be within them",
);

/// How much is read for one step, unless told otherwise; that of HAProxy.
const READ_LIMIT_BYTES: usize = 16 << 10;

/// Most that can be asked to be read for one step, for each probe that runs.
const READ_LIMIT_BYTES_MAX: usize = 1 << 20;

/// Most steps. A dialogue that is longer tests more than whether its server works.
const STEPS_MAX: usize = 32;

/// How much is read at once.
const READ_BYTES: usize = 2048;

/// How much is told of what came in place of what is expected, in bytes.
const TOLD_BYTES: usize = 40;

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "dialogue",
    help: "what is sent is answered as expected, step by step, over TCP or TLS",
    form: KindForm::Table { keys: &[&[PORT, STEPS, READ_LIMIT, OVER_TLS], HANDSHAKE_KEYS], short: None },
    reach: Reach::Network,
};

/// What is said to a target, and what it must say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dialogue {
    /// The port.
    pub port: Port,
    /// Never empty, and 32 at most.
    pub steps: Vec<Step>,
    /// How much is read for one step.
    pub read_limit_bytes: usize,
    /// What is said and demanded in the handshake; none: it is spoken over plain TCP.
    pub handshake: Option<Handshake>,
}

/// A step of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// These bytes are sent.
    Send(Box<[u8]>),
    /// These come, sooner or later; what came before and they themselves are done with.
    Expect(Box<[u8]>),
    /// These come next.
    Begins(Box<[u8]>),
}

impl Step {
    /// What the target must say; none: we speak.
    fn expected(&self) -> Option<&[u8]> {
        match self {
            Step::Send(_) => None,
            Step::Expect(bytes) | Step::Begins(bytes) => Some(bytes),
        }
    }
}

impl Dialogue {
    pub(super) fn port(&self) -> Port {
        self.port
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.handshake.is_some() { "dialogue+tls" } else { "dialogue" };
        write!(f, "{scheme}://{}/", SocketAddr::new(address, self.port.get()))?;
        // Two dialogues at one port are told apart by what is expected first. What is sent may be a password.
        let expected = self.steps.iter().find_map(Step::expected);
        expected.map_or(Ok(()), |bytes| f.write_str(&shown(bytes)))
    }
}

/// The beginning of bytes, so that it can stand in a log line.
fn shown(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for byte in bytes.iter().take(TOLD_BYTES) {
        // A String takes whatever is written to it.
        let _ = write!(shown, "{}", byte.escape_ascii());
    }
    if bytes.len() > TOLD_BYTES {
        shown.push('…');
    }
    shown
}

/// Reads the table of a probe.
pub(super) fn read(
    written: Written<'_, '_>,
    folder: &Path,
    found: &mut Diagnostics,
) -> Option<Arc<Dialogue>> {
    let (port, table) = (written.port(&PORT, found), written.table());
    let read_limit_bytes = table.read(READ_LIMIT.name, found, read_limit).unwrap_or(READ_LIMIT_BYTES);
    let steps = read_steps(&table, read_limit_bytes, found);
    let handshake = read_handshake_if_wanted(&table, Vec::new(), folder, found)?;
    Some(Arc::new(Dialogue { port: port?, steps: steps?, read_limit_bytes, handshake }))
}

fn read_limit(value: Value<'_>) -> Result<usize, Diagnostic> {
    value.whole(format!("1 to {READ_LIMIT_BYTES_MAX} bytes"), |bytes| {
        usize::try_from(bytes).ok().filter(|bytes| (1..=READ_LIMIT_BYTES_MAX).contains(bytes))
    })
}

fn read_steps(table: &Table<'_>, limit_bytes: usize, found: &mut Diagnostics) -> Option<Vec<Step>> {
    let value = table.need(&STEPS, found)?;
    let items = keep(value.items(), found)?;
    if items.is_empty() || items.len() > STEPS_MAX {
        found.push(value.fault(format!("a dialogue has 1 to {STEPS_MAX} steps")));
        return None;
    }
    let read: Vec<Option<Step>> =
        items.into_iter().map(|item| keep(read_step(item, limit_bytes), found)).collect();
    read.into_iter().collect()
}

/// What a step is made of.
type MakeStep = fn(Box<[u8]>) -> Step;

/// What a step may be.
const WORDS: &[(&str, MakeStep)] = &[(SEND, Step::Send), ("expect", Step::Expect), ("begins", Step::Begins)];

fn read_step(item: Value<'_>, limit_bytes: usize) -> Result<Step, Diagnostic> {
    let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
    let entries = item.entries()?;
    let [(word, value)] = entries.as_slice() else {
        return Err(item
            .fault(format!("a step is one of {}", list(&words, "and")))
            .help("write each step as a table of its own"));
    };
    let Some((_, step)) = WORDS.iter().find(|(known, _)| known == word) else {
        let fault = value.fault(format!("`{word}` is no step"));
        return Err(fault.help(match nearest(word, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a step is {}", list(&words, "or")),
        }));
    };
    let step = step(read_bytes(*value)?);
    match &step {
        Step::Send(bytes) | Step::Expect(bytes) | Step::Begins(bytes) if bytes.is_empty() => {
            Err(value.fault("a step of nothing").help("leave it out"))
        }
        Step::Expect(bytes) | Step::Begins(bytes) if bytes.len() > limit_bytes => {
            Err(value.fault(format!("longer than what is read for a step, which is {limit_bytes} bytes")))
        }
        Step::Send(_) | Step::Expect(_) | Step::Begins(_) => Ok(step),
    }
}

/// A text, or a table with bytes in hexadecimal digits: `{ hex = "00 ff" }`.
fn read_bytes(value: Value<'_>) -> Result<Box<[u8]>, Diagnostic> {
    let Ok(entries) = value.entries() else { return Ok(value.text()?.as_bytes().into()) };
    let [("hex", digits)] = entries.as_slice() else {
        return Err(value.fault("bytes are a text, or `hex`").help("write them as in { hex = \"00 ff\" }"));
    };
    let written = digits.text()?;
    let bad = || {
        digits
            .fault(format!("`{written}` is not bytes in hexadecimal digits"))
            .help("write two for each byte, as in \"00 ff\"")
    };
    let digits: Vec<u8> = written
        .chars()
        .filter(|digit| !digit.is_ascii_whitespace())
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()
        .ok_or_else(bad)?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if odd.is_empty() { Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()) } else { Err(bad()) }
}

/// The runs at one target; nothing is kept between them: a dialogue begins anew.
pub(super) struct DialogueSession {
    test: Arc<Dialogue>,
    handshaker: Option<Handshaker>,
}

impl DialogueSession {
    pub(super) fn new(test: &Arc<Dialogue>) -> Self {
        let handshaker = test.handshake.clone().map(Handshaker::new);
        Self { test: Arc::clone(test), handshaker }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        phase: &mut Phase,
    ) -> Result<(), Reason> {
        let mut heard = Heard { stream, unread: Vec::new(), limit_bytes: self.test.read_limit_bytes };
        for (number, step) in (1..).zip(&self.test.steps) {
            *phase = Phase::Step(number);
            match step {
                Step::Send(bytes) => heard.send(bytes, *phase).await?,
                Step::Expect(wanted) => heard.expect(number, wanted, *phase).await?,
                Step::Begins(wanted) => heard.begins(number, wanted, *phase).await?,
            }
        }
        Ok(())
    }
}

impl Session for DialogueSession {
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        let config = self.handshaker.as_mut().map(Handshaker::config).transpose()?;
        let mut stream = connect(ends.to(self.test.port), ends.source).await?;
        let (Some(handshaker), Some(config)) = (&self.handshaker, config) else {
            self.talk(&mut stream, phase).await?;
            return Ok(Evidence::default());
        };
        *phase = Phase::Handshake;
        let mut secured = handshaker.shake(config, stream, ends.address).await?;
        self.talk(&mut secured.stream, phase).await?;
        // A close_notify spares the target a line in its log. Nothing is learned from its failure.
        let _ = secured.stream.shutdown().await;
        Ok(Evidence { not_after: secured.not_after, weight: None })
    }
}

/// What the target says, as far as no step has taken it.
struct Heard<'s, S> {
    stream: &'s mut S,
    unread: Vec<u8>,
    limit_bytes: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Heard<'_, S> {
    async fn send(&mut self, bytes: &[u8], phase: Phase) -> Result<(), Reason> {
        let broken = |error| Reason::of_stream(&error, phase);
        self.stream.write_all(bytes).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)
    }

    async fn expect(&mut self, step: u8, wanted: &[u8], phase: Phase) -> Result<(), Reason> {
        let mut looked_at = 0;
        loop {
            let rest = self.unread.get(looked_at..).unwrap_or_default();
            if let Some(at) = rest.windows(wanted.len()).position(|piece| piece == wanted) {
                self.unread.drain(..looked_at + at + wanted.len());
                return Ok(());
            }
            // Its beginning may have come already.
            looked_at = (self.unread.len() + 1).saturating_sub(wanted.len()).max(looked_at);
            self.hear(step, phase).await?;
        }
    }

    async fn begins(&mut self, step: u8, wanted: &[u8], phase: Phase) -> Result<(), Reason> {
        loop {
            let come = self.unread.len().min(wanted.len());
            if self.unread.get(..come) != wanted.get(..come) {
                return Err(Reason::Unexpected { step, got: shown(&self.unread).into() });
            }
            if come == wanted.len() {
                self.unread.drain(..come);
                return Ok(());
            }
            self.hear(step, phase).await?;
        }
    }

    /// Takes in what comes next.
    async fn hear(&mut self, step: u8, phase: Phase) -> Result<(), Reason> {
        let room = self.limit_bytes.saturating_sub(self.unread.len());
        if room == 0 {
            return Err(Reason::NotFound { step, bytes: self.limit_bytes });
        }
        let before = self.unread.len();
        self.unread.resize(before + room.min(READ_BYTES), 0);
        let into = self.unread.get_mut(before..).unwrap_or_default();
        let read = self.stream.read(into).await.map_err(|error| Reason::of_stream(&error, phase))?;
        self.unread.truncate(before + read);
        match read {
            0 if before > 0 => Err(Reason::Unexpected { step, got: shown(&self.unread).into() }),
            0 => Err(Reason::Closed { phase }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these steps with a target that says these pieces, and then closes.
    async fn outcome(steps: &[Step], says: &[&[u8]], limit_bytes: usize) -> Result<(), Reason> {
        let test = Dialogue {
            port: Port::MIN,
            steps: steps.to_vec(),
            read_limit_bytes: limit_bytes,
            handshake: None,
        };
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 20);
        for piece in says {
            theirs.write_all(piece).await.unwrap();
        }
        theirs.shutdown().await.unwrap();
        DialogueSession::new(&Arc::new(test)).talk(&mut ours, &mut Phase::Connect).await
    }

    fn expect(text: &str) -> Step {
        Step::Expect(text.as_bytes().into())
    }

    fn begins(text: &str) -> Step {
        Step::Begins(text.as_bytes().into())
    }

    #[tokio::test]
    async fn a_step_looks_into_what_none_before_it_has_taken() {
        let smtp: &[&[u8]] = &[b"220 lab ESMTP\r\n", b"250-lab\r\n250 ", b"HELP\r\n"];
        assert_eq!(outcome(&[begins("220 "), expect("250 HELP")], smtp, 100).await, Ok(()));
        let twice = outcome(&[expect("220 "), expect("220 ")], smtp, 100).await;
        assert!(matches!(twice, Err(Reason::Unexpected { step: 2, .. })), "{twice:?}");
    }

    #[tokio::test]
    async fn what_must_come_next_fails_at_the_first_byte_that_is_another() {
        let said = outcome(&[begins("+PONG")], &[b"-NOAUTH Authentication required.\r\n"], 100).await;
        let said = said.unwrap_err().to_string();
        assert_eq!(said, r"step 1 is answered by `-NOAUTH Authentication required.\r\n`");
    }

    #[tokio::test]
    async fn no_more_is_read_than_the_limit() {
        let flood = vec![b'.'; 1000];
        let said = outcome(&[expect("ok")], &[&flood], 100).await.unwrap_err();
        assert_eq!(said, Reason::NotFound { step: 1, bytes: 100 });
        assert_eq!(outcome(&[expect("ok")], &[&flood, b"ok"], 1002).await, Ok(()));
    }

    #[tokio::test]
    async fn a_target_that_closes_without_a_word_is_told_from_one_that_says_another() {
        assert_eq!(outcome(&[expect("ok")], &[], 100).await, Err(Reason::Closed { phase: Phase::Step(1) }));
        let other = outcome(&[expect("ok")], &[b"no"], 100).await;
        assert_eq!(other, Err(Reason::Unexpected { step: 1, got: "no".into() }));
    }
}

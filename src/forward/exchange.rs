//! One query to an upstream over UDP, and over TCP where that is needed.
//!
//! Responsible for taking nothing for a response that is not one: it must
//! come from the upstream's address to the port of just this query, with its
//! id and its question letter by letter (RFC 5452).
//! Not responsible for how long it may take: whoever asks drops it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::asked::Wanted;
use super::chance::Chance;
use super::habits::{Manner, Shown, Sight};
use super::query::{Case, Fit, Form, Heard, Query};
use super::response::{Response, Spoken};
use super::upstream::Upstream;
use crate::dns::message::Rcode;

/// Longest datagram taken. We ask for 1,232 bytes; some send more.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Datagrams that fit but cannot be read, after which TCP is tried.
const MALFORMED_MAX: u32 = 2;

/// Datagrams that fit no query, after which nothing more is listened to:
/// somebody is trying all ids.
const MISMATCHED_MAX: u32 = 1000;

/// How long TCP is waited for, to find out whether it is the upstream that
/// does not keep the case of names: firewalls drop TCP to port 53, and the
/// client is still to get its answer in the usual time of one attempt.
const OTHER_CASE_TCP_MAX: Duration = Duration::from_millis(800);

/// errno values of a host that is out of something. What fails by them says
/// nothing about an upstream.
const LOCAL: [i32; 5] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EPERM];

/// Why there is no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing came in time.
    TimedOut,
    /// The system said so.
    System(io::Error),
    /// The connection was ended before the response came.
    Closed,
    /// What came over a connection is no response to what was asked.
    Nonsense,
    /// The upstream could not read the query.
    Unread,
    /// Too many datagrams that fit no query of ours: somebody guesses.
    Flooded,
    /// It answers over UDP with what must be asked again over TCP, and there is none.
    NoTcp {
        /// Why it must be asked again.
        reason: Reason,
        /// What has failed.
        why: Box<Failure>,
    },
    /// TLS could not be had.
    Tls(String),
    /// A file that TLS needs is of no use.
    File(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut => f.write_str("timed out"),
            Failure::System(error) => error.fmt(f),
            Failure::Closed => f.write_str("connection closed"),
            Failure::Nonsense => f.write_str("what came back is no response"),
            Failure::Unread => f.write_str("it cannot read queries"),
            Failure::Flooded => f.write_str("flooded with forged responses"),
            Failure::NoTcp { reason, why } => {
                write!(f, "answers over UDP, but {reason}; over TCP, on the same port: {why}")
            }
            Failure::Tls(why) | Failure::File(why) => f.write_str(why),
        }
    }
}

impl Failure {
    /// Whether it says nothing about the upstream.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Failure::System(error) => error.raw_os_error().is_some_and(|code| LOCAL.contains(&code)),
            Failure::File(_) => true,
            Failure::TimedOut
            | Failure::Closed
            | Failure::Nonsense
            | Failure::Unread
            | Failure::Flooded
            | Failure::NoTcp { .. }
            | Failure::Tls(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Truncated => "truncated",
            Reason::Malformed => "malformed",
            Reason::OtherCase => "with the name in another case",
        })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Failure::Closed
            }
            _ => Failure::System(error),
        }
    }
}

/// A response, and what it shows of the upstream.
pub(super) struct Answer {
    pub(super) message: Vec<u8>,
    pub(super) sight: Sight,
}

/// What an exchange waits for, for whoever gives it up.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Option<Reason>>);

impl Progress {
    fn waits_for_tcp(&self, reason: Option<Reason>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// What has failed where it has been waited for long enough.
    pub(super) fn given_up(&self) -> Failure {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Failure::NoTcp { reason, why: Box::new(Failure::TimedOut) },
            None => Failure::TimedOut,
        }
    }
}

/// Asks `upstream`, without end.
pub(super) async fn ask(
    upstream: &Upstream,
    wanted: &Wanted,
    manner: Manner,
    chance: &Chance,
    progress: &Progress,
) -> Result<Answer, Failure> {
    let first = ask_with(upstream, wanted, manner, chance, progress).await;
    let refused = match first {
        Ok(answer) if manner.form == Form::Plain => return Ok(answer),
        Ok(mut answer) if !is_format_error(&answer.message) => {
            answer.sight.lacks_edns = Shown::No;
            return Ok(answer);
        }
        Ok(answer) => Some(answer.sight),
        Err(Failure::Unread) if manner.form != Form::Plain => None,
        Err(failure) => return Err(failure),
    };
    // Ask without EDNS, which is all that could be wrong with the query.
    let plain = Manner { form: Form::Plain, ..manner };
    let mut answer = ask_with(upstream, wanted, plain, chance, progress).await?;
    // A header alone repeats no question: it may be anybody's, and shows nothing.
    if let Some(sight) = refused
        && !is_format_error(&answer.message)
    {
        answer.sight = Sight { lacks_edns: Shown::Yes, ..sight };
    }
    Ok(answer)
}

/// Whether the upstream says that it cannot read EDNS (RFC 6891, section 7).
fn is_format_error(response: &[u8]) -> bool {
    Response::read(response).is_some_and(|response| {
        matches!(response.rcode, Rcode::FORMERR | Rcode::NOTIMP) && response.edns == Spoken::No
    })
}

/// What came of asking over UDP.
enum Said {
    Response(Vec<u8>),
    /// Ask over TCP.
    AskAgain(Reason),
}

/// Why TCP is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Truncated,
    Malformed,
    OtherCase,
}

async fn ask_with(
    upstream: &Upstream,
    wanted: &Wanted,
    manner: Manner,
    chance: &Chance,
    progress: &Progress,
) -> Result<Answer, Failure> {
    let query = Query::new(wanted, manner.form, manner.case, chance);
    let shows_case = query.shows_case();
    let sight = |loses_case| Sight { loses_case, ..Sight::default() };
    let reason = match over_udp(upstream, &query).await? {
        Said::Response(message) => {
            let loses_case = if shows_case { Shown::No } else { Shown::Nothing };
            return Ok(Answer { message, sight: sight(loses_case) });
        }
        Said::AskAgain(reason) => reason,
    };
    upstream.tallies.over_tcp.fetch_add(1, Ordering::Relaxed);
    let place = upstream.address.address;
    if reason != Reason::OtherCase {
        let message = over_tcp_alone(place, &query, reason, progress).await?;
        return Ok(Answer { message, sight: Sight::default() });
    }
    // Over a connection nobody forges it: this is the upstream's way.
    if let Ok(Ok((message, fit))) = timeout(OTHER_CASE_TCP_MAX, over_tcp(place, &query)).await {
        let loses_case = if fit == Fit::OtherCase { Shown::Yes } else { Shown::Nothing };
        return Ok(Answer { message, sight: sight(loses_case) });
    }
    // There is no TCP. In lower case no server loses it, and a forged response has as much to guess as with
    // resolvers that do not mix it: id and port.
    let query = Query::new(wanted, manner.form, Case::Lower, chance);
    match over_udp(upstream, &query).await? {
        Said::Response(message) => Ok(Answer { message, sight: sight(Shown::Yes) }),
        Said::AskAgain(reason) => {
            let message = over_tcp_alone(place, &query, reason, progress).await?;
            Ok(Answer { message, sight: sight(Shown::Yes) })
        }
    }
}

/// Asks over TCP what is to be had there alone.
async fn over_tcp_alone(
    place: SocketAddr,
    query: &Query,
    reason: Reason,
    progress: &Progress,
) -> Result<Vec<u8>, Failure> {
    progress.waits_for_tcp(Some(reason));
    let done = over_tcp(place, query).await;
    progress.waits_for_tcp(None);
    match done {
        Ok((message, _)) => Ok(message),
        Err(why) if why.is_local() => Err(why),
        Err(why) => Err(Failure::NoTcp { reason, why: Box::new(why) }),
    }
}

async fn over_udp(upstream: &Upstream, query: &Query) -> Result<Said, Failure> {
    let place = upstream.address.address;
    let any: SocketAddr = match place {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // A socket of its own for every query: the kernel chooses a port at random.
    let socket = UdpSocket::bind(any).await?;
    socket.connect(place).await?;
    socket.send(&query.bytes).await?;
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let mut malformed: u32 = 0;
    for _ in 0..MISMATCHED_MAX {
        let length = socket.recv(&mut datagram).await?;
        let message = datagram.get(..length).unwrap_or_default();
        match query.hear(message) {
            Heard::Response => return Ok(Said::Response(message.to_vec())),
            Heard::Truncated => return Ok(Said::AskAgain(Reason::Truncated)),
            Heard::Unread => return Err(Failure::Unread),
            Heard::Stranger => {
                upstream.tallies.mismatched.fetch_add(1, Ordering::Relaxed);
            }
            Heard::OtherCase => {
                upstream.tallies.mismatched.fetch_add(1, Ordering::Relaxed);
                return Ok(Said::AskAgain(Reason::OtherCase));
            }
            Heard::Malformed => {
                malformed = malformed.saturating_add(1);
                if malformed >= MALFORMED_MAX {
                    return Ok(Said::AskAgain(Reason::Malformed));
                }
                socket.send(&query.bytes).await?;
            }
        }
    }
    Err(Failure::Flooded)
}

async fn over_tcp(place: SocketAddr, query: &Query) -> Result<(Vec<u8>, Fit), Failure> {
    let mut stream = TcpStream::connect(place).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&framed(&query.bytes)).await?;
    let message = read_frame(&mut stream).await?;
    let fit = query.take(&message).ok_or(Failure::Nonsense)?;
    Ok((message, fit))
}

/// A message behind its length (RFC 1035, section 4.2.2).
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    // A query of ours: one question, and an OPT record padded to the next 128 bytes.
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], message].concat()
}

/// The next message of a stream.
pub(super) async fn read_frame(stream: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

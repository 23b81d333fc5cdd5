//! Why there is no response.
//!
//! Says which failures are the other server's, and which this host's.

use std::fmt;
use std::io;

/// errno values of a host that is out of something. What fails by them says nothing about another server.
const LOCAL: [i32; 5] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EPERM];

/// Why there is no response.
#[derive(Debug)]
pub enum Failure {
    /// Nothing came in time.
    TimedOut,
    /// A system call failed.
    System(io::Error),
    /// The connection was closed before the response came.
    Closed,
    /// What came over a connection is no response to the query, or is malformed.
    Malformed,
    /// The server answered with a header alone, as to a query that it cannot read.
    Unreadable,
    /// Too many datagrams that match no query: an attacker is guessing ids.
    Flooded,
    /// The server answers over UDP with what must be asked again over TCP, and TCP fails.
    NoTcp {
        /// Why it must be asked again.
        reason: TcpReason,
        /// What failed.
        why: Box<Failure>,
    },
    /// There is no connection with a handshake.
    NoConnection(String),
    /// A connection that carries several queries, or what it has for this one, has ended against its protocol, or by the
    /// server's refusal.
    Protocol(String),
    /// HTTP has another status than 200 (RFC 8484, section 4.2.1).
    Status(u16),
    /// The response is of another type than application/dns-message.
    MediaType,
    /// The response is longer than any message.
    TooLong,
    /// Zones are not copied over this transport.
    NoTransfers(&'static str),
    /// A file that TLS needs cannot be used.
    File(String),
}

/// Why a query over UDP is asked again over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpReason {
    /// The response was truncated.
    Truncated,
    /// Responses could not be read.
    Malformed,
    /// The response repeats the name in another case: it is forged, or the server does not keep the case.
    OtherCase,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut => f.write_str("timed out"),
            Failure::System(error) => error.fmt(f),
            Failure::Closed => f.write_str("connection closed"),
            Failure::Malformed => f.write_str("the reply is not a DNS response"),
            Failure::Unreadable => f.write_str("it cannot read queries"),
            Failure::Flooded => f.write_str("flooded with forged responses"),
            Failure::NoTcp { reason, why } => {
                write!(f, "answers over UDP, but {reason}; over TCP, on the same port: {why}")
            }
            Failure::NoConnection(why) | Failure::Protocol(why) | Failure::File(why) => f.write_str(why),
            Failure::Status(code) => write!(f, "the HTTP status is {code}, not 200"),
            Failure::MediaType => {
                f.write_str("the content type of the response is not application/dns-message")
            }
            Failure::TooLong => f.write_str("the response is longer than 65,535 bytes"),
            Failure::NoTransfers(transport) => write!(f, "zones are not copied over {transport}"),
        }
    }
}

impl Failure {
    /// Whether it says nothing about the server.
    pub fn is_local(&self) -> bool {
        match self {
            Failure::System(error) => error.raw_os_error().is_some_and(|code| LOCAL.contains(&code)),
            Failure::File(_) => true,
            Failure::TimedOut
            | Failure::Closed
            | Failure::Malformed
            | Failure::Unreadable
            | Failure::Flooded
            | Failure::NoTcp { .. }
            | Failure::NoConnection(_)
            | Failure::Protocol(_)
            | Failure::Status(_)
            | Failure::MediaType
            | Failure::TooLong
            | Failure::NoTransfers(_) => false,
        }
    }
}

impl fmt::Display for TcpReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TcpReason::Truncated => "truncated",
            TcpReason::Malformed => "malformed",
            TcpReason::OtherCase => "with the name in another case",
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

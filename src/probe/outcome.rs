//! Outcomes: what one run of a probe saw, in words for a log line.
//!
//! Separates a target's failure from trouble on this host. Not responsible for what several outcomes mean
//! together: that is `health`.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::weight::Weight;
use crate::tls::FileError;

/// What one run saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target did what was asked.
    Pass {
        /// From the start of the run to its end.
        latency: Duration,
        /// When the certificate ends that the target has shown; none where it shows none.
        not_after: Option<SystemTime>,
        /// What the target says of its share; none where the probe does not ask for it.
        weight: Option<Weight>,
    },
    /// It did not.
    Fail {
        /// Why not.
        reason: Reason,
    },
    /// Nothing was learned about the target.
    Local {
        /// What is wrong on this host.
        trouble: Trouble,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pass { latency, .. } => write!(f, "passed in {:.1} ms", latency.as_secs_f64() * 1e3),
            Outcome::Fail { reason } => reason.fmt(f),
            Outcome::Local { trouble } => write!(f, "not probed: {trouble}"),
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No connection yet.
    Connect,
    /// TLS is being spoken about.
    Handshake,
    /// The request is under way, or the response.
    Response,
    /// This step of a dialogue, from 1, waits for what it expects.
    Step(u8),
}

/// Why a target failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// ECONNREFUSED: the host is there, nobody listens.
    Refused,
    /// ECONNRESET.
    Reset,
    /// EHOSTUNREACH: no host answers at this address, or a firewall says so.
    NoRoute,
    /// ENETUNREACH or ENETDOWN: no route from here. Whose trouble that is, the target's or this host's, one
    /// probe cannot tell; `health` asks the other targets.
    NetworkUnreachable,
    /// EACCES after the connection was begun: a firewall at the other end (ICMPv6 type 1 code 1).
    Prohibited,
    /// The probe's own limit.
    TimedOut {
        /// That limit.
        after: Duration,
        /// What took so long.
        phase: Phase,
    },
    /// ETIMEDOUT: the system gave up before the probe's limit.
    GaveUp,
    /// The target closed the connection before it was done.
    Closed {
        /// What it cut off.
        phase: Phase,
    },
    /// What answers does not speak TLS.
    NotTls,
    /// It ended the handshake, or the connection, with an alert (RFC 8446, section 6).
    Alert {
        /// Its name.
        alert: Box<str>,
    },
    /// It speaks none of the application protocols that were asked for.
    NoCommonProtocol,
    /// It speaks TLS in a way that cannot be followed.
    BrokenTls {
        /// How.
        why: Box<str>,
    },
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not valid yet; or the clock of this host is wrong.
    NotYetValid,
    /// Its certificate is not from an authority that is believed.
    UnknownIssuer,
    /// Its certificate is for other names.
    WrongName {
        /// The name it had to be for.
        name: Box<str>,
    },
    /// Its certificate cannot be believed for another reason.
    BadCertificate {
        /// Which.
        why: Box<str>,
    },
    /// What answers breaks the rules of HTTP, or does not speak it at all.
    BrokenHttp {
        /// How.
        why: Box<str>,
    },
    /// The status of the response is not one of those that pass.
    Status {
        /// The status.
        code: u16,
    },
    /// The text that was wanted is not in the body, as far as that is read.
    BodyLacks {
        /// The text.
        text: Box<str>,
    },
    /// It redirects more often than is followed.
    Redirects {
        /// How often is followed.
        followed: u8,
    },
    /// It redirects to another target, which would then be what is probed.
    RedirectsElsewhere {
        /// Where to.
        location: Box<str>,
    },
    /// It says of its health that it does not serve.
    NotServing {
        /// In the word of the gRPC health protocol.
        said: &'static str,
    },
    /// A gRPC call ended with this status, which is not OK.
    Grpc {
        /// The status.
        code: u32,
        /// What it says of it.
        message: Box<str>,
    },
    /// What answers breaks the rules of gRPC.
    BrokenGrpc {
        /// How.
        why: &'static str,
    },
    /// A DNS query was answered otherwise than is wanted.
    DnsAnswer {
        /// How: an RCODE, as `SERVFAIL`, or what it lacks.
        said: Box<str>,
    },
    /// What answers a DNS query is no response to it.
    BrokenDns {
        /// Why not.
        why: &'static str,
    },
    /// A step of a dialogue was answered with something else.
    Unexpected {
        /// The step, from 1.
        step: u8,
        /// The beginning of what came.
        got: Box<str>,
    },
    /// What a step of a dialogue expects was not in all that is read for it.
    NotFound {
        /// The step, from 1.
        step: u8,
        /// How much is read.
        bytes: usize,
    },
    /// A file says so.
    State {
        /// The word in it.
        word: Box<str>,
        /// The remark behind it; empty: there is none.
        remark: Box<str>,
    },
    /// The connection broke in a way that no system error stands for.
    Broken {
        /// How.
        why: Box<str>,
    },
    /// Any other system error.
    Other {
        /// Its number.
        errno: i32,
    },
}

impl Reason {
    /// What it means that a connection broke.
    pub(super) fn of_stream(error: &io::Error, phase: Phase) -> Reason {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                Reason::Closed { phase }
            }
            _ => Reason::of(error),
        }
    }

    /// What an error that the network sent means.
    pub(super) fn of(error: &io::Error) -> Reason {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Reason::Refused,
            io::ErrorKind::ConnectionReset => Reason::Reset,
            io::ErrorKind::HostUnreachable => Reason::NoRoute,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Reason::NetworkUnreachable,
            io::ErrorKind::PermissionDenied => Reason::Prohibited,
            io::ErrorKind::TimedOut => Reason::GaveUp,
            _ => match error.raw_os_error() {
                Some(errno) => Reason::Other { errno },
                None => Reason::Broken { why: error.to_string().into() },
            },
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Refused => f.write_str("connection refused"),
            Reason::Reset => f.write_str("connection reset"),
            Reason::NoRoute => f.write_str("no route to host"),
            Reason::NetworkUnreachable => f.write_str("network unreachable"),
            Reason::Prohibited => f.write_str("prohibited by a firewall"),
            Reason::TimedOut { after, phase } => {
                let (seconds, ms) = (after.as_secs(), after.as_millis());
                match after.subsec_nanos() {
                    0 => write!(f, "timed out after {seconds} s {phase}"),
                    _ => write!(f, "timed out after {ms} ms {phase}"),
                }
            }
            Reason::GaveUp => f.write_str("timed out"),
            Reason::Closed { phase } => write!(f, "connection closed {phase}"),
            Reason::NotTls => f.write_str("what answers is not TLS"),
            Reason::Alert { alert } => write!(f, "TLS alert {alert}"),
            Reason::NoCommonProtocol => f.write_str("no common application protocol"),
            Reason::BrokenTls { why } => write!(f, "broken TLS: {why}"),
            Reason::Expired => f.write_str("certificate expired"),
            Reason::NotYetValid => f.write_str("certificate not valid yet"),
            Reason::UnknownIssuer => f.write_str("certificate of an unknown issuer"),
            Reason::WrongName { name } => write!(f, "certificate not for `{name}`"),
            Reason::BadCertificate { why } => write!(f, "bad certificate: {why}"),
            Reason::BrokenHttp { why } => write!(f, "broken HTTP: {why}"),
            Reason::Status { code } => write!(f, "status {code}"),
            Reason::BodyLacks { text } => write!(f, "body without `{text}`"),
            Reason::Redirects { followed: 1 } => f.write_str("more than 1 redirect"),
            Reason::Redirects { followed } => write!(f, "more than {followed} redirects"),
            Reason::RedirectsElsewhere { location } => write!(f, "redirected elsewhere: `{location}`"),
            Reason::NotServing { said } => write!(f, "its health is {said}"),
            Reason::Grpc { code, message } => {
                write!(f, "gRPC status {code}")?;
                if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
            }
            Reason::BrokenGrpc { why } => write!(f, "broken gRPC: {why}"),
            Reason::DnsAnswer { said } => write!(f, "answered {said}"),
            Reason::BrokenDns { why } => write!(f, "broken DNS: {why}"),
            Reason::Unexpected { step, got } => write!(f, "step {step} is answered by `{got}`"),
            Reason::NotFound { step, bytes } => {
                write!(f, "what step {step} expects is not in the first {bytes} bytes")
            }
            Reason::State { word, remark } => {
                write!(f, "told to be `{word}`")?;
                if remark.is_empty() { Ok(()) } else { write!(f, ": {remark}") }
            }
            Reason::Broken { why } => write!(f, "connection broken: {why}"),
            Reason::Other { errno } => io::Error::from_raw_os_error(*errno).fmt(f),
        }
    }
}

/// What is being done.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Phase::Connect => f.write_str("connecting"),
            Phase::Handshake => f.write_str("in the TLS handshake"),
            Phase::Response => f.write_str("waiting for the response"),
            Phase::Step(step) => write!(f, "in step {step}"),
        }
    }
}

/// What on this host kept a probe from saying anything about its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// EACCES or EPERM: SELinux, a seccomp or cgroup filter, or a prohibiting route.
    Forbidden,
    /// EMFILE or ENFILE.
    OutOfFiles,
    /// ENOBUFS or ENOMEM.
    OutOfMemory,
    /// EADDRINUSE, EADDRNOTAVAIL or EAGAIN: every port to connect from is taken.
    OutOfPorts,
    /// EADDRNOTAVAIL: the probe's source is no address of this host.
    NoSuchSource {
        /// The address to test from.
        source: IpAddr,
    },
    /// A file that the probe is run with is of no use.
    File(FileError),
    /// A file of states has never been read as a whole.
    States {
        /// What is wrong with it, with its place.
        fault: Box<str>,
    },
    /// A file of states says nothing of the target.
    Unlisted {
        /// The file.
        file: Box<str>,
        /// What it was looked up as.
        key: Box<str>,
    },
    /// EAFNOSUPPORT: IPv6 (or IPv4) is not available, or source and target differ in family.
    NoSuchFamily,
    /// Any other system error.
    Other {
        /// Its number.
        errno: i32,
    },
}

impl Trouble {
    /// What an error of one of our own calls means.
    pub(super) fn of(error: &io::Error) -> Trouble {
        match error.raw_os_error().unwrap_or_default() {
            libc::EACCES | libc::EPERM => Trouble::Forbidden,
            libc::EMFILE | libc::ENFILE => Trouble::OutOfFiles,
            libc::ENOBUFS | libc::ENOMEM => Trouble::OutOfMemory,
            libc::EADDRINUSE | libc::EADDRNOTAVAIL | libc::EAGAIN => Trouble::OutOfPorts,
            libc::EAFNOSUPPORT => Trouble::NoSuchFamily,
            errno => Trouble::Other { errno },
        }
    }

    /// What it means that a socket could not be bound to `source`.
    pub(super) fn of_bind(source: IpAddr, error: &io::Error) -> Trouble {
        match error.raw_os_error() {
            Some(libc::EADDRNOTAVAIL) => Trouble::NoSuchSource { source },
            _ => Trouble::of(error),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Forbidden => f.write_str("this host does not permit the connection"),
            Trouble::OutOfFiles => f.write_str("this host is out of file descriptors"),
            Trouble::OutOfMemory => f.write_str("this host is out of memory for sockets"),
            Trouble::OutOfPorts => f.write_str("this host is out of ports to connect from"),
            Trouble::NoSuchSource { source } => write!(f, "{source} is not an address of this host"),
            Trouble::File(error) => error.fmt(f),
            Trouble::States { fault } => f.write_str(fault),
            Trouble::Unlisted { file, key } => write!(f, "{file} says nothing of `{key}`"),
            Trouble::NoSuchFamily => f.write_str("this host does not support the address family"),
            Trouble::Other { errno: 0 } => f.write_str("a socket of this host broke without a system error"),
            Trouble::Other { errno } => io::Error::from_raw_os_error(*errno).fmt(f),
        }
    }
}

/// Why a run did not pass, as a kind of probe reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Target(Reason),
    Local(Trouble),
}

impl Failure {
    /// What the call `connect` itself said. The network's own words mean the target even here: a host on this
    /// machine, or a route, answers before the call returns.
    pub(super) fn of_connect(error: &io::Error) -> Failure {
        match Reason::of(error) {
            Reason::Prohibited | Reason::Broken { .. } | Reason::Other { .. } => Trouble::of(error).into(),
            reason => reason.into(),
        }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Failure::Target(reason)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Failure::Local(trouble)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Failure::Local(Trouble::File(error))
    }
}

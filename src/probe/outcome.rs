//! Outcomes: what one run of a probe saw, in words for a log line.
//!
//! Responsible for telling a target's failure from trouble on this host.
//! Not responsible for what several outcomes mean together: that is `health`.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// What one run saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target did what was asked.
    Pass {
        /// From the start of the run to its end.
        latency: Duration,
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
            Outcome::Pass { latency } => write!(f, "passed in {:.1} ms", latency.as_secs_f64() * 1e3),
            Outcome::Fail { reason } => reason.fmt(f),
            Outcome::Local { trouble } => write!(f, "not probed: {trouble}"),
        }
    }
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
    /// ENETUNREACH or ENETDOWN: no route from here. It counts against the one target, not as local
    /// trouble, because a client on this host could not reach it either.
    NetworkUnreachable,
    /// EACCES after the connection was begun: a firewall at the other end (ICMPv6 type 1 code 1).
    Prohibited,
    /// The probe's own limit.
    TimedOut {
        /// That limit.
        after: Duration,
    },
    /// ETIMEDOUT: the system gave up before the probe's limit.
    GaveUp,
    /// Any other system error.
    Other {
        /// Its number.
        errno: i32,
    },
}

impl Reason {
    /// What an error that the network sent means.
    pub(super) fn of(error: &io::Error) -> Reason {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Reason::Refused,
            io::ErrorKind::ConnectionReset => Reason::Reset,
            io::ErrorKind::HostUnreachable => Reason::NoRoute,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Reason::NetworkUnreachable,
            io::ErrorKind::PermissionDenied => Reason::Prohibited,
            io::ErrorKind::TimedOut => Reason::GaveUp,
            _ => Reason::Other { errno: error.raw_os_error().unwrap_or_default() },
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
            Reason::TimedOut { after } if after.subsec_nanos() == 0 => {
                write!(f, "timed out after {} s", after.as_secs())
            }
            Reason::TimedOut { after } => write!(f, "timed out after {} ms", after.as_millis()),
            Reason::GaveUp => f.write_str("timed out"),
            Reason::Other { errno } => io::Error::from_raw_os_error(*errno).fmt(f),
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
            Trouble::NoSuchFamily => f.write_str("this host does not support the address family"),
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
    /// What the call `connect` itself said. The network's own words mean the target even here: a
    /// host on this machine, or a route, answers before the call returns.
    pub(super) fn of_connect(error: &io::Error) -> Failure {
        match Reason::of(error) {
            Reason::Prohibited | Reason::Other { .. } => Trouble::of(error).into(),
            reason @ (Reason::Refused
            | Reason::Reset
            | Reason::NoRoute
            | Reason::NetworkUnreachable
            | Reason::TimedOut { .. }
            | Reason::GaveUp) => reason.into(),
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

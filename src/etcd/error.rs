//! What can go wrong when a store is asked.

use std::fmt;

use crate::http_client;
use crate::source::words;
use crate::tls::FileError;

/// Why there is no response, or none of use.
#[derive(Debug)]
pub enum Error {
    /// The connection.
    Link(http_client::Error),
    /// The password file holds none.
    NoPassword,
    /// What has come is not what etcd says.
    Malformed(String),
    /// The revision is not kept any more: what has happened since then cannot be told.
    Compacted,
    /// The token has run out, or none was shown.
    NotLoggedIn(String),
    /// The member cannot answer now: it has no leader, or is about to end.
    Unavailable(String),
    /// The store refuses.
    Refused(String),
}

/// Codes of gRPC that are told apart.
mod code {
    pub(super) const INVALID_ARGUMENT: i64 = 3;
    pub(super) const PERMISSION_DENIED: i64 = 7;
    pub(super) const OUT_OF_RANGE: i64 = 11;
    pub(super) const UNAVAILABLE: i64 = 14;
    pub(super) const UNAUTHENTICATED: i64 = 16;
}

impl Error {
    /// What has come makes no sense, for this reason.
    pub(super) fn malformed(why: impl fmt::Display) -> Error {
        Error::Malformed(words(&why.to_string()))
    }

    /// Whether more has come at once than is taken.
    pub fn is_too_long(&self) -> bool {
        matches!(self, Error::Link(http_client::Error::TooLong))
    }

    /// The error that etcd tells with a code and a message.
    pub(super) fn told(code: i64, message: &str) -> Error {
        let message = words(message.strip_prefix("etcdserver: ").unwrap_or(message));
        match code {
            code::UNAUTHENTICATED => Error::NotLoggedIn(message),
            // Asked without a token, etcd misses the name of the user.
            code::INVALID_ARGUMENT if message.contains("user name is empty") => Error::NotLoggedIn(message),
            // A watch without a token, or with an old one, is told nothing else.
            code::PERMISSION_DENIED => Error::NotLoggedIn(message),
            code::OUT_OF_RANGE if message.contains("compacted") => Error::Compacted,
            code::UNAVAILABLE => Error::Unavailable(message),
            _ if message.contains("no leader") => Error::Unavailable(message),
            _ => Error::Refused(message),
        }
    }

    /// Whether another member may do better.
    pub(super) fn is_of_member(&self) -> bool {
        match self {
            Error::Link(http_client::Error::File(_) | http_client::Error::TooLong) => false,
            Error::Link(_) | Error::Malformed(_) | Error::Unavailable(_) => true,
            Error::NoPassword | Error::Compacted | Error::NotLoggedIn(_) | Error::Refused(_) => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Link(error) => error.fmt(f),
            Error::NoPassword => f.write_str("the password file is empty"),
            Error::Malformed(why) => write!(f, "no response of etcd: {why}"),
            Error::Compacted => f.write_str("the revision is compacted"),
            Error::NotLoggedIn(why) | Error::Unavailable(why) | Error::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error::Link(error.into())
    }
}

impl From<http_client::Error> for Error {
    fn from(error: http_client::Error) -> Error {
        Error::Link(error)
    }
}

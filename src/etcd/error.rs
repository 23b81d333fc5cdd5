//! What can go wrong when a store is asked.

use std::fmt;
use std::io;

use crate::http_client;
use crate::tls::FileError;

/// Why there is no response, or none of use.
#[derive(Debug)]
pub enum Error {
    /// A file that is needed to ask cannot be used.
    File(FileError),
    /// The password file holds none.
    NoPassword,
    /// No connection, or its end.
    Io(io::Error),
    /// The handshake was not completed.
    Tls(String),
    /// HTTP was not spoken as it should be.
    Http(String),
    /// Nothing has come in time.
    TimedOut,
    /// What has come is not what etcd says.
    Malformed(String),
    /// More has come at once than is taken.
    TooLong,
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
    /// The error that etcd tells with a code and a message.
    pub(super) fn told(code: i64, message: &str) -> Error {
        let message = message.strip_prefix("etcdserver: ").unwrap_or(message).to_owned();
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
            Error::Io(_)
            | Error::Tls(_)
            | Error::Http(_)
            | Error::TimedOut
            | Error::Malformed(_)
            | Error::Unavailable(_) => true,
            Error::File(_)
            | Error::NoPassword
            | Error::TooLong
            | Error::Compacted
            | Error::NotLoggedIn(_)
            | Error::Refused(_) => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::File(error) => error.fmt(f),
            Error::NoPassword => f.write_str("the password file is empty"),
            Error::Io(error) => error.fmt(f),
            Error::Tls(why) => write!(f, "TLS: {why}"),
            Error::Http(why) => write!(f, "HTTP: {why}"),
            Error::TimedOut => f.write_str("no response in time"),
            Error::Malformed(why) => write!(f, "no response of etcd: {why}"),
            Error::TooLong => f.write_str("the response is too long"),
            Error::Compacted => f.write_str("the revision is compacted"),
            Error::NotLoggedIn(why) | Error::Unavailable(why) | Error::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error::File(error)
    }
}

impl From<http_client::Error> for Error {
    fn from(error: http_client::Error) -> Error {
        match error {
            http_client::Error::File(error) => Error::File(error),
            http_client::Error::Io(error) => Error::Io(error),
            http_client::Error::Tls(why) => Error::Tls(why),
            http_client::Error::Http(why) => Error::Http(why),
            http_client::Error::TimedOut => Error::TimedOut,
            http_client::Error::TooLong => Error::TooLong,
        }
    }
}

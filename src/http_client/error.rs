//! What can go wrong on a connection.

use std::fmt;
use std::io;

use crate::source::words;
use crate::tls::FileError;

/// Why nothing comes, or nothing more.
#[derive(Debug)]
pub enum Error {
    /// A file that is needed to ask cannot be used.
    File(FileError),
    /// No connection, or its end.
    Io(io::Error),
    /// The handshake was not completed.
    Tls(String),
    /// HTTP was not spoken as it should be.
    Http(String),
    /// Nothing has come in time.
    TimedOut,
    /// More has come at once than is taken.
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::File(error) => error.fmt(f),
            Error::Io(error) => error.fmt(f),
            Error::Tls(why) => write!(f, "TLS: {why}"),
            Error::Http(why) => write!(f, "HTTP: {why}"),
            Error::TimedOut => f.write_str("no response in time"),
            Error::TooLong => f.write_str("the response is too long"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error::File(error)
    }
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Error {
        Error::Http(words(&error.to_string()))
    }
}

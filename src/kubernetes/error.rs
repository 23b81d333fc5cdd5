//! What can go wrong when an API server is asked.

use std::fmt;

use crate::http_client;
use crate::source::words;
use crate::tls::FileError;

/// Why there is no response, or none of use.
#[derive(Debug)]
pub enum Error {
    /// The connection.
    Link(http_client::Error),
    /// What has come is not what an API server says.
    Malformed(String),
    /// What has happened since then is not known any more: all is to be listed.
    Gone,
    /// The watch has come to its end, as watches do; it goes on with the next one.
    Ended,
    /// The server refuses.
    Refused {
        /// The status of HTTP.
        status: u16,
        /// Why, in its words.
        why: String,
    },
}

impl Error {
    /// What has come makes no sense, for this reason.
    pub(super) fn malformed(why: impl fmt::Display) -> Error {
        Error::Malformed(words(&why.to_string()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Link(error) => error.fmt(f),
            Error::Malformed(why) => write!(f, "no response of an API server: {why}"),
            Error::Gone => f.write_str("what has happened meanwhile is not known any more"),
            Error::Ended => f.write_str("the watch has ended"),
            Error::Refused { status, why } => write!(f, "{status}: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<http_client::Error> for Error {
    fn from(error: http_client::Error) -> Error {
        Error::Link(error)
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Error {
        Error::Link(error.into())
    }
}

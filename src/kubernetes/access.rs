//! How API servers are reached, and who asks.

use std::fmt;
use std::path::PathBuf;

use crate::http_client::Endpoint;
use crate::tls::Handshake;

/// How API servers are reached, and who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The API servers, at least one, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    /// What is said and demanded in a handshake with one.
    pub handshake: Handshake,
    /// What shows who we are; none: a certificate does, or nothing.
    pub token: Option<Token>,
}

/// A token of a service account.
#[derive(Clone, PartialEq, Eq)]
pub enum Token {
    /// The token itself; not shown, not even for debugging.
    Text(String),
    /// The file that holds it, read whenever a connection is opened: such tokens are replaced.
    File(PathBuf),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Text(_) => f.write_str("Text(…)"),
            Token::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

//! Nodes as they are named on a command line: `192.0.2.13`, `master-0=192.0.2.13,2001:db8::13`.

use std::fmt;
use std::net::{AddrParseError, IpAddr};
use std::str::FromStr;

/// Bytes of a label at most (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// A host name without its final dot: labels of letters, digits and hyphens (RFC 1123, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// A node: its addresses, and its name if it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// One label; none: it is numbered.
    pub name: Option<HostName>,
    /// Never empty.
    pub addresses: Vec<IpAddr>,
}

/// What is wrong with the text of a node or a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeError {
    /// This is not a host name.
    HostName(String),
    /// A node's name is one label, and this is more.
    Label(String),
    /// This is not an address.
    Address(String, AddrParseError),
    /// No node has this address: it means all, many, or the host itself.
    Unfit(IpAddr),
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::HostName(text) => {
                write!(
                    f,
                    "`{text}` is not a host name: labels of letters, digits and inner hyphens, 63 bytes each"
                )
            }
            NodeError::Label(text) => write!(f, "`{text}` has a dot: a node is called by its first label"),
            NodeError::Address(text, error) => {
                write!(
                    f,
                    "`{text}` is not an address: {error}; a node is `192.0.2.13` or `master-0=192.0.2.13`"
                )
            }
            NodeError::Unfit(address) => write!(f, "{address} is not the address of a node"),
        }
    }
}

impl std::error::Error for NodeError {}

impl HostName {
    /// `kind-index`.
    pub(super) fn numbered(kind: &str, index: usize) -> HostName {
        HostName(format!("{kind}-{index}"))
    }

    /// A word that is known to be a label.
    pub(super) fn plain(word: &'static str) -> HostName {
        HostName(word.to_owned())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<Self, NodeError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let fits = |label: &str| {
            (1..=LABEL_BYTES_MAX).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        match name.split('.').all(fits) {
            true => Ok(HostName(name.to_owned())),
            false => Err(NodeError::HostName(text.to_owned())),
        }
    }
}

impl FromStr for Node {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<Self, NodeError> {
        let (name, addresses) = match text.split_once('=') {
            Some((name, addresses)) => (Some(name.parse::<HostName>()?), addresses),
            None => (None, text),
        };
        if let Some(name) = name.as_ref().filter(|name| name.0.contains('.')) {
            return Err(NodeError::Label(name.to_string()));
        }
        let address = |text: &str| {
            let address =
                text.parse::<IpAddr>().map_err(|error| NodeError::Address(text.to_owned(), error))?;
            let unfit = address.is_unspecified() || address.is_multicast();
            if unfit { Err(NodeError::Unfit(address)) } else { Ok(address) }
        };
        let addresses = addresses.split(',').map(address).collect::<Result<Vec<IpAddr>, NodeError>>()?;
        Ok(Node { name, addresses })
    }
}

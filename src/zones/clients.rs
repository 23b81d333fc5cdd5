//! Clients as an operator names them: by network, or as those of this host.
//!
//! Reads the word `local`. Which networks this host is in is found in `local_addresses`.

use std::fmt;

use crate::answer::Prefix;

/// Some clients, by their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// This host, and those on its networks: the routers between them and the world do not let their
    /// addresses in from outside.
    Local,
    /// Those with such an address.
    Prefix(Prefix),
}

impl Clients {
    /// The word for this host and its networks.
    pub const LOCAL: &str = "local";
}

/// As it is written.
impl fmt::Display for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clients::Local => f.write_str(Clients::LOCAL),
            Clients::Prefix(prefix) => fmt::Display::fmt(prefix, f),
        }
    }
}

//! Where a server listens.
//!
//! It is an address: a name would have to be looked up, and this program is who answers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where a server listens for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// What is spoken there.
    pub scheme: Scheme,
}

/// What is spoken at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// TLS, and the server proves who it is.
    Https,
    /// Plain text, which anybody on the way reads and changes.
    Http,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointError {
    /// It begins with neither `https://` nor `http://`.
    Scheme,
    /// It has a name in place of an address.
    Name {
        /// That name.
        name: String,
    },
    /// It has no address.
    Address,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndpointError::Scheme => f.write_str("it begins with neither `https://` nor `http://`"),
            EndpointError::Name { name } => {
                write!(f, "`{name}` is no address, and names are not looked up at a start")
            }
            EndpointError::Address => f.write_str("an address is missing"),
        }
    }
}

impl std::error::Error for EndpointError {}

impl Endpoint {
    /// Reads `https://192.0.2.9:2379`; without a port it is `port`.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read(text: &str, port: u16) -> Result<Endpoint, EndpointError> {
        let (scheme, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (Scheme::Https, rest),
            (None, Some(rest)) => (Scheme::Http, rest),
            (None, None) => return Err(EndpointError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Err(EndpointError::Address);
        }
        let bare = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
        let with_port = || Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, port));
        let address = rest.parse().ok().or_else(with_port);
        let address = address.ok_or_else(|| EndpointError::Name { name: rest.to_owned() })?;
        Ok(Endpoint { address, scheme })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Https => write!(f, "https://{}", self.address),
            Scheme::Http => write!(f, "http://{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_with_what_is_spoken_there() {
        let shown = |text| Endpoint::read(text, 2379).map(|endpoint| endpoint.to_string());
        assert_eq!(shown("https://192.0.2.9:2379").unwrap(), "https://192.0.2.9:2379");
        assert_eq!(shown("http://192.0.2.9/").unwrap(), "http://192.0.2.9:2379");
        assert_eq!(shown("https://[2001:db8::9]:1").unwrap(), "https://[2001:db8::9]:1");
        assert_eq!(shown("https://[2001:db8::9]").unwrap(), "https://[2001:db8::9]:2379");
        assert_eq!(shown("192.0.2.9:2379"), Err(EndpointError::Scheme));
        assert_eq!(shown("https://"), Err(EndpointError::Address));
        let name = "etcd.lab.example:2379".to_owned();
        assert_eq!(shown("https://etcd.lab.example:2379"), Err(EndpointError::Name { name }));
    }
}

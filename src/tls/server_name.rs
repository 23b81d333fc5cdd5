//! Names that a certificate can be for.

use std::fmt;

use rustls::pki_types;

/// A DNS name or an address that a certificate can be for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerName(pki_types::ServerName<'static>);

impl ServerName {
    /// A name; none for a text that is neither a host name nor an address.
    pub fn new(text: &str) -> Option<Self> {
        pki_types::ServerName::try_from(text).ok().map(|name| ServerName(name.to_owned()))
    }

    /// The same as the TLS library knows it.
    pub fn to_pki(&self) -> pki_types::ServerName<'static> {
        self.0.clone()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_host_names_and_addresses() {
        for good in ["api.lab.example", "localhost", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(ServerName::new(good).unwrap().to_string(), good);
        }
        for bad in ["", "api lab", "*.lab.example", "api.lab.example:6443", "-"] {
            assert_eq!(ServerName::new(bad), None, "{bad}");
        }
    }
}

//! Who asks for more than an answer, and whom an entry of a list allows it: transfers and updates.

use std::fmt;
use std::net::IpAddr;

use super::prefix::Prefix;
use crate::tsig::KeyName;

/// Whom an entry of `allow-transfer` or of `allow` in `[[zone.update]]` means: a client with the address and the key
/// that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Where the request comes from; none: from anywhere.
    pub prefix: Option<Prefix>,
    /// The key that it is signed with; none: it need not be signed.
    pub key: Option<KeyName>,
}

/// Who asks for a transfer or an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// Its address.
    pub address: IpAddr,
    /// The key that its message is signed with.
    pub key: Option<KeyName>,
}

impl Allowed {
    /// Whether it means this requester.
    pub fn is(&self, requester: &Requester) -> bool {
        let from_there = self.prefix.is_none_or(|prefix| prefix.contains(requester.address));
        let signed = self.key.as_ref().is_none_or(|key| requester.key.as_ref() == Some(key));
        from_there && signed
    }

    /// Why it does not mean this requester; none: it does.
    pub fn mismatch(&self, requester: &Requester) -> Option<String> {
        let Requester { address, key } = requester;
        if let Some(prefix) = self.prefix.filter(|prefix| !prefix.contains(*address)) {
            return Some(format!("{address} is not in {prefix}"));
        }
        let wanted = self.key.as_ref().filter(|wanted| key.as_ref() != Some(wanted))?;
        Some(match key {
            None => format!("it wants a message that is signed with key {wanted}"),
            Some(key) => format!("it wants key {wanted}, not {key}"),
        })
    }
}

/// As it stands in the config file: `192.0.2.0/24 key:transfer`
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.prefix, &self.key) {
            (Some(prefix), Some(key)) => write!(f, "{prefix} key:{key}"),
            (Some(prefix), None) => prefix.fmt(f),
            (None, Some(key)) => write!(f, "key:{key}"),
            (None, None) => f.write_str("anybody"),
        }
    }
}

/// As log lines have it: `192.0.2.1 with key transfer`
impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            None => self.address.fmt(f),
            Some(key) => write!(f, "{} with key {key}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_a_prefix_and_a_key_wants_both() {
        let requester = |address: &str, key: Option<&str>| Requester {
            address: address.parse().unwrap(),
            key: key.map(|key| key.parse().unwrap()),
        };
        let both = Allowed {
            prefix: Some("192.0.2.0/24".parse().unwrap()),
            key: Some("Transfer.".parse().unwrap()),
        };
        assert!(both.is(&requester("192.0.2.1", Some("transfer."))));
        assert!(!both.is(&requester("192.0.2.1", None)));
        assert!(!both.is(&requester("192.0.2.1", Some("other."))));
        assert!(!both.is(&requester("198.51.100.1", Some("transfer."))));
        let why = |address: &str, key: Option<&str>| both.mismatch(&requester(address, key));
        assert_eq!(why("192.0.2.1", Some("transfer.")), None);
        assert_eq!(why("192.0.2.1", None).unwrap(), "it wants a message that is signed with key transfer");
        assert_eq!(why("192.0.2.1", Some("other.")).unwrap(), "it wants key transfer, not other");
        assert_eq!(why("198.51.100.1", None).unwrap(), "198.51.100.1 is not in 192.0.2.0/24");
        assert_eq!(both.to_string(), "192.0.2.0/24 key:transfer");
        let key = Allowed { prefix: None, ..both };
        assert!(key.is(&requester("2001:db8::1", Some("transfer."))));
    }
}

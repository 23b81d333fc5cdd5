//! Who asks for more than an answer, and whom an entry of a list allows it: transfers and updates.

use std::fmt;
use std::net::IpAddr;

use super::prefix::Prefix;
use crate::tls::{ClientProof, ServerName};
use crate::tsig::KeyName;

/// Whom an entry of `allow-transfer` or of `allow` in `[[zone.update]]` means: a client with the address and the key
/// that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Where the request comes from; none: from anywhere.
    pub prefix: Option<Prefix>,
    /// The key that it is signed with; none: it need not be signed.
    pub key: Option<KeyName>,
    /// The name that the certificate of the client is for; none: it need not have one.
    pub certificate: Option<ServerName>,
}

/// Who asks for a transfer or an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// Its address.
    pub address: IpAddr,
    /// The key that its message is signed with.
    pub key: Option<KeyName>,
    /// What it has shown in the handshake of its connection.
    pub proof: ClientProof,
}

impl Allowed {
    /// Whether it means this requester.
    pub fn is(&self, requester: &Requester) -> bool {
        self.is_but_for_certificate(requester) && self.certificate_mismatch(requester).is_none()
    }

    /// The same, whatever certificate the requester has.
    fn is_but_for_certificate(&self, requester: &Requester) -> bool {
        let from_there = self.prefix.is_none_or(|prefix| prefix.contains(requester.address));
        let signed = self.key.as_ref().is_none_or(|key| requester.key.as_ref() == Some(key));
        from_there && signed
    }

    /// Why it means this requester but for its certificate; none: it does mean it, or something else is missing.
    pub fn lacking_certificate(&self, requester: &Requester) -> Option<String> {
        self.certificate_mismatch(requester).filter(|_| self.is_but_for_certificate(requester))
    }

    fn certificate_mismatch(&self, requester: &Requester) -> Option<String> {
        requester.proof.mismatch(self.certificate.as_ref()?)
    }

    /// Why it does not mean this requester; none: it does.
    pub fn mismatch(&self, requester: &Requester) -> Option<String> {
        let Requester { address, key, .. } = requester;
        if let Some(prefix) = self.prefix.filter(|prefix| !prefix.contains(*address)) {
            return Some(format!("{address} is not in {prefix}"));
        }
        let Some(wanted) = self.key.as_ref().filter(|wanted| key.as_ref() != Some(wanted)) else {
            return self.certificate_mismatch(requester);
        };
        Some(match key {
            None => format!("it wants a message that is signed with key {wanted}"),
            Some(key) => format!("it wants key {wanted}, not {key}"),
        })
    }
}

/// As it stands in the config file: `192.0.2.0/24 key:transfer tls:ns2.example`
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.prefix.as_ref().map(ToString::to_string);
        let key = self.key.as_ref().map(|key| format!("key:{key}"));
        let certificate = self.certificate.as_ref().map(|name| format!("tls:{name}"));
        let words: Vec<String> = [prefix, key, certificate].into_iter().flatten().collect();
        f.write_str(if words.is_empty() { "anybody" } else { "" })?;
        f.write_str(&words.join(" "))
    }
}

/// As log lines have it: `192.0.2.1 with key transfer and a certificate`
impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|key| format!("key {key}"));
        let certificate = match &self.proof {
            ClientProof::Nothing | ClientProof::Untrusted(_) => None,
            ClientProof::Certificate(_) => Some("a certificate".to_owned()),
            ClientProof::Supposed(name) => Some(format!("a certificate for {name}")),
        };
        let shown: Vec<String> = [key, certificate].into_iter().flatten().collect();
        self.address.fmt(f)?;
        if shown.is_empty() { Ok(()) } else { write!(f, " with {}", shown.join(" and ")) }
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
            proof: ClientProof::Nothing,
        };
        let both = Allowed {
            prefix: Some("192.0.2.0/24".parse().unwrap()),
            key: Some("Transfer.".parse().unwrap()),
            certificate: None,
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

    #[test]
    fn an_entry_with_a_certificate_wants_one_for_its_name_and_never_means_who_has_none() {
        let name = |text: &str| ServerName::new(text).unwrap();
        let entry = Allowed {
            prefix: Some("192.0.2.0/24".parse().unwrap()),
            key: None,
            certificate: Some(name("ns2.example")),
        };
        let requester = |address: &str, proof: ClientProof| Requester {
            address: address.parse().unwrap(),
            key: None,
            proof,
        };
        let shown = |text: &str| ClientProof::Supposed(name(text));
        assert!(entry.is(&requester("192.0.2.1", shown("ns2.example"))));
        for (proof, why) in [
            (ClientProof::Nothing, "it has shown no certificate, which must be for ns2.example"),
            (ClientProof::Untrusted("too old".to_owned()), "its certificate is not trusted: too old"),
            (shown("ns3.example"), "its certificate is for ns3.example, not ns2.example"),
        ] {
            let near = requester("192.0.2.1", proof.clone());
            assert!(!entry.is(&near));
            assert_eq!(entry.mismatch(&near).as_deref(), Some(why));
            assert_eq!(entry.lacking_certificate(&near).as_deref(), Some(why));
            assert_eq!(entry.lacking_certificate(&requester("198.51.100.1", proof)), None, "not that alone");
        }
        assert_eq!(entry.to_string(), "192.0.2.0/24 tls:ns2.example");
        let told = requester("192.0.2.1", shown("ns2.example")).to_string();
        assert_eq!(told, "192.0.2.1 with a certificate for ns2.example");
    }
}

//! `allow-transfer`, `transfer-pools` and `notify`: which servers get a zone, what of it, and which are told of changes.
//!
//! Reads these keys of `[[zone]]`.

use super::allowed::allowed;
use super::limit::EXEMPT_MAX;
use super::table::Table;
use crate::answer::Allowed;
use crate::requestor::{Remote, RemoteFault};
use crate::setting::{KEY_WORD, TsigKey, Value, keep};
use crate::source::{Diagnostic, Diagnostics};
use crate::tls::Credentials;
use crate::transfer::outgoing::TransferPools;
use crate::tsig::KeyName;

/// Most servers of `notify`: each gets a message at every change.
const NOTIFY_MAX: usize = 64;

/// What `transfer-pools` may say.
const POOLS: &[(&str, TransferPools)] =
    &[("members", TransferPools::Members), ("up", TransferPools::Up), ("lua", TransferPools::Lua)];

/// Who gets a zone, and what of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTransfer {
    /// `allow-transfer`: who may have it; empty: nobody.
    pub allow: Vec<Allowed>,
    /// `transfer-pools`: what is sent of pools.
    pub pools: TransferPools,
    /// `notify`: whom to tell of changes.
    pub notify: Vec<NotifiedServer>,
    /// By what those over TLS and this server know each other.
    pub credentials: Credentials,
}

/// A server that is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifiedServer {
    /// Where it is, and how it is told.
    pub remote: Remote,
    /// The key that messages to it are signed with.
    pub key: Option<KeyName>,
}

impl ZoneTransfer {
    /// Whether other servers get anything of it.
    pub fn needs_contents(&self) -> bool {
        !self.allow.is_empty() || !self.notify.is_empty()
    }

    /// Whether what they get changes with the verdicts.
    pub fn follows_verdicts(&self) -> bool {
        self.needs_contents() && self.pools == TransferPools::Up
    }

    /// What is wrong where they would get what changes with the verdicts, and the serials of the zone are those of
    /// another one.
    pub(super) fn no_verdicts(&self, zone: &Table<'_>) -> Option<Diagnostic> {
        let value = zone.get("transfer-pools").filter(|_| self.follows_verdicts())?;
        let fault =
            value.fault("the serials of this zone are those of another one, and do not follow verdicts");
        Some(fault.help("leave the key out, or write \"members\" or \"lua\""))
    }

    /// What is wrong where the zone is signed here, and something else is sent of its pools than what is signed.
    pub(super) fn not_signed(&self, zone: &Table<'_>) -> Option<Diagnostic> {
        let value = zone.get("transfer-pools").filter(|_| self.pools != TransferPools::Members)?;
        let fault = value
            .fault("the zone is signed, and of its pools nothing but their members is signed for transfers");
        Some(fault.help("leave the key out, or write \"members\""))
    }

    /// Reads the keys of a zone; `credentials` are none where they are faulty.
    pub(super) fn read(
        zone: &Table<'_>,
        keys: &[TsigKey],
        credentials: Option<&Credentials>,
        found: &mut Diagnostics,
    ) -> Self {
        let allow =
            zone.get("allow-transfer").and_then(|value| allow(value, keys, found)).unwrap_or_default();
        let pools = zone.read("transfer-pools", found, |value| value.word(POOLS)).unwrap_or_default();
        let notify = zone.get("notify").and_then(|value| notify(value, keys, found)).unwrap_or_default();
        Self { allow, pools, notify, credentials: credentials.cloned().unwrap_or_default() }
    }
}

/// Entries; an empty list means what leaving the key out means.
fn allow(value: Value<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Vec<Allowed>> {
    let items = keep(value.items(), found)?;
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} entries")).help("name larger networks"));
        return None;
    }
    Some(items.into_iter().filter_map(|item| keep(allowed(item, keys), found)).collect())
}

/// Servers to tell.
fn notify(value: Value<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Vec<NotifiedServer>> {
    let items = keep(value.items(), found)?;
    if items.len() > NOTIFY_MAX {
        found.push(value.fault(format!("more than {NOTIFY_MAX} servers")));
        return None;
    }
    let mut servers: Vec<NotifiedServer> = Vec::new();
    for item in items {
        let Some(server) = keep(notified(item, keys), found) else { continue };
        // Told twice, it would ask twice; and which of two keys it knows is not for us to guess.
        if servers.iter().any(|known| known.remote.address == server.remote.address) {
            let fault = item.fault(format!("{} is named twice", server.remote.address));
            found.push(fault.help("leave one of them out"));
            continue;
        }
        servers.push(server);
    }
    Some(servers)
}

/// An address, with or without a port, or one over TLS, and a key or none.
fn notified(value: Value<'_>, keys: &[TsigKey]) -> Result<NotifiedServer, Diagnostic> {
    let text = value.text()?;
    let (mut remote, mut key) = (None, None);
    for word in text.split_whitespace() {
        let is_again = match word.strip_prefix(KEY_WORD) {
            Some(name) => key.replace(TsigKey::named(value, name, keys)?.name.clone()).is_some(),
            None => remote.replace(notified_remote(value, word)?).is_some(),
        };
        if is_again {
            let fault = value.fault("an entry has one address and one key at most");
            return Err(fault.help("write two entries"));
        }
    }
    let remote = remote.ok_or_else(|| {
        value.fault("an entry without an address").help("write \"192.0.2.53\" or \"192.0.2.53 key:NAME\"")
    })?;
    Ok(NotifiedServer { remote, key })
}

fn notified_remote(value: Value<'_>, text: &str) -> Result<Remote, Diagnostic> {
    let remote = Remote::read(value, text).map_err(|fault| match fault {
        RemoteFault::NoAddress => value.fault(format!("`{text}` is not an address")).help(
            "write \"192.0.2.53\", \"192.0.2.53:5353\", \"[2001:db8::53]:5353\" or \"tls://192.0.2.53#dns.example\"; \
             names are not looked up",
        ),
        RemoteFault::NoPort => value.fault("port 0 cannot be told anything"),
        RemoteFault::Other(fault) => fault,
    })?;
    if let Some(name) = remote.protocol.without_transfers() {
        let fault = value.fault(format!("nobody is told of zones over {name}"));
        return Err(fault.help("begin it with `tls://`, or with nothing for UDP"));
    }
    Ok(remote)
}
